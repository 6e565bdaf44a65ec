"""Every game by its name."""

import difflib

from unmask.errors import UnmaskError
from unmask.generate.entry import Entry
from unmask.generate.games import (
    chorales,
    digits,
    faces,
    notes,
    portraits,
    swap,
    translation,
    voices,
)
from unmask.generate.text.games import TEXTS

GAMES: dict[str, Entry] = {
    entry.name: entry
    for family in (digits, faces, portraits, translation, swap, notes, voices, chorales)
    for entry in family.ENTRIES
}


class UnknownGameError(UnmaskError):
    """A name that no game carries; the message says which one may have been meant."""


def find(name: str) -> Entry:
    """The game of that name. Raises UnknownGameError."""
    if name in GAMES:
        return GAMES[name]
    if name in TEXTS:
        raise UnknownGameError(
            f"{name} is a game of texts: unmask generate train {name} ..., its name first."
        )
    near = difflib.get_close_matches(name, GAMES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(GAMES)}."
    raise UnknownGameError(f"There is no game {name!r}; {hint}")
