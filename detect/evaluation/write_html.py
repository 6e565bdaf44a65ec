"""An evaluation as one HTML file that fetches nothing and runs nothing."""

import base64
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from unmask.detect.evaluation.page_parts import Page, Table
from unmask.report.clean import clean
from unmask.report.html_report import POLICY

_SENTENCE = 4000  # characters of any one string in the page


def to_html(page: Page, light: Mapping[str, bytes], dark: Mapping[str, bytes]) -> str:
    """The page; `light` and `dark` hold the PNG of each picture by its file name."""
    style = files("unmask.report").joinpath("style.css").read_text("utf-8") + _read("page.css")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            policy=Markup(POLICY),
            style=Markup(style),
            light={name: _address(png) for name, png in light.items()},
            dark={name: _address(png) for name, png in dark.items()},
            sizes={name: _size(png) for name, png in light.items()},
            is_table=lambda block: isinstance(block, Table),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _read(name: str) -> str:
    return files("unmask.detect.evaluation").joinpath(name).read_text("utf-8")


def _shown(value: Any) -> Any:
    """Runs over every value that the page prints, before it is escaped: none goes by uncleaned."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value, _SENTENCE)
    return value


def _address(png: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))


def _size(png: bytes) -> tuple[int, int]:
    """Width and height from the header of a PNG."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
