"""The page. Start it with `python -m unmask.app.launch`."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from unmask.app import (
    choices,
    view_analyses,
    view_file,
    view_generate,
    view_limits,
    view_provenance,
    view_tokens,
)
from unmask.app.examining import Examined, Options, Refused, examine, remembered, with_prior
from unmask.app.page_html import alert, show, style, unbroken
from unmask.app.uploads import Upload, example_files, from_example, from_files, from_text
from unmask.app.view_curves import curves, timeline
from unmask.app.view_maps import maps
from unmask.app.view_sound import sound
from unmask.app.view_verdict import verdict
from unmask.registry import analysers
from unmask.report import labels
from unmask.report.clean import clean
from unmask.scan import Report

_GENERATE = "Generate"
_PAGES = ("Check", _GENERATE)


def page() -> None:
    """The whole page, top to bottom."""
    st.set_page_config(page_title="unmask", page_icon="🔎", layout="wide")
    style()
    show(Markup(
        "<header><h1>unmask</h1><p>Is this picture, clip, recording or text synthetic or "
        "manipulated, and why?</p>"
        "</header>"
    ))  # fmt: skip
    with st.sidebar:
        part = st.radio("Page", _PAGES, horizontal=True, key="page")
    if part == _GENERATE:
        view_generate.generate_page()
        return
    _check_page()


def _check_page() -> None:
    with st.sidebar:
        prior, options = choices.prior(), choices.options()
    uploads = _uploads()
    if uploads:
        upload = _chosen(uploads, options)
        slot = st.empty()  # takes the last file's verdict off the page before this one's is known
        answer = remembered(upload, options)
        if answer is None:
            with (
                slot,
                st.spinner("Examining. A picture or a text takes seconds, a clip somewhat longer."),
            ):
                answer = examine(upload, options)
            if len(uploads) > 1:
                st.rerun()  # so that the list of files, further up, names this verdict as well
        with slot.container():
            _answer(answer, prior)
    view_limits.about(opened=not uploads)
    view_analyses.catalogue(analysers())


def _uploads() -> list[Upload]:
    files = st.file_uploader(
        "Pictures, clips, recordings or texts",
        accept_multiple_files=True,
        key="files",
        help="JPEG, PNG, WebP, TIFF, GIF, HEIC, AVIF; MP4, MOV, WebM, MKV, AVI; WAV, MP3, FLAC, "
        "OGG, M4A; plain text, Word, PDF, HTML. The kind is told from the bytes, "
        "not from the name. A .c2pa file beside one of the same name is read with it.",
    )
    if files:
        return from_files(files)
    pasted = st.text_area(
        "Or paste a text",
        key="pasted",
        height=120,
        max_chars=200_000,
        placeholder="Fifty words or more, in English",
    )
    if pasted and pasted.strip():
        return [from_text(pasted)]
    examples = example_files()
    if not examples:
        return []
    picked = st.selectbox(
        "Or try an example",
        examples,
        index=None,
        format_func=_example_name,
        placeholder="Choose an example",
        key="example",
    )
    return [from_example(picked)] if picked in examples else []


def _example_name(path: Path) -> str:
    return f"{path.stem.replace('_', ' ').replace('-', ' ')} ({path.suffix[1:].upper()})"


def _chosen(uploads: Sequence[Upload], options: Options) -> Upload:
    if len(uploads) == 1:
        return uploads[0]
    index = st.selectbox(
        f"Which of the {len(uploads)} files",
        range(len(uploads)),
        format_func=lambda i: _file_name(uploads[i], i, options),
        key="chosen",
    )
    return uploads[index]


def _file_name(upload: Upload, index: int, options: Options) -> str:
    """A file with the sign of its verdict, once it has one. The list shows text, not Markdown."""
    known = remembered(upload, options)
    name = f"{index + 1}. {clean(upload.name, 80)}"
    if isinstance(known, Refused):
        return f"{name} (✗ not examined)"
    if isinstance(known, Examined):
        origin = known.report.verdict.origin
        return f"{name} ({labels.SYMBOLS[origin]} {origin.value})"
    return name


def _answer(answer: Examined | Refused, prior: float) -> None:
    if isinstance(answer, Refused):
        alert(answer.title, answer.text)
        return
    report = with_prior(answer.report, prior)
    for part in (verdict, view_limits.limits, view_tokens.words, maps):
        _guarded(part, report)
    with unbroken():
        sound(answer)
    with unbroken():
        timeline(answer)
    for part in (
        curves,
        view_provenance.provenance,
        view_provenance.metadata,
        view_analyses.analyses,
        view_file.custody,
    ):
        _guarded(part, report)


def _guarded(part: Callable[[Report], None], report: Report) -> None:
    with unbroken():
        part(report)


if __name__ == "__main__":  # which is how Streamlit runs it; an import must not draw a page
    with unbroken():
        page()
