"""A sound to look at and to play: waveform above log-frequency spectrogram, stretches shaded."""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.signal import get_window

from unmask.report.chart import ticks
from unmask.report.clean import clean
from unmask.sound import Region, Samples, clock, resampled

WIDTH, WAVE, SPECTRUM = 960, 110, 260  # pixels: of both, height of the waveform, of the spectrogram
LOWEST, HIGHEST = 60.0, 20_000.0  # Hz
RANGE = 75.0  # dB from white to black
WINDOW = 0.046  # seconds of one spectrum
PER_COLUMN = 4  # spectra at most in one column: an hour is drawn as fast as a minute
RATES = (48_000, 24_000, 16_000, 8_000)  # Hz, of what is played

_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM, _ROW = 58, 12, 8, 8, 26, 34
_INK, _SOFT, _SHADE = (22, 24, 29), (120, 126, 138), (217, 89, 20)
_OPACITY = 0.3
_NAMED = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)  # Hz

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What reports show of a sound."""

    picture: Pixels  # (h, w, 3): waveform and spectrogram in grey, without words
    seconds: float
    top: float  # Hz at the upper edge of the spectrogram
    player: bytes  # a WAV of one channel; empty where it would be too large for a page


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Where one analysis found something in a sound."""

    title: str
    regions: tuple[Region, ...]


def heard(samples: Samples, rate: int, most: int = 1_000_000) -> Heard:
    """(samples,) in [-1, 1] at `rate` Hz, drawn; and to play, where that takes `most` bytes."""
    top = min(HIGHEST, rate / 2)
    picture = np.full((WAVE + _GAP + SPECTRUM, WIDTH), 255, np.uint8)
    picture[:WAVE] = waveform(samples)
    picture[WAVE + _GAP :] = spectrogram(samples, rate)
    return Heard(
        picture=np.repeat(picture[..., None], 3, axis=2),
        seconds=samples.size / rate,
        top=top,
        player=wav(samples, rate, most),
    )


