"""What an evaluation leaves: JSON, Markdown, HTML and PNG, and a summary for the terminal."""

import secrets
from pathlib import Path

from unmask.detect.evaluation.page import page
from unmask.detect.evaluation.page_parts import Page
from unmask.detect.evaluation.tables import Evaluation
from unmask.detect.evaluation.terminal import summary
from unmask.detect.evaluation.write_html import to_html
from unmask.detect.evaluation.write_json import dumps
from unmask.detect.evaluation.write_markdown import to_markdown

__all__ = ["summary", "write", "write_page"]


def write(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write evaluation.json, .md, .html and the plots as PNG; their paths in that order.

    Raises OSError.
    """
    return write_page(page(evaluation), dumps(evaluation), folder)


def write_page(shown: Page, json: str, folder: Path) -> list[Path]:
    """Write a page and its plots, and the JSON of the same evaluation.

    Every file is written beside its place and then moved there, so none is ever seen half; the
    JSON comes last. The folder is made where it is missing. Raises OSError.
    """
    from unmask.detect.evaluation import plots  # matplotlib loads with it

    light = {one.file: plots.png(one.drawing) for one in shown.pictures}
    dark = {one.file: plots.png(one.drawing, plots.DARK) for one in shown.pictures}
    texts = {
        "evaluation.html": to_html(shown, light, dark),
        "evaluation.md": to_markdown(shown),
        "evaluation.json": json,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (light | {n: t.encode() for n, t in texts.items()}).items():
        _place(folder / name, content)
    return [folder / name for name in (*reversed(texts), *light)]


def _place(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that it is never seen half."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
