"""The plots of an evaluation, its files, its summary in the terminal, its page in a browser."""

import base64
import io
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from evaluations import (
    EMPTY,
    HOSTILE,
    NAN,
    PERTURBATIONS,
    around,
    full,
    html_of,
    one_class,
    poisoned,
    terminal,
)
from pages import Html
from PIL import Image
from playwright import sync_api

from unmask.detect.evaluation import plots
from unmask.detect.evaluation.page import page
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import (
    Diagrams,
    Drawing,
    ErrorLine,
    Errors,
    Heat,
    Intervals,
    Panel,
    Trade,
    Trades,
)
from unmask.detect.evaluation.tables import (
    Estimate,
)
from unmask.detect.evaluation.write_json import read
from unmask.detect.evaluation.writers import write

# Plots


def test_heatmaps_hold_the_grid() -> None:
    heats = {p.file: p.drawing for p in page(full()).pictures if isinstance(p.drawing, Heat)}
    assert list(heats)[:2] == ["grid-all.png", "grid-01-patchnet.png"]
    assert heats["grid-04-python-score-py-weights-big-pt.png"].rows[-1] == "all generators"
    one = heats["grid-01-patchnet.png"]
    assert one.columns[3] == "JPEG 50"
    found = one.values[one.rows.index("stargan")][3]
    expected = Lookup(evaluation=full()).auc("patchnet", "JPEG 50", "stargan")
    assert found == expected


def test_intervals_hold_the_differences_and_the_lead() -> None:
    drawn = {p.file: p.drawing for p in page(full()).pictures if isinstance(p.drawing, Intervals)}
    assert len(drawn["differences.png"].rows) == 10
    lead = drawn["lead.png"]
    assert lead.panels[0].title == "over npr"
    assert lead.reference == 0
    assert lead.panels[0].values[0] == full().paired[0].difference
    assert {panel.slot for panel in lead.panels} == {1, 2, 3, 4}
    assert [panel.slot for panel in drawn["auc.png"].panels] == [0, 1, 2, 3, 4]


MANY = full(
    tuple(f"detector number {n} $x_{n}$ 猫" for n in range(9)),
    tuple(f"generator-{n}" for n in range(30)),
    PERTURBATIONS[:2],
)


def test_many_detectors_and_generators_fit() -> None:
    sizes = {}
    for one in [p for p in page(MANY).pictures if p.file[:7] in ("auc.png", "grid-09")]:
        with Image.open(io.BytesIO(plots.png(one.drawing))) as image:
            sizes[one.file] = image.size
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20
    assert len(sizes) == 2
    assert sizes["auc.png"][1] > 30 * 3 * 0.15 * plots.DPI  # three rows of panels
    assert len(html_of(MANY)) < 5_000_000


BROKEN = "$\\frac{$"  # where mathematics is read, it raises


def test_plots_are_repeatable_and_take_names_as_names() -> None:
    drawing = Heat(
        rows=(HOSTILE, BROKEN), columns=("_a", BROKEN), apart=True,
        values=((None, Estimate(value=NAN, low=NAN, high=NAN)), (around(0.4), around(1.0))),
    )  # fmt: skip
    assert plots.png(drawing) == plots.png(drawing)
    assert plots.png(drawing) != plots.png(drawing, plots.DARK)


