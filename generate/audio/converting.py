"""A recording in another voice: its spectrogram through a trained converter, then a vocoder.

A converter was trained on two voices, and works relative to what it knows of them: what somebody
else says is taken for the voice that it is to change.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import RATE
from unmask.errors import MediaError, Reason, UnmaskError
from unmask.generate.audio.mels import LogMels, analyse, levelled, synthesise
from unmask.generate.game import OptionError
from unmask.generate.games.voices import WAYS, Statistics, VoiceGame
from unmask.generate.trained import Trained
from unmask.media import Media
from unmask.sound import mono, resampled

SHORTEST = 0.64  # s: a training example
_SILENT = 1e-4  # RMS of full scale
OTHER = {"a": "b", "b": "a"}


class ConversionError(UnmaskError):
    """A recording that cannot be converted: too short, or silent."""


def voice_game(trained: Trained) -> VoiceGame:
    """The game, if it converts voices. Raises OptionError."""
    if not isinstance(trained.game, VoiceGame):
        raise OptionError(f"{trained.entry.name} converts no voices.")
    return trained.game


def speech_of(media: Media, name: str) -> Wave:
    """(N,) at 16 kHz: the sound of a recording or a clip. Raises MediaError, by its name."""
    if media.waveform is None or not media.sample_rate:
        raise MediaError(Reason.NO_STREAM, f"{name} has no sound.")
    return resampled(mono(media.waveform), media.sample_rate, RATE)


def convert(game: VoiceGame, wave: Wave, to: str, *, chunk: int = 256, overlap: int = 64) -> Wave:
    """(N,) at 16 kHz in [-1, 1] -> (N,), as loud, in the voice "a" or "b".

    The other voice is what it is converted from. Long recordings go in chunks of `chunk` frames of
    10 ms that fade into each other over `overlap`. Raises ConversionError, OptionError.
    """
    even, gain = _checked(wave)
    made = converted_mel(game, analyse(even), to, chunk=chunk, overlap=overlap)
    return _loud(synthesise(made, len(wave)), even, gain)


def there_and_back(game: VoiceGame, wave: Wave, by: str) -> Wave:
    """(N,) converted to the voice `by` and back, as `convert` does: what the cycle loses."""
    even, gain = _checked(wave)
    made = converted_mel(game, converted_mel(game, analyse(even), by), OTHER[by])
    return _loud(synthesise(made, len(wave)), even, gain)


def copied(wave: Wave) -> Wave:
    """(N,) through the vocoder alone: as good as a conversion can sound."""
    even, gain = _checked(wave)
    return _loud(synthesise(analyse(even), len(wave)), even, gain)


def shifted(game: VoiceGame, wave: Wave, to: str) -> Wave:
    """(N,) with each mel band moved to the other voice's mean and deviation, without a network.

    What a converter begins from, and has to improve on.
    """
    even, gain = _checked(wave)
    mean, deviation, new_mean, new_deviation = _statistics(game, to)
    made = (analyse(even) - mean) / deviation * new_deviation + new_mean
    return _loud(synthesise(np.asarray(made, np.float32), len(wave)), even, gain)


@torch.inference_mode()
def converted_mel(
    game: VoiceGame, mel: LogMels, to: str, *, chunk: int = 256, overlap: int = 64
) -> LogMels:
    """(80, T) log mel bands of one voice -> (80, T) of "a" or "b". Raises OptionError."""
    if to not in WAYS:
        raise OptionError(f"There are the voices a and b, not {to!r}.")
    if chunk % 8 or chunk < game.size.frames or not 0 <= 2 * overlap <= chunk:
        raise OptionError("A chunk is a multiple of 8 frames, and overlaps by half at most.")
    mean, deviation, new_mean, new_deviation = _statistics(game, to)
    given = (mel - mean) / deviation
    net = game.generator[WAYS[to]]
    device = next(net.parameters()).device
    frames = mel.shape[1]
    total, weights = np.zeros_like(given), np.zeros((1, frames), np.float32)
    for start in _starts(frames, chunk, overlap):
        part = given[:, start : start + chunk]
        length = part.shape[1]
        whole = np.pad(part, ((0, 0), (0, _room(length, game.size.frames))), mode="symmetric")
        inputs = torch.from_numpy(whole.astype(np.float32))[None].to(device)
        made = net(inputs, torch.ones_like(inputs))[0].cpu().numpy()[:, :length]
        weight = _ramp(length, overlap)
        total[:, start : start + length] += made * weight
        weights[:, start : start + length] += weight
    return np.asarray(total / weights * new_deviation + new_mean, np.float32)


def _statistics(game: VoiceGame, to: str) -> tuple[NDArray[np.float32], ...]:
    """(80, 1) mean and deviation of the voice that is converted, and of the one `to`."""
    held = game.generator["statistics"]
    assert isinstance(held, Statistics)
    return tuple(values.cpu().numpy() for voice in (OTHER[to], to) for values in held.of(voice))


def _checked(wave: Wave) -> tuple[Wave, float]:
    """The recording as networks know speech, and its gain. Raises ConversionError."""
    if wave.ndim != 1 or len(wave) < SHORTEST * RATE:
        raise ConversionError(f"A voice is converted from {SHORTEST} s of it on.")
    if not np.isfinite(wave).all() or np.sqrt(np.mean(np.square(wave, dtype=float))) < _SILENT:
        raise ConversionError("The recording is silent.")
    return levelled(wave)


def _loud(made: Wave, even: Wave, gain: float) -> Wave:
    """At the level of the recording, which `gain` restores to `even`."""
    power = float(np.sqrt(np.mean(np.square(made, dtype=float))))
    wanted = float(np.sqrt(np.mean(np.square(even, dtype=float)))) * gain
    peak = float(np.abs(made).max())
    return np.asarray(made * min(wanted / max(power, 1e-9), 1 / max(peak, 1e-9)), np.float32)


def _starts(length: int, chunk: int, overlap: int) -> list[int]:
    """Where chunks begin that cover a length; the last ends with it."""
    if length <= chunk:
        return [0]
    return [*range(0, length - chunk, chunk - overlap), length - chunk]


def _room(length: int, least: int) -> int:
    """Frames to add, to a multiple of 8 that is long enough."""
    return max(least, -(-length // 8) * 8) - length


def _ramp(length: int, overlap: int) -> NDArray[np.float32]:
    """(1, length) up over `overlap` frames, 1, and down again; never 0."""
    place = np.arange(1, length + 1)
    nearest = np.minimum(place, length + 1 - place)
    return np.asarray(np.minimum(nearest / (overlap + 1), 1.0)[None], np.float32)
