"""Text as every model of this package sees it.

Data sets treat typography differently by class: curly quotes and line breaks mostly survive in what
a model wrote, and are often lost in what a person wrote. What tells the collection and not the
writer is levelled here, in training and in use alike.
"""

import itertools
import re
import unicodedata

_LEVEL = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "•": "-",
        "…": "...",
    }
)  # fmt: skip
_QUOTES = re.compile(r"''")
_DASHES = re.compile(r"\s*-{2,}\s*|\s+-\s+")
_DOTS = re.compile(r"\.(?:\s?\.)+")
_SPACE = re.compile(r"\s+")
_LOOSE = re.compile(r" +([,.;:?!%)\]])(?=\s|$|[\"'])")
_OPENING = re.compile(r"([(\[]) +")
_UNSEEN = {"Cf", "Cc", "Cs", "Co", "Cn"}


def normalise(text: str) -> str:
    """One line of text: plain quotes and dashes, single spaces, none before punctuation."""
    text = unicodedata.normalize("NFKC", text).translate(_LEVEL)
    text = "".join(c if c.isascii() or unicodedata.category(c) not in _UNSEEN else "" for c in text)
    text = _DASHES.sub(" - ", _DOTS.sub("...", _QUOTES.sub('"', text)))
    text = _SPACE.sub(" ", text)
    return _OPENING.sub(r"\1", _LOOSE.sub(r"\1", text)).strip()


def words(text: str) -> list[str]:
    """What stands between spaces."""
    return text.split()


def passages(text: str, longest: int) -> list[str]:
    """Cut normalised text into the fewest parts of at most `longest` words, as equal as can be.

    A model is asked about parts of the length that it was calibrated on: with more context, it
    finds whatever it reads less surprising.
    """
    found = words(text)
    parts = max(1, -(-len(found) // longest))
    ends = [round(i * len(found) / parts) for i in range(parts + 1)]
    return [" ".join(found[a:b]) for a, b in itertools.pairwise(ends)]
