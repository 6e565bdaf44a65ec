"""Take the text out of one document, fenced off: run as a script, never imported by the parent.

It stands alone (no unmask import), as worker.py does for clips. argv: a JSON object with `input`,
`output` (a folder), `format` (pdf, docx, html) and the limits. It writes document.json (text,
facts) and exits 0; or writes error.json (reason, message) and exits 1.
"""

import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

FACT_CHARACTERS = 2000  # kept of a document's own words about itself
PARTS = 5000  # files in an office document
RATIO = 200  # unpacked by packed, above which a part of some size is a bomb
LEAST_WORDS = 50  # of an <article>, to be taken for the page
# What a page shows around its text, or does not show at all.
UNSEEN = {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "head"}
AROUND = {"nav", "footer", "aside", "form", "button", "select", "dialog", "menu"}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
}  # fmt: skip
HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)

Document = tuple[str, dict[str, Any]]


class RefusalError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def fence(job: dict[str, Any]) -> None:
    """Bound memory, processor time and output of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock alone holds
        return
    seconds = int(job["decode_seconds"]) + 1
    for what, bound in (
        (resource.RLIMIT_AS, int(job["worker_bytes"])),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 8 * int(job["text_bytes"])),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        wanted = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(what, (wanted, hard))
        except (ValueError, OSError):
            if sys.platform == "linux":
                raise


def fact(value: object) -> str:
    return str(value)[:FACT_CHARACTERS] if value is not None else ""


def bounded(parts: Iterator[str], job: dict[str, Any]) -> str:
    """All parts, refused as soon as they are too long together."""
    out, size = io.StringIO(), 0
    for part in parts:
        size += len(part.encode("utf-8", "replace"))
        if size > int(job["text_bytes"]):
            raise RefusalError("too_large", "The document's text is longer than unmask reads.")
        out.write(part)
    return out.getvalue()


def read_pdf(data: bytes, job: dict[str, Any]) -> Document:
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data))
    locked = reader.is_encrypted
    if locked and not reader.decrypt(""):
        raise RefusalError("unsupported", "The PDF is protected by a password.")
    pages = len(reader.pages)
    if pages > int(job["document_pages"]):
        raise RefusalError("too_large", f"The PDF has {pages} pages.")
    text = bounded((page.extract_text() + "\n\n" for page in reader.pages), job)
    about: dict[str, Any] = dict(reader.metadata or {})
    facts = {
        "pages": pages,
        "protected": bool(locked),
        **{
            name: fact(about.get(key))
            for name, key in (
                ("title", "/Title"), ("author", "/Author"), ("program", "/Creator"),
                ("producer", "/Producer"), ("created", "/CreationDate"), ("modified", "/ModDate"),
            )
            if about.get(key)
        },
    }  # fmt: skip
    if not text.strip():
        raise RefusalError("no_stream", "The PDF holds no text: its pages may be pictures of it.")
    # A word cut at the end of a line is one word; a dash between words is kept.
    return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text), facts


def read_docx(data: bytes, job: dict[str, Any]) -> Document:
    import docx

    refuse_bomb(data, job)
    document = docx.Document(io.BytesIO(data))
    text = bounded((block + "\n" for block in blocks(document)), job)
    about = document.core_properties
    facts = {
        name: fact(value)
        for name, value in (
            ("title", about.title), ("author", about.author),
            ("last_modified_by", about.last_modified_by), ("created", about.created),
            ("modified", about.modified), ("last_printed", about.last_printed),
            ("revision", about.revision), ("comments", about.comments),
        )
        if value
    }  # fmt: skip
    hidden = sum(bool(r.font.hidden) for p in document.paragraphs for r in p.runs)
    if hidden:
        facts["hidden_runs"] = str(hidden)
    return text, facts


def refuse_bomb(data: bytes, job: dict[str, Any]) -> None:
    """Raise where an archive would unpack to too much. The reader checks the sizes it is told."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise RefusalError("unsupported", "The document is protected by a password.")
    total = sum(part.file_size for part in parts)
    bomb = any(p.file_size > 2**20 and p.file_size > RATIO * max(1, p.compress_size) for p in parts)
    if len(parts) > PARTS or total > int(job["document_bytes"]) or bomb:
        raise RefusalError("too_large", "The document unpacks to more than unmask reads.")


