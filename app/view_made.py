"""What the page "Generate" made last: shown, handed out with its marks, and put to the checker."""

import streamlit as st
from markupsafe import Markup

from unmask.app.examining import Options, examine
from unmask.app.generating import Made, told, upload
from unmask.app.page_html import heading, said, show, table
from unmask.generate.trained import Trained

_SHOWN = 200  # pixels a side; the least that a small picture is shown at
_COLUMNS = 4


def keep(trained: Trained, made: list[Made]) -> None:
    """Put it into the session, in place of what was there."""
    st.session_state["made"] = (trained.entry.name, made)
    st.session_state.pop("checked", None)


def forget() -> None:
    """Take it out of the session."""
    st.session_state.pop("made", None)


def shown(trained: Trained) -> None:
    """What was made last, if it is of this game."""
    kept: tuple[str, list[Made]] | None = st.session_state.get("made")
    if kept is None or kept[0] != trained.entry.name:
        return
    columns = st.columns(1 if any(one.moving for one in kept[1]) else _COLUMNS)
    for i, one in enumerate(kept[1]):
        with columns[i % len(columns)]:
            _card(one, i)
    checked: tuple[int, bool] | None = st.session_state.get("checked")
    if checked is not None and checked[0] < len(kept[1]):
        _check(kept[1][checked[0]], plain=checked[1])


def _card(one: Made, i: int) -> None:
    # The marked bytes, so that what is saved from the page is marked as well.
    if one.moving:
        st.video(one.marked, format=one.mime)
    else:
        st.image(one.marked, width=_SHOWN, alt=f"Generated: {one.settings}")
    show(Markup('<p class="small">{}</p>').format(said(one.settings)))
    st.download_button(
        "Download, marked", one.marked, file_name=one.file_name, mime=one.mime,
        on_click="ignore", key=f"keep-{i}",
    )  # fmt: skip
    kind = "clip" if one.moving else "picture"
    st.button(f"Check this {kind}", key=f"check-{i}", on_click=_ask, args=(i, False))
    st.button(
        "Check its pixels alone", key=f"check-plain-{i}", on_click=_ask, args=(i, True),
        help="Without the marks, which would answer at once. That copy stays in this session.",
    )  # fmt: skip


def _ask(i: int, plain: bool) -> None:
    st.session_state["checked"] = (i, plain)


def _check(one: Made, *, plain: bool) -> None:
    heading("What the checker says", "Without its marks." if plain else "With its marks.")
    with st.spinner("The checker looks at it."):
        data = one.plain if plain else one.marked
        answer = examine(upload(data, one.file_name), Options())
    kind = "Clip" if one.moving else "Picture"
    show(table([(kind, one.settings), *told(answer)], "What the checker says"))
