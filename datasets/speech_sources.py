"""Where recordings of real speech come from: packages that anyone can fetch, and research folders.

Each source says who speaks, in which language, up to which frequency, and which split its speakers
are in. Splits are drawn by speaker; a language other than English is on one side as a whole.

    train        LibriSpeech (half its speakers), Dutch fish of fillets-ng, a Russian man (festvox),
                 Asterisk's English, Spanish and Russian prompts, two speakers of FSDD, volunteers
                 of KDE's games for children in most of their languages
    validation   LibriSpeech (a sixth), the Czech small fish, Asterisk's Italian, one of FSDD,
                 volunteers of KDE in six languages
    test         LibriSpeech (a third), the Czech large fish, Asterisk's French; the originals of
                 the HiFi-GAN demo (LJSpeech, VCTK) and of CycleGAN-VC2 (Mandarin)
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

from unmask.datasets.manifest import Split, draw
from unmask.datasets.photographs_archive import members
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.speech_signal import NARROW, SHORTEST, WIDE

_LIBRISPEECH = (0.5, 0.17)  # shares of speakers in train and validation
_CC = "CC BY-SA 3.0"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A recording as it is published, before anything is done to it."""

    name: str  # within its source
    data: bytes
    speaker: str
    language: str  # ISO 639-1
    split: Split


@dataclass(frozen=True, kw_only=True)
class Source:
    """A set of recordings. It is read from its package, or from a folder of the research data."""

    name: str
    language: str  # ISO 639; "": that of a file, by its name
    band: int  # Hz, WIDE or NARROW
    licence: str
    minutes: float  # that a corpus takes of each speaker by default
    where: Package | str  # a folder below the data root
    glob: str  # of file names
    who: Callable[[str], tuple[str, Split] | None]  # of a file's name; None: leave it out
    shortest: float = SHORTEST  # s, of an utterance
    joined: bool = False  # words too short for themselves become one utterance


def clips(source: Source, place: Path) -> Iterator[Clip]:
    """The recordings in an archive, or below the folder of the research data, in a fixed order.

    Raises ArchiveError, and FileNotFoundError where the folder is missing.
    """
    if isinstance(source.where, Package):
        found = members(place, lambda name: fnmatchcase(name, source.glob))
        files: Iterator[tuple[str, bytes]] = ((m.name, m.data) for m in found)
    else:
        folder = place / source.where
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder")
        paths = sorted(p for p in folder.rglob("*") if p.is_file())
        names = ((p.relative_to(folder).as_posix(), p) for p in paths)
        files = ((n, p.read_bytes()) for n, p in names if fnmatchcase(n, source.glob))
    for name, data in files:
        known = source.who(name)
        if known:
            speaker, split = known
            language = source.language or _language(name).split("_")[0]
            yield Clip(name=name, data=data, speaker=speaker, language=language, split=split)


def _one(name: str, *, speaker: str, split: Split) -> tuple[str, Split] | None:
    # Digits, letters and silences alone are no utterances.
    parts = PurePosixPath(name).parts
    return None if {"silence", "letters", "phonetic", "digits"} & set(parts) else (speaker, split)


def _fish(name: str, *, corpus: str, splits: tuple[Split, Split]) -> tuple[str, Split] | None:
    """The small ("m") and the large fish ("v") say most; who speaks the rest is not known."""
    if not (found := re.search(r"-([mv])-", PurePosixPath(name).name)):
        return None
    return f"{corpus}-{found[1]}", splits["mv".index(found[1])]


def _librispeech(name: str) -> tuple[str, Split] | None:
    speaker = f"librispeech-{name.split('-')[0]}"
    return speaker, draw(speaker, _LIBRISPEECH)


def _digits(name: str) -> tuple[str, Split] | None:
    speaker = name.split("_")[1]
    return f"fsdd-{speaker}", Split.VALIDATION if speaker == "theo" else Split.TRAIN


_VOLUNTEERS = frozenset({"el", "sl", "he", "hu", "it", "pt_BR"})  # whose languages validate


def _volunteer(name: str) -> tuple[str, Split] | None:
    """One voice a language, the same in both games. French and Czech are tested elsewhere.

    The Serbian words are few, and there four times.
    """
    language = _language(name)
    if language in {"fr", "cs"} or language.startswith("sr"):
        return None
    return f"kde-{language}", Split.VALIDATION if language in _VOLUNTEERS else Split.TRAIN


def _language(name: str) -> str:
    """Of a file of KDE: the folder below the game's."""
    parts = PurePosixPath(name).parts
    return parts[parts.index("share") + (3 if "ktuberling" in parts else 2)]


