"""An evaluation as one HTML file that fetches nothing and runs nothing."""

import base64
from collections.abc import Mapping

from markupsafe import Markup

from unmask.detect.evaluation.page_parts import Page, Table
from unmask.report.environment import POLICY, environment, read

_PACKAGE = "unmask.detect.evaluation"


def to_html(page: Page, light: Mapping[str, bytes], dark: Mapping[str, bytes]) -> str:
    """The page; `light` and `dark` hold the PNG of each picture by its file name."""
    style = read("unmask.report", "style.css") + read(_PACKAGE, "page.css")
    return (
        environment(_PACKAGE)
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


def _address(png: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))


def _size(png: bytes) -> tuple[int, int]:
    """Width and height from the header of a PNG."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
