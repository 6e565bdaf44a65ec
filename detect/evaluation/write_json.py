"""An evaluation as JSON, and read back from it. `schema-evaluation-1.json` describes the file."""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from unmask.detect.evaluation.tables import Evaluation
from unmask.errors import UnmaskError
from unmask.report.clean import json_value

SCHEMA_VERSION = 1
_ENDLESS = {"Infinity": math.inf, "-Infinity": -math.inf}


class EvaluationFileError(UnmaskError):
    """A file that holds no evaluation that this version can read."""


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """JSON values: NaN is null, infinities are the strings "Infinity" and "-Infinity"."""
    document = {"schema_version": SCHEMA_VERSION} | asdict(evaluation)
    values: dict[str, Any] = json_value(finite(document))
    return values


def dumps(evaluation: Evaluation) -> str:
    """Indented JSON, ASCII throughout, so that no terminal acts on what a file name holds."""
    return json.dumps(to_json(evaluation), indent=1, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file."""
    name = f"schema-evaluation-{SCHEMA_VERSION}.json"
    text = files("unmask.detect.evaluation").joinpath(name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def read(path: Path) -> Evaluation:
    """The evaluation of a JSON file.

    What was null is NaN, or None where a figure may be undefined. Raises EvaluationFileError where
    the file is of another kind or version, OSError where it cannot be opened.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        version = document["schema_version"]
        if version != SCHEMA_VERSION:
            raise EvaluationFileError(f"{path}: version {version!r}, not {SCHEMA_VERSION}")
        found: Evaluation = _built(Evaluation, document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EvaluationFileError(f"{path} is not an evaluation: {error!r}") from error
    return found


def finite(value: Any) -> Any:
    """The same with infinities as the strings "Infinity" and "-Infinity"."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def _built(kind: Any, value: Any) -> Any:
    """`value` from JSON as what the type hint `kind` asks for."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(kind, value)
    if origin is UnionType:
        return None if value is None else _built(inner[0], value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_built(*pair) for pair in zip(kinds, value, strict=True))
    if origin is not None:  # Mapping
        return {str(key): _built(inner[1], item) for key, item in value.items()}
    if kind is float:
        return math.nan if value is None else float(_ENDLESS.get(value, value))
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} where a {kind.__name__} belongs")
    return value


def _object(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    given = {
        field.name: _built(hints[field.name], value[field.name])
        for field in fields(kind)
        # A field that came later has a default, which older files get.
        if field.name in value or field.default is field.default_factory is MISSING
    }
    return kind(**given)
