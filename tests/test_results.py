"""RESULTS.md is made of evaluations alone."""

import json
import math
import shutil
from pathlib import Path

import pytest
from evaluations import full

from unmask.card import load_card
from unmask.detect import results
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.evaluation.write_json import dumps


def test_figures_carry_their_interval_or_say_that_there_is_none() -> None:
    assert results.figure(Estimate(value=0.9, low=0.85, high=0.94)) == "0.900 [0.850, 0.940]"
    assert results.figure(Estimate(value=0.9, low=math.nan, high=math.nan)) == "0.900"
    assert results.figure(None) == "-"
    assert results.share(0.123) == "12.3%"
    assert results.share(None) == "-"


def test_the_page_holds_every_detector_perturbation_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = full()
    monkeypatch.setattr(results, "OURS", found.rows[0].detector)
    path = tmp_path / "evaluation.json"
    path.write_text(dumps(found))
    report = {
        "n_real": 5, "n_fake": 6, "views": ["clean"],
        "rows": {"patchnet alone": {"auc": [0.9, 0.8, 1.0], "less_the_shipped": [-0.1, -0.2, 0.0]}},
        "calibration": {"clean": {"ece": 0.0339, "cllr": 0.645}},
    }  # fmt: skip
    (tmp_path / "ablation.json").write_text(json.dumps(report))
    evaluation = results.read(path)
    page = results.page("# Notes", [("Test set", evaluation)], tmp_path / "ablation.json")
    assert page.startswith("# Notes\n\n## Test set")
    assert found.command in page
    for row in found.rows:
        if row.auc is not None and row.generator == "pooled":
            assert results.figure(row.auc) in page
    for one in found.paired:
        if one.generator == "pooled" and one.first == results.OURS:
            assert results.figure(one.difference) in page
    assert "-0.100 [-0.200, 0.000]" in page
    assert "| clean | 0.034 | 0.645 |" in page
    assert "not comparable" in page
    for peer in (
        "| npr | Tan",
        "| durall | Durall",
        "| frank | Frank",
        "| FerretNet-S |",
        "| sahu65 |",
    ):
        assert peer in page


def test_a_difference_is_turned_where_ours_stands_second(monkeypatch: pytest.MonkeyPatch) -> None:
    found = full()
    other = next(p for p in found.paired if p.generator == "pooled")
    monkeypatch.setattr(results, "OURS", other.second)
    d = other.difference
    turned = Estimate(value=-d.value, low=-d.high, high=-d.low)
    assert results.figure(turned) in "\n".join(results.section("x", found))


def test_a_small_set_has_a_line_for_each_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    found = full()
    monkeypatch.setattr(results, "OURS", found.rows[0].detector)
    ours = [r for r in found.rows if r.detector == results.OURS]
    generators = {r.generator for r in ours} - {"pooled", results.WORST}
    lines = results.apart([("Set A", found)])
    assert found.command in lines
    rows = [line for line in lines if line.startswith("| Set A | ")]
    assert len(rows) == len(generators) > 0
    for row in ours:
        if row.generator in generators:
            here = next(line for line in rows if f"| {results.escape(row.generator)} |" in line)
            assert f"| {row.n_real} | {row.n_fake} |" in here
            assert results.figure(row.auc) in here
    assert results.apart([]) == []


def test_a_card_gets_the_figures_of_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = full()
    monkeypatch.setattr(results, "OURS", found.rows[0].detector)
    kept = json.loads(json.dumps(results.for_card([("Test set", found)])))["Test set"]
    ours = [row for row in found.rows if row.detector == results.OURS]
    assert len(kept) == len(ours) < len(found.rows)
    row = next(r for r in ours if r.auc is not None)
    entry = kept[f"{row.perturbation} | {row.generator}"]
    assert entry["n_fake"] == row.n_fake
    assert entry["auc"][0] == pytest.approx(row.auc.value, abs=1e-4)
    # Written over a card, it changes no weights, and the card still fits its file.
    weights = tmp_path / "image_detector.safetensors"
    shutil.copy(results.WEIGHTS, weights)
    shutil.copy(results.WEIGHTS.with_suffix(".json"), weights.with_suffix(".json"))
    (tmp_path / "evaluation.json").write_text(dumps(found))
    call = ["x", "--evaluation", f"Test set={tmp_path / 'evaluation.json'}"]
    call += ["--out", str(tmp_path / "RESULTS.md"), "--weights", str(weights)]
    monkeypatch.setattr("sys.argv", call)
    results.main()
    card = load_card(weights)
    assert card.results["Test set"] == kept
    assert card.calibration == load_card(results.WEIGHTS).calibration
    assert (tmp_path / "RESULTS.md").read_text().startswith("# Results of the image detector")
