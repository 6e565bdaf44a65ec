"""The expert of spectra: its windows, its map, and that it learns what up-sampling leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import paired_corpus, scene
from scipy.fft import dctn

from unmask.datasets.manifest import Split
from unmask.detect.experts import FORMS, as_experts
from unmask.detect.inference import pool
from unmask.detect.spectrum_net import LEAST, STEP, WINDOW, SpectrumNet
from unmask.detect.spectrum_train import train
from unmask.detect.tiles import cut
from unmask.detect.train import averaged
from unmask.media import open_media


def as_images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def test_windows_have_the_spectra_that_scipy_finds() -> None:
    pixels = scene(96, 128, seed=1)
    found = SpectrumNet().spectra(as_images(pixels))
    assert found.shape == (1, 2, 3, WINDOW * WINDOW)
    grey = pixels[STEP:, 2 * STEP :].astype(float) @ [0.299, 0.587, 0.114]
    expected = np.log10(np.abs(dctn(grey, norm="ortho")) + LEAST)
    assert np.abs(found[0, 1, 2].numpy().reshape(expected.shape) - expected).max() < 1e-2


def test_a_square_has_the_mean_of_the_windows_that_it_is_in() -> None:
    net = SpectrumNet()
    torch.nn.init.normal_(net.weight)
    images = as_images(scene(96, 128, seed=2))
    with torch.inference_mode():
        windows = net.spectra(images) @ net.weight
        found = net(images)
    assert found.shape == (1, 6, 8)
    assert torch.allclose(found[0, :2, :2], windows[0, 0, 0])
    assert torch.allclose(found[0, 2:4, 2:4], windows[0, :2, :2].mean(), atol=1e-4)
    assert torch.allclose(found[0, 4:, 2:4], windows[0, 1, :2].mean(), atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (70, 200), (500, 700), (1200, 900)])
def test_pictures_of_every_size_are_looked_at(size: tuple[int, int]) -> None:
    tiles = cut(scene(*size, seed=3))
    expert = as_experts({"spectrum": FORMS["spectrum"].build()})["spectrum"]
    found = tiles.assemble(expert.patches(tiles), expert.stride)
    assert found.shape == tiles.map_shape(16)
    assert np.isfinite(found).any()


def test_it_learns_what_decoders_leave(tmp_path: Path) -> None:
    data = paired_corpus(tmp_path)
    net = train(data, tmp_path / "spectrum.safetensors", pairs=60)
    state = averaged(tmp_path / "spectrum.safetensors")
    assert torch.equal(state["weight"], net.weight)
    expert = as_experts({"spectrum": net})["spectrum"]

    def logit(path: Path) -> float:
        tiles = cut(open_media(path).pixels)
        return pool(tiles.assemble(expert.patches(tiles), expert.stride), 0.0)

    for split in (Split.TRAIN, Split.VALIDATION):
        reals, fakes = (
            [logit(s.path) for s in data if s.split is split and s.fake is fake]
            for fake in (False, True)
        )
        assert np.mean(fakes) > np.mean(reals)
    with pytest.raises(ValueError, match="photograph"):
        train([], tmp_path / "none.safetensors")
