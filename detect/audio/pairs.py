"""Pairs of real and synthetic speech to train on: as alike as they can be made.

Copy-synthesis of a real utterance meets that utterance at the same place (Wang and Yamagishi 2023,
"Spoofed training data for speech spoofing countermeasure can be efficiently created using neural
vocoders"); fakes without a recording of their own meet one of another speaker. Some fakes are
pasted into the real recording for part of the time, and as often a stretch of another real one is,
so that no seam stands for the label. Both of a pair then go through one and the same encoding.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from unmask.datasets.speech_encodings import Wave, draw_chain, encode, resampled
from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.frontends import HOP, RATE

FADE = 80  # samples of a seam: 5 ms
Labels = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """How pairs are made."""

    seconds: float = 2.4  # of a crop
    partial: float = 0.2  # of fakes: pasted into a real recording for part of the crop
    pasted: float = 0.1  # of reals: a stretch of another real one pasted in
    tilt: float = 3.0  # dB: deviation of a random smooth filter, the same for both
    encoded: float = 0.6  # of pairs: through a random chain of codecs, noise, rooms


def read_wave(path: Path) -> Wave:
    """A recording of a data set as (N,) mono at 16 kHz; read in this process: the data are ours.

    Raises ValueError where it holds no sound that can be decoded.
    """
    try:
        with av.open(str(path)) as container:
            rate = container.streams.audio[0].rate
            to_mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
            pieces = [p for f in container.decode(audio=0) for p in to_mono.resample(f)]
            pieces += to_mono.resample(None)
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} holds no sound that can be decoded.") from error
    samples = np.concatenate([p.to_ndarray()[0] for p in pieces]) if pieces else np.zeros(0)
    if not samples.size:
        raise ValueError(f"{path} holds no sound that can be decoded.")
    return resampled(np.asarray(samples, np.float32), rate, RATE)


class Pool:
    """The recordings of a split in memory as 16-bit samples, by what they can be paired with."""

    def __init__(self, data: Sequence[Utterance]) -> None:
        """Raises ValueError where a class is missing, or a file cannot be read."""
        self._waves: dict[Path, NDArray[np.int16]] = {}
        self._fakes: dict[str, list[Utterance]] = defaultdict(list)  # by family
        self._reals: dict[int, dict[str, list[Utterance]]] = {}  # by band, by corpus
        self._own: dict[str, Utterance] = {}  # by source
        for one in data:
            self._waves[one.path] = np.round(read_wave(one.path) * 32767).astype(np.int16)
            if one.fake:
                self._fakes[one.family].append(one)
            else:
                of_band = self._reals.setdefault(one.band, {})
                of_band.setdefault(one.corpus, []).append(one)
                self._own[one.source] = one
        if not self._reals or not self._fakes:
            raise ValueError("A training needs both real and synthetic recordings.")

    def wave(self, one: Utterance) -> Wave:
        """(N,) of a recording of the pool."""
        return np.asarray(self._waves[one.path], np.float32) / np.float32(32767)

    def draw(self, rng: np.random.Generator) -> tuple[Utterance, Utterance, bool]:
        """(real, fake, whether the fake was made of this real one); families come alike often."""
        fake = _one(self._fakes[_one(sorted(self._fakes), rng)], rng)
        own = self._own.get(fake.source)
        if own is not None:
            return own, fake, True
        return self.any_real(fake.band, rng), fake, False

    def any_real(self, band: int, rng: np.random.Generator) -> Utterance:
        """A real recording of this band, so that no band stands for the label; corpora alike often.

        Of any band where there is none of this one.
        """
        corpora = self._reals.get(band) or next(iter(self._reals.values()))
        return _one(corpora[_one(sorted(corpora), rng)], rng)


_Choice = TypeVar("_Choice")


def _one(choices: Sequence[_Choice], rng: np.random.Generator) -> _Choice:
    return choices[int(rng.integers(len(choices)))]


def cut(wave: Wave, start: int, length: int) -> Wave:
    """`length` samples from `start`; what is too short is repeated, so that no silence is added."""
    part = wave[start : start + length]
    if len(part) < length:
        part = np.resize(wave if len(part) < length // 2 else part, length)
    return part


def spoken_start(wave: Wave, length: int, rng: np.random.Generator) -> int:
    """Where a crop begins: drawn among the places that are loud enough to hold speech."""
    if len(wave) <= length:
        return 0
    starts = rng.integers(0, len(wave) - length + 1, size=4)
    power = [float(np.mean(np.square(wave[s : s + length]))) for s in starts]
    return int(starts[0] if power[0] > 0.2 * max(power) else starts[int(np.argmax(power))])


def pasted(into: Wave, other: Wave, rng: np.random.Generator) -> tuple[Wave, Labels]:
    """A quarter to three quarters of `other` in place of what `into` has there, and where: (N,).

    Both are (N,) and brought to one level; the seams are 5 ms cross-fades.
    """
    n = len(into)
    span = int(n * rng.uniform(0.25, 0.75))
    start = int(rng.integers(0, n - span + 1))
    part = np.zeros(n, np.float32)
    part[start : start + span] = 1
    seam = np.convolve(part, np.ones(FADE, np.float32) / FADE, mode="same")
    gain = np.sqrt((np.mean(np.square(into)) + 1e-9) / (np.mean(np.square(other)) + 1e-9))
    mixed = into * (1 - seam) + other * np.float32(gain) * seam
    return mixed.astype(np.float32), part


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A real and a synthetic crop of N samples after one encoding; labels of each 15 ms, 1 fake."""

    waves: Tensor  # (2, N) int16: real, fake
    labels: Tensor  # (2, N // HOP)
    own: bool  # the fake was made of this real recording


