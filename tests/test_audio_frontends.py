"""Front ends of the audio detector, against SciPy and calculations by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.signal import stft

from unmask.detect.audio.frontends import (
    FLOOR,
    FRONT_ENDS,
    RATE,
    constant_q,
    dct_matrix,
    deltas,
    fine_structure,
    levelled,
    lfcc,
    linear_filters,
    log_filters,
    log_linear,
    power_spectrum,
)

NOISE = torch.from_numpy(np.random.default_rng(0).normal(size=(2, RATE)).astype(np.float32))


def tone(hertz: float) -> torch.Tensor:
    time = torch.arange(RATE) / RATE
    return torch.sin(2 * math.pi * hertz * time)[None]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_shapes_are_as_stated(name: str) -> None:
    front = FRONT_ENDS[name]
    assert front.features(NOISE).shape == (2, front.rows, RATE // front.hop + 1)


def test_power_spectrum_is_scipys() -> None:
    found = power_spectrum(NOISE, window=400, hop=160, n_fft=512)[0].numpy()
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    _, _, wanted = stft(
        NOISE[0].numpy(), nperseg=512, noverlap=352, window=window, boundary="zeros", padded=False,
        detrend=False,
    )  # fmt: skip
    power = np.abs(wanted * window.sum()) ** 2 / (window**2).sum()
    assert found.shape == (257, 101)
    np.testing.assert_allclose(found[:, :98], power[:, :98], rtol=1e-3, atol=1e-4)


def test_white_noise_has_its_variance_in_every_bin() -> None:
    power = power_spectrum(3 * NOISE, window=400, hop=160, n_fft=512)[:, 5:250]
    assert float(power.mean()) == pytest.approx(9, rel=0.05)


def test_the_cosine_transform_is_scipys() -> None:
    values = np.random.default_rng(1).normal(size=70)
    found = dct_matrix(20, 70).numpy() @ values
    np.testing.assert_allclose(found, dct(values, norm="ortho")[:20], atol=1e-5)


def test_slopes_of_a_straight_line_are_its_slope() -> None:
    line = 3.0 * torch.arange(20.0)[None, None]
    found = deltas(line)[0, 0]
    assert torch.allclose(found[2:-2], torch.full((16,), 3.0))
    # At the end by hand: (1 * (x1 - x0) + 2 * (x2 - x0)) / 10 of 0, 3, 6.
    assert float(found[0]) == pytest.approx((3 + 2 * 6) / 10)


@pytest.mark.parametrize("filters", [linear_filters(80, 512), log_filters(12, 100.0, 2048)])
def test_every_filter_has_area_one(filters: torch.Tensor) -> None:
    assert torch.allclose(filters.sum(1), torch.ones(len(filters)))
    assert (filters >= 0).all()


def test_a_tone_lights_the_band_that_it_lies_in() -> None:
    # 80 triangles between 82 edges from 0 to 8 kHz: the top of band i is (i + 1) * 8000 / 81.
    band = int(log_linear(tone(3000))[0].mean(1).argmax())
    assert band == round(3000 * 81 / 8000) - 1
    # Twelve bands an octave from 100 Hz.
    for hertz in (200.0, 800.0, 3200.0):
        row = int(constant_q(tone(hertz))[0].mean(1).argmax())
        assert row == round(12 * math.log2(hertz / 100))


@pytest.mark.parametrize("features", [lfcc, log_linear, constant_q])
def test_level_does_not_matter(features: object) -> None:
    assert callable(features)
    assert torch.allclose(features(NOISE), features(0.01 * NOISE), atol=0.02)


def test_silence_is_the_floor_and_nothing_below_is_seen() -> None:
    assert float(log_linear(torch.zeros(1, RATE)).abs().max()) < 1e-5
    half = tone(500)
    half[:, RATE // 2 :] = 0
    dithered = half + 1e-5 * NOISE[:1]
    gap = (log_linear(half) - log_linear(dithered)).abs()[:, :, -20:]
    assert float(gap.max()) < 0.01
    assert math.isclose(float(log_linear(half).max()), -math.log(FLOOR), rel_tol=0.35)


def test_short_and_silent_sound_keeps_its_shape() -> None:
    assert levelled(torch.zeros(1, 100)).shape == (1, 100)
    assert torch.isfinite(constant_q(torch.zeros(1, 2000))).all()


def test_fine_structure_forgets_the_envelope_and_keeps_the_harmonics() -> None:
    noise = NOISE[:1]
    spectrum = torch.fft.rfft(noise)
    slope = torch.linspace(0, 4, spectrum.shape[1]).exp()  # 35 dB from 0 to 8 kHz
    coloured = torch.fft.irfft(spectrum * slope, noise.shape[1])
    plain, other = fine_structure(noise), fine_structure(coloured)
    middle = slice(5, -5)
    assert (plain - other)[..., middle].abs().median() < 0.1
    assert (constant_q(noise) - constant_q(coloured))[..., middle].abs().median() > 0.5
    time = torch.arange(RATE) / RATE
    buzz = sum(torch.sin(2 * math.pi * 250 * k * time) for k in range(1, 20))
    assert isinstance(buzz, torch.Tensor)
    rows = fine_structure(buzz[None])[0, :, middle].mean(1)
    # Every eighth bin of 31.25 Hz, from 500 Hz, which is row 0.
    assert sorted(rows.topk(16).indices.tolist()) == list(range(0, 128, 8))
