"""English text as tokens and back: words in their usual case, numbers and punctuation."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence

_TOKEN = re.compile(
    r"[A-Za-z]+(?:['-][A-Za-z]+)*\.?(?<=\b[A-Z]\.)|[A-Za-z]+(?:['-][A-Za-z]+)*"
    r"|\d+(?:[.,]\d+)*|--|[$%&.,;:?!]"
)
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": " ", "”": " ", '"': " ", "—": " -- ", "–": "-"})
ENDS = (".", "?", "!")  # of sentences
_JOINED_LEFT = frozenset({".", ",", ";", ":", "?", "!", "%"})


def split_words(text: str) -> list[str]:
    """Tokens in the case that they stand in. Quotation marks and brackets are left out."""
    return _TOKEN.findall(text.translate(_PLAIN))


def sentences(tokens: Sequence[str]) -> list[list[str]]:
    """Tokens in sentences, each with its end."""
    found: list[list[str]] = [[]]
    for token in tokens:
        found[-1].append(token)
        if token in ENDS:
            found.append([])
    return [s for s in found if s]


def usual_case(texts: Iterable[Sequence[Sequence[str]]]) -> dict[str, str]:
    """Lower-cased word -> the case that it most often has inside of a sentence.

    `texts` hold sentences. A word that only begins sentences is not in it, and counts as lower.
    """
    counts: dict[str, Counter[str]] = {}
    for text in texts:
        for sentence in text:
            for word in sentence[1:]:
                counts.setdefault(word.lower(), Counter())[word] += 1
    return {lower: found.most_common(1)[0][0] for lower, found in counts.items()}


def in_usual_case(sentence: Sequence[str], usual: dict[str, str]) -> list[str]:
    """A sentence whose first word has the case that it has elsewhere."""
    return [usual.get(sentence[0].lower(), sentence[0].lower()), *sentence[1:]]


def in_known_case(tokens: Sequence[str], known: Container[str]) -> list[str]:
    """Tokens whose sentences begin in lower case where a vocabulary knows the word so."""
    found: list[str] = []
    for token in tokens:
        starts = not found or found[-1] in ENDS
        found.append(token.lower() if starts and token.lower() in known else token)
    return found


def written(tokens: Sequence[str]) -> str:
    """Tokens as a person writes them: spaces where they belong, sentences with a capital."""
    text = ""
    starts = True
    for token in tokens:
        shown = token[:1].upper() + token[1:] if starts and token[0].isalpha() else token
        glued = not text or token in _JOINED_LEFT or text.endswith("$")
        text += shown if glued else f" {shown}"
        starts = token in ENDS or (starts and not token[0].isalnum())
    return text
