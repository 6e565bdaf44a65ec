"""What else pairs are made by: simulators of up-sampling, blends, edits."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scenes import decoded, encoded, scene

from unmask.datasets import blending, upsampling
from unmask.errors import MediaError, Reason

Pixels = NDArray[np.uint8]


# Simulators


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_zero_insertion_leaves_its_peaks(factor: int, seed: int) -> None:
    real = scene(256, 256, seed)
    fake = upsampling.simulate_upsampling(
        real,
        np.random.default_rng(seed),
        how=upsampling.Interpolation.ZERO,
        factor=factor,
        strength=0.3,
    )
    assert fake.shape == real.shape
    before = upsampling.spectral_peaks(real.mean(2), factor)
    after = upsampling.spectral_peaks(fake.mean(2), factor)
    assert len(after) == factor**2 - 1
    assert max(before.values()) < 20
    assert min(after.values()) > 20
    assert np.median(list(after.values())) > 200
    quiet = upsampling.spectral_peaks(fake[:255, :255].mean(2), 3)  # no multiples of 1/factor
    assert max(quiet.values()) < 20


def test_an_uneven_overlap_shows_along_both_axes() -> None:
    rng = np.random.default_rng(0)
    how = upsampling.Interpolation.TRANSPOSED
    real = scene(256, 256)
    peaks = [
        upsampling.spectral_peaks(
            upsampling.simulate_upsampling(real, rng, how=how, strength=s).mean(2), 2
        )
        for s in (0.0, 0.05, 0.5)
    ]
    for at in ((0, 0.5), (0.5, 0)):
        assert peaks[0][at] < 20
        assert min(peaks[1][at], peaks[2][at]) > 1000


@pytest.mark.parametrize("how", upsampling.Interpolation)
@pytest.mark.parametrize("factor", [2, 4])
def test_simulators_keep_size_mean_and_blend(how: upsampling.Interpolation, factor: int) -> None:
    real = scene(131, 94) // 3 + 85  # nothing is cut off

    def simulated(blend: float) -> Pixels:
        rng = np.random.default_rng(5)
        return upsampling.simulate_upsampling(
            real, rng, how=how, factor=factor, blend=blend, strength=0.2
        )

    full, half = simulated(1.0), simulated(0.5)
    assert full.shape == real.shape
    assert np.array_equal(simulated(0.0), real)
    assert abs(full.mean() - real.mean()) < 1.5
    assert np.abs(half - (real.astype(float) + full) / 2).max() <= 1
    cells = [  # what is in the picture stays
        upsampling.shrink(p[:128, :92].astype(float), 4).mean(2).ravel() for p in (full, real)
    ]
    assert np.corrcoef(*cells)[0, 1] > 0.9
    assert (full.astype(float) - real).std() > 1  # detail is gone


def test_up_sampling_by_copies_and_by_tents() -> None:
    rng = np.random.default_rng(0)
    small = rng.uniform(0, 255, (4, 5, 3))
    large = upsampling.insert_zeros(small, 2, upsampling.tent(2))
    assert large.shape == (8, 10, 3)
    assert np.allclose(large[::2, ::2], small)
    assert np.allclose(large[1:-1:2, ::2], (small[:-1] + small[1:]) / 2)
    flat = upsampling.insert_zeros(np.full((4, 4, 1), 7.0), 4, upsampling.tent(4))
    assert np.allclose(flat, 7)
    assert np.allclose(upsampling.shrink(small.repeat(2, 0).repeat(2, 1), 2), small)


def test_unknown_factors_and_blends_are_refused() -> None:
    rng, how = np.random.default_rng(0), upsampling.Interpolation.NEAREST
    for options in ({"factor": 3}, {"blend": 1.2}, {"blend": -0.1}):
        with pytest.raises(ValueError, match="is not"):
            upsampling.simulate_upsampling(scene(64, 64), rng, how=how, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40)])
def test_the_smallest_pictures(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 100, np.uint8)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        assert upsampling.random_simulation(pixels, rng).shape == pixels.shape
        for edited in (
            blending.self_blend(pixels, rng),
            blending.replace_region(pixels, pixels, rng),
            blending.fill_hole(pixels, rng),
        ):
            assert edited.pixels.shape == pixels.shape
            assert edited.mask.shape == shape


# Blends


@pytest.mark.parametrize("shape", [(64, 80), (61, 75)])
def test_a_blend_ends_in_the_one_or_the_other(shape: tuple[int, int]) -> None:
    real, fake = scene(*shape, 0), scene(*shape, 1)
    for blend in (blending.pixel_blend, blending.dct_blend):
        assert np.array_equal(blend(real, fake, 0.0), real)
        assert np.array_equal(blend(real, fake, 1.0), fake)
        middle = (real.astype(float) + fake) / 2
        assert np.abs(blend(real, fake, 0.5) - middle).max() <= 1
        with pytest.raises(ValueError, match="sizes differ"):
            blend(real, fake[1:], 0.5)


def test_a_dct_blend_goes_by_frequency() -> None:
    real, fake = (scene(64, 64, seed) // 3 + 85 for seed in (0, 1))  # nothing is cut off
    weight = np.zeros((8, 8))
    weight[0, 0] = 1  # the means of the blocks alone
    mixed = blending.dct_blend(real, fake, weight)

    def means(pixels: Pixels) -> NDArray[np.float64]:
        return pixels.reshape(8, 8, 8, 8, 3).mean((1, 3))

    assert np.abs(means(mixed) - means(fake)).max() < 0.6
    detail = [p.astype(float) - means(p).repeat(8, 0).repeat(8, 1) for p in (mixed, real)]
    assert np.abs(detail[0] - detail[1]).max() < 1.1
    band = blending.random_band(np.random.default_rng(0))
    assert band[7, 7] > band[0, 0]
    assert (np.diff(band, axis=0) > 0).all()


def tables(data: bytes) -> tuple[dict[int, list[int]], object]:
    with Image.open(io.BytesIO(data)) as image:
        return image.quantization, [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]


@pytest.mark.parametrize("quality", [35, 92])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_the_reals_own_tables(quality: int, subsampling: int) -> None:
    real_file = encoded(scene(64, 64), quality=quality, subsampling=subsampling)
    fake = scene(64, 64, 1)
    file = blending.encode_as(fake, real_file)
    assert tables(file) == tables(real_file)
    expected = decoded(encoded(fake, quality=quality, subsampling=subsampling))
    assert np.array_equal(blending.own_quality_jpeg(fake, real_file), expected)


def test_only_a_jpeg_has_tables() -> None:
    for data in (encoded(scene(32, 32), format="PNG"), b"", b"\xff\xd8\xff"):
        with pytest.raises(MediaError) as caught:
            blending.own_quality_jpeg(scene(32, 32), data)
        assert caught.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("seed", range(8))
def test_an_edit_stays_inside_its_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    real, fake = scene(120, 160, 0), scene(120, 160, 1)
    replaced = blending.replace_region(real, fake, rng)
    filled = blending.fill_hole(real, rng)
    for edited in (replaced, filled):
        untouched = edited.mask == 0
        assert np.array_equal(edited.pixels[untouched], real[untouched])
        assert (edited.pixels != real)[edited.mask > 0.9].mean() > 0.5
        assert 0 < edited.mask.mean() < 0.6
    assert np.array_equal(replaced.pixels[replaced.mask == 1], fake[replaced.mask == 1])


def test_a_self_blend_differs_by_its_mask() -> None:
    real = scene(120, 160)
    kept = []
    for seed in range(20):
        edited = blending.self_blend(real, np.random.default_rng(seed))
        again = blending.self_blend(real, np.random.default_rng(seed))
        assert np.array_equal(edited.pixels, again.pixels)
        assert edited.pixels.shape == real.shape
        assert 0 <= edited.mask.min() < edited.mask.max() <= 1
        kept.append(np.array_equal(edited.pixels[edited.mask == 0], real[edited.mask == 0]))
        assert not np.array_equal(edited.pixels, real)
    assert 3 < sum(kept) < 17  # now the inside is the changed one, now the outside


def test_masks_are_soft_and_of_many_sizes() -> None:
    masks = [blending.soft_mask((90, 120), np.random.default_rng(s)) for s in range(30)]
    covered = [float(m.mean()) for m in masks]
    assert min(covered) < 0.1
    assert 0.2 < max(covered) < 0.6
    assert all(((m > 0) & (m < 1)).mean() > 0.005 for m in masks)
