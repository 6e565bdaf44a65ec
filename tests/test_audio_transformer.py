"""The network with a published ear: its weights, what training leaves alone, how they ship."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from unmask.detect.audio.frontends import RATE, complex_spectrum
from unmask.detect.audio.inference import CHUNK
from unmask.detect.audio.nets import STEP, Nets, features_of
from unmask.detect.audio.onnx_ear import OnnxEar
from unmask.detect.audio.speech_transformer import SpeechTransformer, published
from unmask.detect.audio.train import listen
from unmask.errors import WeightsError
from unmask.packing import packed, unpacked

CLOSE = {"rtol": 1e-3, "atol": 1e-4}
TRANSFORMER = "transformer_pool_attn.transformer."
THEIRS = {
    "ear.": "cnn.cnn.",
    "first_norm.": "transformer_pool_attn.norm_input.",
    "second_norm.": f"{TRANSFORMER}norm.",
    "join.": f"{TRANSFORMER}linear_proj.",
    "encoder.": f"{TRANSFORMER}transformer_encoder.",
}


@pytest.fixture(scope="module")
def net() -> SpeechTransformer:
    torch.manual_seed(0)
    made = SpeechTransformer().eval()
    made.second_norm.running_mean += 0.1  # so that no two parts are alike by chance
    return made


@pytest.fixture(scope="module")
def checkpoint(net: SpeechTransformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights under the published names, with a layer and a head that we have no place for."""
    model: dict[str, Tensor] = {}
    for name, tensor in net.state_dict().items():
        for ours, theirs in THEIRS.items():
            if name.startswith(ours):
                model[theirs + name.removeprefix(ours)] = tensor
    model[f"{TRANSFORMER}transformer_encoder.layers.6.linear1.weight"] = torch.zeros(400, 200)
    model["transformer_pool_attn.pool.linear1.weight"] = torch.zeros(2, 2)
    path = tmp_path_factory.mktemp("published") / "distill_mos.pt"
    torch.save({"model": model, "step": 1}, path)
    return path


def test_it_hears_as_the_published_weights_do(net: SpeechTransformer, checkpoint: Path) -> None:
    nets = Nets(["complex"]).eval()
    listen(nets, checkpoint)
    features = complex_spectrum(torch.randn(1, RATE))
    heard: list[Tensor] = []
    for one in (net, nets["complex"]):
        one.encoder.register_forward_hook(lambda _, __, out: heard.append(out))
        with torch.inference_mode():
            one(features)
    torch.testing.assert_close(heard[0], heard[1])
    assert not any(k.startswith(("head", "encoder.layers.6")) for k in published(checkpoint))


def test_other_files_are_refused(tmp_path: Path, checkpoint: Path) -> None:
    for data in (b"", b"no weights"):
        (tmp_path / "x.pt").write_bytes(data)
        with pytest.raises(WeightsError, match="DistillMOS"):
            published(tmp_path / "x.pt")
    torch.save({"state": {}}, tmp_path / "y.pt")
    with pytest.raises(WeightsError, match="DistillMOS"):
        published(tmp_path / "y.pt")
    with pytest.raises(WeightsError, match="complex alone"):
        listen(Nets(["fine"]), checkpoint)


def test_training_leaves_the_ear_alone() -> None:
    torch.manual_seed(1)
    nets = Nets(["complex"]).train()
    before = {k: v.clone() for k, v in nets.state_dict().items()}
    optimiser = torch.optim.AdamW(nets.parameters(), lr=1e-2, weight_decay=0.1)
    nets(features_of(("complex",), torch.randn(2, 4 * STEP)))["complex"].mean().backward()
    optimiser.step()
    moved = {k for k, v in nets.state_dict().items() if not torch.equal(v, before[k])}
    assert {k.split(".")[1] for k in moved} == {"encoder", "head"}


@pytest.mark.parametrize("samples", [12 * STEP, 12 * STEP + 1700, CHUNK])
def test_a_logit_stands_for_an_eighth_of_a_second(net: SpeechTransformer, samples: int) -> None:
    with torch.inference_mode():
        found = net(complex_spectrum(torch.randn(2, samples)))
    assert found.shape[1] in {samples // STEP, samples // STEP + 1}  # the last may be a part


def test_onnx_runtime_hears_the_same(net: SpeechTransformer) -> None:
    spectrum = complex_spectrum(torch.randn(2, RATE)).reshape(2, 161, 2, -1).transpose(1, 2)
    with torch.inference_mode():
        torch.testing.assert_close(OnnxEar(net.ear)(spectrum), net.ear(spectrum), **CLOSE)


def test_spectra_are_compressed_and_know_no_level() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(RATE) / RATE)[None]
    soft, loud = complex_spectrum(tone * 0.01), complex_spectrum(tone * 0.5)
    torch.testing.assert_close(soft, loud, rtol=1e-3, atol=1e-3)
    size = loud.reshape(161, 2, -1).square().sum(1).sqrt()[:, 50]
    assert size.argmax() == 20  # of 50 Hz
    # A tone of power 1 is 0.2 * sqrt(2) high, and the Hann window's sum is 160.
    assert float(size.max()) == pytest.approx((0.2 * 2**0.5 / 2 * 160) ** 0.3, rel=0.01)
    still = tone.clone()
    still[:, RATE // 2 :] *= 1e-5  # 100 dB lower: under the floor, and not raised by the power
    assert complex_spectrum(still)[..., -30:].abs().max() < 0.02


def test_weights_ship_in_eight_bits(net: SpeechTransformer) -> None:
    state = net.state_dict()
    small = packed(state)
    assert sum(v.nbytes for v in small.values()) < 0.3 * sum(v.nbytes for v in state.values())
    back = unpacked(small)
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            rows = tensor.flatten(1) if tensor.dim() > 1 else tensor[:, None]
            off = (back[name].reshape(rows.shape) - rows).abs().amax(1)
            assert (off <= rows.abs().amax(1) / 253 + 1e-6).all(), name
        else:
            assert torch.equal(back[name], tensor)
    twice = unpacked(packed(back))
    for name, tensor in back.items():
        torch.testing.assert_close(twice[name], tensor)
