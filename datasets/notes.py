"""Single notes of many instruments, labelled by pitch, in NSynth's layout.

    python -m unmask.datasets.notes --soundfont FluidR3_GM.sf2 --out NOTES

renders them from a General MIDI sound font: Debian's package fluid-soundfont-gm has one under the
MIT licence. The real set of 305,979 notes (Engel et al. 2017, "Neural audio synthesis of musical
notes with WaveNet autoencoders"; CC BY 4.0) has the same layout and is read in the same way:

    wget http://download.magenta.tensorflow.org/datasets/nsynth/nsynth-train.jsonwav.tar.gz
"""

import argparse
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from unmask.errors import UnmaskError

Sound = NDArray[np.float32]  # (samples,) in [-1, 1]
LOWEST, HIGHEST = 24, 84  # MIDI pitches that GANSynth is trained on
FAMILIES = {  # of General MIDI, by the numbers of their programs, with NSynth's names
    "keyboard": range(8), "mallet": range(8, 16), "organ": range(16, 24), "guitar": range(24, 32),
    "bass": range(32, 40), "string": range(40, 52), "vocal": range(52, 55), "brass": range(56, 64),
    "reed": range(64, 72), "flute": range(72, 80),
}  # fmt: skip
_RELEASE = 0.25  # part of a note that sounds on after its key
_PEAK = 0.7


class NotesError(UnmaskError):
    """Notes that cannot be made or read."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """One recorded note."""

    path: Path
    pitch: int  # MIDI, 60 is middle C
    velocity: int  # 1 to 127
    instrument: str
    family: str


@dataclass(frozen=True, kw_only=True)
class NotesConfig:
    """What is rendered."""

    lowest: int = LOWEST
    highest: int = HIGHEST  # inclusive
    velocities: tuple[int, ...] = (100,)
    seconds: float = 1.0
    rate: int = 16_000  # Hz


def instruments() -> Iterator[tuple[str, int]]:
    """(family, program) of the instruments of General MIDI that hold a pitch."""
    for family, programs in FAMILIES.items():
        for program in programs:
            yield family, program


def render(soundfont: Path, out: Path, config: NotesConfig) -> int:
    """Write audio/*.wav and examples.json below `out`; how many notes there are.

    Each is one channel of 16 bits, at the same peak. Raises NotesError.
    """
    try:
        import tinysoundfont
    except ImportError as error:
        raise NotesError(
            "Rendering needs tinysoundfont: pip install --no-deps tinysoundfont"
        ) from error
    if not soundfont.is_file():
        raise NotesError(f"There is no sound font {soundfont}.")
    synth = tinysoundfont.Synth(samplerate=config.rate)
    try:
        font = synth.sfload(str(soundfont))
    except Exception as error:  # the library raises a plain Exception
        raise NotesError(f"{soundfont.name} is no sound font.") from error
    (out / "audio").mkdir(parents=True, exist_ok=True)
    about = {}
    for family, program in instruments():
        synth.program_select(0, font, 0, program)
        for pitch in range(config.lowest, config.highest + 1):
            for velocity in config.velocities:
                sound = _played(synth, pitch, velocity, config)
                if sound is None:
                    continue
                name = f"{family}_gm_{program:03d}-{pitch:03d}-{velocity:03d}"
                samples = (sound * 32767).round().astype(np.int16)
                wavfile.write(out / "audio" / f"{name}.wav", config.rate, samples)
                about[name] = {
                    "note_str": name, "pitch": pitch, "velocity": velocity,
                    "instrument_str": f"{family}_gm_{program:03d}",
                    "instrument_family_str": family, "sample_rate": config.rate,
                }  # fmt: skip
    (out / "examples.json").write_text(json.dumps(about, indent=1) + "\n")
    return len(about)


def _played(synth: "object", pitch: int, velocity: int, config: NotesConfig) -> Sound | None:
    """One note from silence to silence; None where the instrument has no such note."""
    held = round(config.seconds * (1 - _RELEASE) * config.rate)
    left = round(config.seconds * config.rate) - held
    synth.noteon(0, pitch, velocity)  # type: ignore[attr-defined]
    parts = [synth.generate(held)]  # type: ignore[attr-defined]
    synth.noteoff(0, pitch)  # type: ignore[attr-defined]
    parts.append(synth.generate(left))  # type: ignore[attr-defined]
    synth.sounds_off()  # type: ignore[attr-defined]
    synth.generate(config.rate // 20)  # type: ignore[attr-defined]
    stereo = np.concatenate([np.frombuffer(bytes(part), np.float32) for part in parts])
    sound = stereo.reshape(-1, 2).mean(1)
    fade = min(len(sound), config.rate // 50)
    sound[len(sound) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    peak = float(np.abs(sound).max())
    return None if peak < 1e-3 else np.asarray(sound * (_PEAK / peak), np.float32)


def notes(folder: Path, *, lowest: int = LOWEST, highest: int = HIGHEST) -> list[Note]:
    """The notes of a folder in NSynth's layout, by name. Raises NotesError without any."""
    listed = folder / "examples.json"
    try:
        about = json.loads(listed.read_text())
        found = [
            Note(
                path=folder / "audio" / f"{name}.wav",
                pitch=int(fields["pitch"]),
                velocity=int(fields["velocity"]),
                instrument=str(fields["instrument_str"]),
                family=str(fields["instrument_family_str"]),
            )
            for name, fields in sorted(about.items())
            if lowest <= int(fields["pitch"]) <= highest and Path(name).name == name
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotesError(f"{folder} holds no examples.json as NSynth has it.") from error
    if not found:
        raise NotesError(f"{folder} holds no notes of pitches {lowest} to {highest}.")
    return found


def read(note: Note, rate: int) -> Sound:
    """One channel at `rate` Hz. Raises NotesError for what is no WAV of 16 bits."""
    try:
        have, samples = wavfile.read(note.path)
    except (OSError, ValueError, struct.error) as error:
        raise NotesError(f"{note.path.name} cannot be read.") from error
    if samples.dtype != np.int16 or not len(samples):
        raise NotesError(f"{note.path.name} is no sound of 16 bits.")
    sound = samples.reshape(len(samples), -1).mean(1) / 32768
    if have != rate:
        shared = int(np.gcd(have, rate))
        sound = resample_poly(sound, rate // shared, have // shared)
    return np.asarray(sound, np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Render a set of notes."""
    parser = argparse.ArgumentParser(prog="python -m unmask.datasets.notes", description=__doc__)
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lowest", type=int, default=LOWEST)
    parser.add_argument("--highest", type=int, default=HIGHEST)
    parser.add_argument("--velocities", type=int, nargs="+", default=[100])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=16_000, help="Hz")
    asked = parser.parse_args(arguments)
    config = NotesConfig(
        lowest=asked.lowest, highest=asked.highest, velocities=tuple(asked.velocities),
        seconds=asked.seconds, rate=asked.rate,
    )  # fmt: skip
    try:
        count = render(asked.soundfont, asked.out, config)
    except NotesError as error:
        raise SystemExit(str(error)) from error
    print(f"{count} notes: {asked.out}")  # noqa: T201


if __name__ == "__main__":
    main()