def make_pair(pool: Pool, mixture: Mixture, rng: np.random.Generator) -> Pair:
    """Draw and prepare one pair."""
    real_sample, fake_sample, own = pool.draw(rng)
    length = int(mixture.seconds * RATE) // HOP * HOP
    real, fake = pool.wave(real_sample), pool.wave(fake_sample)
    if own:
        common = min(len(real), len(fake))
        real, fake = real[:common], fake[:common]
    start = spoken_start(real, length, rng)
    real = cut(real, start, length)
    fake = cut(fake, start if own else spoken_start(fake, length, rng), length)
    spans = np.zeros(length, np.float32), np.ones(length, np.float32)
    if rng.random() < mixture.partial:
        fake, span = pasted(real, fake, rng)
        spans = spans[0], span
    if rng.random() < mixture.pasted:
        other = pool.wave(pool.any_real(real_sample.band, rng))
        real, _ = pasted(real, cut(other, spoken_start(other, length, rng), length), rng)
    gains = rng.normal(0, mixture.tilt, 6)
    chain = draw_chain(rng) if rng.random() < mixture.encoded else "clean"
    seed = int(rng.integers(2**31))
    both = [
        encode(at_level(filtered(wave, gains)), RATE, chain, seed=seed) for wave in (real, fake)
    ]
    labels = [span.reshape(-1, HOP).mean(1) for span in spans]
    waves = np.round(np.clip(np.stack(both), -1, 1) * 32767).astype(np.int16)
    return Pair(waves=torch.from_numpy(waves), labels=torch.from_numpy(np.stack(labels)), own=own)


def filtered(wave: Wave, decibels: ArrayLike) -> Wave:
    """(N,) through a filter without delay: `decibels` (K,) from 0 to 8 kHz, straight between.

    Nam et al. 2022, "FilterAugment": no microphone's colour may stand for the label.
    """
    gains = np.asarray(decibels, float)
    spectrum = np.fft.rfft(wave)
    places = np.linspace(0, len(gains) - 1, len(spectrum))
    curve = 10 ** (np.interp(places, np.arange(len(gains)), gains) / 20)
    return np.asarray(np.fft.irfft(spectrum * curve, len(wave)), np.float32)


def at_level(wave: Wave, rms: float = 0.05) -> Wave:
    """At -26 dB of full scale, where codecs and telephones expect speech."""
    return np.asarray(wave * (rms / np.sqrt(np.mean(np.square(wave)) + 1e-9)), np.float32)


class PairStream(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """Endless pairs: ((2, N) waves, (2, M) labels, () own). Pair i is the same for a seed and i.

    After `bank` pairs the same ones come again in another order: encoding costs as much as a step
    of the networks, which hide other parts of them each time.
    """

    def __init__(
        self, pool: Pool, mixture: Mixture, *, seed: int, start: int = 0, bank: int = 0
    ) -> None:
        """`bank` 0: no pair comes again."""
        self._pool, self._mixture, self._bank = pool, mixture, bank
        self._seed, self._start = seed, start
        self._kept: dict[int, Pair] = {}

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for number in count(self._start + first, step):
            pair = self._pair(number)
            yield pair.waves.float() / 32767, pair.labels, torch.tensor(pair.own)

    def _pair(self, number: int) -> Pair:
        if self._bank:
            turn, place = divmod(number, self._bank)
            order = np.random.default_rng([self._seed, turn, 1]).permutation(self._bank)
            number = int(order[place])
            if number in self._kept:
                return self._kept[number]
        pair = make_pair(self._pool, self._mixture, np.random.default_rng([self._seed, number]))
        if self._bank:
            self._kept[number] = pair
        return pair