def waveform(samples: Samples) -> Pixels:
    """(110, 960) grey: from the lowest to the highest sample of each column."""
    grey = np.full((WAVE, WIDTH), 255, np.uint8)
    grey[WAVE // 2] = 200
    if not samples.size:
        return grey
    starts = (np.arange(WIDTH) * samples.size // WIDTH).astype(np.intp)
    high, low = np.maximum.reduceat(samples, starts), np.minimum.reduceat(samples, starts)
    scale = max(float(np.abs(samples).max()), 1e-4)
    rows = np.arange(WAVE)[:, None]
    middle, half = (WAVE - 1) / 2, (WAVE - 4) / 2
    within = (rows >= np.floor(middle - high / scale * half)) & (
        rows <= np.ceil(middle - low / scale * half)
    )
    grey[within] = 60
    return grey


def spectrogram(samples: Samples, rate: int) -> Pixels:
    """(260, 960) grey, dark = loud: log frequency from 60 Hz (below) to 20 kHz or half the rate."""
    size = max(64, 2 ** round(np.log2(WINDOW * rate)))
    padded = np.pad(samples, (0, max(0, size - samples.size)))
    hop = max(size // 4, padded.size // (WIDTH * PER_COLUMN))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    shape = get_window("hann", size).astype(np.float32)
    power = np.empty((len(frames), size // 2 + 1), np.float32)
    for first in range(0, len(frames), 512):
        power[first : first + 512] = np.abs(np.fft.rfft(frames[first : first + 512] * shape)) ** 2
    columns = power[np.linspace(0, len(power) - 1, WIDTH).round().astype(int)]
    if len(power) > WIDTH:  # several in a column: the loudest of them
        starts = np.arange(WIDTH) * len(power) // WIDTH
        columns = np.maximum.reduceat(power, starts, axis=0)
    rows = _rows(columns, rate, size)
    level = 10 * np.log10(rows + 1e-12)
    white = max(float(np.percentile(level, 99.7)), -40.0) - RANGE
    grey = 255 - np.clip((level - white) / RANGE, 0, 1) * 235
    turned: Pixels = grey.T[::-1].round().astype(np.uint8)
    return turned


def _rows(columns: NDArray[np.float32], rate: int, size: int) -> NDArray[np.float32]:
    """(960, bins) as (960, 260) of log frequency: the mean of the bins of a row, or between two."""
    low = min(LOWEST, rate / 8)
    edges = np.geomspace(low, min(HIGHEST, rate / 2), SPECTRUM + 1) * size / rate
    centres = np.sqrt(edges[:-1] * edges[1:])
    below = np.clip(centres.astype(int), 0, columns.shape[1] - 2)
    part = np.clip(centres - below, 0, 1).astype(np.float32)
    between: NDArray[np.float32] = columns[:, below] * (1 - part) + columns[:, below + 1] * part
    wide = np.diff(edges) > 2
    if wide.any():
        sums = np.concatenate([np.zeros((len(columns), 1)), np.cumsum(columns, axis=1)], axis=1)
        first = np.clip(edges[:-1].astype(int), 0, columns.shape[1] - 1)
        behind = np.clip(edges[1:].astype(int), first + 1, columns.shape[1])
        between[:, wide] = ((sums[:, behind] - sums[:, first]) / (behind - first))[:, wide]
    return between


def wav(samples: Samples, rate: int, most: int) -> bytes:
    """A WAV of 16 bits at the highest rate up to 48 kHz that fits in `most` bytes; b"" if none."""
    for wanted in (min(rate, RATES[0]), *(r for r in RATES[1:] if r < rate)):
        if 2 * samples.size * wanted / rate + 44 <= most and wanted >= 3000:
            sound = resampled(samples, rate, wanted)
            buffer = io.BytesIO()
            with wave.open(buffer, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(wanted)
                file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
            return buffer.getvalue()
    return b""


def figure(sound: Heard, stretches: Sequence[Stretches] = ()) -> Pixels:
    """(H, W, 3): the picture with axes, the stretches shaded, and a row for each analysis."""
    shown = stretches[:8]
    height, width = sound.picture.shape[:2]
    canvas = np.full(
        (_TOP + height + _BOTTOM + _ROW * len(shown), _LEFT + width + _RIGHT, 3), 255, np.uint8
    )
    plot = sound.picture.astype(np.float32)
    covered = np.zeros(width, bool)
    for one in shown:
        for region in one.regions:
            covered[slice(*_columns(region, sound.seconds, width))] = True
    plot[:, covered] += (np.array(_SHADE, np.float32) - plot[:, covered]) * _OPACITY
    canvas[_TOP : _TOP + height, _LEFT : _LEFT + width] = plot.round().astype(np.uint8)
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    _axes(draw, sound, height, width)
    for row, one in enumerate(shown):
        _row(draw, one, sound.seconds, _TOP + height + _BOTTOM + _ROW * row, width)
    return np.asarray(image)


def _columns(region: Region, seconds: float, width: int) -> tuple[int, int]:
    scale = width / max(seconds, 1e-9)
    first = int(np.clip(region.start * scale, 0, width - 1))
    return first, int(np.clip(np.ceil(region.end * scale), first + 1, width))


def _axes(draw: ImageDraw.ImageDraw, sound: Heard, height: int, width: int) -> None:
    font = ImageFont.load_default(12)
    bottom = _TOP + height
    if sound.seconds > 0:
        for second in ticks(0, sound.seconds, 8):
            x = _LEFT + second / sound.seconds * width
            draw.line([(x, bottom), (x, bottom + 4)], fill=_SOFT)
            draw.text((x, bottom + 6), clock(second), fill=_INK, font=font, anchor="ma")
    low = min(LOWEST, sound.top / 4)
    for frequency in _NAMED:
        if low < frequency <= sound.top:
            y = bottom - np.log(frequency / low) / np.log(sound.top / low) * SPECTRUM
            text = f"{frequency // 1000} kHz" if frequency >= 1000 else f"{frequency} Hz"
            draw.line([(_LEFT - 4, y), (_LEFT, y)], fill=_SOFT)
            draw.text((_LEFT - 6, y), text, fill=_INK, font=font, anchor="rm")
    draw.text((_LEFT - 6, _TOP + WAVE / 2), "level", fill=_INK, font=font, anchor="rm")


def _row(draw: ImageDraw.ImageDraw, one: Stretches, seconds: float, top: int, width: int) -> None:
    font = ImageFont.load_default(12)
    draw.text((_LEFT, top), clean(one.title, 90), fill=_INK, font=font)
    draw.rectangle([(_LEFT, top + 17), (_LEFT + width, top + 27)], outline=_SOFT)
    for region in one.regions:
        first, behind = _columns(region, seconds, width)
        draw.rectangle([(_LEFT + first, top + 17), (_LEFT + behind, top + 27)], fill=_SHADE)
