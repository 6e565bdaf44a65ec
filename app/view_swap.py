"""The page "Generate", for clips: a face swapped for another person's."""

import streamlit as st
from markupsafe import Markup

from unmask.app.generating import typed_path
from unmask.app.page_html import alert, show
from unmask.app.swapping import MOST_MB, MOST_SECONDS, swapped
from unmask.app.view_made import forget, keep, shown
from unmask.errors import UnmaskError
from unmask.forensics.marking import marker
from unmask.generate.alignment import YuNet
from unmask.generate.game import OptionError
from unmask.generate.swap_nets import PEOPLE
from unmask.generate.trained import Trained, shipped

_BOUNDS = f"{MOST_SECONDS} seconds, {MOST_MB} MB and 1920 x 1080 pixels at most."


def swap(trained: Trained) -> None:
    """The form, and the clip that was made last."""
    ours = trained.source == shipped(trained.entry.name)
    show(Markup("<p class='small'>{}</p>").format(
        f"The weights know two people{' who do not exist' if ours else ''}, a and b: the largest "
        "face of the clip becomes one of them. Sound and time stamps stay. Swap faces of people "
        "who agreed to it."
    ))  # fmt: skip
    with st.form("swap"):
        file = st.file_uploader("A clip", key="clip", max_upload_size=MOST_MB, help=_BOUNDS)
        person = st.selectbox("Whose face it gets", list(reversed(PEOPLE)), key="person")
        model = st.text_input(
            "YuNet's file", key="face-model",
            help="The detector of faces, face_detection_yunet_*.onnx of OpenCV's model zoo: a path "
            "on the machine that serves this page.",
        )  # fmt: skip
        pressed = st.form_submit_button("Swap the face", key="swap-now")
    try:
        if pressed:
            forget()
            _make(trained, None if file is None else file.getvalue(), person, model)
    except UnmaskError as error:
        alert("Not swapped", str(error))
    shown(trained.entry.name)


def _make(trained: Trained, data: bytes | None, person: str, model: str) -> None:
    if data is None:
        raise OptionError("Bring a clip first.")
    path = typed_path(model)
    if path is None:
        raise OptionError("Name YuNet's file, which finds the face.")
    detector, mark = YuNet(path), marker(trained.entry.name)
    bar = st.progress(0.0, "Frame by frame.")

    def heard(done: int, total: int | None) -> None:
        part = min(1.0, done / total) if total else 0.0
        bar.progress(part, f"Frame {done}" + (f" of {total}." if total else "."))

    try:
        made = swapped(trained, data, person=person, detector=detector, mark=mark, heard=heard)
    finally:
        bar.empty()
    keep(trained.entry.name, [made])
