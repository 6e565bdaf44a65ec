"""Text onto the page. File names and metadata come from strangers: they are shown, never parsed.

Streamlit reads Markdown in most of its elements. So whatever may hold a stranger's text goes
through here: invisible characters spelt out, HTML escaped, no Markdown anywhere.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from unmask.report.clean import clean

_log = logging.getLogger(__name__)
_LONGEST = 4000  # characters of one string
_MANY = 40  # items of one list: a hostile file may bring thousands
_CALM = "This part could not be shown. The rest of the page is not affected."


def said(text: str) -> Markup:
    """`text` cleaned and escaped, ready to stand in HTML."""
    return Markup("<bdi>{}</bdi>").format(clean(text, _LONGEST, lines=True))


def show(markup: Markup) -> None:
    """Put escaped HTML on the page. Takes Markup alone, so that a bare string is a type error."""
    st.html(str(Markup('<div class="unmask">{}</div>').format(markup)))


def style() -> None:
    """The style sheet of everything that `show` shows."""
    st.html(Path(__file__).with_name("style.css"))


def heading(text: str, note: str = "") -> None:
    """A heading of the second level, with a line of explanation."""
    more = Markup('<p class="small">{}</p>').format(said(note)) if note else Markup()
    show(Markup("<h2>{}</h2>{}").format(said(text), more))


def listing(items: Sequence[str]) -> Markup:
    """A list, cut where it gets out of hand."""
    rows = [Markup("<li>{}</li>").format(said(item)) for item in items[:_MANY]]
    if len(items) > _MANY:
        text = f"… and {len(items) - _MANY} more, which the JSON report has in full"
        rows.append(Markup("<li>{}</li>").format(text))
    return Markup("<ul>{}</ul>").format(Markup().join(rows))


def table(rows: Iterable[tuple[str, str]], caption: str) -> Markup:
    """Names and values, with a caption for those who cannot see the page."""
    body = Markup().join(
        Markup('<tr><th scope="row">{}</th><td>{}</td></tr>').format(said(name), said(value))
        for name, value in rows
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{0}"><table>'
        '<caption class="unseen">{0}</caption><tbody>{1}</tbody></table></div>'
    ).format(caption, body)


def folded(summary: Markup, body: Markup, *, opened: bool = False) -> Markup:
    """A part that opens on demand, by keyboard too."""
    return Markup("<details{}><summary>{}</summary>{}</details>").format(
        Markup(" open") if opened else "", summary, body
    )


def alert(title: str, text: str) -> None:
    """A message that must not be missed, in words as well as in colour."""
    show(
        Markup('<div class="alert" role="alert"><strong>✗ {}</strong><p>{}</p></div>').format(
            said(title), said(text)
        )
    )


@contextmanager
def unbroken() -> Iterator[None]:
    """Keep a defect in one part of the page from taking the others with it."""
    try:
        yield
    except Exception:  # whatever it is, a reader can do nothing with it; the log can
        _log.exception("a part of the page could not be shown")
        show(Markup('<p class="small" role="alert">✗ {}</p>').format(_CALM))
