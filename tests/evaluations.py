"""Evaluations to write: a full one, a hostile one, an empty one, one of a single class."""

import dataclasses
import io
import math
import typing
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from markdown_it import MarkdownIt
from pages import Html
from PIL import Image
from rich.console import Console

from unmask.detect.evaluation.page import page
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
from unmask.detect.evaluation.writers import summary

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
