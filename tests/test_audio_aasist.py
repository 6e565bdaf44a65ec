"""AASIST as a peer: its filters, its parts by hand, and the published weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from unmask.detect.audio.aasist import (
    SAMPLES,
    Aasist,
    Attention,
    MixedAttention,
    Pool,
    aasist_score,
    load_aasist,
    sinc_filters,
)
from unmask.detect.audio.frontends import RATE
from unmask.errors import WeightsError

SMALL = {
    "filts": [70, [1, 4], [4, 4], [4, 6], [6, 6]],
    "gat_dims": [6, 4],
    "pool_ratios": [0.5, 0.7, 0.5, 0.5],
    "temperatures": [2.0, 2.0, 100.0, 100.0],
}


def drawn(net: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for one in net.parameters():
        nn.init.normal_(one, 0, 0.3)
    return net.eval()


def test_each_filter_passes_its_own_band() -> None:
    bank = sinc_filters()
    assert bank.shape == (70, 1, 129)
    spectrum = np.abs(np.fft.rfft(bank[:, 0].numpy(), 4096, axis=1))
    tops = spectrum.argmax(1) * RATE / 4096
    assert (np.diff(tops[10:]) > 0).all()  # the lowest are narrower than the filters resolve
    mel = 2595 * np.log10(1 + tops[20:-1] / 700)
    assert np.allclose(np.diff(mel).mean(), 2595 * np.log10(1 + 8000 / 700) / 70, rtol=0.05)


def test_attention_by_hand() -> None:
    layer = Attention(2, 2, temperature=2.0)
    drawn(layer)
    nodes = torch.randn(1, 3, 2)
    said = torch.zeros(3, 3)
    for i in range(3):
        for j in range(3):
            said[i, j] = (
                torch.tanh(layer.att_proj(nodes[0, i] * nodes[0, j])) @ layer.att_weight[:, 0]
            )
    share = torch.exp(said / 2) / torch.exp(said / 2).sum(0)
    wanted = layer.proj_with_att(share @ nodes[0]) + layer.proj_without_att(nodes[0])
    wanted = torch.selu(layer.bn(wanted))
    torch.testing.assert_close(layer(nodes)[0], wanted)


def test_two_kinds_of_nodes_meet_by_their_own_weights() -> None:
    layer = MixedAttention(4, 4, temperature=100.0)
    drawn(layer)
    first, second, master = torch.randn(2, 5, 4), torch.randn(2, 3, 4), torch.randn(2, 1, 4)
    out = layer(first, second, master)
    assert [tuple(o.shape) for o in out] == [(2, 5, 4), (2, 3, 4), (2, 1, 4)]
    with torch.no_grad():
        layer.att_weight22.zero_()  # type: ignore[operator]
    changed = layer(first, second, master)
    assert not torch.equal(out[1], changed[1])
    torch.testing.assert_close(out[2], changed[2])  # the master hears by weights of its own


def test_the_pool_keeps_the_nodes_of_the_highest_gate() -> None:
    pool = Pool(1, 0.5)
    with torch.no_grad():
        pool.proj.weight.fill_(1)
        pool.proj.bias.fill_(0)
    nodes = torch.tensor([[[0.0], [3.0], [-1.0], [1.0]]])
    wanted = torch.tensor([[3.0], [1.0]])
    torch.testing.assert_close(pool(nodes)[0], wanted * torch.sigmoid(wanted))


def test_weights_are_read_and_others_refused(tmp_path: Path) -> None:
    net = Aasist(SMALL)
    drawn(net)
    torch.save(net.state_dict(), tmp_path / "AASIST.pth")
    (tmp_path / "AASIST.conf").write_text(json.dumps({"model_config": SMALL}))
    read = load_aasist(tmp_path)
    wave = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
    whole = np.resize(wave, SAMPLES)
    assert aasist_score(read, wave) == pytest.approx(aasist_score(net, whole), rel=1e-5)
    assert aasist_score(read, wave) != aasist_score(read, -0.5 * wave[::-1])
    with pytest.raises(WeightsError):
        load_aasist(tmp_path, "AASIST-L")
    (tmp_path / "AASIST.conf").write_text(
        json.dumps({"model_config": {**SMALL, "gat_dims": [6, 8]}})
    )
    with pytest.raises(WeightsError):
        load_aasist(tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "size"), [("AASIST", 297_866), ("AASIST-L", 85_306)])
def test_the_published_network_has_the_papers_size(shared: Path, name: str, size: int) -> None:
    net = load_aasist(shared / "weights" / "aasist", name)
    assert sum(p.numel() for p in net.parameters()) == size
