"""Characters that a reader does not see are found, and honest texts stay quiet."""

import pytest

from unmask.evidence import Finding
from unmask.forensics.characters import oddities, text_characters
from unmask.media import open_bytes

PLAIN = (
    "The mayor said on Tuesday that the “old” bridge — closed since May — would open again; "
    "naïve façades, Ωmega and Москва are words as well. "
)


def found(text: str) -> dict[str, int]:
    return {one.kind: one.count for one in oddities(text)}


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("bri\u200bdge", "zero-width"),
        ("bri\u200ddge", "joiner"),
        ("ab\u202ecd\u202c", "bidirectional"),
        ("hello\U000e0041\U000e0042", "tag"),
        ("a\ufe0fb", "variation selector"),
        ("br\u0456dge", "look-alike letter"),  # a Cyrillic i
        ("\u0410pple", "look-alike letter"),
    ],
)
def test_a_planted_character_is_named_with_its_place(planted: str, kind: str) -> None:
    text = PLAIN + planted + " and so on."
    one = next(o for o in oddities(text) if o.kind == kind)
    assert len(PLAIN) <= one.places[0] < len(PLAIN) + len(planted)
    assert all(name.startswith("U+") for name in one.characters)
    answer = text_characters(open_bytes(text.encode(), "a.txt"))
    assert isinstance(answer, Finding)
    assert answer.notable
    assert answer.llr is None
    assert kind in answer.summary


def test_honest_texts_are_quiet() -> None:
    assert found(PLAIN) == {}
    assert found("می\u200cخواهم این کتاب را بخوانم") == {}  # Persian needs its joiner
    assert found("A family: 👨\u200d👩\u200d👧 and a ❤\ufe0f.") == {}
    assert found("\ufeffA mark at the start.") == {}
    answer = text_characters(open_bytes("10\u00a0km away".encode(), "a.txt"))
    assert isinstance(answer, Finding)
    assert not answer.notable
    assert answer.facts["odd space"]["count"] == 1


def test_thousands_are_counted_and_few_are_shown() -> None:
    one = oddities("a\u200b" * 5000)[0]
    assert (one.count, len(one.places)) == (5000, 20)
