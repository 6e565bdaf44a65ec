"""Untrusted text and values, made fit to show. File names and metadata come from strangers."""

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

_LIMIT = 500  # characters shown of one string
_DEPTH = 12  # levels of nesting followed
_ROWS = 120  # rows shown of one table
_JOINED = 12  # scalars shown of one list
_JOINERS = "\u200c\u200d"  # invisible, and yet needed by Persian, Hindi and emoji
# Control, format (bidi overrides, zero widths, tags), lone surrogates, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def clean(text: str, limit: int = _LIMIT, *, lines: bool = False) -> str:
    """`text` with every invisible character spelt out, cut after `limit` characters.

    Control characters, ANSI escapes, bidi overrides, zero widths and lone surrogates become
    `\\x1b`, `\\u202e` and the like. `lines` keeps line feeds and tabs.
    """
    kept = "\n\t" + _JOINERS if lines else _JOINERS
    shown = "".join(c if c in kept else _visible(c) for c in text[:limit])
    left = len(text) - limit
    return f"{shown}… ({left:,} more characters)" if left > 0 else shown


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    spelt = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return _SHORT.get(character, spelt if code < 65536 else f"\\U{code:08x}")


def json_value(value: Any, depth: int = 100) -> Any:
    """`value` as JSON can hold it: NaN and infinities are None, the unknown is its text.

    Nesting beyond `depth` levels becomes "…"; lone surrogates are spelt out.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):  # beyond this size Python refuses to write the decimals
        return int(value) if value.bit_length() <= 1024 else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        return json_value(value.tolist(), depth)
    if depth <= 0:
        return "…"
    if isinstance(value, Mapping):
        return {json_value(str(k)): json_value(v, depth - 1) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [json_value(item, depth - 1) for item in value]
    return json_value(str(value))


def fact_rows(facts: Mapping[str, Any], limit: int = _ROWS) -> list[tuple[str, str]]:
    """Nested facts as (name, value) rows ready to show, at most `limit` and one that says so."""
    rows = list(islice(_flat("", facts, _DEPTH), limit + 1))
    if len(rows) > limit:
        rows[limit:] = [("…", "more rows, which the JSON report has in full")]
    return rows


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value and depth:
        for key, item in value.items():
            label = clean(str(key)[:80], 60).replace("_", " ")
            yield from _flat(f"{name} › {label}" if name else label, item, depth - 1)
    elif isinstance(value, list | tuple) and any(_nested(item) for item in value) and depth:
        for index, item in enumerate(value, 1):
            yield from _flat(f"{name} {index}", item, depth - 1)
    elif isinstance(value, list | tuple) and not any(_nested(item) for item in value):
        text = ", ".join(scalar(item) for item in value[:_JOINED])
        rest = f" … ({len(value):,} values)" if len(value) > _JOINED else ""
        yield name, (text + rest) or "none"
    else:
        yield name, "…" if _nested(value) and value else scalar(value)


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def scalar(value: Any) -> str:
    """One JSON value as people read it, cleaned and cut; four digits of a fraction suffice."""
    if isinstance(value, str):
        return clean(value, lines=True)
    known = {None: "–", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return known[value]
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e15):
        return f"{value:.4g}"
    if isinstance(value, int | float):
        value = int(value)
        return f"{value}" if value.bit_length() < 256 else hex(value)[:40] + "…"
    return "none" if value in ({}, [], ()) else clean(str(value)[: 2 * _LIMIT], lines=True)
