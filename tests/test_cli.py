"""The command line as a script sees it: output, files, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from unmask.cli import Exit, cli, main

EXAMPLE = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


def run(*words: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(cli, list(words), input=given)


@pytest.fixture
def folder(tmp_path: Path, photograph_jpeg: bytes) -> Path:
    home = tmp_path / "files"
    home.mkdir()
    (home / "one.jpg").write_bytes(photograph_jpeg)
    (home / "empty.png").write_bytes(b"")
    return home


def test_a_scan_prints_the_verdict_and_its_exit_code() -> None:
    done = run("scan", str(EXAMPLE))
    assert "SHA-256" in done.output
    assert done.exit_code in {Exit.CAPTURED, Exit.INCONCLUSIVE}
    assert run("scan", str(EXAMPLE), "--exit-zero", "-a", "metadata").exit_code == 0


def test_json_on_standard_output_is_json_alone() -> None:
    done = run("scan", str(EXAMPLE), "--json", "-", "--analysers", "metadata,spectrum")
    document = json.loads(done.stdout)
    assert document["status"] == "scanned"
    assert {r["analyser"] for r in document["results"]} == {"metadata", "spectrum"}
    assert done.exit_code == Exit.INCONCLUSIVE


def test_reports_are_written(tmp_path: Path) -> None:
    page, data = tmp_path / "r.html", tmp_path / "r.json"
    run("scan", str(EXAMPLE), "-a", "metadata", "--html", str(page), "--json", str(data))
    assert page.read_text().lower().startswith("<!doctype html>")
    assert json.loads(data.read_text())["file"]["name"] == "astronaut.jpg"


def test_standard_input(photograph_jpeg: bytes) -> None:
    done = run("scan", "-", "-a", "metadata", "--json", "-", given=photograph_jpeg)
    assert json.loads(done.stdout)["file"]["size"] == len(photograph_jpeg)


def test_an_unreadable_file_has_a_code_and_no_traceback(tmp_path: Path) -> None:
    done = run("scan", str(tmp_path / "missing.jpg"))
    assert done.exit_code == Exit.UNREADABLE
    assert "not_found" in done.output
    empty = run("scan", "-", "--json", "-", given=b"")
    assert json.loads(empty.stdout)["error"]["reason"] == "empty"


def test_an_unknown_analyser_is_a_wrong_call() -> None:
    done = run("scan", str(EXAMPLE), "-a", "spectrun")
    assert done.exit_code == Exit.USAGE
    assert "did you mean 'spectrum'" in done.output.replace("\n", " ")


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_report_that_cannot_be_written_is_told_before_the_work(
    option: str, tmp_path: Path
) -> None:
    for where, said in ((tmp_path, "is a folder"), (tmp_path / "gone" / "r", "There is no folder")):
        done = run("scan", str(EXAMPLE), "-a", "metadata", option, str(where))
        assert done.exit_code == Exit.USAGE
        assert said in " ".join(done.output.split())
        assert "SHA-256" not in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scan", "{folder}", "--html", "{taken}"], "taken:Fileexists."),
        (["scan", "{folder}", "--json", "{taken}/r"], "Thereisnofolder"),
        (["scan", str(EXAMPLE), "-a", "metadata", "--json", "{long}"], ":Filenametoolong."),
        (["generate", "sample", "digits", "--out", "{taken}"], "taken:Fileexists."),
    ],
)
def test_no_command_ends_in_a_traceback_where_it_cannot_write(
    words: list[str],
    said: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    places = {"folder": folder, "taken": taken, "long": tmp_path / ("x" * 300)}
    monkeypatch.setattr("sys.argv", ["unmask", *(word.format(**places) for word in words)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == Exit.USAGE
    assert said in "".join(capsys.readouterr().err.split())


def test_no_name_is_no_folder() -> None:
    assert run("scan", "", "-a", "metadata").exit_code == Exit.UNREADABLE


def test_a_folder_gives_json_lines_and_a_page_a_file(folder: Path, tmp_path: Path) -> None:
    lines, pages = tmp_path / "all.jsonl", tmp_path / "pages"
    done = run("scan", str(folder), "-a", "metadata", "--json", str(lines), "--html", str(pages))
    assert done.exit_code == Exit.UNREADABLE
    documents = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {d["file"]["name"]: d["status"] for d in documents} == {
        "one.jpg": "scanned",
        "empty.png": "unreadable",
    }
    assert [p.name for p in pages.iterdir()] == ["one.jpg.html"]


def test_the_analysers_are_listed() -> None:
    done = run("analysers")
    for name in ("image_detector", "c2pa", "ela", "copy_move"):
        assert name in done.output


def test_signing_round_trip(tmp_path: Path, photograph_jpeg: bytes) -> None:
    source, marked, certs = tmp_path / "in.jpg", tmp_path / "out.jpg", tmp_path / "certs"
    source.write_bytes(photograph_jpeg)
    assert run("make-test-certs", str(certs)).exit_code == 0
    chain, key = str(certs / "chain.pem"), str(certs / "key.pem")
    done = run("sign", str(source), str(marked), "--as", "ai-made", "--chain", chain, "--key", key)
    assert done.exit_code == 0, done.output
    root = str(certs / "root.pem")
    trusted = run("scan", str(marked), "-a", "c2pa", "--anchors", root, "--json", "-")
    assert json.loads(trusted.stdout)["verdict"]["origin"] == "synthetic"
    assert trusted.exit_code == Exit.SYNTHETIC


def test_the_command_is_installed() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("unmask"), "version"], capture_output=True, check=True
    )
    assert done.stdout.strip()
