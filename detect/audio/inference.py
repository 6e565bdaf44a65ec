"""The audio detector: networks look at a recording of any length, in bounded time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from unmask.card import Card, load_card
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.lcnn import TOP
from unmask.detect.audio.nets import STEP, Nets, features_of
from unmask.detect.audio.onnx_ear import quickened
from unmask.detect.audio.range import SpeechRange, summary
from unmask.detect.calibration import Calibration
from unmask.detect.inference import pick_device
from unmask.packing import unpacked
from unmask.sound import Region, Samples

WEIGHTS = Path(__file__).parents[1] / "weights" / "audio_detector.safetensors"
CHUNK = 66 * STEP  # samples that a network sees at once: 7.9 s
MOST_CHUNKS = 38  # five minutes: of longer recordings, chunks that are spread evenly
HALF = 0.5  # seconds between two values of a timeline
SPARSE = 4  # chunks; of more a slow network looks at every second one
_SLOW = frozenset({"complex"})
_BATCH = 8  # chunks at once

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the detector said of a recording."""

    score: float  # of its speech as a whole; above 0 leans to synthetic
    logits: Mapping[str, float]  # of each front end
    frames: Floats  # (M,) logits each 0.12 s; NaN where it did not look or nobody speaks
    covered: float  # part of the speech that was looked at


def chunk_starts(samples: int) -> list[int]:
    """Where chunks begin, each a multiple of STEP: all of them, or MOST_CHUNKS spread evenly."""
    if samples <= CHUNK:
        return [0]
    last = (samples - CHUNK) // STEP * STEP
    starts = [*range(0, last, CHUNK), last]
    if len(starts) <= MOST_CHUNKS:
        return starts
    spread = np.linspace(0, len(starts) - 1, MOST_CHUNKS).round().astype(int)
    return [starts[i] for i in spread]


def pool(frames: Floats, top: float = TOP) -> float:
    """As `lcnn.pooled`, of the (M,) frames that are not NaN; NaN where there is none."""
    seen = frames[np.isfinite(frames)]
    if not seen.size:
        return float("nan")
    count = max(1, round(top * seen.size))
    return (float(seen.mean()) + float(np.partition(seen, -count)[-count:].mean())) / 2


def half_seconds(frames: Floats) -> Floats:
    """(M,) frame logits -> (ceil(seconds / 0.5),) means of each half second; NaN where none is."""
    place = ((np.arange(len(frames)) + 0.5) * STEP / RATE / HALF).astype(int)
    known = np.isfinite(frames)
    size = int(place.max(initial=-1)) + 1
    total = np.bincount(place[known], frames[known], size)
    number = np.bincount(place[known], minlength=size)
    means: Floats = np.full(size, np.nan, np.float32)
    means[number > 0] = total[number > 0] / number[number > 0]
    return means


def spoken(count: int, regions: Sequence[Region]) -> NDArray[np.bool_]:
    """(count,) whether somebody speaks in the middle of each frame of 0.12 s."""
    middle = (np.arange(count) + 0.5) * STEP / RATE
    found = np.zeros(count, bool)
    for one in regions:
        found |= (middle >= one.start) & (middle < one.end)
    return found


class AudioDetector:
    """The networks, and the card that says what their answers are worth."""

    def __init__(self, nets: Nets, card: Card, reals: SpeechRange) -> None:
        self.nets, self.card, self.reals = nets.eval(), card, reals
        self.device = next(nets.parameters()).device
        self.calibration = {
            name: Calibration.load(card.calibration[name])
            for name in ("recording", "half_second")
            if name in card.calibration
        }

    @torch.inference_mode()
    def frames(self, wave: Samples) -> dict[str, Floats]:
        """(M,) frame logits of each front end, of (N,) at 16 kHz; NaN where it did not look."""
        count = max(1, len(wave) // STEP)
        found = {name: np.full(count, np.nan, np.float32) for name in self.nets}
        for name, net in self.nets.items():
            starts = chunk_starts(len(wave))
            if name in _SLOW and len(starts) > SPARSE:
                starts = starts[::2]
            for first in range(0, len(starts), _BATCH):
                places = starts[first : first + _BATCH]
                parts = np.stack([wave[s : s + CHUNK] for s in places])
                features = features_of((name,), torch.from_numpy(parts).to(self.device))[name]
                for start, values in zip(places, net(features).float().cpu().numpy(), strict=True):
                    room = found[name][start // STEP :][: len(values)]
                    room[:] = values[: len(room)]
        return found

    def mean(self, frames: Mapping[str, Floats]) -> Floats:
        """(M,) the mean of the networks that looked; NaN where none did."""
        every = np.stack(list(frames.values()))
        looked = np.isfinite(every)
        total = np.where(looked, every, 0).sum(0)
        return np.where(looked.any(0), total / np.maximum(looked.sum(0), 1), np.nan)

    def score(self, wave: Samples, regions: Sequence[Region] = ()) -> Scored:
        """Judge (N,) at 16 kHz by its speech: `regions` of it, or all of it where none is given."""
        frames = self.frames(wave)
        count = len(next(iter(frames.values())))
        speech = spoken(count, regions) if regions else np.ones(count, bool)
        if not speech.any():  # a region shorter than a frame
            speech[:] = True
        kept = {name: np.where(speech, values, np.nan) for name, values in frames.items()}
        mean = self.mean(kept)
        return Scored(
            score=pool(mean),
            logits={name: pool(values) for name, values in kept.items()},
            frames=mean.astype(np.float32),
            covered=float(np.isfinite(mean).sum() / speech.sum()),
        )

    def likeness(self, wave: Samples) -> float:
        """Share of real recordings that are at least as odd; small is out of range."""
        return self.reals.likeness(summary(wave[: 4 * CHUNK]))


@cache
def load_audio_detector(device: str = "auto", weights: Path = WEIGHTS) -> AudioDetector:
    """The shipped detector, loaded once a process and device.

    Raises WeightsError where the weights are missing or are not those of their card.
    """
    card = load_card(weights)
    tensors = load_file(weights)
    nets = Nets(card.calibration["front_ends"])
    kept = {k.removeprefix("nets."): v for k, v in tensors.items() if k.startswith("nets.")}
    nets.load_state_dict(unpacked(kept))
    nets.to(pick_device(device))
    return AudioDetector(quickened(nets), card, SpeechRange.of(tensors))
