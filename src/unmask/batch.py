"""Scan many files: in several processes, and in spite of the broken ones."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import MediaError, Reason
from unmask.media import open_media
from unmask.scan import Report, scan
from unmask.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A file that gave no report, and why."""

    path: Path
    reason: Reason
    text: str


def files_below(folder: Path) -> list[Path]:
    """Every regular file below `folder` in a fixed order; hidden ones and links are left out."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        found += [Path(where) / n for n in sorted(names) if not n.startswith(".")]
    # A sidecar belongs to the file beside it, and is read with it.
    return [p for p in found if p.suffix != ".c2pa" and p.is_file() and not p.is_symlink()]


def scan_one(path: Path, names: Sequence[str] | None, settings: Settings) -> Report | Unread:
    """Open and scan one file; a file that cannot be opened is an answer, not an exception."""
    try:
        return scan(open_media(path, settings.limits), names, settings)
    except MediaError as error:
        return Unread(path=path, reason=error.reason, text=str(error))


def scan_many(
    paths: Sequence[Path],
    names: Sequence[str] | None = None,
    settings: Settings | None = None,
    jobs: int | None = None,
) -> Iterator[tuple[Path, Report | Unread]]:
    """Each path with its answer, in the order in which they finish.

    A file that kills its worker process is answered as CORRUPT; the others are done all the same.
    """
    settings = settings or Settings()
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(paths)))
    if jobs == 1:
        for path in paths:
            yield path, scan_one(path, names, settings)
        return
    suspects: list[Path] = []
    with _pool(jobs) as pool:
        waiting: dict[Future[Report | Unread], Path] = {
            pool.submit(scan_one, path, names, settings): path for path in paths
        }
        for done in as_completed(waiting):
            try:
                yield waiting[done], done.result()
            except BrokenProcessPool:
                suspects.append(waiting[done])
    for path in suspects:  # one of them killed a worker: alone, only that one fails
        with _pool(1) as pool:
            try:
                yield path, pool.submit(scan_one, path, names, settings).result()
            except BrokenProcessPool:
                text = "The process that read this file was killed."
                yield path, Unread(path=path, reason=Reason.CORRUPT, text=text)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked: c2pa's contexts and torch's threads do not survive a fork.
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
