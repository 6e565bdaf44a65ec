"""A corpus to train detectors on: fakes, their photographs and masks, as PNG without marks.

    <folder>/<set of fakes>/<name>.png        a fake
    <folder>/camera/<name>.png                its photograph, if it has one, of the same size
    <folder>/masks/<set of fakes>/<name>.png  where part of it is fake: grey, 255 = fake
    <folder>/manifest.csv                     what `loaders.load` reads
    <folder>/about.jsonl                      a line a picture, with all that is known of it

A corpus grows, and nothing in it is overwritten. A line of about.jsonl is written as soon as its
pictures are; the manifest follows at the end, after an error as well. What a killed run left out of
the manifest, the next one takes up from about.jsonl.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.loaders_tree import (
    SPLIT_NAMES,
    DatasetError,
    DatasetReason,
    folder_name,
    label_of,
)
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.datasets.manifest_file import read_manifest, write_manifest

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.float32]  # (H, W) in [0, 1]
Row = dict[str, Any]  # a line of about.jsonl
MANIFEST, ABOUT, MASKS = "manifest.csv", "about.jsonl", "masks"


@dataclass(frozen=True, kw_only=True)
class Maker:
    """What made a set of fakes."""

    generator: str
    folder: str  # of the set, such as the generator with what it was asked to do
    decoder: str  # how it makes large pictures from small ones
    licence: str  # of what it makes
    weights: str = ""  # a fingerprint of them


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A fake, with its photograph and its mask where it has them, all of one size."""

    name: str  # of the files, without a suffix: of the photograph too
    fake: Pixels
    source: str  # photograph, clip or noise that it came from: splits are drawn by it
    split: Split
    settings: str  # "seed 7, truncation 0.7"
    real: Pixels | None = None
    mask: Mask | None = None  # 1 where the fake is fake; None: all of it
    licence: str = ""  # of the photograph
    notes: Mapping[str, Any] = field(default_factory=dict)  # JSON, of the fake


def stem_for(readable: str, identity: str) -> str:
    """A file's name without a suffix: what a person reads, and a hash that keeps it apart."""
    clean = re.sub(r"[^\w.-]+", "_", readable)[:60]
    return f"{clean}-{_digest(identity.encode(errors='surrogateescape'))[:10]}"


def grey(mask: Mask) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] -> 0 to 255, rounded up: 0 is what nothing was done to."""
    return np.asarray(np.ceil(mask * 255), np.uint8)


def save_png(pixels: NDArray[np.uint8], path: Path) -> str:
    """Write (H, W) or (H, W, 3) whole or not at all; its sha256."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(out.getvalue())
    unfinished.replace(path)
    return _digest(out.getvalue())


@contextmanager
def write_corpus(folder: Path) -> Iterator["CorpusWriter"]:
    """A new or a grown corpus; its manifest is written when the block ends, however it ends.

    Nothing appears on the disk before the first picture. Raises DatasetError: UNREADABLE (a folder
    that holds something else, or cannot be written), BAD_TABLE (about.jsonl is damaged), and what
    `read_manifest` raises.
    """
    writer = CorpusWriter(folder)
    try:
        yield writer
    finally:
        writer.close()


