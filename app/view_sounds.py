"""The page "Generate", for what is heard: pieces played, new music, voices converted."""

import streamlit as st
from markupsafe import Markup

from unmask.app.generating import one_seed
from unmask.app.making_sound import (
    MOST_MB,
    MOST_RECORDING_MB,
    converted,
    music,
    played,
    score,
)
from unmask.app.page_html import alert, show
from unmask.app.view_made import forget, keep, shown
from unmask.errors import UnmaskError
from unmask.forensics.marking import marker, text_marker
from unmask.generate.audio.scores import pieces
from unmask.generate.game import OptionError
from unmask.generate.sampling import numbers
from unmask.generate.trained import Trained


def notes(trained: Trained) -> None:
    """A piece, played while its timbre wanders from one seed's to another's."""
    with st.form("render"):
        piece = st.selectbox("Piece", pieces(), key="piece", help="Preludes of Bach, as notes.")
        file = st.file_uploader("Or a MIDI file", key="midi", max_upload_size=MOST_MB)
        start = st.text_input("From the timbre of seed", "0", key="from")
        end = st.text_input("To that of seed", "1", key="to-seed", help="Empty: it stays.")
        pressed = st.form_submit_button("Play", key="play")
    try:
        if pressed:
            forget()
            seeds = [seed for seed in (one_seed(start), one_seed(end)) if seed is not None]
            if not seeds:
                raise OptionError("Give the seed of a timbre.")
            found = score(piece, None if file is None else file.getvalue())
            with st.spinner("Note by note."):
                keep(
                    trained.entry.name, [played(trained, found, seeds, marker(trained.entry.name))]
                )
    except UnmaskError as error:
        alert("Not played", str(error))
    shown(trained.entry.name)


def chorales(trained: Trained) -> None:
    """Four bars of four voices for each seed."""
    show(Markup("<p class='small'>{}</p>").format(
        "MIDI to download; drawn with the soprano in yellow, alto red, tenor blue, bass green."
    ))  # fmt: skip
    with st.form("compose"):
        seeds = st.text_input("Seeds", "0-3", key="seeds")
        pressed = st.form_submit_button("Compose", key="make")
    try:
        if pressed:
            forget()
            mark = text_marker(trained.entry.name)
            keep(trained.entry.name, music(trained, numbers(seeds), mark))
    except UnmaskError as error:
        alert("Not composed", str(error))
    shown(trained.entry.name)


def voices(trained: Trained) -> None:
    """A recording, said in the other voice."""
    show(Markup("<p class='small'>{}</p>").format(
        "The weights know two voices, and convert between them; others they change less. Convert "
        "voices of people who agreed to it."
    ))  # fmt: skip
    with st.form("convert"):
        file = st.file_uploader(
            "A recording, or a clip with sound", key="recording",
            max_upload_size=MOST_RECORDING_MB,
        )  # fmt: skip
        voice = st.selectbox("Into the voice", ("b", "a"), key="voice")
        pressed = st.form_submit_button("Convert", key="convert-now")
    try:
        if pressed and file is None:
            raise OptionError("Bring a recording first.")
        if pressed and file is not None:
            forget()
            with st.spinner("Frame by frame."):
                mark = marker(trained.entry.name)
                keep(trained.entry.name, [converted(trained, file.getvalue(), voice, mark)])
    except UnmaskError as error:
        alert("Not converted", str(error))
    shown(trained.entry.name)
