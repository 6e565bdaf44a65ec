"""The page "Generate", for texts: poems, speeches and captions, from a prompt on."""

import streamlit as st

from unmask.app.generating import one_seed
from unmask.app.making_texts import written
from unmask.app.page_html import alert
from unmask.app.view_made import forget, keep, shown
from unmask.errors import UnmaskError
from unmask.forensics.marking import text_marker
from unmask.generate.text.trained import TrainedText
from unmask.generate.text.writing import Asked

_RUNNING = ("speech", "obama")  # games whose sequences are pieces of a longer text


def texts(trained: TrainedText) -> None:
    """The form, and the text that was written last."""
    name = trained.entry.name
    with st.form("write"):
        prompt = st.text_input("It begins with", key="prompt", max_chars=400)
        seed = st.text_input("Seed", "0", key="seed")
        temperature = st.slider(
            "Temperature", 0.1, 2.0, 0.8, key="temperature",
            help="1: as learned; below: more typical, less varied.",
        )  # fmt: skip
        words = 0
        if name in _RUNNING:
            words = st.slider("Words", 10, 300, 60, key="words", help="It ends soon after.")
        pressed = st.form_submit_button("Write", key="write-now")
    try:
        if pressed:
            forget()
            asked = Asked(
                seed=one_seed(seed) or 0, prompt=prompt, temperature=temperature, words=words
            )
            keep(name, [written(trained, asked, text_marker(name))])
    except UnmaskError as error:
        alert("Not written", str(error))
    shown(name)
