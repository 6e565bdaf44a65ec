"""Import somebody else's Python, and say what is wrong where that fails."""

import difflib
import importlib
import importlib.util
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from unmask.detect.evaluation.answers import DetectorError


def import_module(module: str) -> ModuleType:
    """A module by its name or its file; the current folder is looked in first.

    Raises DetectorError.
    """
    try:
        if module.endswith(".py"):
            return _import_file(Path(module))
        if "" not in sys.path and (here := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, here)  # stays: a detector may import more when it is called
        return importlib.import_module(module)
    except DetectorError:
        raise
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            text = f"There is no module {module!r}, neither in {Path.cwd()} nor installed."
            raise DetectorError(text) from error
        raise DetectorError(f"{module} could not be imported: {error}.") from error
    except (Exception, SystemExit) as error:  # somebody else's code
        raise DetectorError(f"{module} could not be imported: {reason(error)}") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise DetectorError(f"There is no file {path}.")
    here = str(path.parent.resolve())
    if here not in sys.path:
        sys.path.insert(0, here)
    # Under a name that no library has: a detector may be called random.py.
    name = f"{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise DetectorError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def attribute_of(module: ModuleType, attribute: str, shown: str) -> Any:
    """The object of that dotted name. Raises DetectorError, with the nearest name."""
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, [n for n in dir(found) if n[0] != "_"], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DetectorError(f"{shown} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


def reason(error: BaseException) -> str:
    """An error as a line."""
    return f"{type(error).__name__}: {error}"[:300]
