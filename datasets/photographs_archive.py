"""The files inside a downloaded package: npm and source archives, wheels, Debian packages.

Archives come from strangers. Nothing is unpacked to disk here, links and devices are passed over,
an archive that names a file outside itself is refused whole, and sizes are checked before reading.
"""

import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from unmask.errors import UnmaskError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60  # bytes: name 16, date 12, owner 6, group 6, mode 8, size 10, end 2
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted zip member
    NotImplementedError,  # a zip compression that Python lacks
    ValueError,
)


class ArchiveError(UnmaskError):
    """An archive that is damaged, too large, of an unknown kind, or that names outside files."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may hold: bytes of one wanted file, bytes and count of all files."""

    file_bytes: int = 64 << 20
    total_bytes: int = 3 << 30
    files: int = 200_000


@dataclass(frozen=True, kw_only=True)
class Member:
    """A regular file of an archive: its name inside it, parts joined by "/", and its bytes."""

    name: str
    data: bytes


_DEFAULT = Limits()


def members(
    path: Path, wanted: Callable[[str], bool], limits: Limits = _DEFAULT
) -> Iterator[Member]:
    """The regular files of the archive at `path` whose names are `wanted`, in its order.

    Raises ArchiveError where the archive cannot be read or is not to be trusted; what came
    before that is already handed out.
    """
    try:
        with path.open("rb") as handle:
            yield from _read(path, handle, wanted, limits)
    except _DAMAGE as error:
        raise ArchiveError(f"{path.name}: cannot be unpacked ({error})") from error


def _read(
    path: Path, handle: BinaryIO, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    if path.suffix == ".deb":
        yield from _tar(path, _debian_data(path, handle, limits), wanted, limits)
    elif path.suffix in {".whl", ".zip"}:
        yield from _zip(path, handle, wanted, limits)
    elif path.name.endswith((".tgz", ".tar.gz", ".tar.xz", ".tar.bz2")):
        yield from _tar(path, handle, wanted, limits)
    else:
        raise ArchiveError(f"{path.name}: not a kind of package that is opened here")


def _tar(
    path: Path, handle: BinaryIO, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    tally = _Tally(path, limits)
    with tarfile.open(fileobj=handle, mode="r|*") as tar:
        for info in tar:
            name = _inside(path, info.name)
            tally.add(info.size)
            if info.isfile() and wanted(name):
                tally.check_file(name, info.size)
                content = tar.extractfile(info)
                assert content is not None  # a regular file always has content
                yield Member(name=name, data=content.read())


def _zip(
    path: Path, handle: BinaryIO, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    tally = _Tally(path, limits)
    with zipfile.ZipFile(handle) as archive:
        for info in archive.infolist():
            name = _inside(path, info.filename)
            tally.add(info.file_size)
            regular = not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
            if regular and wanted(name):
                tally.check_file(name, info.file_size)
                yield Member(name=name, data=archive.read(info))


def _debian_data(path: Path, handle: BinaryIO, limits: Limits) -> BinaryIO:
    """The tar archive of a Debian package's files, which is a part of an `ar` archive."""
    if handle.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ArchiveError(f"{path.name}: not a Debian package")
    while len(header := handle.read(_AR_HEADER)) == _AR_HEADER:
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        size = int(header[48:58])
        if not 0 <= size <= limits.total_bytes:
            raise ArchiveError(f"{path.name}: {name} says that it has {size} bytes")
        if name == "data.tar.zst":
            raise ArchiveError(f"{path.name}: packed with zstandard, which is not read here")
        if name.startswith("data.tar"):
            return io.BytesIO(handle.read(size))
        handle.seek(size + size % 2, io.SEEK_CUR)
    raise ArchiveError(f"{path.name}: a Debian package without files")


def _inside(path: Path, name: str) -> str:
    """`name` without a leading "./". Raises ArchiveError where it leads out of the archive."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    outside = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if outside or "\0" in name:
        raise ArchiveError(f"{path.name}: refused, it names a file outside itself: {name!r}")
    return posix.as_posix()


class _Tally:
    """Adds up what an archive holds and stops at the limits."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._files = 0
        self._bytes = 0

    def add(self, size: int) -> None:
        self._files += 1
        self._bytes += size
        if self._files > self._limits.files or self._bytes > self._limits.total_bytes:
            raise ArchiveError(
                f"{self._path.name}: over {self._limits.files} files"
                f" or {self._limits.total_bytes} bytes"
            )

    def check_file(self, name: str, size: int) -> None:
        if size > self._limits.file_bytes:
            raise ArchiveError(f"{self._path.name}: {name} has {size} bytes")
