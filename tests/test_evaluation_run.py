"""An evaluation end to end on toy data with a planted trace; wrong calls, the command."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from toys import ANY, Heard, config, corpus, heard, toy
from typer.testing import CliRunner

from unmask.cli import cli
from unmask.datasets.manifest import CAMERA, Sample
from unmask.detect.encodings import jpeg
from unmask.detect.evaluation.run import evaluate
from unmask.detect.evaluation.selection import EvaluationError, manifest_sha256
from unmask.detect.evaluation.survey import FileFacts
from unmask.detect.evaluation.tables import Scores

__all__ = ["heard", "toy"]  # fixtures


def labels(scores: Scores) -> NDArray[np.bool_]:
    return np.array([s.fake for s in scores.samples])


def test_a_planted_trace_is_measured(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    stages: list[tuple[str, int, int]] = []
    found = evaluate(
        config(corpus(tmp_path / "data"), perturb=("jpeg:70", "scale:0.5")),
        lambda *stage: stages.append(stage),
    )
    assert [s.perturbation for s in heard.scores] == ["clean", "JPEG 70", "scaled 0.5"]
    clean = heard.of()
    assert clean.score[labels(clean)].min() > clean.score[~labels(clean)].max()
    assert toy.CALLS == 3 * 24
    assert found.data == {"data": {CAMERA: 12, "gan": 12}}
    assert found.detectors["toy"]
    assert found.speed[0].images == 24
    assert found.speed[0].images_per_second > 0
    assert found.speed[0].peak_memory_mb > 20
    assert heard.thresholds[0].chosen == "oracle"
    assert any("upper bound" in text for text in found.warnings)
    assert any("gan 12" in text for text in found.warnings)
    scoring = [done for stage, done, total in stages if stage == "scoring" and total == 72]
    assert scoring == sorted(scoring)
    assert scoring[-1] == 72


def test_both_classes_go_through_one_encoding(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=1)
    real = next((data / "real").iterdir())
    evaluate(config(data))
    through = jpeg(np.asarray(Image.open(real)), 95)
    scores = heard.of()
    (at,) = [i for i, s in enumerate(scores.samples) if not s.fake]
    assert scores.score[at] == pytest.approx(toy.score(through))
    bare = evaluate(config(data, base="none"))
    assert heard.of().score[at] == pytest.approx(toy.score(np.asarray(Image.open(real))))
    assert any("without a common encoding" in text for text in bare.warnings)


def test_a_broken_picture_fails_alone(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=3)
    whole = next((data / "real").iterdir())
    (data / "real" / "cut.png").write_bytes(whole.read_bytes()[:200])
    white = np.asarray(Image.open(whole)).copy()
    white[:16, :16] = 255
    Image.fromarray(white).save(data / "real" / "white.png")
    toy.BREAK = "a bright corner"  # type: ignore[attr-defined]
    found = evaluate(config(data))
    reasons = {Path(path).name: text for path, text in found.failures["toy"].items()}
    assert set(reasons) == {"cut.png", "white.png"}
    assert reasons["white.png"] == "ValueError: a bright corner"
    assert "damaged" in reasons["cut.png"] or "cut" in reasons["cut.png"]
    assert np.isnan(heard.of().score).sum() == 2
    assert any("toy failed on 2 pictures" in text for text in found.warnings)


@pytest.mark.usefixtures("toy")
def test_a_command_is_evaluated(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "outside.py").write_text(
        "import sys, numpy as np\nfrom PIL import Image\nimport toydetector\n"
        "for line in sys.stdin:\n"
        "    print(toydetector.score(np.asarray(Image.open(line.strip()))))\n"
    )
    line = f"outside={sys.executable} {tmp_path / 'outside.py'}"
    evaluate(config(corpus(tmp_path / "data"), detectors=("toy=toydetector:score", line)))
    assert np.allclose(heard.of(detector="outside").score, heard.of().score)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"detectors": ()}, "needs a detector"),
        ({"detectors": ("toydetector:score", "toydetector:score")}, "Two detectors"),
        ({"thresholds": {"tony": 1.0}}, "stated for 'tony'"),
        ({"split": "tset"}, "no split 'tset'"),
        ({"decide": 1.0}, "between 0 and 1"),
    ],
)
@pytest.mark.usefixtures("toy", "heard")
def test_wrong_calls_say_so(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", each=1)
    with pytest.raises(EvaluationError, match=message):
        evaluate(config(data, **more))


@pytest.mark.usefixtures("toy")
def test_other_splits_are_left_alone(tmp_path: Path, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=4)
    rows = [
        {"path": str(p), "label": p.parts[-2] if "real" in p.parts else "fake", "split": split}
        for split, pattern in (("train", "*-[01].png"), ("test", "*-[23].png"))
        for p in sorted(data.rglob(pattern))
    ]
    manifest = tmp_path / "all.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluate(config(manifest))
    assert len(heard.of().samples) == 4
    everything = evaluate(config(manifest, split="all"))
    assert len(heard.of().samples) == 8
    assert any("4 of the pictures are of a training split" in w for w in everything.warnings)
    fallback = evaluate(config(manifest, split="validation"))
    assert any("has no split validation" in w for w in fallback.warnings)


def test_the_manifest_is_named_by_its_files() -> None:
    def work(*samples: Sample) -> Any:
        facts = {s.path: FileFacts(sha256=s.path.name) for s in samples}
        return SimpleNamespace(samples=samples, facts=facts)

    one, two = replace(ANY, path=Path("1")), replace(ANY, path=Path("2"))
    assert manifest_sha256(work(one, two)) == manifest_sha256(work(two, one))
    assert manifest_sha256(work(one, two)) != manifest_sha256(work(one, replace(two, fake=True)))


@pytest.mark.usefixtures("toy")
def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    data, out = corpus(tmp_path / "data", each=12), tmp_path / "out"
    words = ["evaluate", "-d", "toy=toydetector:score", "--data", str(data), "--perturb", "jpeg:70"]
    words += ["--out", str(out), "--draws", "20", "--threshold", "toy=8", "--crop", "none"]
    done = CliRunner().invoke(cli, [*words, "--cache", str(tmp_path / "cache")])
    assert done.exit_code == 0, done.output
    assert "toy" in done.stdout
    assert {p.suffix for p in out.rglob("*.*")} >= {".json", ".md", ".html", ".png"}
    text = "".join(p.read_text() for p in out.glob("*.json"))
    assert "JPEG 70" in text
    assert "NaN" not in text


@pytest.mark.usefixtures("heard")
def test_the_command_says_what_is_wrong(tmp_path: Path, toy: ModuleType) -> None:
    data = str(corpus(tmp_path / "data", each=1))
    toy.STOP = 2  # type: ignore[attr-defined]
    for words, code, text in (
        (["-d", "image_detektor", "--data", data], 2, "did you mean 'image_detector'"),
        (["-d", "toydetector:score", "--data", "/nowhere"], 2, "no such file"),
        (["-d", "toydetector:score", "--data", data, "--perturb", "jpge:3"], 2, "mean 'jpeg'"),
        (["-d", "toydetector:score", "--data", data, "--threshold", "x"], 2, "DETECTOR=VALUE"),
        (["--data", data], 2, "--detector"),
        (["-d", "toydetector:score", "--data", data, "--no-cache"], 130, "Nothing was kept"),
        (["--help"], 0, "--perturb"),
    ):
        done = CliRunner().invoke(cli, ["evaluate", *words])
        assert done.exit_code == code, done.output
        assert text in " ".join(done.output.split()), done.output


def test_a_scan_does_not_wait_for_the_evaluator() -> None:
    import subprocess

    code = "import sys, unmask.cli; print(sorted({'torch', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
