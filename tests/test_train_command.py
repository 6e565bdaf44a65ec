"""`unmask train` as a user calls it, and the peers that it trained in an evaluation."""

import json
from pathlib import Path

import numpy as np
import pytest
from scenes import paired_corpus
from typer.testing import CliRunner

from unmask.cli import cli
from unmask.datasets.manifest import Split
from unmask.datasets.manifest_file import write_manifest
from unmask.detect import train as training
from unmask.detect.evaluation.answers import DetectorError, Picture
from unmask.detect.evaluation.detectors import open_detector
from unmask.detect.evaluation.figures import auc
from unmask.detect.pair_stream import Mixture, Pool, pictures
from unmask.detect.peers import linear_train
from unmask.detect.peers.as_trained import FOLDER
from unmask.detect.recipe import CHAIN
from unmask.detect.scorer import ImageDetector

TRAINED = "unmask.detect.peers.as_trained"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest, and with one peer that was trained for two steps."""
    root = tmp_path_factory.mktemp("trained")
    write_manifest(paired_corpus(root, 8), root / "manifest.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "VALIDATION_PAIRS", 4)
        run(root, "--recipe", "tiny-ladeda", "--out", str(root / "peers" / "tiny-ladeda"))
    return root


def run(root: Path, *options: str, code: int = 0) -> str:
    call = ["train", "detector", "--data", str(root), "--steps", "2", "--workers", "0", *options]
    found = CliRunner().invoke(cli, call)
    assert found.exit_code == code, found.output
    return found.output


def test_a_peer_is_trained_by_the_command(trained: Path) -> None:
    log = (trained / "peers" / "tiny-ladeda" / "log.jsonl").read_text()
    (row,) = map(json.loads, log.splitlines())
    assert row["step"] == 2
    assert {"auc_aligned", "auc_other"} <= set(row)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recipe", "nothing"), "not one of"),
        (("--recipe", "residual", "--backbone", "manifest.csv"), "does not start from ImageNet"),
        (("--recipe", "tiny-ladeda", "--start", "manifest.csv"), "holds no weights"),
        (("--recipe", "patchnet", "--backbone", "manifest.csv"), "holds no weights"),
        (("--recipe", "npr", "--start", "peers/tiny-ladeda/last.pt"), "it is no npr"),
    ],
)
def test_wrong_calls_end_with_one_message(
    options: tuple[str, ...], said: str, trained: Path, tmp_path: Path
) -> None:
    given = [o if o.startswith("-") or "." not in o else str(trained / o) for o in options]
    output = run(trained, *given, "--out", str(tmp_path / "x"), code=2)
    assert said in " ".join(output.split())
    assert "Traceback" not in output


def test_a_trained_peer_judges_in_an_evaluation(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(trained / "peers"))
    detector = open_detector(f"{TRAINED}:tiny_ladeda")
    rng = np.random.default_rng(0)
    sizes = ((128, 128), (40, 200))  # the second is smaller than a network takes
    pictures = [
        Picture(pixels=rng.integers(0, 256, (*size, 3), dtype=np.uint8), path=Path("x.png"))
        for size in sizes
    ]
    answers = detector.score(pictures)
    assert all(np.isfinite(a.score) and not a.failure for a in answers)
    with pytest.raises(DetectorError, match="train it first"):
        open_detector(f"{TRAINED}:npr")
    monkeypatch.delenv(FOLDER)
    with pytest.raises(DetectorError, match=FOLDER):
        open_detector(f"{TRAINED}:tiny_ladeda")


def test_spectra_are_fitted_to_pairs_and_judge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = paired_corpus(tmp_path / "data", 8)
    linear_train.train(data, tmp_path / "peers", pairs=60)
    monkeypatch.setenv(FOLDER, str(tmp_path / "peers"))
    held = Pool([s for s in data if s.split is Split.VALIDATION])
    shown = pictures(held, Mixture(), CHAIN, crop=linear_train.CROP, pairs=30, seed=2)
    given = [Picture(pixels=pixels, path=Path("x.png")) for pixels in shown]
    fake = np.array([False, True] * 30)
    for name in ("durall", "frank"):
        detector = open_detector(f"{TRAINED}:{name}")
        scores = np.array([answer.score for answer in detector.score(given)])
        assert auc(fake, scores) > 0.7, name


def test_the_scorer_says_what_the_analyser_says(photograph) -> None:
    said = ImageDetector()(photograph)
    detector = open_detector("image_detector", device="cpu")
    (answer,) = detector.score([Picture(pixels=photograph, path=Path("x.png"))])
    assert said["llr"] == pytest.approx(answer.llr)
    assert set(said) == {"score", "llr"}
