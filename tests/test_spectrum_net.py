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
from unmask.detect.spectrum_net import FEATURES, LEAST, STEP, WINDOW, SpectrumNet
from unmask.detect.spectrum_train import train
from unmask.detect.tiles import cut
from unmask.detect.train import averaged
from unmask.media import open_media


def as_images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def test_windows_have_the_spectra_that_scipy_finds() -> None:
    pixels = scene(192, 256, seed=1)
    net = SpectrumNet()
    found = net.logs(as_images(pixels))
    assert found.shape == (1, 2, 3, WINDOW * WINDOW)
    grey = pixels[STEP:, 2 * STEP :].astype(float) @ [0.299, 0.587, 0.114]
    expected = np.log10(np.abs(dctn(grey, norm="ortho")) + LEAST)
    assert np.abs(found[0, 1, 2].numpy().reshape(expected.shape) - expected).max() < 1e-2
    features = net.features(found)
    assert features.shape == (1, 2, 3, FEATURES)
    turned = ((expected + expected.T) / 2)[np.triu_indices(WINDOW)]
    assert np.abs(features[0, 1, 2].numpy() - turned).max() < 1e-2


def test_a_picture_on_its_side_has_the_same_features() -> None:
    net, pixels = SpectrumNet(), scene(128, 128, seed=4)
    found = net.features(net.logs(as_images(pixels)))
    turned = net.features(net.logs(as_images(pixels.transpose(1, 0, 2))))
    assert torch.allclose(found, turned, atol=1e-2)


def test_a_small_picture_is_mirrored_up_to_a_window() -> None:
    net, pixels = SpectrumNet(), scene(64, 96, seed=5)
    larger = np.pad(pixels, ((0, 64), (0, 32), (0, 0)), mode="symmetric")
    assert torch.equal(net.logs(as_images(pixels)), net.logs(as_images(larger)))


@torch.inference_mode()
def test_a_square_has_the_mean_of_the_windows_that_it_is_in() -> None:
    net = SpectrumNet()
    images = as_images(scene(192, 256, seed=2))
    features = net.features(net.logs(images))[0]
    all_six, left_four = features.mean((0, 1)), features[:, :2].mean((0, 1))
    middle, left = net.judge(all_six), net.judge(left_four)  # a window's is with those around it
    found = net(images)
    assert found.shape == (1, 12, 16)
    assert torch.allclose(found[0, :, :4], left, atol=1e-4)
    assert torch.allclose(found[0, :, 4:8], (left + middle) / 2, atol=1e-4)


@torch.inference_mode()
def test_windows_of_many_tiles_do_not_overlap() -> None:
    net = SpectrumNet()
    images = torch.cat([as_images(scene(512, 512, seed=n)) for n in (6, 7)])
    features = net.features(net.logs(images, WINDOW))
    assert features.shape == (2, 4, 4, FEATURES)
    found = net(images)
    assert found.shape == (2, 32, 32)
    assert torch.allclose(found[1, :8, :8], net.judge(features[1, :2, :2].mean((0, 1))), atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (70, 200), (500, 700), (1200, 900)])
def test_pictures_of_every_size_are_looked_at(size: tuple[int, int]) -> None:
    tiles = cut(scene(*size, seed=3))
    expert = as_experts({"spectrum": FORMS["spectrum"].build()})["spectrum"]
    found = tiles.assemble(expert.patches(tiles), expert.stride)
    assert found.shape == tiles.map_shape(16)
    assert np.isfinite(found).any()


def test_it_learns_what_decoders_leave(tmp_path: Path) -> None:
    data = paired_corpus(tmp_path)
    net = train(data, tmp_path / "spectrum.safetensors", pairs=60, epochs=40)
    state = averaged(tmp_path / "spectrum.safetensors")
    assert torch.equal(state["first.weight"], net.first.weight)
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
