"""The import rule: core <- {forensics, datasets, generate, detect} <- {app, cli}."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What a part may import of the others, beside itself and the core.
ALLOWED = {
    "core": set(),
    "forensics": set(),
    "datasets": set(),
    "generate": {"datasets"},
    "detect": {"generate", "datasets"},
    "app": {"forensics", "datasets", "generate", "detect"},
    "cli": {"forensics", "datasets", "generate", "detect", "app"},
}
PARTS = ("forensics", "datasets", "generate", "detect", "app")


def modules() -> list[tuple[str, Path]]:
    found = [(part, path) for part in PARTS for path in (ROOT / part).rglob("*.py")]
    core = [p for p in (ROOT / "src/unmask").rglob("*.py") if not set(p.parts) & set(PARTS)]
    return found + [("cli" if path.name == "cli.py" else "core", path) for path in core]


def imported_parts(path: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {n.split(".")[1] for n in names if n.startswith("unmask.")} & set(PARTS)


@pytest.mark.parametrize(("part", "path"), modules(), ids=str)
def test_a_part_imports_only_what_it_may(part: str, path: Path) -> None:
    assert imported_parts(path) - {part} <= ALLOWED[part]


def test_the_rule_sees_every_part() -> None:
    assert {part for part, _ in modules()} == set(ALLOWED)
