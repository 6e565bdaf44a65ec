"""The files that a detector's answers depend on: its module and what that imports beside it."""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

_FOREIGN = {"site-packages", "dist-packages"}


def code_files(module: str) -> list[Path]:
    """Source files of a loaded module and of all that it imports of its own package or folder.

    Libraries are left out: their versions are the business of who repeats a run.
    """
    top = module.partition(".")[0]
    home = _home(top)
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in found or path is None or not _own(name, path, top, home):
            continue
        found[name] = path
        waiting += _imports(path, name)
    return sorted(set(found.values()))


def weight_files(code: Iterable[Path]) -> list[Path]:
    """Files in the folders called `weights` beside the code."""
    folders = {path.parent / "weights" for path in code}
    inside = (p for folder in folders if folder.is_dir() for p in folder.iterdir())
    return sorted(p for p in inside if p.is_file())


def hash_files(paths: Iterable[Path], *more: str) -> str:
    """SHA-256 over the contents of the files, in the order of their names, and over `more`."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths, key=lambda p: (p.name, str(p))):
        if path.is_file():
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _own(name: str, path: Path, top: str, home: Path | None) -> bool:
    if name.partition(".")[0] == top:
        return True
    return home is not None and path.is_relative_to(home) and not _FOREIGN & set(path.parts)


def _home(top: str) -> Path | None:
    """The folder that a module's package, or the module itself, lies in."""
    path = _file_of(top)
    if path is None or _FOREIGN & set(path.parts):
        return None
    return path.parent.parent if path.name == "__init__.py" else path.parent


def _file_of(name: str) -> Path | None:
    loaded = sys.modules.get(name)
    where = getattr(loaded, "__file__", None)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        where = spec.origin if spec and spec.has_location else None
    return Path(where) if where else None


def _imports(path: Path, name: str) -> list[str]:
    if path.suffix != ".py":
        return []
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [one for one in found if one]
