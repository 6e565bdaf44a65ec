"""Recordings made ready: one channel at 16 kHz and one level, after an encoding."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unmask.datasets import loaders, speech_encodings
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Sample
from unmask.datasets.speech_encodings import EncodingError, encode
from unmask.datasets.speech_manifest import Utterance, read_speech
from unmask.detect.audio import leaks as probes
from unmask.detect.audio.pairs import at_level
from unmask.detect.audio.scoring import ENCODINGS
from unmask.detect.benchmarks.items import PEOPLE, Item, of_split, thinned
from unmask.detect.benchmarks.leaks import LYING
from unmask.detect.benchmarks.ready import RATE, Ready
from unmask.detect.evaluation.cache import Cache, Key
from unmask.detect.evaluation.selection import EvaluationError
from unmask.detect.evaluation.sources import hash_files
from unmask.errors import MediaError, Reason, UnmaskError
from unmask.media import open_media
from unmask.sound import Samples, mono, resampled

SHORTEST = 0.1  # seconds of a recording
STANDARD, FULL = "standard", "full"
_SHORT = {name.partition(":")[0]: name for name in ENCODINGS}  # mp3 -> mp3:64


def parse_encodings(given: Sequence[str]) -> tuple[str, ...]:
    """Names of `datasets.speech_encodings`, each once; "mp3" alone is "mp3:64".

    "standard" is the five of the audio detector's own results, "full" the whole grid. Raises
    EvaluationError.
    """
    found: list[str] = []
    for name in (part.strip() for text in given for part in text.split(",")):
        if name in (STANDARD, FULL):
            found += ENCODINGS if name == STANDARD else speech_encodings.GRID
            continue
        steps = [_SHORT.get(step.strip(), step.strip()) for step in name.split("+")]
        try:
            speech_encodings.parse("+".join(steps))
        except EncodingError as error:
            raise EvaluationError(f"--encode {name!r}: {error}.") from error
        found.append("+".join(steps))
    return tuple(dict.fromkeys(found))


def load_items(
    places: Sequence[str], split: str, limit: int | None
) -> tuple[tuple[Item, ...], list[str]]:
    """Recordings of the split, each file once, and warnings.

    Raises DatasetError, EvaluationError.
    """
    found: dict[Path, Item] = {}
    warnings = []
    for place in places:
        kept, more = of_split(_read(place), split, place, "recordings")
        warnings += more
        for one in thinned(kept, limit):
            assert one.path is not None
            known = found.setdefault(one.path.resolve(), one)
            if known.fake is not one.fake:
                raise EvaluationError(f"{one.path} is once real and once synthetic.")
    return tuple(found.values()), warnings


def _read(place: str) -> list[Item]:
    if loaders.convention_of(place) == "manifest":
        where = Path(place.partition(":")[2] if place.startswith("manifest:") else place)
        try:
            return [_item(one, one.family) for one in read_speech(where.expanduser())]
        except DatasetError as error:
            # A plain manifest of recordings has no columns of speech.
            if error.reason not in (DatasetReason.BAD_TABLE, DatasetReason.NOT_FOUND):
                raise
    return [_item(one, one.generator) for one in loaders.load(place, both_classes=False)]


def _item(one: Sample | Utterance, generator: str) -> Item:
    return Item(
        name=str(one.path),
        fake=one.fake,
        generator=generator if one.fake else PEOPLE,
        corpus=one.corpus,
        domain=one.corpus,
        source=one.source,
        split=one.split,
        path=one.path,
        codec=one.codec if isinstance(one, Sample) else "",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """The sound of a file, and what it said of itself."""

    wave: Samples  # (N,) at 16 kHz, as it lies
    rate: int  # Hz, of the file
    channels: int


class Speech:
    """Recordings as a detector is given them."""

    one, many = "recording", "recordings"
    real, fake = "real recordings", "synthetic recordings"

    def __init__(self, cache: Cache) -> None:
        implementation = hash_files([Path(__file__), Path(probes.__file__)])[:16]
        self._seen = cache.table(f"sounds-{implementation}")
        encodings = hash_files([Path(speech_encodings.__file__)])[:16]
        self._prepared = f"{implementation}-{encodings}"
        self._held: dict[Item, Decoded] = {}
        self._hashes: dict[Item, str] = {}
        self._broken: dict[Item, str] = {}

    def sha256(self, item: Item) -> str:
        """Of the file. Raises MediaError."""
        if item not in self._hashes:
            assert item.path is not None
            try:
                if not item.path.is_file():  # a pipe would be waited for
                    raise MediaError(Reason.NOT_FOUND, "There is no such file.")
                with item.path.open("rb") as file:
                    self._hashes[item] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                text = f"The file cannot be read: {error.strerror}."
                raise MediaError(Reason.UNREADABLE, text) from error
        return self._hashes[item]

    def key(self, item: Item, condition: str) -> Key:
        """What scores are kept by. Noise and rooms are drawn by the source. Raises MediaError."""
        return (self.sha256(item), "speech", self._prepared, condition, item.source)

    def ready(self, item: Item, condition: str) -> Ready:
        """Encoded, at one level. Raises MediaError."""
        wave = at_level(self._decode(item).wave)
        seed = int.from_bytes(hashlib.sha256(item.source.encode()).digest()[:4], "big")
        try:
            coded = encode(wave, RATE, condition, seed=seed)
        except (
            UnmaskError,
            ValueError,
            IndexError,
            ArithmeticError,
        ) as error:  # codecs have limits
            raise MediaError(Reason.CORRUPT, f"It could not be encoded: {error}") from error
        return Ready(wave=np.ascontiguousarray(coded), name=item.name)

    def features(self, item: Item, condition: str) -> Mapping[str, list[float]]:
        """What must not tell the classes apart, by probe. Raises MediaError.

        The file as it lies, whatever the condition: encodings and level are alike for all.
        """
        del condition
        key = (self.sha256(item),)
        found = self._seen.get(key)
        if found is None:
            found = seen(self._decode(item))
            self._seen.put([(key, found)])
        return {str(name): [float(v) for v in values] for name, values in found.items()}

    def amount(self, item: Item) -> float:
        """Seconds of sound."""
        return math.exp(self.features(item, "")[f"duration, {LYING}"][0])

    def forget(self) -> None:
        """Let the sound go; hashes stay."""
        self._held = {}

    def _decode(self, item: Item) -> Decoded:
        if item in self._broken:  # a minute of a hostile file is not spent under every encoding
            raise MediaError(Reason.CORRUPT, self._broken[item])
        if item not in self._held:
            try:
                self._held[item] = decoded(item, self.sha256(item))
            except MediaError as error:
                self._broken[item] = str(error)
                raise
        return self._held[item]


def decoded(item: Item, sha256: str) -> Decoded:
    """The sound of a file whose hash is known. Raises MediaError."""
    assert item.path is not None
    media = open_media(item.path)
    if media.sha256 != sha256:
        raise MediaError(Reason.CORRUPT, "The file was changed during the evaluation.")
    if media.waveform is None:
        raise MediaError(Reason.NO_STREAM, "The file holds no sound.")
    wave = resampled(mono(media.waveform), media.sample_rate, RATE)
    if len(wave) < SHORTEST * RATE:
        raise MediaError(Reason.EMPTY, f"There is less than {SHORTEST:g} s of sound.")
    if not np.isfinite(wave).all():
        raise MediaError(Reason.CORRUPT, "There are samples that are no numbers.")
    return Decoded(wave=wave, rate=media.sample_rate, channels=media.waveform.shape[1])


def seen(one: Decoded) -> dict[str, list[float]]:
    """Duration, level, silence and format of a file."""
    found = {
        "duration": [math.log(len(one.wave) / RATE)],
        "level": probes.level(one.wave),
        "silence at the ends": probes.silence(one.wave),
        "sample rate and channels": [float(one.rate), float(one.channels)],
    }
    return {f"{name}, {LYING}": values for name, values in found.items()}
