"""The games of texts as `unmask generate list` shows them."""

from unmask.card import load_card
from unmask.generate.text.games import TEXTS
from unmask.generate.text.trained import shipped_text


def text_rows() -> list[tuple[str, str, str, str, str]]:
    """Name, title with its data, weights, tokens read, and what was measured, of each game."""
    found = []
    for name, entry in TEXTS.items():
        weights = shipped_text(name)
        if weights is None:
            found.append((name, entry.title, "train it yourself", "", ""))
            continue
        card = load_card(weights)
        size = f"{card.game['profile']}, {weights.stat().st_size / 1e6:.1f} MB"
        title = f"{entry.title}; learned from {'; '.join(card.data)}"
        summary = str(card.results.get("summary", ""))
        found.append((name, title, size, f"{card.game['tokens']:,}", summary))
    return found
