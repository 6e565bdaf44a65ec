"""What an evaluation leaves: JSON that reads back, Markdown, a page for everybody, plots."""

import base64
import dataclasses
import io
import json
import math
import re
import typing
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import combinations, pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image
from playwright import sync_api
from rich.console import Console

from unmask.detect.evaluation import plots, tables
from unmask.detect.evaluation.page import page
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import (
    Cell,
    Diagrams,
    Drawing,
    Heat,
    Intervals,
    Page,
    Panel,
    Section,
    Trade,
    Trades,
    table,
)
from unmask.detect.evaluation.page_words import DIFFERENCE, FIGURE, SHARE, named
from unmask.detect.evaluation.tables import (
    POOLED,
    WORST,
    Bin,
    Estimate,
    Evaluation,
    Leak,
    Paired,
    Predictive,
    Reliability,
    RiskCoverage,
    Row,
    SourceRow,
    Speed,
    Threshold,
)
from unmask.detect.evaluation.write_html import to_html
from unmask.detect.evaluation.write_json import EvaluationFileError, dumps, read, schema, to_json
from unmask.detect.evaluation.write_markdown import escape, to_markdown
from unmask.detect.evaluation.writers import summary, write

HOSTILE = (
    "\"'><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"
    "{{ 7*7 }}{% raw %}&lt;b&gt;\x1b[31m\x00\u202egpj.exe\udcff]]></style></svg><!--"
    "`` ` | [a](http://evil.example) **b** _c_ $x^2$ @d #1 [red] www.evil.example\n# e\n- f"
)
DETECTORS = ("patchnet", "npr", "safe", "python score.py --weights big.pt", "cooccurrence")
GENERATORS = ("cyclegan", "stargan", "stylegan2-type", "stable-diffusion-3", "flux-dev", "vq-k4",
              "kl-bilinear", "pixel-shuffle")  # fmt: skip
PERTURBATIONS = ("clean", "JPEG 90", "JPEG 70", "JPEG 50", "WebP 80", "scaled 0.5", "scaled 2",
                 "scaled 0.75, JPEG 70", "social media")  # fmt: skip
NAN = math.nan
EMPTY = Evaluation(
    command="unmask evaluate", version="0.1.0", started="2026-03-04T10:15:22+00:00",
    manifest_sha256="ab" * 32, data={}, detectors={}, thresholds=(), rows=(), sources=(),
    paired=(), reliability=(), risk_coverage=(), predictive=(), leaks=(), speed=(), failures={},
    warnings=(),
)  # fmt: skip


def around(value: float, room: float = 0.02) -> Estimate:
    return Estimate(value=value, low=max(0.0, value - room), high=min(1.0, value + room))


def row(
    detector: str,
    perturbation: str,
    generator: str,
    auc: float,
    n_fake: int = 100,
    n_real: int = 500,
) -> Row:
    hit = auc - 0.06
    return Row(
        detector=detector, perturbation=perturbation, generator=generator, n_real=n_real,
        n_fake=n_fake, auc=around(auc), ap=around(auc - 0.03), balanced_accuracy=around(hit),
        oracle_accuracy=hit + 0.03, tpr=around(hit - 0.08), tnr=around(0.979, 0.011),
        tpr_at_fpr_1=around(auc / 3, 0.08), tpr_at_fpr_5=around(auc / 2, 0.07),
        eer=around(1 - hit), abstained=0.042,
    )  # fmt: skip


def rows(
    detectors: Sequence[str], generators: Sequence[str], perturbations: Sequence[str]
) -> tuple[Row, ...]:
    found = []
    for d, detector in enumerate(detectors):
        for p, perturbation in enumerate(perturbations):
            areas = [
                0.95 - 0.031 * d - 0.018 * p - 0.33 * ((3 * g + d) % 8 == 0) - 0.01 * (g % 5)
                for g in range(len(generators))
            ]
            found += [
                row(detector, perturbation, *pair) for pair in zip(generators, areas, strict=True)
            ]
            total = 100 * len(generators)
            found.append(row(detector, perturbation, POOLED, float(np.mean(areas)), total))
            found.append(row(detector, perturbation, WORST, min(areas)))
    return tuple(found)