class CorpusWriter:
    """What is in a corpus, and how more gets into it. Made by `write_corpus`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not (folder / ABOUT).is_file() and _holds_anything(folder):
            raise DatasetError(
                DatasetReason.UNREADABLE, f"{folder} holds something else than a corpus of fakes."
            )
        self._about = _read_about(folder / ABOUT)
        place = folder / MANIFEST
        self.samples = read_manifest(place) if place.is_file() else []
        listed = {os.path.abspath(sample.path) for sample in self.samples}
        for row in self._about.values():
            sample = self._sample(row)
            if os.path.abspath(sample.path) not in listed:
                self.samples.append(sample)
        self._splits = {sample.source: sample.split for sample in self.samples}

    def holds(self, maker: Maker, name: str, settings: str) -> bool:
        """Whether the fake of that name is there, made in that way.

        Raises DatasetError, DUPLICATE, where one is there that was made in another way.
        """
        row = self._about.get(f"{maker.folder}/{name}.png")
        if row is None:
            return False
        asked = {"settings": settings, "weights": maker.weights}
        for key, value in asked.items():
            if row.get(key, value) != value:
                raise DatasetError(
                    DatasetReason.DUPLICATE,
                    f"{self.folder / row['path']} was made with other {key}:"
                    f" {row[key]}, not {value}. Write elsewhere.",
                )
        return True

    def add(self, maker: Maker, one: Addition) -> None:
        """Write a fake and what belongs to it, unless it is there.

        Raises ValueError where sizes differ, and DatasetError: DUPLICATE (another picture has the
        name), MIXED_SPLITS, ENCODING, UNREADABLE (the disk).
        """
        parts = [p.shape[:2] for p in (one.fake, one.real, one.mask) if p is not None]
        if len(set(parts)) > 1:
            raise ValueError(f"A fake, its photograph and its mask are of sizes {parts}.")
        if self.holds(maker, one.name, one.settings):
            return
        split = self._splits.get(one.source, one.split)
        if split is not one.split:
            raise DatasetError(
                DatasetReason.MIXED_SPLITS,
                f"{one.source} is of the split {split} in {self.folder}, and cannot be of"
                f" {one.split} as well.",
            )
        try:
            rows = [*self._real(one), self._fake(maker, one)]
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
            with (self.folder / ABOUT).open("ab") as file:
                file.write(lines)
        except UnicodeEncodeError as error:
            raise DatasetError(
                DatasetReason.ENCODING, f"The name of {one.source!r} is not Unicode."
            ) from error
        except OSError as error:
            raise DatasetError(
                DatasetReason.UNREADABLE, f"{self.folder} cannot be written: {error}"
            ) from error
        self._splits[one.source] = one.split
        for row in rows:
            self._about[row["path"]] = row
            self.samples.append(self._sample(row))

    def _real(self, one: Addition) -> Iterator[Row]:
        """The photograph's line, unless it is there already beside another fake."""
        name = f"{CAMERA}/{one.name}.png"
        if one.real is None:
            return
        if name in self._about:
            with Image.open(self.folder / name) as there:
                if not np.array_equal(np.asarray(there.convert("RGB")), one.real):
                    raise DatasetError(
                        DatasetReason.DUPLICATE, f"{self.folder / name} is another photograph."
                    )
            return
        yield {
            "path": name,
            "label": "real",
            "generator": CAMERA,
            "source": one.source,
            "split": one.split.value,
            "licence": one.licence,
            "sha256": save_png(one.real, self.folder / name),
        }

    def _fake(self, maker: Maker, one: Addition) -> Row:
        name = f"{maker.folder}/{one.name}.png"
        row: Row = {
            "path": name,
            "label": "fake",
            "generator": maker.generator,
            "decoder": maker.decoder,
            "weights": maker.weights,
            "settings": one.settings,
            "source": one.source,
            "split": one.split.value,
            "licence": "; photograph: ".join(filter(None, (maker.licence, one.licence))),
        }
        if one.mask is not None:
            row["mask"] = f"{MASKS}/{name}"
            save_png(grey(one.mask), self.folder / row["mask"])
        return row | {"sha256": save_png(one.fake, self.folder / name), **one.notes}

    def _sample(self, row: Row) -> Sample:
        return Sample(
            path=self.folder / row["path"],
            fake=label_of(row.get("label", "fake")),
            generator=row["generator"],
            corpus=folder_name(self.folder.absolute()),
            source=row["source"],
            split=SPLIT_NAMES[row["split"]],
            mask=self.folder / row["mask"] if row.get("mask") else None,
        )

    def close(self) -> None:
        """Write the manifest. Raises DatasetError (UNREADABLE) where the disk refuses."""
        if not self.samples:
            return
        try:
            write_manifest(self.samples, self.folder / MANIFEST)
        except OSError as error:
            raise DatasetError(
                DatasetReason.UNREADABLE, f"{self.folder} cannot be written: {error}"
            ) from error


def _holds_anything(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{folder} cannot be read: {error}") from error


def _read_about(path: Path) -> dict[str, Row]:
    """The lines by path, without those whose pictures are gone."""
    if not path.is_file():
        return {}
    try:
        whole = path.read_text(encoding="utf-8")
        kept = whole[: whole.rfind("\n") + 1]
        if kept != whole:  # a run was killed while it wrote the last line
            path.write_text(kept, encoding="utf-8")
        rows = [json.loads(line) for line in kept.split("\n") if line]
        return {
            row["path"]: row
            for row in rows
            if row["generator"] and row["source"] and SPLIT_NAMES[row["split"]]
            if (path.parent / row["path"]).is_file()
        }
    except OSError as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            DatasetReason.BAD_TABLE, f"{path} is damaged: {type(error).__name__}, {error}."
        ) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
