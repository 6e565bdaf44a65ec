"""The page "Generate": pictures, music and texts out of noise, photographs and clips changed.

Whatever is handed out is marked. Pictures without marks stay in the session, for the checker.
"""

import base64
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from unmask.app.generating import (
    MOST,
    loaded,
    make,
    one_seed,
    translated,
    typed_path,
)
from unmask.app.page_html import alert, heading, said, show
from unmask.app.truth_or_lie import truth_or_lie
from unmask.app.turning import Turns
from unmask.app.view_made import forget, keep, shown
from unmask.app.view_sounds import chorales, notes, voices
from unmask.app.view_swap import swap
from unmask.app.view_texts import texts
from unmask.app.view_turns import mixing, named_amounts, unnamed_amounts
from unmask.errors import UnmaskError
from unmask.forensics.marking import marker
from unmask.generate.catalogue import GAMES
from unmask.generate.entry import Entry, Task
from unmask.generate.game import OptionError, Sampling
from unmask.generate.pictures import film
from unmask.generate.sampling import frames_of, numbers
from unmask.generate.stylegan2 import Generator
from unmask.generate.text.entry import TextEntry
from unmask.generate.text.games import TEXTS
from unmask.generate.text.trained import load_text, shipped_text
from unmask.generate.trained import Trained, shipped
from unmask.generate.translate import domain_of

_MOST_INLINE = 8_000_000  # bytes of a film inside the page; larger ones are only handed out


def generate_page() -> None:
    """Everything below the heading of the page."""
    heading("Generate", "What leaves this page is marked as synthetic, and signed.")
    entry = _entry()
    try:
        _played(entry)
    except UnmaskError as error:
        alert("Not loaded", str(error))
    if isinstance(entry, Entry):
        _film(entry)


def _played(entry: Entry | TextEntry) -> None:
    """What one can do with the game, once its weights are there."""
    has = shipped(entry.name) if isinstance(entry, Entry) else shipped_text(entry.name)
    weights, profile = _weights(entry, ask=has is None)
    if weights is None and has is None:
        _how_to_train(entry)
    elif isinstance(entry, TextEntry):
        texts(load_text(entry.name, weights, profile=profile))
    else:
        trained = loaded(entry.name, weights, profile)
        _WAYS[entry.task](trained)


def _entry() -> Entry | TextEntry:
    games: dict[str, Entry | TextEntry] = {**GAMES, **TEXTS}
    names = list(games)
    first = next((i for i, name in enumerate(names) if shipped(name)), 0)
    chosen = st.selectbox(
        "Game", names, index=first, format_func=lambda name: games[name].title, key="game"
    )
    return games[chosen]


def _weights(entry: Entry | TextEntry, *, ask: bool) -> tuple[Path | None, str]:
    """(the user's own weights or None, the profile of a run). Raises OptionError."""
    with st.expander("Weights of your own", expanded=ask):
        text = st.text_input(
            "A run's last.pt, or a weight file", key=f"weights-{entry.name}",
            help="A path on the machine that serves this page.",
        )  # fmt: skip
        profile = st.selectbox(
            "Profile of the run", list(entry.profiles), key=f"profile-{entry.name}",
            help="The size that a last.pt was trained at. A weight file says it itself.",
        )  # fmt: skip
    return typed_path(text), profile


def _how_to_train(entry: Entry | TextEntry) -> None:
    command = f"unmask generate train {entry.name} --data FOLDER --out RUN"
    show(
        Markup(
            "<p>No weights of this game come with unmask. Train it: <code>{}</code>, then "
            "name RUN/last.pt above.</p><p>FOLDER is {}</p>"
        ).format(command, said(entry.needs))
    )


def _pictures(trained: Trained) -> None:
    _sample(trained)
    truth_or_lie(trained)


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
            mix, named = mixing(), named_amounts(trained)
            amounts = unnamed_amounts(trained.game.generator)
        pressed = st.form_submit_button("Make pictures", key="make")
    try:
        if pressed:
            forget()
            if truncation is not None:
                other = one_seed(mix[0])
                turns = Turns(named=named, amounts=amounts, other=other, band=mix[1])
            classes = numbers(labels) if labels.strip() else None
            asked = Sampling(seeds=numbers(seeds), labels=classes, truncation=truncation)
            keep(trained.entry.name, make(trained, asked, turns, marker(name)))
    except UnmaskError as error:
        alert("Not made", str(error))
    shown(trained.entry.name)


def _translate(trained: Trained) -> None:
    with st.form("translate"):
        file = st.file_uploader("A photograph", key="photograph")
        kinds = trained.entry.kinds
        usual = "ab".index(domain_of(trained.entry, ""))
        into = st.selectbox("To", kinds, index=usual, key="to")
        side = trained.entry.profiles[trained.profile].side
        face = st.checkbox(
            f"Cut the middle square to {side} pixels, as it was trained on", key="cut"
        )
        pressed = st.form_submit_button("Translate", key="translate-now")
    try:
        if pressed and file is None:
            raise OptionError("Bring a photograph first.")
        if pressed and file is not None:
            forget()
            mark, to = marker(trained.entry.name), domain_of(trained.entry, into)
            keep(
                trained.entry.name,
                [translated(trained, file.getvalue(), to=to, face=face, mark=mark)],
            )
    except UnmaskError as error:
        alert("Not translated", str(error))
    shown(trained.entry.name)


_WAYS = {
    Task.SAMPLE: _pictures,
    Task.TRANSLATE: _translate,
    Task.SWAP: swap,
    Task.SOUND: notes,
    Task.MUSIC: chorales,
    Task.CONVERT: voices,
}


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
