"""What the README promises: its Python runs, and the commands and files that it names exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unmask.cli import cli
from unmask.generate.command import app as generate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_python_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.+?)```", README, re.S)
    exec(compile(code, "README.md", "exec"), {})
    assert "Learned image detector" in capsys.readouterr().out


def test_every_command_and_option_exists() -> None:
    for command, rest in re.findall(r"unmask (scan|sign|make-test-certs|analysers)\b(.*)", README):
        text = CliRunner().invoke(cli, [command, "--help"], terminal_width=200).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in text, f"{command} has no {option}"


def test_every_command_of_generate_exists() -> None:
    found = re.findall(r"unmask generate ([\w-]+)(.*)", README)
    assert len(found) > 4
    for command, rest in found:
        text = CliRunner().invoke(generate, [command, "--help"], terminal_width=200).output
        for option in re.findall(r"--[a-z-]+", rest.partition("#")[0]):
            assert option in text, f"generate {command} has no {option}"


def test_every_target_and_file_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", README, re.M)):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / link).exists(), link
