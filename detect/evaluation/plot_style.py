"""How plots look: colours by day and by night, letters, axes. Imports matplotlib."""

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

DPI = 144
_MARKERS = "osD^vPX"  # apart from colour; fewer, so that the ninth is like none before it
_FONT = "DejaVu Sans"  # comes with matplotlib


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours by day or by night.

    The eight of detectors are 29 or more apart in CIELAB for normal, protan, deutan and tritan
    eyes (simulated as by Machado et al. 2009), and stand out from the paper by 3 : 1.
    """

    paper: str
    ink: str
    soft: str
    edge: str
    detectors: tuple[str, ...]


LIGHT = Theme(
    paper="#ffffff", ink="#16181d", soft="#4c525e", edge="#c9ced8",
    detectors=("#002ca2", "#d87b0c", "#0ca58b", "#840066", "#9d76d9", "#946737", "#000516",
               "#421f00"),
)  # fmt: skip
DARK = Theme(
    paper="#14161a", ink="#eceef2", soft="#b3bac6", edge="#454c59",
    detectors=("#569fe7", "#e85f1b", "#1fff9b", "#a48e9f", "#6846dc", "#f0f521", "#cbffff",
               "#99563f"),
)  # fmt: skip


def blank(width: float, height: float, theme: Theme) -> Any:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor=theme.paper)


def written(text: str) -> str:
    """Text with a box for every character that the font lacks; matplotlib would warn of each."""
    font = get_font(findfont(_FONT))
    return "".join(c if font.get_char_index(ord(c)) else "□" for c in text)


def say(theme: Theme, size: float = 9.0, colour: str = "") -> dict[str, Any]:
    """How texts look. Names are not mathematics: a `$` in one is a dollar."""
    return {
        "fontsize": size,
        "color": colour or theme.ink,
        "parse_math": False,
        "family": _FONT,
    }


def dress(axes: Any, theme: Theme) -> None:
    """Axes in the theme's colours, with lines at the left and below."""
    axes.set_facecolor(theme.paper)
    axes.tick_params(colors=theme.soft, labelsize=8, length=3)
    for side, spine in axes.spines.items():
        spine.set_color(theme.edge)
        spine.set_visible(side in ("left", "bottom"))
    axes.set_axisbelow(True)


def look(slot: int | None, theme: Theme) -> dict[str, Any]:
    """Colour and marker of a detector."""
    if slot is None:
        return {"color": theme.ink, "marker": "o"}
    colour = theme.detectors[slot % len(theme.detectors)]
    return {"color": colour, "marker": _MARKERS[slot % len(_MARKERS)]}