def _hifigan(name: str) -> tuple[str, Split] | None:
    """`{ss,ms}/real/*`: LJSpeech has one speaker; VCTK's are not named, so they count as one."""
    return ("ljspeech" if name.startswith("ss/") else "vctk"), Split.TEST


def _mandarin(name: str) -> tuple[str, Split] | None:
    return PurePosixPath(name).parts[1].lower(), Split.TEST


def _debian(name: str, version: str, licence: str, files: int, glob: str) -> Package:
    return Package(
        name=name,
        tool=Tool.APT,
        version=version,
        split=Split.TRAIN,  # by speaker: `Source.who` says
        globs=(glob,),
        pictures=files,  # recordings, here
        licence=licence,
        note="recordings of speech",
    )


def _asterisk(name: str, language: str, voice: str, split: Split, licence: str = _CC) -> Source:
    glob = "usr/share/asterisk/sounds/*.wav"
    package = f"asterisk-core-sounds-{name}-wav"
    return Source(
        name=f"asterisk-{name}",
        language=language,
        band=NARROW,
        licence=licence,
        minutes=2.5,
        where=_debian(package, "1.6.1-1", licence, 600, glob),
        glob=glob,
        who=partial(_one, speaker=f"asterisk-{voice}", split=split),
    )


def _fillets(language: str, splits: tuple[Split, Split], files: int) -> Source:
    name = f"fillets-{language}"
    glob = f"usr/share/games/fillets-ng/sound/*/{language}/*.ogg"
    return Source(
        name=name,
        language=language,
        band=WIDE,
        licence="GPL-2",
        minutes=3.5,
        where=_debian(f"fillets-ng-data-{language}", "1.0.1-1.1", "GPL-2", files, glob),
        glob=glob,
        who=partial(_fish, corpus=name, splits=splits),
    )


def _kde(name: str, glob: str, files: int) -> Source:
    return Source(
        name=name,
        language="",
        band=WIDE,
        licence="GPL-2+",
        minutes=0.6,
        where=_debian(f"{name}-data", "4:22.12.3-1", "GPL-2+", files, glob),
        glob=glob,
        who=_volunteer,
        joined=True,
    )


_RUSSIAN = "usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav/*.wav"
SOURCES = (
    Source(
        name="librispeech",
        language="en",
        band=WIDE,
        licence="CC BY 4.0",
        minutes=1.0,
        where="speech_librispeech",
        glob="*.flac",
        who=_librispeech,
    ),
    _fillets("nl", (Split.TRAIN, Split.TRAIN), 1620),
    _fillets("cs", (Split.VALIDATION, Split.TEST), 1885),
    Source(
        name="festvox-ru",
        language="ru",
        band=WIDE,
        licence="BSD-like (festlang)",
        minutes=4.0,
        where=_debian("festvox-ru", "0.5+dfsg-6", "BSD-like (festlang)", 620, _RUSSIAN),
        glob=_RUSSIAN,
        who=partial(_one, speaker="festvox-nsh", split=Split.TRAIN),
    ),
    _asterisk("en", "en", "allison", Split.TRAIN),
    _asterisk("es", "es", "allison", Split.TRAIN),
    _asterisk("ru", "ru", "ivrvoice", Split.TRAIN, "CC BY 3.0"),
    _asterisk("it", "it", "carlo", Split.VALIDATION),
    _asterisk("fr", "fr", "june", Split.TEST),
    # Words and letters by volunteers, each at home before a microphone of his or her own.
    _kde("ktuberling", "usr/share/ktuberling/sounds/*.ogg", 1228),
    _kde("klettres", "usr/share/klettres/*.ogg", 2007),
    Source(
        name="fsdd",
        language="en",
        band=NARROW,
        licence="CC BY-SA 4.0",
        minutes=0.8,
        where="speech_fsdd",
        glob="*.wav",
        who=_digits,
        joined=True,
    ),
    Source(
        name="hifigan-demo",
        language="en",
        band=WIDE,
        licence="LJSpeech: public domain; VCTK: CC BY 4.0",
        minutes=2.0,
        where="speech_hifigan_demo",
        glob="?s/real/*.wav",
        who=_hifigan,
    ),
    Source(
        name="cyclegan-vc2",
        language="zh",
        band=WIDE,
        licence="repository MIT; one voice is a public figure's: research only",
        minutes=2.0,
        where="speech_cyclegan_vc2",
        glob="real/*.wav",
        who=_mandarin,
        shortest=1.5,
    ),
)
