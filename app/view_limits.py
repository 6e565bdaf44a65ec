"""What the tool cannot know, said on the page itself."""

import streamlit as st
from markupsafe import Markup

from unmask import __version__
from unmask.app.page_html import listing, said, show
from unmask.scan import Report

_CANNOT = (
    "Whether what a picture shows happened. A genuine photograph can be staged, old, or of another "
    "place; a synthetic one can depict something true.",
    "Whether a generator that it has never met made a file. Its learned detector knows the "
    "generators that it was trained on, and new ones appear every month.",
    "What a messenger or a site has erased. Recompression, resizing and screenshots remove most "
    "traces, metadata and credentials, of genuine and synthetic files alike.",
    "Who is behind a file. Names in metadata can be typed in; a signature proves who signed, not "
    "that the signer tells the truth.",
    "Anything from silence. That no trace was found proves nothing.",
    "Movement and lips. Of a clip it judges sampled frames, the sound, the container and what the "
    "file says of itself. Music, singing and the texts of chat models were never measured.",
)
_INSTEAD = (
    "Ask the source for the original file, and look at it rather than at a copy.",
    "Search for earlier copies and for other views of the same event.",
    "Check place, time, weather, shadows and writing against what is known.",
    "Treat “inconclusive” as an answer: it is often the only honest one.",
)
_PRIVACY = (
    "Files go from this browser to the unmask program that serves this page, and no further. They "
    "stay in its memory while the page is open; nothing is kept. A clip is decoded by way of a "
    "temporary file, which is deleted at once. The page loads no font, script or picture from "
    "elsewhere, and nobody counts its use."
)


def limits(report: Report) -> None:
    """What this answer cannot know, beside the answer."""
    show(
        Markup('<section class="limits"><h2>What this answer cannot know</h2><p>{}</p></section>')
        .format(said(report.verdict.limits))
    )  # fmt: skip


def about(*, opened: bool) -> None:
    """What the tool as such cannot know, what to do instead, and where files go."""
    with st.expander("What this tool cannot know", expanded=opened):
        show(
            Markup("{}<h3>What helps beside it</h3>{}").format(listing(_CANNOT), listing(_INSTEAD))
        )
    with st.expander("Where your files go"):
        show(Markup('<p>{}</p><p class="small">unmask {}</p>').format(_PRIVACY, __version__))
