"""The report for programs: true to its schema, whatever a file holds."""

import base64
import io
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from PIL import Image

from unmask.errors import MediaError, Reason
from unmask.evidence import (
    Basis,
    Claim,
    ClaimKind,
    Doubt,
    Failure,
    Finding,
    Kind,
    NotApplicable,
    Plot,
)
from unmask.registry import Analyser
from unmask.report.clean import json_value
from unmask.report.json_report import dumps, dumps_line, failure_to_json, schema, to_json
from unmask.scan import Report, Result
from unmask.settings import Settings
from unmask.verdict import Origin, Verdict

HEAT = np.zeros((3, 4), np.float32)
HEAT[1, 2], HEAT[2, 0] = 1.0, 0.5
FULL = Finding(
    summary="Found.", llr=1.5, notable=True, heatmap=HEAT, timeline=((0.0, 1.0), (0.5, math.nan)),
    claims=(Claim(kind=ClaimKind.SYNTHETIC, basis=Basis.SIGNED, text="The signer says so."),),
    doubts=(Doubt(code="too_small", text="It is small."),),
    facts=MappingProxyType({"a": [1, {"b": math.inf}], "c": np.float32(0.5)}),
    plots=(
        Plot(title="p", x_label="x", y_label="y", x=(0.0, 1.0),
             series=MappingProxyType({"s": (1.0, -math.inf)})),
    ),
)  # fmt: skip
OUTCOMES = (
    FULL,
    Finding(summary="Nothing stands out."),
    NotApplicable(code="not_jpeg", text="The file is no JPEG."),
    Failure(code="timeout", text="Stopped."),
)


def report(*outcomes, **changed):
    def result(number, outcome):
        about = Analyser(
            name=f"a{number}", title=f"Title {number}", kinds=frozenset(Kind), reads="",
            look_for="", ignore="", paper="Doe 2020", analyse=lambda _: outcome,
        )  # fmt: skip
        return Result(analyser=about, outcome=outcome, seconds=0.25)

    verdict = Verdict(
        origin=Origin.INCONCLUSIVE, headline="Inconclusive", llr=0.0, prior=0.5, probability=None,
        strength="no support", because=(), doubts=(Doubt(code="x", text="y"),),
        would_change=("z",), limits="l",
    )  # fmt: skip
    fields = {
        "name": "a.png", "kind": Kind.IMAGE, "format": "png", "mime": "image/png", "size": 10,
        "sha256": "ab" * 32, "facts": {"width": 4}, "verdict": verdict, "preview": None,
        "results": tuple(result(*pair) for pair in enumerate(outcomes)), "version": "0.1.0",
        "started": datetime(2026, 3, 4, 10, 15, 22, tzinfo=UTC), "seconds": 1.5,
        "libraries": {"numpy": "2"}, "weights": {"w": "cd" * 32}, "settings": Settings(),
    }  # fmt: skip
    return Report(**(fields | changed))


def valid(document):
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(document)
    return document


@pytest.mark.parametrize("heatmaps", [False, True])
def test_all_outcomes_are_valid_and_survive_the_way_through_text(heatmaps):
    document = valid(to_json(report(*OUTCOMES), heatmaps=heatmaps))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [r["outcome"] for r in document["results"]] == [
        "finding", "finding", "not_applicable", "failed",
    ]  # fmt: skip
    assert document["results"][0]["claims"][0]["kind"] == "synthetic"
    assert document["results"][1]["llr"] is None
    assert (
        document["results"][3] | {"code": "timeout", "text": "Stopped."} == document["results"][3]
    )
    assert document["custody"]["started"] == "2026-03-04T10:15:22Z"


def test_what_json_cannot_hold_becomes_null():
    first = to_json(report(FULL))["results"][0]
    assert first["facts"] == {"a": [1, {"b": None}], "c": 0.5}
    assert first["plots"][0]["series"] == {"s": [1.0, None]}
    assert first["timeline"] == [{"second": 0.0, "llr": 1.0}, {"second": 0.5, "llr": None}]
    assert to_json(report(Finding(summary="", llr=math.nan)))["results"][0]["llr"] is None


