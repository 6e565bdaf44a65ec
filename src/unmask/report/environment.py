"""How every HTML page of ours is made from its template: nothing unescaped, nothing uncleaned."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from unmask.report.clean import clean

# `script-src` falls back to `default-src`: a script that got in would still not run.
POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_SENTENCE = 4000  # characters of any one string in a page


def read(package: str, name: str) -> str:
    """The text of a file that lies in a package: a template or a style sheet."""
    return files(package).joinpath(name).read_text("utf-8")


@cache
def environment(package: str, *, lines: bool = False) -> Environment:
    """Templates of a package. `lines` keeps line feeds and tabs of the values that it prints."""

    def shown(value: Any) -> Any:
        """Runs over every value before it is escaped: none goes by uncleaned."""
        if isinstance(value, str) and not isinstance(value, Markup):
            return clean(value, _SENTENCE, lines=lines)
        return value

    return Environment(
        loader=FunctionLoader(lambda name: read(package, name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
