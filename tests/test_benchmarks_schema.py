"""The JSON of an evaluation of texts or of speech keeps to its schema."""

import dataclasses
import json

import jsonschema
import numpy as np
import pytest
from test_benchmarks_figures import RULES, item, said

from unmask.detect.audio.tdcf import Verifier
from unmask.detect.benchmarks import tables
from unmask.detect.benchmarks.assess import assess
from unmask.detect.benchmarks.decided import Rules
from unmask.detect.benchmarks.tables import Asv, Benchmark, Speed
from unmask.detect.benchmarks.writers import dumps, schema
from unmask.detect.evaluation import write_json
from unmask.detect.evaluation.tables import Estimate, Leak


def found(rules: Rules) -> Benchmark:
    """An evaluation with a row of every table, of too few texts for some figures."""
    rng = np.random.default_rng(0)
    items = [item(i, domain=d) for i in range(30) for d in ("news", "poems")]
    items += [item(i, maker, "news") for i in range(20) for maker in ("gpt4", "llama")]
    score = rng.normal([x.fake for x in items], 1)
    tables_ = assess(items, [said(score, llr=score, open_={3: "short"})], "150 words", rules)
    given = {field.name: getattr(tables_, field.name) for field in dataclasses.fields(tables_)}
    return Benchmark(
        medium="texts",
        command="unmask evaluate",
        version="1",
        started="2026-01-01T00:00:00+00:00",
        data_sha256="0",
        data={"150 words": {"corpus": {"people": 60, "gpt4": 20, "llama": 20}}},
        detectors={"d": "hash"},
        leaks=(Leak(probe="length", auc=Estimate(value=0.5, low=0.4, high=0.6), n=100),),
        speed=(Speed(detector="d", n=3, per_second=1.5, peak_memory_mb=80.0, processors=2),),
        asv=Asv(miss=0.1, false_alarm=0.1, spoof_miss=0.3, stated=False),
        failures={"d": {"a": "broken"}},
        warnings=("few",),
        **given,
    )


@pytest.mark.parametrize(
    "rules",
    [
        dataclasses.replace(RULES, fixed=True),
        dataclasses.replace(
            RULES, costs=True, verifier=Verifier(miss=0.05, false_alarm=0.05, spoof_miss=0.3)
        ),
    ],
    ids=["texts", "speech"],
)
def test_json_keeps_to_the_schema(rules: Rules) -> None:
    document = json.loads(dumps(found(rules)), parse_constant=lambda name: pytest.fail(name))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    document["curves"][0]["points"][0] = [0.0, 1.5]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())


def test_the_schema_names_every_field() -> None:
    given = schema()
    defined = given["$defs"] | {"Benchmark": given}
    kinds = [
        kind for kind in vars(tables).values()
        if dataclasses.is_dataclass(kind) and kind.__name__ != "Scored"
    ]  # fmt: skip
    assert {kind.__name__ for kind in kinds} >= {"Benchmark", "Curve", "Row", "Alarm"}
    for kind in kinds:
        names = {field.name for field in dataclasses.fields(kind)}
        names |= {"schema_version"} if kind is Benchmark else set()
        assert set(defined[kind.__name__]["properties"]) == names
        assert set(defined[kind.__name__]["required"]) == names


def test_what_pictures_have_too_is_the_same() -> None:
    own, pictures = schema()["$defs"], write_json.schema()["$defs"]
    shared = own.keys() & pictures.keys() - {"Speed"}  # of pictures it counts other things
    assert {"Estimate", "Row", "Paired", "Reliability", "Bin", "Leak"} <= shared
    assert all(own[name] == pictures[name] for name in shared)
