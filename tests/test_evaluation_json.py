"""The JSON of an evaluation keeps to its schema and reads back."""

import dataclasses
import json
import math
from pathlib import Path

import jsonschema
import pytest
from evaluations import (
    every_kind,
    full,
    one_class,
)

from unmask.detect.evaluation import tables
from unmask.detect.evaluation.tables import (
    Evaluation,
)
from unmask.detect.evaluation.write_json import EvaluationFileError, dumps, read, schema, to_json

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
