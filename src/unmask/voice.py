"""Where somebody speaks, and why a recording is none that a detector of speech can judge.

The network is Silero VAD (Silero Team, 2021; version 6, MIT), as the package `silero-vad` brings
it. Only its ONNX file is used: importing the package would set torch to one thread for everybody.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from unmask.evidence import NotApplicable
from unmask.music import music_share
from unmask.sound import Region, Samples, resampled, runs

RATE = 16000  # Hz, of the network
FRAME, CONTEXT = 512, 64  # samples that it reads at once, and those before them
BLOCK = 1875  # frames of one call: a minute
LONGEST = 600.0  # seconds read in full; of longer sound, ten minutes spread evenly
SPEECH, SILENCE = 0.5, 0.35  # probability from which speech starts, and below which it ends
LEAST_SPEECH, LEAST_PAUSE, PAD = 0.25, 0.1, 0.03  # seconds

LEAST_RATE = 6000  # Hz; telephones have 8000
LEAST_SOUND = 1.0  # seconds of recording
ENOUGH = 1.0  # seconds of speech that a judgement needs
FAINT = 1e-3  # of full scale (-60 dB): below it a recording is silent


@cache
def _network() -> onnxruntime.InferenceSession:
    package = find_spec("silero_vad")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the package silero-vad is not installed")
    file = Path(package.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # it is recurrent
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def speech_probability(samples: Samples) -> NDArray[np.float32]:
    """P(speech) of every 32 ms of (samples,) at 16 kHz: (frames,) in [0, 1]."""
    count = -(-samples.size // FRAME)
    padded = np.zeros(CONTEXT + count * FRAME, np.float32)
    padded[CONTEXT : CONTEXT + samples.size] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
    state = {"h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}
    found = [np.zeros(0, np.float32)]
    for first in range(0, count, BLOCK):
        block = np.ascontiguousarray(frames[first : first + BLOCK])
        values, state["h"], state["c"] = _network().run(None, {"input": block, **state})
        found.append(values.reshape(-1))
    return np.concatenate(found)


def regions_of(probability: NDArray[np.float32], seconds: float) -> tuple[Region, ...]:
    """Stretches of speech of a recording of `seconds`, from P(speech) of every 32 ms.

    Speech goes on through what lies between the two thresholds and through pauses of 0.1 s.
    """
    step = FRAME / RATE
    quiet = runs(probability < SILENCE)
    quiet = quiet[(quiet[:, 1] - quiet[:, 0]) * step >= LEAST_PAUSE]
    edges = [0, *quiet.ravel().tolist(), probability.size]
    found = []
    for first, behind in zip(edges[::2], edges[1::2], strict=True):
        loud = np.flatnonzero(probability[first:behind] >= SPEECH)
        start = first + int(loud[0]) if loud.size else behind
        if (behind - start) * step >= LEAST_SPEECH:
            found.append(Region(max(0.0, start * step - PAD), min(seconds, behind * step + PAD)))
    return tuple(found)


def speech_regions(samples: Samples, rate: int) -> tuple[Region, ...]:
    """Where (samples,) in [-1, 1] at `rate` Hz hold speech; singing mostly counts as such.

    Of sound longer than ten minutes, ten separate minutes are read: the time is bounded.
    """
    total = samples.size / rate
    if total <= LONGEST:
        return regions_of(speech_probability(resampled(samples, rate, RATE)), total)
    found = []
    for start in np.linspace(0, total - 60, round(LONGEST / 60)):
        first = int(start * rate)
        part = samples[first : first + 60 * rate]
        heard = regions_of(speech_probability(resampled(part, rate, RATE)), part.size / rate)
        found += [Region(start + one.start, start + one.end) for one in heard]
    return tuple(found)


def speech_or_reason(samples: Samples, rate: int) -> tuple[Region, ...] | NotApplicable:
    """The stretches of speech, or the reason why there is too little of it to judge.

    Codes: low_rate, too_short, silence, music, no_speech, little_speech. Music counts, sung or
    under a voice, where it fills half of the recording. How many speak is asked in voices.py.
    """
    if rate < LEAST_RATE:
        return _reason("low_rate", f"Sampled at {rate} Hz, below a telephone: too coarse to judge.")
    seconds = samples.size / rate
    if seconds < LEAST_SOUND:
        return _reason("too_short", f"The recording lasts {seconds:.2f} s: too short to judge.")
    if float(np.abs(samples).max()) < FAINT:
        return _reason("silence", "The recording is silent.")
    if music_share(samples, rate) >= 0.5:
        return _reason("music", "Music fills it, which covers a voice or is sung to.")
    regions = speech_regions(samples, rate)
    spoken = sum(one.seconds for one in regions)
    if not regions:
        return _reason("no_speech", "Nobody speaks in it: noise or other sound.")
    if spoken < ENOUGH:
        text = f"Only {spoken:.1f} s of it are speech: too little to judge."
        return _reason("little_speech", text)
    return regions


def _reason(code: str, text: str) -> NotApplicable:
    return NotApplicable(code=code, text=text)
