"""Patches, spectra and extractors of pictures."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from textures import blurred, squares, textures
from torch import Tensor, nn

from unmask.generate import distances, extractors
from unmask.generate.distances import (
    QualityError,
    frechet,
    neighbourhoods,
    pyramid,
    sliced_wasserstein,
    spectral,
    spectrum,
)
from unmask.generate.extractors import Extractor, ExtractorError, find


def test_a_pyramid_adds_up_to_its_picture() -> None:
    images = torch.rand(2, 3, 64, 70)
    levels = pyramid(images)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 70), (32, 35), (16, 18)]
    whole = levels[-1]
    for level in levels[-2::-1]:
        spread = torch.zeros_like(level)
        spread[..., ::2, ::2] = whole
        whole = level + distances._blurred(spread, 4)
    assert torch.allclose(whole, images, atol=1e-5)
    flat = pyramid(torch.full((1, 1, 32, 32), 0.5))
    assert flat[0].abs().max() < 1e-6
    assert torch.allclose(flat[1], torch.tensor(0.5))


def test_blur_shows_in_patches_spectrum_and_precision() -> None:
    real, held_out = textures(150, 0), textures(150, 1)
    fake = blurred(held_out)
    floor, blur = (sliced_wasserstein(real, x, np.random.default_rng(1)) for x in (held_out, fake))
    assert list(floor) == [32, 16]
    assert blur[32] > 2 * floor[32]
    assert blur[32] / floor[32] > 1.3 * blur[16] / floor[16]  # it is a matter of the fine level
    assert spectral(real, held_out) < 1 < 8 < spectral(real, fake)
    look = find("randomconv-v1")
    known, new, soft = (look(x) for x in (real, held_out, fake))
    assert neighbourhoods(known, soft).precision < neighbourhoods(known, new).precision - 0.2
    assert frechet(known, soft) > 5 * frechet(known, new)


def test_patches_do_not_care_for_contrast_and_brightness() -> None:
    real = textures(60, 0)
    plain, dull = (
        sliced_wasserstein(real, x, np.random.default_rng(1))
        for x in (textures(60, 1), textures(60, 1) * 0.3 + 0.4)
    )
    assert dull == pytest.approx(plain, rel=1e-3)


def test_a_spectrum_has_its_peak_where_the_waves_are() -> None:
    x = torch.arange(64) / 64 * 2 * torch.pi
    waves = torch.stack([(0.4 * torch.sin(k * x)).expand(1, 64, 64) for k in (10, 10, 10)])
    found = spectrum(waves)
    assert found.shape == (32,)
    assert found.argmax() == 9  # the first is one cycle
    assert spectrum(waves.transpose(2, 3)) == pytest.approx(found)
    assert found[9] - spectrum(waves / 2)[9] == pytest.approx(20 * np.log10(2), abs=0.01)
    blank = spectrum(torch.zeros(1, 3, 20, 16))
    assert blank == pytest.approx(10 * np.log10(distances.ROUNDING) * np.ones(8))


def test_a_checkerboard_of_up_sampling_shows_in_the_spectrum_alone() -> None:
    real, fake = textures(80, 0), textures(80, 1)
    fake = fake + 0.4 * (-1.0) ** torch.arange(32)
    assert spectral(real, fake) > 4 * spectral(real, textures(80, 1))
    assert np.argmax(spectrum(fake) - spectrum(real)) == 15  # the finest there is


def test_pictures_that_do_not_compare_are_refused() -> None:
    rng, images = np.random.default_rng(0), textures(8, 0)
    with pytest.raises(QualityError, match="do not compare"):
        sliced_wasserstein(images, images[:4], rng)
    with pytest.raises(QualityError, match="cannot be compared"):
        spectral(images, images.expand(-1, 3, -1, -1))
    with pytest.raises(QualityError, match="finite"):
        spectral(images, images * torch.nan)


def test_random_features_are_fixed_and_know_grey_from_colour() -> None:
    look = find("randomconv-v1")
    grey = textures(3, 0)
    assert look(grey).shape == (3, 384)
    assert np.array_equal(look(grey), find("randomconv-v1")(grey.expand(-1, 3, -1, -1)))
    # Figures of today and of years to come must be of the same features.
    found = look(torch.full((1, 1, 64, 64), 0.5))[0, 32:36]
    assert found == pytest.approx([1.44763, -0.17391, -0.23191, 1.31455], abs=1e-4)
    tinted = grey.expand(-1, 3, -1, -1) * torch.tensor([1.0, 0.5, 0.2]).view(1, 3, 1, 1)
    assert np.abs(look(tinted) - look(grey)).max() > 0.05
    assert np.array_equal(look(torch.full((1, 1, 8, 8), 3.0)), look(torch.ones(1, 1, 8, 8)))


def test_an_extractor_refuses_what_it_cannot_read_or_say() -> None:
    for network, images, word in (
        (squares, torch.zeros(2, 5, 8, 8), "1 or 3"),
        (squares, torch.zeros(0, 1, 8, 8), "1 or 3"),
        (nn.Identity(), torch.zeros(2, 1, 8, 8), "not \\(N, D\\)"),
        (lambda x: squares(x) / 0, torch.ones(2, 1, 8, 8), "not finite"),
    ):
        with pytest.raises(QualityError, match=word):
            Extractor(name="odd", network=network, about="")(images)


def test_extractors_are_found_by_name() -> None:
    with pytest.raises(ExtractorError, match="did you mean 'clfdigits-v1'"):
        find("clfdigits")
    with pytest.raises(ExtractorError, match="there are clfdigits-v1"):
        find("?")


def test_inception_is_handed_bytes_and_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    class Inception(nn.Module):
        def __init__(self, name: str, features: list[str], path: str | None) -> None:
            super().__init__()
            assert (name, features) == ("inception-v3-compat", ["2048"])
            if path is not None:
                raise OSError("no such file")

        def forward(self, images: Tensor) -> tuple[Tensor]:
            assert images.dtype == torch.uint8
            return (images.float().amax((2, 3)),)

    where = "torch_fidelity.feature_extractor_inceptionv3"
    monkeypatch.setitem(sys.modules, where, None)
    with pytest.raises(ExtractorError, match="pip install torch-fidelity"):
        find("inception-2048")
    module = ModuleType(where)
    module.FeatureExtractorInceptionV3 = Inception  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, where, module)
    look = find("inception-2048")
    levels = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
    assert look(levels).tolist() == [[0] * 3, [128] * 3, [255] * 3]
    with pytest.raises(ExtractorError, match="not to be had"):
        extractors.inception(Path("absent.pth"))
