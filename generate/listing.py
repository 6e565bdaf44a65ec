"""The games as `unmask generate list` shows them."""

from pathlib import Path

from unmask.card import load_card
from unmask.generate.catalogue import GAMES
from unmask.generate.entry import Entry
from unmask.generate.text.entry import TextEntry
from unmask.generate.text.games import TEXTS
from unmask.generate.text.trained import shipped_text
from unmask.generate.trained import shipped


def listed() -> list[tuple[str, dict[str, str]]]:
    """Of each game its name with its title, and what is said of it, by what that is."""
    pictures = [_one(entry, shipped(name), "images") for name, entry in GAMES.items()]
    return pictures + [_one(entry, shipped_text(name), "tokens") for name, entry in TEXTS.items()]


def _one(entry: Entry | TextEntry, weights: Path | None, unit: str) -> tuple[str, dict[str, str]]:
    title = f"{entry.name}: {entry.title}"
    if weights is None:
        return title, {"weights": "train it yourself", "takes": entry.needs}
    card = load_card(weights)
    return title, {
        "weights": f"{card.game['profile']}, {weights.stat().st_size / 1e6:.1f} MB",
        "learned from": "; ".join(card.data),
        f"{unit} seen": f"{card.game[unit]:,}",
        "measured": str(card.results.get("summary", "")),
    }