def full(
    detectors: Sequence[str] = DETECTORS,
    generators: Sequence[str] = GENERATORS,
    perturbations: Sequence[str] = PERTURBATIONS,
) -> Evaluation:
    """Everything that an evaluation can hold; the last detector has an oracle's threshold."""
    every = rows(detectors, generators, perturbations)
    area = {
        (r.detector, r.perturbation): r.auc.value for r in every if r.auc and r.generator == POOLED
    }
    paired = tuple(
        Paired(
            first=a, second=b, perturbation=p, generator=POOLED,
            difference=Estimate(value=(gap := area[a, p] - area[b, p]), low=gap - 0.018 - 0.002 * i,
                                high=gap + 0.018 + 0.002 * i),
        )
        for i, p in enumerate(perturbations)
        for a, b in combinations(detectors, 2)
    )  # fmt: skip
    edges = np.linspace(0, 1, 11)
    bins = [
        tuple(
            Bin(low=float(a), high=float(b), n=0 if i == 4 else 20 + 9 * (i - 4) ** 2,
                stated=NAN if i == 4 else float(a) + 0.05,
                found=NAN if i == 4 else float(np.clip(a + 0.05 + (k + 1) * (a - 0.5) / 32, 0, 1)))
            for i, (a, b) in enumerate(pairwise(edges))
        )
        for k in range(len(detectors))
    ]  # fmt: skip
    calibrated = detectors[:-1]
    return replace(
        EMPTY,
        command="unmask evaluate --detector patchnet --detector npr --data manifest.csv "
        "--perturb standard --out results",
        data={
            "photographs": {"camera": 300},
            "phones": {"camera": 200},
            "test": dict.fromkeys(generators, 100),
        },
        detectors={name: f"{i}{'c' * 63}" for i, name in enumerate(detectors)},
        thresholds=tuple(
            Threshold(detector=name, value=0.5 + i, chosen=chosen)
            for i, (name, chosen) in enumerate(
                zip(detectors, ["calibrated", "validation", "stated"] * 9, strict=False)
            )
            if name != detectors[-1] or len(detectors) == 1
        )
        + (Threshold(detector=detectors[-1], value=-1.25, chosen="oracle"),) * (len(detectors) > 1),
        rows=every,
        sources=tuple(
            SourceRow(detector=d, corpus=c, n=n, false_positives=2 + i,
                      rate=Estimate(value=(2 + i) / n, low=0.004, high=0.05))
            for i, d in enumerate(detectors)
            for c, n in (("photographs", 300), ("phones", 200))
        ),
        paired=paired,
        reliability=tuple(
            Reliability(detector=d, perturbation=p, ece=around(0.03 + 0.01 * i),
                        brier=around(0.11), cllr=around(0.52, 0.06), bins=bins[i])
            for i, d in enumerate(calibrated)
            for p in perturbations
        ),
        risk_coverage=tuple(
            RiskCoverage(
                detector=d, perturbation=p, aurc=0.05 + 0.01 * i, own=(0.95 - 0.05 * i, 0.09),
                points=tuple((c / 40, (0.13 + 0.02 * i) * (c / 40) ** 2) for c in range(40, 0, -1)),
            )
            for i, d in enumerate(detectors)
            for p in perturbations
        ),
        predictive=tuple(
            Predictive(
                detector=d, prevalence=p, ppv=around(min(0.9, 15 * p)), npv=around(1 - p / 20, 1e-4)
            )
            for d in detectors
            for p in (0.001, 0.01, 0.1)
        ),
        leaks=(
            Leak(probe="size", auc=Estimate(value=0.5, low=0.47, high=0.53), n=1300),
            Leak(probe="thumbnail 8 x 8", auc=Estimate(value=0.634, low=0.6, high=0.668), n=1300),
        ),
        speed=tuple(
            Speed(detector=d, images=1300 if i else 0, images_per_second=3.42 * i if i else NAN,
                  peak_memory_mb=812.4, processors=2)
            for i, d in enumerate(detectors)
        ),
        failures={detectors[0]: {f"fakes/{n}.png": "truncated file" for n in range(134)}},
        warnings=("12 pairs of pictures are near-duplicates.",),
    )  # fmt: skip