def test_a_heatmap_is_a_summary_unless_asked_for():
    short = to_json(report(FULL))["results"][0]["heatmap"]
    assert short == {
        "shape": [3, 4], "mean": 0.125, "max": 1.0, "hot_share": 0.1667, "peak": [0.625, 0.5],
    }  # fmt: skip
    whole = to_json(report(FULL), heatmaps=True)["results"][0]["heatmap"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(whole["png"]))))
    np.testing.assert_array_equal(picture, np.round(HEAT * 255))


@pytest.mark.parametrize(
    "heat",
    [
        np.full((2, 2), np.nan, np.float32),
        np.zeros((0, 3), np.float32),
        np.ones((1, 1), np.float32),
    ],
)
def test_odd_heatmaps_are_valid(heat):
    valid(to_json(report(Finding(summary="", heatmap=heat)), heatmaps=True))


@pytest.mark.parametrize("reason", list(Reason))
def test_a_file_that_could_not_be_opened_has_a_document_too(reason):
    document = valid(failure_to_json("a\udcff.jpg", MediaError(reason, "No.")))
    assert document["status"] == "unreadable"
    assert document["error"] == {"reason": reason.value, "message": "No."}
    assert document["file"]["name"] == "a\\udcff.jpg"


def test_hostile_text_stays_inside_its_string():
    name = '"},\n\x1b[31m\x00\u202e</script>\u2028\udcff' + "x" * 1_000_000
    hostile = report(Finding(summary=name, facts={name: name}), name=name)
    for text in (dumps(hostile), dumps_line(hostile)):
        assert text.isascii()
        assert not any(ord(c) < 32 and c != "\n" for c in text)
        read = valid(json.loads(text))
        assert read["file"]["name"] == name.replace("\udcff", "\\udcff")  # in full, not cut


def test_lines_are_lines_and_take_the_name_within_the_folder():
    answers = (report(*OUTCOMES), failure_to_json("b", MediaError(Reason.EMPTY, "Empty.")))
    lines = [dumps_line(answer, name="sub/a\n.png") for answer in answers]
    for line in lines:
        assert "\n" not in line
        assert valid(json.loads(line))["file"]["name"] == "sub/a\n.png"
    assert json.loads(lines[0])["file"]["sha256"] == "ab" * 32
    assert json.loads(dumps(answers[0])) == to_json(answers[0])


def test_no_home_folder_leaks():
    settings = Settings(user_anchors=(Path("/home/somebody/roots.pem"),))
    document = valid(to_json(report(settings=settings)))
    assert document["custody"]["settings"]["user_anchors"] == ["roots.pem"]
    assert "somebody" not in dumps(document)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schema_version",), 2),
        (("status",), "unreadable"),
        (("verdict", "origin"), "fake"),
        (("verdict", "probability"), 1.5),
        (("file", "sha256"), "AB" * 32),
        (("results", 0, "outcome"), "failed"),
        (("results", 0, "llr"), "1.5"),
        (("results", 0, "claims", 0, "basis"), "rumour"),
        (("results", 3, "outcome"), "finding"),
        (("custody", "started"), "yesterday"),
    ],
)
def test_the_schema_refuses_what_is_wrong(where, value):
    document = to_json(report(*OUTCOMES))
    place = document
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    with pytest.raises(ValidationError):
        valid(document)


def test_json_value_bears_anything():
    deep = []
    for _ in range(5000):
        deep = [deep]
    odd = {1: (np.int64(3), np.array([1.0, np.nan])), "b": b"\x00", "n": 10**5000, "d": deep}
    value = json_value(odd)
    json.dumps(value, allow_nan=False)
    assert value["1"] == [3, [1.0, None]]
    assert value["n"].startswith("0x")
    assert value["b"] == "b'\\x00'"
    assert "…" in str(value["d"])
