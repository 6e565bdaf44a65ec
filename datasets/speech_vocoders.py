"""The vocoders of copy-synthesis: a real utterance analysed and synthesised again.

Training on such pairs teaches a detector the traces of vocoders alone: speaker, words, level and
noise are the same on both sides (Wang and Yamagishi 2022, arXiv 2210.10570).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import RATE
from unmask.datasets.speech_source_filter import codec2, linear_prediction, sinusoidal, world
from unmask.datasets.speech_spectra import from_mel, griffin_lim, mel_filters, stft, stretched
from unmask.datasets.speech_vocoder import load_vocoder, revoice
from unmask.datasets.speech_vocoder_gan import GANS
from unmask.datasets.speech_vocoder_gans import copied, load_gan
from unmask.datasets.speech_vocoder_nets import NEURAL
from unmask.datasets.speech_vocoders_published import PUBLISHED, PublishedVocoder, copied_by

Vocode = Callable[[Wave], Wave]  # (N,) at 16 kHz -> about (N,), on the same time


@dataclass(frozen=True, kw_only=True)
class Vocoder:
    """One setting of a family."""

    family: str
    setting: str
    vocode: Vocode  # raises MissingEngineError where a library or a program is missing

    @property
    def name(self) -> str:
        return f"{self.family}:{self.setting}"


def from_magnitude(
    wave: Wave, *, n_fft: int, hop: int, iterations: int, momentum: float = 0.99
) -> Wave:
    """Griffin-Lim from the magnitude of every bin: only the phases are lost."""
    size = np.abs(stft(wave, n_fft, hop))
    return griffin_lim(size, n_fft, hop, len(wave), iterations=iterations, momentum=momentum)


def from_mel_bands(
    wave: Wave, *, mels: int, iterations: int, refine: int = 0, momentum: float = 0.99
) -> Wave:
    """Griffin-Lim from mel bands up to 8 kHz: harmonics that they do not resolve are lost too."""
    n_fft, hop = 1024, 256
    filters = mel_filters(RATE, n_fft, mels, 0.0, RATE / 2)
    size = from_mel(filters @ np.abs(stft(wave, n_fft, hop)), filters, refine=refine)
    return griffin_lim(size, n_fft, hop, len(wave), iterations=iterations, momentum=momentum)


def there_and_back(wave: Wave, *, factor: float, n_fft: int = 1024, locked: bool = False) -> Wave:
    """Stretched by a phase vocoder to `factor` of its length, and back."""
    once = stretched(wave, factor, n_fft=n_fft, locked=locked)
    back = stretched(once, len(wave) / len(once), n_fft=n_fft, locked=locked)
    return np.pad(back, (0, max(0, len(wave) - len(back))))[: len(wave)]


def _griffin_lim() -> list[Vocoder]:
    linear = {
        "linear1024-60": partial(from_magnitude, n_fft=1024, hop=256, iterations=60),
        "linear512-16": partial(from_magnitude, n_fft=512, hop=128, iterations=16),
        "linear1024-32-plain": partial(
            from_magnitude, n_fft=1024, hop=256, iterations=32, momentum=0.0
        ),
        "linear2048-8": partial(from_magnitude, n_fft=2048, hop=512, iterations=8),
        "mel80-32": partial(from_mel_bands, mels=80, iterations=32),
        "mel80-60-refined": partial(from_mel_bands, mels=80, iterations=60, refine=20),
        "mel128-16": partial(from_mel_bands, mels=128, iterations=16),
        "mel40-16-plain": partial(from_mel_bands, mels=40, iterations=16, momentum=0.0),
    }
    return [Vocoder(family="griffin-lim", setting=k, vocode=v) for k, v in linear.items()]


def _phase_vocoder() -> list[Vocoder]:
    return [
        Vocoder(family="phase-vocoder", setting=setting, vocode=vocode)
        for setting, vocode in {
            "stretch1.25": partial(there_and_back, factor=1.25),
            "stretch0.8": partial(there_and_back, factor=0.8),
            "stretch1.5-locked": partial(there_and_back, factor=1.5, locked=True),
            "stretch1.1-locked-512": partial(there_and_back, factor=1.1, n_fft=512, locked=True),
        }.items()
    ]


# Families that a copy is drawn from, whether or not this machine has them: what one machine lacks
# leaves a gap and does not change what the others make.
COPYING = (
    *("griffin-lim", "phase-vocoder", "world", "sinusoidal", "neural-transposed"),
    *("lpc", "neural-nearest", "codec2", "neural-istft"),
)
# One more copy of each recording is by one of these, of the class of HiFi-GAN.
GAN_COPYING = ("gan-transposed", "gan-nearest")
# And one by each of these, which others trained for longer than anybody could tell by ear.
PUBLISHED_COPYING = tuple(dict.fromkeys(one.family for one in PUBLISHED))
NARROW_ONLY = frozenset({"codec2"})  # families that copy telephone bandwidth alone
CLASSIC = (
    *_griffin_lim(),
    *_phase_vocoder(),
    Vocoder(family="world", setting="full", vocode=world),
    Vocoder(family="world", setting="coded24", vocode=partial(world, coded=24)),
    Vocoder(family="world", setting="coded60", vocode=partial(world, coded=60)),
    *(
        Vocoder(family="sinusoidal", setting=f"{n}", vocode=partial(sinusoidal, peaks=n))
        for n in (25, 40, 80)
    ),
    *(
        Vocoder(family="lpc", setting=f"{n}", vocode=partial(linear_prediction, order=n))
        for n in (12, 18, 26)
    ),
    *(
        Vocoder(family="codec2", setting=n, vocode=partial(codec2, mode=n))
        for n in ("3200", "2400", "1300")
    ),
)


def shipped_vocoders(downloads: Path) -> tuple[Vocoder, ...]:
    """All that a build uses: the classic ones, and the neural ones that come with unmask.

    A published generator is fetched into `downloads` when it first copies.
    """
    return (
        *CLASSIC,
        *(
            Vocoder(family=spec.family, setting=spec.setting, vocode=partial(_neural, name=name))
            for name, spec in NEURAL.items()
        ),
        *(
            Vocoder(
                family=spec.family,
                setting=spec.setting,
                vocode=partial(_gan, name=name),
            )
            for name, spec in GANS.items()
        ),
        *(
            Vocoder(
                family=one.family,
                setting=one.setting,
                vocode=partial(_published, vocoder=one, downloads=downloads),
            )
            for one in PUBLISHED
        ),
    )


def _neural(wave: Wave, *, name: str) -> Wave:
    return revoice(load_vocoder(name), wave)


def _gan(wave: Wave, *, name: str) -> Wave:
    return copied(load_gan(name), wave)


def _published(wave: Wave, *, vocoder: PublishedVocoder, downloads: Path) -> Wave:
    return copied_by(vocoder, wave, downloads)
