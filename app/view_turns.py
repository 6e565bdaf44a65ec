"""What is turned on faces, as fields and sliders of the page "Generate"."""

import re

import streamlit as st
from markupsafe import Markup

from unmask.app.page_html import alert, show
from unmask.errors import UnmaskError
from unmask.generate.command_faces import named_of
from unmask.generate.controls import Band
from unmask.generate.named_directions import FARTHEST, Named
from unmask.generate.stylegan2 import Generator
from unmask.generate.trained import Trained
from unmask.report.clean import clean

_DIRECTIONS = 6  # sliders of SeFa
_FAR = 10.0  # along a direction of SeFa, either way: beyond it faces fall apart
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def mixing() -> tuple[str, Band]:
    """(the other face's seed as typed, the layers that it gives)."""
    left, right = st.columns(2)
    other = left.text_input("Mix with the face of seed", key="mix", help="Empty: no mixing.")
    bands = [band.value for band in Band]
    band: str = right.selectbox(
        "Its layers", bands, key="band",
        help="coarse: pose, shape, glasses; middle: features, hair; fine: colours, texture.",
    )  # fmt: skip
    return other, Band(band)


def named_amounts(trained: Trained) -> tuple[tuple[str, float], ...]:
    """A slider for each named direction that lies beside the weights, in deviations."""
    try:
        there = named_of(trained)
    except UnmaskError as error:
        alert("No named directions", str(error))
        return ()
    if not there:
        return ()
    show(Markup("<p class='small'>{}</p>").format(
        "Directions found from labelled photographs, in standard deviations. A name says what "
        "somebody sorted photographs by, not what a person is; the question mark says how well it "
        "was found."
    ))  # fmt: skip
    columns = st.columns(3)
    return tuple(
        (name, columns[i % 3].slider(
            _plain(name), -FARTHEST, FARTHEST, 0.0, step=0.1, key=f"named-{name}",
            help=_plain(_meaning(one)),
        ))
        for i, (name, one) in enumerate(there.items())
    )  # fmt: skip


def _meaning(one: Named) -> str:
    return one.means or "Nothing was written down of how it was found."


def _plain(text: str) -> str:
    """A card's words for a place where Streamlit reads Markdown."""
    return _MARKDOWN.sub(r"\\\1", clean(text))


def unnamed_amounts(generator: Generator) -> tuple[float, ...]:
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
