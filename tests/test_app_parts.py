"""The parts of the browser front end, each on its own."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit import config

import unmask.app
from unmask.app import examining, uploads, view_maps
from unmask.app.launch import arguments
from unmask.app.view_curves import specification
from unmask.evidence import Finding, Plot

MAIN = str(Path(unmask.app.__file__).with_name("main.py"))


def test_a_manifest_beside_a_picture_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.session_state", {})

    def file(name: str, data: bytes) -> Any:
        return SimpleNamespace(
            name=name, file_id=name, getvalue=lambda: data, getbuffer=lambda: memoryview(data)
        )

    found = uploads.from_files([file("a.jpg", b"A"), file("b.jpg", b"B"), file("a.C2PA", b"M")])
    assert [(u.name, u.sidecar) for u in found] == [("a.jpg", b"M"), ("b.jpg", None)]
    assert [u.name for u in uploads.from_files([file("a.c2pa", b"M")])] == ["a.c2pa"]


def test_examples_are_whatever_media_is_there(tmp_path: Path) -> None:
    assert uploads.example_files(tmp_path / "absent") == []
    (tmp_path / "a_face.JPG").write_bytes(b"bytes")
    (tmp_path / "README.md").write_text("no media")
    (tmp_path / "folder.png").mkdir()
    assert uploads.example_files(tmp_path) == [tmp_path / "a_face.JPG"]
    assert uploads.from_example(tmp_path / "a_face.JPG").read() == b"bytes"


def test_the_memory_of_a_session_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    monkeypatch.setattr(examining, "_examine", lambda *_: examining.Refused(title="t", text="t"))
    for i in range(20):
        one = uploads.Upload(name=str(i), sha256=str(i), read=lambda: b"")
        examining.examine(one, examining.Options())
    assert [key[1] for key in state["examined"]] == [str(i) for i in range(12, 20)]


def test_the_map_most_worth_a_look_comes_first() -> None:
    flat, hot = np.zeros((4, 4), np.float32), np.eye(4, dtype=np.float32)
    outcomes = {
        "flat": Finding(summary="s", heatmap=flat),
        "hot": Finding(summary="s", heatmap=hot),
        "learned": Finding(summary="s", heatmap=flat, llr=0.5),
        "notable": Finding(summary="s", heatmap=flat, notable=True),
        "none": Finding(summary="s"),
        "empty": Finding(summary="s", heatmap=np.zeros((0, 4), np.float32)),
    }
    results = [SimpleNamespace(name=n, outcome=o) for n, o in outcomes.items()]
    report: Any = SimpleNamespace(results=results)
    order = [result.name for result, _ in view_maps.mapped(report)]  # type: ignore[attr-defined]
    assert order == ["notable", "learned", "hot", "flat"]


def test_a_curve_keeps_gaps_and_narrow_peaks() -> None:
    x = tuple(float(i) for i in range(10_000))
    y = [0.0] * 10_000
    y[4321], y[0:5] = 9.0, [float("nan")] * 5
    plot = Plot(title="t", x_label="x", y_label="y", x=x, series={"a": tuple(y), "b": x})
    drawn = specification(plot)
    rows = [row for row in drawn["data"]["values"] if row["series"] == "a"]
    assert len(rows) <= 2000
    assert max(row["y"] for row in rows if row["y"] is not None) == 9.0
    assert rows[0]["y"] is None
    encoding = drawn["layer"][0]["encoding"]
    assert encoding["strokeDash"]["field"] == encoding["color"]["field"] == "series"


def test_the_launcher_keeps_everything_on_this_machine() -> None:
    run, main, *flags = arguments(port=1234)
    assert (run, main) == ("run", MAIN)
    chosen = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    for name in chosen:
        config.get_option(name)  # raises where Streamlit knows no such option
    assert chosen["server.address"] == "127.0.0.1"
    assert chosen["server.port"] == "1234"
    assert chosen["server.maxUploadSize"] == "500"
    assert chosen["browser.gatherUsageStats"] == "false"
    assert chosen["client.showErrorDetails"] == "none"
