"""What a wheel would hold: a package that is not listed is silently left out of it."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("app", "datasets", "detect", "forensics", "generate")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_on_disk_is_listed() -> None:
    on_disk = {"unmask"} | {f"unmask.{part}" for part in PARTS}
    for base, name in [("src/unmask", "unmask"), *((p, f"unmask.{p}") for p in PARTS)]:
        for file in (ROOT / base).rglob("*.py"):
            inner = file.parent.relative_to(ROOT / base)
            if not (base == "src/unmask" and inner.parts and inner.parts[0] in PARTS):
                on_disk.add(".".join([name, *inner.parts]))
    assert on_disk == set(CONFIG["tool"]["setuptools"]["packages"])


def test_every_link_points_home() -> None:
    for part in PARTS:
        link = ROOT / "src/unmask" / part
        assert link.is_symlink()
        assert link.resolve() == ROOT / part


def test_every_data_file_is_packaged() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src", *PARTS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    patterns = CONFIG["tool"]["setuptools"]["package-data"]
    homes = {"src/unmask": "unmask"} | {part: f"unmask.{part}" for part in PARTS}
    for name in tracked:
        path = Path(name)
        if path.suffix == ".py" or (ROOT / path).is_symlink() or path.name == "RESULTS.md":
            continue
        held = []
        for base, package in homes.items():
            if path.is_relative_to(base):
                inner = path.relative_to(base)
                held += [inner.match(glob) for glob in patterns.get(package, [])]
                deeper = f"{package}.{inner.parts[0]}"
                held += [path.relative_to(Path(base, inner.parts[0])).match(glob)
                         for glob in patterns.get(deeper, [])]  # fmt: skip
        assert any(held), f"{name} would be missing from the wheel"


def test_the_version_stands_once() -> None:
    source = (ROOT / "src/unmask/__init__.py").read_text()
    found = re.search(r'__version__ = "(.+)"', source)
    assert found
    assert found[1] == CONFIG["project"]["version"]


def test_weights_stay_small() -> None:
    """A clone is for people in a hurry: 25 MB a file, 80 MB in all."""
    sizes = {p: p.stat().st_size for part in PARTS for p in (ROOT / part).rglob("*.safetensors")}
    assert len(sizes) >= 20
    assert max(sizes.values()) <= 25e6
    assert sum(sizes.values()) <= 80e6