def poisoned() -> Evaluation:
    """A full evaluation in which every string from outside is hostile."""
    second = HOSTILE + " 2"
    known = full(("x", "y"), GENERATORS[:2], PERTURBATIONS[:2])
    names = {"x": HOSTILE, "y": second, GENERATORS[0]: HOSTILE, "photographs": HOSTILE}

    def spoil(value: typing.Any) -> typing.Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            found = {f.name: spoil(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return type(value)(**found)
        if isinstance(value, tuple):
            return tuple(spoil(one) for one in value)
        if isinstance(value, dict):
            return {spoil(key): spoil(one) for key, one in value.items()}
        return names.get(value, value) if isinstance(value, str) else value

    return replace(
        spoil(known), command=HOSTILE, version=HOSTILE, started=HOSTILE, manifest_sha256=HOSTILE,
        warnings=(HOSTILE,), failures={HOSTILE: {HOSTILE: HOSTILE}},
        leaks=(Leak(probe=HOSTILE, auc=around(0.9), n=3),),
    )  # fmt: skip


class Html(HTMLParser):
    """The tags of a page in order, its text, and whether every tag was closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.orphans: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.text += " "
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "source", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.orphans.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, name):
        return [attrs.get(name) for _, attrs in self.tags if name in attrs]


def dot() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "PNG")
    return buffer.getvalue()


def html_of(evaluation: Evaluation) -> str:
    """The page with a dot for each plot: drawing them takes its time."""
    shown = page(evaluation)
    pictures = dict.fromkeys((one.file for one in shown.pictures), dot())
    return to_html(shown, pictures, pictures)


def text_of(evaluation: Evaluation) -> str:
    return " ".join(Html(html_of(evaluation)).text.split())


def tree(text: str) -> Html:
    return Html(MarkdownIt("commonmark").enable("table").render(text))


def terminal(evaluation: Evaluation, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(summary(evaluation))
    return console.file.getvalue()


def one_class() -> Evaluation:
    """Fakes alone: every figure that needs photographs is undefined."""
    lone = replace(
        row("patchnet", "clean", POOLED, 0.9, n_real=0), auc=None, ap=None, balanced_accuracy=None,
        oracle_accuracy=None, tnr=None, tpr_at_fpr_1=None, tpr_at_fpr_5=None, eer=None,
    )  # fmt: skip
    return replace(
        EMPTY, detectors={"patchnet": "cd"}, rows=(lone, replace(lone, generator="stargan")),
        thresholds=(Threshold(detector="patchnet", value=math.inf, chosen="validation"),),
        data={"test": {"stargan": 100}},
    )  # fmt: skip


EVALUATIONS = {
    "full": full(DETECTORS[-3:], GENERATORS[:3], PERTURBATIONS[:3]),
    "hostile": poisoned(),
    "empty": EMPTY,
    "one class": one_class(),
}
every_kind = pytest.mark.parametrize("of", EVALUATIONS.values(), ids=EVALUATIONS)


# JSON


@every_kind
def test_json_keeps_to_the_schema_and_reads_back(of: Evaluation, tmp_path: Path) -> None:
    text = dumps(of)
    assert text.isascii()
    assert "NaN" not in text
    document = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    (tmp_path / "evaluation.json").write_text(text)
    again = read(tmp_path / "evaluation.json")
    assert repr(again) == repr(of).replace("\\udcff", "\\\\udcff")  # repr, for NaN is not NaN
    assert list(again.detectors) == list(document["detectors"])


def test_the_schema_names_every_field() -> None:
    found = schema()
    defined = found["$defs"] | {"Evaluation": found}
    kinds = [
        kind for kind in vars(tables).values()
        if dataclasses.is_dataclass(kind) and kind.__name__ not in ("Scores", "Sample")
    ]  # fmt: skip
    assert len(kinds) == 12
    for kind in kinds:
        names = {field.name for field in dataclasses.fields(kind)}
        names |= {"schema_version"} if kind is Evaluation else set()
        assert set(defined[kind.__name__]["properties"]) == names
        assert set(defined[kind.__name__]["required"]) == names


def test_json_tells_missing_from_endless(tmp_path: Path) -> None:
    document = to_json(full())
    assert document["reliability"][0]["bins"][4]["stated"] is None
    assert to_json(one_class())["thresholds"][0]["value"] == "Infinity"
    assert to_json(one_class())["rows"][0]["auc"] is None
    (tmp_path / "a.json").write_text(json.dumps(document | {"added_later": 1}))
    again = read(tmp_path / "a.json")
    assert math.isnan(again.reliability[0].bins[4].stated)
    assert again.risk_coverage[0].own == full().risk_coverage[0].own


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1}', "null", "{",
     dumps(full()).replace('"n_real": 500', '"n_real": "500"', 1),
     dumps(full()).replace('"low": 0.', '"lo": 0.', 1)],
)  # fmt: skip
def test_what_is_no_evaluation_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(EvaluationFileError, match=r"a\.json"):
        read(tmp_path / "a.json")


# The summary


def test_says_who_is_ahead_and_by_how_much() -> None:
    shown = page(full())
    assert shown.headline == "patchnet is ahead of npr: AUC 0.892 against 0.861"
    text = "\n".join(shown.points)
    assert "patchnet has the highest AUC: 0.892 [0.872, 0.912], on 500 photographs and 800" in text
    assert "+0.031 [+0.013, +0.049]: the interval excludes zero" in text
    assert "All 4 rivals are behind by an interval that excludes zero." in text
    assert "worst generator is cyclegan: AUC 0.620 [0.600, 0.640]." in text
    assert "After social media, the hardest of 8 perturbations, its AUC is 0.748" in text
    assert "frozen before these pictures were scored (patchnet and" in text
    assert "An oracle's threshold, chosen on these very pictures, is that of cooccurrence †" in text
    assert "Leak: thumbnail 8 x 8 (AUC 0.634 [0.600, 0.668]) alone can tell" in text
    assert "size (AUC" not in text
    assert "patchnet on 134" in text
    assert shown.warnings == ("12 pairs of pictures are near-duplicates.",)


@pytest.mark.parametrize(
    ("low", "high", "headline", "point"),
    [
        (-0.01, 0.07, "patchnet and npr cannot be told apart", "the interval includes zero"),
        (0.001, 0.06, "patchnet is ahead of npr", "excludes zero, so the lead is more than chance"),
        (-0.06, -0.01, "patchnet and npr cannot be told apart", "npr is ahead"),
        (NAN, NAN, "patchnet and npr cannot be told apart", "no interval, so the lead may be"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_reads_a_difference_either_way_round(low, high, headline, point, turned) -> None:
    gap = Estimate(value=0.03, low=low, high=high)
    pair = Paired(
        first="patchnet", second="npr", perturbation="clean", generator=POOLED, difference=gap
    )
    if turned:
        gap = Estimate(value=-0.03, low=-high, high=-low)
        pair = replace(pair, first="npr", second="patchnet", difference=gap)
    shown = page(replace(full(DETECTORS[:2]), paired=(pair,)))
    assert shown.headline.startswith(headline)
    assert any(point in sentence for sentence in shown.points)


def test_summary_does_not_praise_chance() -> None:
    coin = row("coin", "clean", POOLED, 0.51)
    other = row("other", "clean", POOLED, 0.5)
    alone = page(replace(EMPTY, detectors={"coin": ""}, rows=(coin,)))
    assert alone.headline == "coin is not shown to be better than chance"
    both = page(replace(EMPTY, detectors={"coin": "", "other": ""}, rows=(coin, other)))
    assert both.headline == "No detector is shown to be better than chance"
    uneven = (coin, replace(other, n_fake=99))
    points = page(replace(EMPTY, rows=uneven)).points
    assert any("did not score the same number" in sentence for sentence in points)


def test_summary_of_nothing() -> None:
    shown = page(EMPTY)
    assert shown.headline == "No detector could be judged over all generators"
    assert shown.points[0] == "Nothing was scored, so there is nothing to compare."
    assert "photographs and fakes" in page(one_class()).points[0]


# Figures in words


def test_figures_are_written_without_false_certainty() -> None:
    assert [SHARE.text(v) for v in (0, 0.0003, 0.931, 0.9997, 1, NAN, None)] == [
        "0.0%", "<0.1%", "93.1%", ">99.9%", "100.0%", "–", "–",
    ]  # fmt: skip
    assert [DIFFERENCE.text(v) for v in (0.0312, -0.0312, -0.00001)] == [
        "+0.031",
        "−0.031",
        "0.000",
    ]
    assert FIGURE.both(Estimate(value=0.9, low=NAN, high=NAN)) == "0.900"
    assert FIGURE.text(-math.inf) == "−∞"


def test_long_and_hostile_names_are_cut_in_the_middle() -> None:
    assert named("python score.py --weights " + "x" * 90 + " small.pt").endswith("small.pt")
    assert len(named("x" * 1_000_000)) == 60
    assert named("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    assert named("  ") == "(no name)"


# What both pages hold


def test_page_holds_everything_in_order() -> None:
    text = text_of(full())
    order = [
        "5 detectors on 1,300 pictures", "patchnet is ahead of npr", "near-duplicates",
        "What the columns mean", "photographs", "camera (photographs)", "300", "flux-dev",
        "Thresholds: a score", "by its own calibration", "All generators together",
        "0.892 [0.872, 0.912]", "83.2% [81.2, 85.2]", "86.2%", "75.2% [73.2, 77.2]",
        "97.9% [96.8, 99.0]", "29.7% [21.7, 37.7]", "44.6% [37.6, 51.6]", "16.8% [14.8, 18.8]",
        "4.2%", "500", "800", "cooccurrence †", "The worst generator of each", "cyclegan",
        "Under perturbations", "social media", "Differences between detectors", "patchnet − npr",
        "+0.031 [+0.013, +0.049]", "False positives by source", "0.7% [0.4, 5.0] 2 of 300",
        "Whether stated probabilities hold", "0.520 [0.460, 0.580]", "risk and coverage", "95.0%",
        "where fakes are rare", "PPV at 0.1%", "1.5% [0.0, 3.5]", ">99.9% [>99.9, 100.0]",
        "Leak probes", "thumbnail 8 x 8", "above chance", "Speed and memory", "3.42", "812",
        "134 pictures without a score", "fakes/19.png", "and 114 more", "How to repeat it",
        "unmask evaluate --detector patchnet", "2026-03-04 10:15:22 UTC", "ab" * 32,
    ]  # fmt: skip
    order.remove("What the columns mean")
    place = 0
    for part in order:
        assert part in text[place:], (part, text[place : place + 600])
        place = text.index(part, place)
    assert "fakes/20.png" not in text


def test_markdown_says_the_same() -> None:
    html, markdown = Html(html_of(full())), tree(to_markdown(page(full())))

    def words(text: str) -> set[str]:
        return set(re.findall(r"[+−]?\d+\.\d+%?|[A-Za-z]{4,}", text))

    left = words(html.text) - words(markdown.text)
    assert left <= {"This", "page", "holds", "everything", "shows", "fetches", "nothing", "runs",
                    "script", "beside", "full", "evaluation", "figures"}  # fmt: skip
    tables_there = [sum(tag == "table" for tag, _ in one.tags) for one in (html, markdown)]
    assert tables_there[0] == tables_there[1] > 20
    images = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert images == [one.file for one in page(full()).pictures]


def test_missing_figures_are_a_dash_with_the_reason() -> None:
    text = text_of(one_class())
    assert "– 1" in text
    assert "1 no photographs to compare with" in text
    assert "No detector here states a calibrated probability." in text
    few = replace(
        row("a", "clean", POOLED, 0.9, n_real=50), tpr_at_fpr_1=None, balanced_accuracy=None,
        auc=Estimate(value=0.9, low=NAN, high=NAN),
    )  # fmt: skip
    text = text_of(replace(EMPTY, detectors={"a": ""}, rows=(few,)))
    assert "the detector has no threshold" in text
    assert "needs 100 photographs" in text
    assert "no interval: too few pictures" in text
    assert "all pictures were scored in an earlier run" in text_of(full())


@every_kind
def test_nothing_is_not_a_number(of: Evaluation) -> None:
    for text in (text_of(of), to_markdown(page(of)), terminal(of)):
        assert not re.search(r"\b(nan|None|inf)\b", text)


def test_an_oracle_is_marked_wherever_its_threshold_counts() -> None:
    marked = "cooccurrence †"
    sections = {section.name: section for section in page(full()).sections}
    for name in ("results", "grid", "sources", "coverage", "predictive"):
        assert marked in repr(sections[name].blocks), name
        assert "† threshold chosen on these very pictures" in repr(sections[name].blocks), name
    assert "patchnet †" not in repr(sections)
    assert "†" not in to_markdown(page(full(DETECTORS[:1])))


# Safety


@every_kind
def test_nothing_breaks_out_of_the_page_and_nothing_is_fetched(of: Evaluation) -> None:
    html = html_of(of)
    html.encode()  # no lone surrogate
    found = Html(html)
    assert found.orphans == []
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "link", "base", "form", "b", "svg"}
    assert not [a for _, attrs in found.tags for a in attrs if a.startswith("on") or a == "style"]
    addresses = found.all("src") + found.all("srcset") + found.all("href")
    assert all(re.match(r"data:image/png;base64,|#[\w-]+$", one or "") for one in addresses)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    rules = [a["content"] for _, a in found.tags if a.get("http-equiv")]
    assert rules
    assert "default-src 'none'; img-src data:" in (rules[0] or "")
    style = files("unmask.detect.evaluation").joinpath("page.css").read_text("utf-8")
    assert not re.search(r"url\(|@import|expression|</", style)


def test_hostile_text_is_shown_as_text() -> None:
    of = poisoned()
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\x00", "\\x00").replace("\n", "\\n")
    shown = shown.replace("\u202e", "\\u202e").replace("\udcff", "\\udcff")
    markdown = tree(to_markdown(page(of)))
    for text in (Html(html_of(of)).text, markdown.text):
        assert text.count(shown) >= 5  # warning, failure and its path, command, hashes
        assert text.count(named(HOSTILE)) >= 20
        assert "49" not in text  # {{ 7*7 }}
    tags = {tag for tag, _ in markdown.tags}
    assert not tags & {"script", "a", "svg", "hr", "blockquote"}
    assert sum(tag == "h1" for tag, _ in markdown.tags) == 1
    sources = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert all(re.fullmatch(r"[a-z0-9-]+\.png", name or "") for name in sources)
    printed = terminal(of)
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "[red]" in printed.replace("\n", "") or "…" in printed


def test_writers_clean_what_is_given_to_them() -> None:
    raw = "a\x1b[31m\u202eb\udcff"
    cell = (Cell(text=raw, detail=raw, note=raw),)
    given = Page(
        title=raw, headline=raw, points=(raw,), warnings=(raw,), version=raw,
        sections=(
            Section(name="s", title=raw, text=(raw,), terms=((raw, raw),), command=raw,
                    blocks=(table(raw, (raw,), (cell,)),)),
        ),
    )  # fmt: skip
    for text in (to_html(given, {}, {}), to_markdown(given)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode()
    assert Html(to_html(given, {}, {})).text.count("a\\x1b[31m\\u202eb\\udcff") == 17


@pytest.mark.parametrize(
    "text",
    ["- a", "1. a", "12) a", "# a", "> a", "a | b", "*a*", "_a_", "~~a~~", "<b>a</b>", "&amp;",
     "[a](b)", "![a](b)", "`a`", "a\\", "    a", "===", "---", "+ a", "<http://a.b>", "a\nb",
     "https://a.b/c", "$a$"],
)  # fmt: skip
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    plain = text.replace("\n", "\\n").strip()
    alone = tree(escape(text))
    assert alone.text.strip().replace("\u2060", "") == plain
    assert {tag for tag, _ in alone.tags} <= {"p"}
    cell = tree(f"| x |\n|---|\n| {escape(text)} |\n")
    assert [tag for tag, _ in cell.tags].count("td") == 1
    assert plain in cell.text.replace("\u2060", "")
    if "://" in text:
        assert r"\://" in escape(text)  # GitHub would make it a link


def test_the_page_is_built_for_screen_readers() -> None:
    found = Html(html_of(full()))
    assert found.tags[0] == ("html", {"lang": "en"})
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = found.all("id")
    assert len(ids) == len(set(ids))
    assert set(found.all("aria-labelledby")) <= set(ids)
    assert {one[1:] for one in found.all("href")} <= set(ids)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("table") == tags.count("caption") == tags.count("thead") > 20
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in found.tags if tag == "th")
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")
    assert tags.count("img") == len(page(full()).pictures) > 8


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
    ],
    ids=["intervals", "diagrams", "trades"],
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
