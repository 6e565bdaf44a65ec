"""What the page "Generate" made last: shown, handed out with its marks, and put to the checker."""

import streamlit as st
from markupsafe import Markup

from unmask.app.examining import Options, examine
from unmask.app.generating import Form, Made, told, upload
from unmask.app.page_html import heading, said, show, table

_SHOWN = 200  # pixels a side; the least that a small picture is shown at
_COLUMNS = 4


def keep(game: str, made: list[Made]) -> None:
    """Put it into the session, in place of what was there."""
    st.session_state["made"] = (game, made)
    st.session_state.pop("checked", None)


def forget() -> None:
    """Take it out of the session."""
    st.session_state.pop("made", None)


def shown(game: str) -> None:
    """What was made last, if it is of that game."""
    kept: tuple[str, list[Made]] | None = st.session_state.get("made")
    if kept is None or kept[0] != game:
        return
    pictures = all(one.form is Form.PICTURE for one in kept[1])
    columns = st.columns(_COLUMNS if pictures else 1)
    for i, one in enumerate(kept[1]):
        with columns[i % len(columns)]:
            _card(one, i)
    checked: tuple[int, bool] | None = st.session_state.get("checked")
    if checked is not None and checked[0] < len(kept[1]):
        _check(kept[1][checked[0]], plain=checked[1])


def _card(one: Made, i: int) -> None:
    _shown(one)
    show(Markup('<p class="small">{}</p>').format(said(one.settings)))
    data, file_name, mime = one.handed_out()
    st.download_button(
        "Download, marked", data, file_name=file_name, mime=mime, on_click="ignore",
        key=f"keep-{i}",
    )  # fmt: skip
    if one.form is Form.SCORE:
        return
    st.button(f"Check this {one.form}", key=f"check-{i}", on_click=_ask, args=(i, False))
    if one.plain != one.marked:
        st.button(
            "Check its pixels alone" if one.form is Form.PICTURE else "Check it without its marks",
            key=f"check-plain-{i}", on_click=_ask, args=(i, True),
            help="Without the marks, which would answer at once. That copy stays in this session.",
        )  # fmt: skip


def _shown(one: Made) -> None:
    # The marked bytes, so that what is saved from the page is marked as well.
    if one.form is Form.CLIP:
        st.video(one.marked, format=one.mime)
    elif one.form is Form.PICTURE:
        st.image(one.marked, width=_SHOWN, alt=f"Generated: {one.settings}")
    elif one.form is Form.RECORDING:
        st.audio(one.marked, format=one.mime)
    elif one.form is Form.TEXT:
        show(Markup('<p lang="und" class="made">{}</p>').format(said(one.marked.decode())))
    if one.drawn is not None:
        st.image(one.drawn, alt=f"{one.form} as a picture: {one.settings}")


def _ask(i: int, plain: bool) -> None:
    st.session_state["checked"] = (i, plain)


def _check(one: Made, *, plain: bool) -> None:
    note = "Without its marks." if plain else "With its marks."
    if one.beside:
        note = "The text alone, as it would be copied: its marks lie beside it."
    heading("What the checker says", note)
    with st.spinner("The checker looks at it."):
        data = one.plain if plain else one.marked
        answer = examine(upload(data, one.file_name), Options())
    show(table([(one.form.capitalize(), one.settings), *told(answer)], "What the checker says"))