def blocks(document: Any) -> Iterator[str]:
    """Paragraphs and the cells of tables, in the order of the page."""
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            seen = set()
            for row in block.rows:
                for cell in row.cells:  # a merged cell comes once for each of its places
                    if cell._tc not in seen:
                        seen.add(cell._tc)
                        yield cell.text
        else:
            yield block.text


class Page(HTMLParser):
    """The text that a page shows: of its <article> or <main>, or all of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[bool, str]] = []  # (within an article, text)
        self.facts: dict[str, str] = {}
        self.hidden = self.scripts = 0
        self._open: list[tuple[str, bool]] = []  # (tag, shown)
        self._title = False

    @property
    def shown(self) -> bool:
        return not self._open or self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name") in {"generator", "author", "date"}:
            self.facts[str(found["name"])] = fact(found.get("content"))
        self.scripts += tag == "script"
        self._title = tag == "title"
        if tag not in INLINE:
            self.parts.append((self._within(), "\n"))
        if tag in VOID:
            return
        if tag == "body":  # ends a head that nobody closed
            self._open = [one for one in self._open if one[0] == "html"]
        hides = "hidden" in found or bool(HIDING.search(found.get("style") or ""))
        self.hidden += hides and self.shown
        self._open.append((tag, self.shown and not hides and tag not in UNSEEN | AROUND))

    def handle_endtag(self, tag: str) -> None:
        self._title = False
        if tag not in INLINE:
            self.parts.append((self._within(), "\n"))
        places = [i for i, (name, _) in enumerate(self._open[-200:]) if name == tag]
        if places:  # what was left open within it ends with it
            del self._open[len(self._open[:-200]) + places[-1] :]

    def handle_data(self, data: str) -> None:
        if self._title:
            self.facts.setdefault("title", fact(data.strip()))
        elif self.shown:
            self.parts.append((self._within(), data))

    def _within(self) -> bool:
        return any(tag in {"article", "main"} for tag, _ in self._open[:50])


def read_html(data: bytes, job: dict[str, Any]) -> Document:
    page = Page()
    page.feed(data.decode("utf-8", "replace"))
    page.close()
    article = "".join(text for within, text in page.parts if within)
    chosen = article if len(article.split()) >= LEAST_WORDS else None
    whole = chosen if chosen is not None else "".join(text for _, text in page.parts)
    text = re.sub(r"\s*\n\s*", "\n", bounded(iter([whole]), job)).strip()
    if not text:
        raise RefusalError("no_stream", "The page shows no text of its own.")
    facts: dict[str, Any] = page.facts | {"scripts": page.scripts, "hidden_parts": page.hidden}
    return text + "\n", facts | {"part": "article" if chosen is not None else "whole page"}


READERS: dict[str, Callable[[bytes, dict[str, Any]], Document]] = {
    "pdf": read_pdf, "docx": read_docx, "html": read_html,
}  # fmt: skip


def main() -> int:
    job = json.loads(sys.argv[1])
    out = Path(job["output"])
    try:
        fence(job)
        text, facts = READERS[job["format"]](Path(job["input"]).read_bytes(), job)
        if not text.strip():
            raise RefusalError("no_stream", "The document holds no text.")
        found = {"text": text.encode("utf-8", "replace").decode(), "facts": facts}
        (out / "document.json").write_text(json.dumps(found), encoding="utf-8")
    except RefusalError as error:
        refusal = {"reason": error.reason, "message": str(error)}
    except (MemoryError, RecursionError):
        refusal = {"reason": "too_large", "message": "The document is too large or too nested."}
    except Exception as error:  # the libraries raise whatever a broken file makes them stumble on
        message = f"The document is damaged: {type(error).__name__}: {error}"[:300]
        refusal = {"reason": "corrupt", "message": message}
    else:
        return 0
    (out / "error.json").write_text(json.dumps(refusal), encoding="utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main())
