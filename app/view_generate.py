"""The page "Generate": pictures out of noise, photographs translated, and truth or lie.

Whatever is handed out is marked. Pictures without marks stay in the session, for the checker.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from unmask.app.examining import Options, examine
from unmask.app.generating import (
    MOST,
    Made,
    Turns,
    loaded,
    make,
    one_seed,
    told,
    translated,
    typed_path,
    upload,
)
from unmask.app.page_html import alert, heading, said, show, table
from unmask.app.truth_or_lie import truth_or_lie
from unmask.errors import UnmaskError
from unmask.forensics.marking import marker
from unmask.generate.catalogue import GAMES
from unmask.generate.controls import Band
from unmask.generate.entry import Entry, Task
from unmask.generate.game import OptionError, Sampling
from unmask.generate.pictures import film
from unmask.generate.sampling import frames_of, numbers
from unmask.generate.stylegan2 import Generator
from unmask.generate.trained import Trained, shipped

_TASKS = (Task.SAMPLE, Task.TRANSLATE)  # clips are swapped by the command line
_DIRECTIONS = 6  # sliders
_FAR = 10.0  # along a direction, either way: beyond it faces fall apart
_SHOWN = 200  # pixels a side; the least that a small picture is shown at
_COLUMNS = 4
_MOST_INLINE = 8_000_000  # bytes of a film inside the page; larger ones are only handed out


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a press of the button asked for."""

    sampling: Sampling
    turns: Turns


def generate_page() -> None:
    """Everything below the heading of the page."""
    heading("Generate", "What leaves this page says in three ways that it is synthetic.")
    entry = _entry()
    try:
        trained = _trained(entry)
    except UnmaskError as error:
        alert("Not loaded", str(error))
        trained = None
    if trained is not None:
        if entry.task is Task.SAMPLE:
            _sample(trained)
            truth_or_lie(trained)
        else:
            _translate(trained)
    _film(entry)


def _entry() -> Entry:
    names = [name for name, entry in GAMES.items() if entry.task in _TASKS]
    first = next((i for i, name in enumerate(names) if shipped(name)), 0)
    chosen = st.selectbox(
        "Game", names, index=first, format_func=lambda name: GAMES[name].title, key="game"
    )
    return GAMES[chosen]


def _trained(entry: Entry) -> Trained | None:
    """The chosen weights, or None after the page has said that there are none."""
    with st.expander("Weights of your own", expanded=shipped(entry.name) is None):
        text = st.text_input(
            "A run's last.pt, or a weight file", key=f"weights-{entry.name}",
            help="A path on the machine that serves this page.",
        )  # fmt: skip
        profile = st.selectbox(
            "Profile of the run", list(entry.profiles), key=f"profile-{entry.name}",
            help="The size that a last.pt was trained at. A weight file says it itself.",
        )  # fmt: skip
    weights = typed_path(text)
    if weights is None and shipped(entry.name) is None:
        command = f"unmask generate train {entry.name} --data FOLDER --out RUN"
        show(
            Markup(
                "<p>No weights of this game come with unmask. Train it: <code>{}</code>, then "
                "name RUN/last.pt above.</p><p>FOLDER is {}</p>"
            ).format(command, said(entry.needs))
        )
        return None
    return loaded(entry.name, weights, profile)


def _sample(trained: Trained) -> None:
    name = trained.entry.name
    with st.form("sample"):
        seeds = st.text_input("Seeds", "0-7", key="seeds", help=f"7, 0-15 or 1,5,9: up to {MOST}.")
        labels = ""
        if name == "digits":
            labels = st.text_input(
                "Digits, taken in turn", key="labels", help="3 or 0-9; empty: all in turn."
            )
        truncation, turns = None, Turns()
        if isinstance(trained.game.generator, Generator):
            truncation = st.slider(
                "Truncation", 0.0, 1.0, 0.7, key="truncation",
                help="1: as trained; towards 0: more typical, less varied.",
            )  # fmt: skip
            mix, amounts = _mixing(), _amounts(trained.game.generator)
        pressed = st.form_submit_button("Make pictures", key="make")
    try:
        if pressed:
            st.session_state.pop("made", None)
            if truncation is not None:
                turns = Turns(amounts=amounts, other=one_seed(mix[0]), band=mix[1])
            classes = numbers(labels) if labels.strip() else None
            asked = Sampling(seeds=numbers(seeds), labels=classes, truncation=truncation)
            _keep(trained, make(trained, asked, turns, marker(name)))
    except UnmaskError as error:
        alert("Not made", str(error))
    _shown(trained)


