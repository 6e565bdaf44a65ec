"""Text documents (PDF, Word, HTML), read by a fenced child process (document_worker.py)."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unmask.errors import MediaError, Reason
from unmask.media.clip import run_worker
from unmask.media.limits import Limits
from unmask.media.sniff import HTML, Format
from unmask.media.text import read_text

WORKER = Path(__file__).with_name("document_worker.py")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text, and what its file says of itself."""

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)  # author, program, dates, ...: JSON


def read_document(data: bytes, fmt: Format, limits: Limits) -> Document:
    """Take the text out of a document, in a child with bounded memory, time and output.

    Scripts and what a page hides are left out. Raises MediaError: CORRUPT, NO_STREAM (no text in
    it), TOO_LARGE, TOO_SLOW, UNSUPPORTED (protected by a password).
    """
    if len(data) > limits.document_bytes:
        raise MediaError(Reason.TOO_LARGE, "The document is larger than unmask reads.")
    if fmt is HTML:
        data = read_text(data, limits).encode("utf-8", "replace")
    try:
        with tempfile.TemporaryDirectory(prefix="unmask-", ignore_cleanup_errors=True) as folder:
            out = Path(folder)
            (out / "input").write_bytes(data)
            job = asdict(limits) | {
                "input": str(out / "input"), "output": folder, "format": fmt.name,
            }  # fmt: skip
            run_worker(WORKER, job, limits, out / "document.json")
            found = json.loads((out / "document.json").read_text(encoding="utf-8"))
    except MemoryError as error:
        raise MediaError(Reason.TOO_LARGE, "The document does not fit in memory.") from error
    except (OSError, ValueError) as error:
        raise MediaError(Reason.UNREADABLE, f"The document could not be read: {error}") from error
    return Document(text=found["text"], facts=found["facts"])
