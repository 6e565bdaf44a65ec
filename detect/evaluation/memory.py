"""Peak memory: of this process while something runs, and of the processes of a command."""

import os
import resource
import sys
from pathlib import Path

_PROC = Path("/proc")
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of ru_maxrss


def forget_peak() -> None:
    """Start the peak of this process anew, where the system can (Linux)."""
    try:
        (_PROC / "self/clear_refs").write_text("5")
    except OSError:
        return


def peak_mb() -> float:
    """Largest resident set of this process since `forget_peak`, or since its start, in 2**20 B."""
    kept = _kilobytes(_PROC / "self/status", "VmHWM:")
    if kept is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / 2**20
    return kept / 1024


def group_mb(group: int) -> float | None:
    """Resident sets of a process group at their largest, in 2**20 B; None off Linux.

    `getrusage` cannot tell: a child starts with the peak of the process that forked it.
    """
    if not _PROC.is_dir():
        return None
    total = 0.0
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and _group_of(int(entry.name)) == group:
            total += _kilobytes(entry / "status", "VmHWM:") or 0.0
    return total / 1024


def children_mb() -> float:
    """Largest resident set of any child so far, in 2**20 B: an upper bound."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT / 2**20


def _group_of(process: int) -> int | None:
    try:
        return os.getpgid(process)
    except OSError:
        return None


def _kilobytes(status: Path, label: str) -> float | None:
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(label)]
    return float(found[0]) if found else None
