"""The sound of a recording or a clip: its picture with what is suspicious shaded, and a player."""

import streamlit as st

from unmask.app.examining import Examined
from unmask.app.page_html import heading, listing, show, unbroken
from unmask.report.clean import clean
from unmask.report.sound import figure
from unmask.report.stretches import stretches, told
from unmask.sound import Region, clock

_LEAD = 1.0  # seconds that are played before a stretch, so that its beginning is heard
_MANY = 40  # places to choose from


@st.fragment
def sound(examined: Examined) -> None:
    """The section; a fragment, so that the choice of a place does not run the page again."""
    with unbroken():
        report = examined.report
        if report.sound is None:
            return
        found = stretches(report)
        shaded = (
            "Shaded stretches are a reason to listen closer there, no proof of anything."
            if found
            else "No analysis points at a stretch of it."
        )
        heading("The sound", f"Above the waveform, below the spectrogram, dark where it is loud. "
                f"{shaded}")  # fmt: skip
        st.image(figure(report.sound, found), output_format="PNG", width="stretch",
                 alt="Waveform and spectrogram, suspicious stretches shaded")  # fmt: skip
        if found:
            show(listing([f"{one.title}: {told(one)}" for one in found]))
        places = [(one.title, region) for one in found for region in one.regions][:_MANY]
        _player(examined, places)


def _player(examined: Examined, places: list[tuple[str, Region]]) -> None:
    if not examined.player:
        return
    start = 0
    if places:
        index = st.selectbox(
            "Play from",
            range(len(places) + 1),
            format_func=lambda i: "the start" if i == 0 else _place(*places[i - 1]),
            key=f"play-{examined.report.sha256}",
        )
        start = int(max(0.0, places[index - 1][1].start - _LEAD)) if index else 0
    st.audio(examined.player, format="audio/wav", start_time=start)


def _place(title: str, region: Region) -> str:
    return f"{clock(region.start)} ({clean(title, 60)})"
