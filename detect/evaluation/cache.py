"""Kept results: lines of JSON that survive whatever happens to the process that writes them.

Each table is a file that only grows. A line is written by one call and starts with a line break, so
that half a line, left by a process that was killed, spoils no other; runs beside each other append
to the same file. What cannot be read is left out and computed again.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unmask.errors import UnmaskError

Key = tuple[str, ...]


class CacheError(UnmaskError):
    """The folder of the cache cannot be written."""


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/unmask/scores`, or `~/.cache/unmask/scores`."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "unmask" / "scores"


class Table:
    """JSON values by a key of strings, in memory and, with a path, on the disk."""

    def __init__(self, path: Path | None) -> None:
        """Reads what is there. Raises CacheError where the file cannot be read or made."""
        self._path = path
        self._values: dict[Key, Any] = {}
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.seek(0)
                for line in file:
                    self._take(line)
        except OSError as error:
            raise CacheError(f"The cache {path} cannot be used: {error.strerror}.") from error

    def _take(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            self._values[tuple(str(part) for part in row["key"])] = row["value"]
        except (ValueError, KeyError, TypeError):  # a torn line, or none of ours
            return

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Any:
        """The value, or None."""
        return self._values.get(key)

    def put(self, rows: Iterable[tuple[Key, Any]]) -> None:
        """Keep these. Raises CacheError where the disk does not take them."""
        rows = list(rows)
        self._values.update(rows)
        if self._path is None or not rows:
            return
        lines = [
            "\n" + json.dumps({"key": key, "value": value}, separators=(",", ":"))
            for key, value in rows
        ]
        try:
            # O_APPEND and one write: lines of several processes do not mix on a local disk.
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(file, ("".join(lines) + "\n").encode())
            finally:
                os.close(file)
        except OSError as error:
            raise CacheError(f"The cache {self._path} is not writable: {error.strerror}") from error


class Cache:
    """A folder of tables; without a folder everything is forgotten with the process."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def table(self, name: str) -> Table:
        """The table of that name, which is a file name without its suffix."""
        return Table(self._folder / f"{name}.jsonl" if self._folder else None)