def _mixing() -> tuple[str, Band]:
    left, right = st.columns(2)
    other = left.text_input("Mix with the face of seed", key="mix", help="Empty: no mixing.")
    bands = [band.value for band in Band]
    band: str = right.selectbox(
        "Its layers", bands, key="band",
        help="coarse: pose, shape, glasses; middle: features, hair; fine: colours, texture.",
    )  # fmt: skip
    return other, Band(band)


def _amounts(generator: Generator) -> tuple[float, ...]:
    """Sliders without names: what a direction changes was not told to the method that found it."""
    show(Markup("<p class='small'>{}</p>").format(
        "Directions that the generator answers to most (SeFa, 2021). They were found without "
        "labels: look at what each one changes."
    ))  # fmt: skip
    columns = st.columns(3)
    return tuple(
        columns[i % 3].slider(f"Direction {i + 1}", -_FAR, _FAR, 0.0, key=f"direction-{i}")
        for i in range(min(_DIRECTIONS, generator.size.w))
    )


def _keep(trained: Trained, made: list[Made]) -> None:
    st.session_state["made"] = (trained.entry.name, made)
    st.session_state.pop("checked", None)


def _shown(trained: Trained) -> None:
    """The pictures that were made last, if they are of this game."""
    kept: tuple[str, list[Made]] | None = st.session_state.get("made")
    if kept is None or kept[0] != trained.entry.name:
        return
    columns = st.columns(_COLUMNS)
    for i, one in enumerate(kept[1]):
        with columns[i % _COLUMNS]:
            _card(one, i)
    checked: tuple[int, bool] | None = st.session_state.get("checked")
    if checked is not None and checked[0] < len(kept[1]):
        _check(kept[1][checked[0]], plain=checked[1])


def _card(one: Made, i: int) -> None:
    # The marked bytes, so that a picture saved from the page is marked as well.
    st.image(one.marked, width=_SHOWN, alt=f"Generated: {one.settings}")
    show(Markup('<p class="small">{}</p>').format(said(one.settings)))
    st.download_button(
        "Download, marked", one.marked, file_name=f"{one.name}.png", mime="image/png",
        on_click="ignore", key=f"keep-{i}",
    )  # fmt: skip
    st.button("Check this picture", key=f"check-{i}", on_click=_ask, args=(i, False))
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
        answer = examine(upload(data, f"{one.name}.png"), Options())
    show(table([("Picture", one.settings), *told(answer)], "What the checker says"))


def _translate(trained: Trained) -> None:
    with st.form("translate"):
        file = st.file_uploader("A photograph", key="photograph")
        way = st.selectbox(
            "To", ["b", "a"], key="to", help="Of the title's two kinds, a stands first."
        )
        side = trained.entry.profiles[trained.profile].side
        face = st.checkbox(
            f"Cut the middle square to {side} pixels, as it was trained on", key="cut"
        )
        pressed = st.form_submit_button("Translate", key="translate-now")
    try:
        if pressed and file is None:
            raise OptionError("Bring a photograph first.")
        if pressed and file is not None:
            st.session_state.pop("made", None)
            mark = marker(trained.entry.name)
            _keep(trained, [translated(trained, file.getvalue(), to=way, face=face, mark=mark)])
    except UnmaskError as error:
        alert("Not translated", str(error))
    _shown(trained)


def _film(entry: Entry) -> None:
    heading("From noise", "The film of a training: what its generator made of the same noise.")
    with st.form("film"):
        text = st.text_input(
            "A run's folder", key="run", help="A path on the machine that serves this page."
        )
        pressed = st.form_submit_button("Show the film", key="film-now")
    if not pressed:
        return
    try:
        _show_film(typed_path(text), entry)
    except UnmaskError as error:
        alert("No film", str(error))


def _show_film(run: Path | None, entry: Entry) -> None:
    if run is None:
        raise OptionError("Name the folder of a run.")
    frames = frames_of(run)
    words = f"{len(frames)} previews of a training"
    data = marker(entry.name)(film(frames), "image/webp", words, None)
    if len(data) <= _MOST_INLINE:
        # As HTML: Streamlit would turn a WebP into a still.
        source = "data:image/webp;base64," + base64.b64encode(data).decode()
        show(Markup('<img src="{}" alt="{}" style="max-width: 100%">').format(source, words))
    st.download_button(
        "Download the film, marked", data, file_name="training.webp", mime="image/webp",
        on_click="ignore", key="keep-film",
    )  # fmt: skip
