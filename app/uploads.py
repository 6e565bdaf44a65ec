"""What there is to examine: uploaded files, or an example."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".avif"}
_OTHERS = {".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4a", ".wav", ".mp3", ".flac", ".ogg"}
_TEXTS = {".txt", ".docx", ".pdf", ".html"}
_SIDECAR = ".c2pa"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that waits to be examined; its bytes are fetched only when they are needed."""

    name: str  # shown, never believed
    sha256: str
    read: Callable[[], bytes]
    sidecar: bytes | None = None


def from_files(files: Sequence[UploadedFile]) -> list[Upload]:
    """Uploaded files, each with the `.c2pa` manifest of the same stem that came along."""
    sidecars = {_stem(f.name): f.getvalue() for f in files if _is_sidecar(f.name)}
    return [
        Upload(
            name=file.name,
            sha256=_digest(file),
            read=file.getvalue,
            sidecar=sidecars.get(_stem(file.name)),
        )
        for file in files
        if not _is_sidecar(file.name) or len(files) == 1
    ]


def example_files(folder: Path = _EXAMPLES) -> list[Path]:
    """The media files that ship as examples, by name; none where the folder is absent."""
    if not folder.is_dir():
        return []
    return sorted(
        p
        for p in folder.iterdir()
        if p.suffix.lower() in _PICTURES | _OTHERS | _TEXTS and p.is_file()
    )


def from_example(path: Path) -> Upload:
    """An example as if it had been uploaded."""
    data = path.read_bytes()
    return Upload(name=path.name, sha256=hashlib.sha256(data).hexdigest(), read=path.read_bytes)


def from_text(text: str) -> Upload:
    """A pasted text as if it had been a file of plain text."""
    # The mark says what it is: text that begins like a PDF or a page is text all the same.
    data = b"\xef\xbb\xbf" + text.encode("utf-8", "replace")
    return Upload(name="pasted text", sha256=hashlib.sha256(data).hexdigest(), read=lambda: data)


def _is_sidecar(name: str) -> bool:
    return PurePath(name).suffix.lower() == _SIDECAR


def _stem(name: str) -> str:
    return PurePath(name).stem


def _digest(file: UploadedFile) -> str:
    """SHA-256, once per upload: every touch of a slider runs the page again."""
    known: dict[str, str] = st.session_state.setdefault("digests", {})
    if file.file_id not in known:
        known[file.file_id] = hashlib.sha256(file.getbuffer()).hexdigest()
    return known[file.file_id]
