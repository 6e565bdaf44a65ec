"""Characters that nobody sees, and letters that only look like others.

Zero widths and tags carry hidden messages and break words for filters; bidirectional controls show
a text in another order than it is read (Boucher and Anderson 2023, "Trojan source"); letters of
another alphabet inside a word pass for Latin ones (Unicode Technical Standard 39; Gabrilovich and
Gontmakher 2002). Some are also what programs leave behind: that is why they are shown, not weighed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.media import Media
from unmask.registry import analyser

# Letters of Greek and Cyrillic that most fonts draw as Latin ones.
_LOOKALIKES = frozenset("аеорсухіјѕԁһӏքАВЕКМНОРСТХІЈЅοναΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_WORD = re.compile(r"[^\W\d_]+")
_JOINERS = "\u200c\u200d"  # needed by Persian, Hindi and emoji
_KINDS = (
    ("zero-width", re.compile("[\u200b\u2060\ufeff\u180e\u00ad]")),
    ("joiner", re.compile(f"(?<=[A-Za-z])[{_JOINERS}](?=[A-Za-z])")),
    ("bidirectional", re.compile("[\u202a-\u202e\u2066-\u2069]")),
    ("tag", re.compile("[\U000e0000-\U000e007f]")),
    ("variation selector", re.compile("(?<=[A-Za-z .,])[\ufe00-\ufe0f\U000e0100-\U000e01ef]")),
    ("private or unassigned", re.compile("[\ue000-\uf8ff\ufff9-\ufffb]")),
    ("odd space", re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")),
)
_HARMLESS = {"odd space"}  # typography and word processors make them: shown, not notable
_PLACES = 20  # shown of each kind
_AROUND = 12  # characters on either side


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """Characters of one kind in a text."""

    kind: str
    count: int
    characters: Mapping[str, int]  # "U+200B ZERO WIDTH SPACE" -> how often
    places: tuple[int, ...]  # of the first ones, in characters from the start


def oddities(text: str) -> list[Oddity]:
    """What is hidden in a text, or disguised; a mark at its very start is none."""
    body = text.removeprefix("\ufeff")
    shift = len(text) - len(body)
    found = []
    for kind, pattern in _KINDS:
        places = [match.start() for match in pattern.finditer(body)]
        if places:
            found.append(_oddity(kind, body, places, shift))
    disguised = [
        match.start() + i
        for match in _WORD.finditer(body)
        if _mixed(match.group())
        for i, letter in enumerate(match.group())
        if letter in _LOOKALIKES
    ]
    return [*found, _oddity("look-alike letter", body, disguised, shift)] if disguised else found


def _mixed(word: str) -> bool:
    """Whether Latin letters stand beside look-alikes, and nothing else of their alphabet does."""
    latin = any(letter.isascii() for letter in word)
    foreign = [letter for letter in word if not letter.isascii()]
    return latin and any(letter in _LOOKALIKES for letter in foreign)


def _oddity(kind: str, text: str, places: list[int], shift: int) -> Oddity:
    names = Counter(text[place] for place in places)
    return Oddity(
        kind=kind,
        count=len(places),
        characters={_name(character): n for character, n in names.most_common(10)},
        places=tuple(place + shift for place in places[:_PLACES]),
    )


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


@analyser(
    "text_characters",
    Kind.TEXT,
    title="Hidden and disguised characters",
    reads="characters that are invisible, turn the direction, or look like other letters",
    look_for="zero widths inside words, direction controls, Cyrillic letters in English words",
    ignore="non-breaking spaces, soft hyphens from word processors, joiners in Persian or emoji",
    paper="Unicode Technical Standard 39; Boucher and Anderson 2023",
)
def text_characters(media: Media) -> Finding | NotApplicable:
    """Report what a reader of the text cannot see."""
    found = oddities(media.text)
    telling = [one for one in found if one.kind not in _HARMLESS]
    facts = {
        one.kind: {
            "count": one.count,
            "characters": dict(one.characters),
            "places": list(one.places),
            "around": [_around(media.text, place) for place in one.places[:3]],
        }
        for one in found
    }
    if not telling:
        return Finding(summary="No hidden or disguised characters in the text.", facts=facts)
    listed = ", ".join(f"{one.count} × {one.kind}" for one in telling)
    return Finding(
        summary=f"The text holds characters that a reader does not see as they are: {listed}.",
        notable=True,
        facts=facts,
    )


def _around(text: str, place: int) -> str:
    return text[max(0, place - _AROUND) : place + _AROUND + 1]