@pytest.mark.parametrize(
    "drawing",
    [
        Intervals(
            panels=tuple(Panel(title=BROKEN, slot=n, values=(around(0.5), None)) for n in range(5)),
            rows=(BROKEN, "猫"), axis="AUC", reference=0.5,
        ),
        Diagrams(panels=((BROKEN, 0, full().reliability[0].bins), ("_", 9, ()))),
        Trades(
            lines=(
                Trade(title=BROKEN, slot=8, points=((1.0, 0.1), (0.5, 0.0)), own=(0.9, 0.1)),
                Trade(title="_", slot=1, points=((1.0, 0.0), (0.5, 0.0)), own=(NAN, NAN)),
            )
        ),
        Errors(
            lines=(
                ErrorLine(title=BROKEN, slot=9, points=((0.0, 1.0), (0.1, 0.2), (1.0, 0.0))),
                ErrorLine(title="_", slot=0, points=((0.0, 1.0), (1.0, 0.0))),
            ),
            least=0.01,
        ),
    ],
    ids=["intervals", "diagrams", "trades", "errors"],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_no_name_upsets_a_plot(drawing: Drawing) -> None:
    with Image.open(io.BytesIO(plots.png(drawing))) as image:
        assert image.size[0] > 400
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB, D65."""
    xyz = np.clip(rgb, 0, 1) @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    t = np.cbrt(np.maximum(xyz / (0.9505, 1, 1.089), 1e-9))
    return np.array([116 * t[1] - 16, 500 * (t[0] - t[1]), 200 * (t[1] - t[2])])


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
EYES = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("theme", [plots.LIGHT, plots.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_detectors_can_be_told_apart_by_all_eyes(theme: plots.Theme, eyes: str) -> None:
    assert len(theme.detectors) == 8
    seen = [lab(np.asarray(EYES[eyes]) @ linear(colour)) for colour in theme.detectors]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 29
    ground = luminance(theme.paper)
    for colour in theme.detectors:
        pair = sorted((ground, luminance(colour)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 3


# Files and terminal


def test_writes_all_files_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    small = poisoned()
    written = write(small, folder)
    assert [path.name for path in written[:3]] == [
        "evaluation.json", "evaluation.md", "evaluation.html",
    ]  # fmt: skip
    assert sorted(written) == sorted(folder.iterdir())
    (tmp_path / "usual").touch()
    assert {path.stat().st_mode for path in written} == {(tmp_path / "usual").stat().st_mode}
    named_there = re.findall(r"\]\(([^)]+\.png)\)", written[1].read_text("utf-8"))
    assert sorted(named_there) == sorted(path.name for path in written[3:])
    assert len(named_there) >= 8
    assert [row.auc for row in read(written[0]).rows] == [row.auc for row in small.rows]
    html = Html(written[2].read_text("utf-8"))
    for name, theme in (("src", plots.LIGHT), ("srcset", plots.DARK)):
        addresses = html.all(name)
        assert len(addresses) == len(set(addresses)) == len(named_there)
        png = base64.b64decode((addresses[0] or "").partition(",")[2])
        corner = Image.open(io.BytesIO(png)).convert("RGB").getpixel((0, 0))
        assert "#" + bytes(corner).hex() == theme.paper  # type: ignore[arg-type]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    write(EMPTY, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(*_):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write(one_class(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_terminal_says_it_in_short(width: int) -> None:
    text = terminal(full(), width)
    assert max(map(len, text.splitlines())) <= width
    flat = " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())
    for part in ("patchnet is ahead of npr", "excludes zero", "near-duplicates", "0.892"):
        assert part in flat
    assert "nothing to compare" in " ".join(terminal(EMPTY, width).split())


@pytest.mark.browser
@pytest.mark.parametrize("of", [full(), poisoned()], ids=["full", "hostile"])
def test_works_in_a_browser_on_a_narrow_screen(of, tmp_path: Path, chromium: str) -> None:
    (tmp_path / "page.html").write_text(html_of(of), encoding="utf-8")
    complaints, requests = [], []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        sheet = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
        sheet.on("console", lambda message: complaints.append(message.text))
        sheet.on("dialog", lambda dialog: complaints.append(dialog.message))
        sheet.on("request", lambda request: requests.append(request.url[:5]))
        sheet.goto((tmp_path / "page.html").as_uri())
        assert sheet.evaluate("document.documentElement.scrollWidth") <= 375
        wide = "[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)"
        assert sheet.evaluate(wide)
        browser.close()
    assert complaints == []
    assert set(requests) <= {"file:", "data:"}
