"""An evaluation end to end on toy data with a planted trace: kept scores, breakage, leaks."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from unmask.cli import cli
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.encodings import jpeg, resize
from unmask.detect.evaluation.assess import Assessment
from unmask.detect.evaluation.cache import Cache, CacheError, Table, default_folder
from unmask.detect.evaluation.probes import leaks, probe, warnings_of
from unmask.detect.evaluation.run import EvaluateConfig, evaluate
from unmask.detect.evaluation.selection import EvaluationError, manifest_sha256
from unmask.detect.evaluation.survey import FileFacts, near_duplicates, outline
from unmask.detect.evaluation.tables import Scores, Threshold
from unmask.detect.evaluation.thresholds import choose, score_at

SIDE = 64
# Fakes carry a stripe pattern of two pixels; the detector measures it, and counts its calls.
DETECTOR = """
import numpy as np
from pathlib import Path

STOP, BREAK, CALLS = None, "", 0

def score(pixels):
    global CALLS
    CALLS += 1
    if CALLS == STOP:
        raise KeyboardInterrupt
    if BREAK and (pixels[0, 0] > 250).all():
        raise ValueError(BREAK)
    grey = pixels.astype(float).mean(2)
    return float(abs(grey[:, 2:-2] - (grey[:, :-4] + grey[:, 4:]) / 2).mean())

def rated(pixels):
    value = score(pixels)
    return {"score": value, "llr": value - 12, "abstained": value < 6}

def ratio(pixels):
    return {"llr": score(pixels) - 12}
"""


def scene(rng: np.random.Generator, side: int = SIDE) -> NDArray[np.uint8]:
    """Soft blobs and noise."""
    blobs = resize(rng.integers(60, 180, (8, 8, 3), dtype=np.uint8), side / 8)
    noise = rng.normal(0, 3, blobs.shape)
    return np.clip(blobs + noise, 0, 255).astype(np.uint8)


def with_trace(pixels: NDArray[np.uint8], strength: float = 22) -> NDArray[np.uint8]:
    wave = strength * np.sign(np.sin((np.arange(pixels.shape[1]) + 0.5) * np.pi / 2))
    return np.clip(pixels + wave[None, :, None], 0, 255).astype(np.uint8)


def corpus(root: Path, *, each: int = 12, seed: int = 0) -> Path:
    """`real/*.png` and `fake/gan/*.png`, every fake of a scene of its own."""
    rng = np.random.default_rng(seed)
    for i in range(each):
        for folder, fake in (("real", False), ("fake/gan", True)):
            path = root / folder / f"{folder[0]}{seed}-{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = scene(rng)
            Image.fromarray(with_trace(pixels) if fake else pixels).save(path)
    return root


@dataclass
class Heard:
    """What was handed to be assessed."""

    scores: tuple[Scores, ...] = ()
    thresholds: tuple[Threshold, ...] = ()

    def of(self, perturbation: str = "clean", detector: str = "toy") -> Scores:
        (one,) = [
            s for s in self.scores if (s.detector, s.perturbation) == (detector, perturbation)
        ]
        return one


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """The figures have tests of their own; here they are left out, and what they get is kept."""
    kept = Heard()

    def assess(scores: Any, thresholds: Any, **_: Any) -> SimpleNamespace:
        kept.scores, kept.thresholds = tuple(scores), tuple(thresholds)
        names = (f.name for f in fields(Assessment))
        return SimpleNamespace(**dict.fromkeys(names, ()))

    monkeypatch.setattr("unmask.detect.evaluation.run.assess", assess)
    return kept


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The toy detector's module, which every test imports anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "toydetector.py").write_text(DETECTOR)
    monkeypatch.delitem(sys.modules, "toydetector", raising=False)
    import importlib

    importlib.invalidate_caches()
    module = importlib.import_module("toydetector")
    monkeypatch.setitem(sys.modules, "toydetector", module)
    return module


def config(data: Path, **more: Any) -> EvaluateConfig:
    given: dict[str, Any] = {
        "detectors": ("toy=toydetector:score",),
        "data": (str(data),),
        "perturb": ("clean",),
        "crop": "none",
        "draws": 50,
    }
    return EvaluateConfig(**given | more)


def labels(scores: Scores) -> NDArray[np.bool_]:
    return np.array([s.fake for s in scores.samples])


# --- the whole


def test_a_planted_trace_is_measured(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    stages: list[tuple[str, int, int]] = []
    found = evaluate(
        config(corpus(tmp_path / "data"), perturb=("jpeg:70", "scale:0.5")),
        lambda *stage: stages.append(stage),
    )
    assert [s.perturbation for s in heard.scores] == ["clean", "JPEG 70", "scaled 0.5"]
    clean = heard.of()
    assert clean.score[labels(clean)].min() > clean.score[~labels(clean)].max()
    assert toy.CALLS == 3 * 24
    assert found.data == {"data": {CAMERA: 12, "gan": 12}}
    assert found.detectors["toy"]
    assert found.speed[0].images == 24
    assert found.speed[0].images_per_second > 0
    assert found.speed[0].peak_memory_mb > 20
    assert heard.thresholds[0].chosen == "oracle"
    assert any("upper bound" in text for text in found.warnings)
    assert any("gan 12" in text for text in found.warnings)
    scoring = [done for stage, done, total in stages if stage == "scoring" and total == 72]
    assert scoring == sorted(scoring)
    assert scoring[-1] == 72


def test_both_classes_go_through_one_encoding(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=1)
    real = next((data / "real").iterdir())
    evaluate(config(data))
    through = jpeg(np.asarray(Image.open(real)), 95)
    scores = heard.of()
    (at,) = [i for i, s in enumerate(scores.samples) if not s.fake]
    assert scores.score[at] == pytest.approx(toy.score(through))
    bare = evaluate(config(data, base="none"))
    assert heard.of().score[at] == pytest.approx(toy.score(np.asarray(Image.open(real))))
    assert any("without a common encoding" in text for text in bare.warnings)


def test_a_broken_picture_fails_alone(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=3)
    whole = next((data / "real").iterdir())
    (data / "real" / "cut.png").write_bytes(whole.read_bytes()[:200])
    white = np.asarray(Image.open(whole)).copy()
    white[:16, :16] = 255
    Image.fromarray(white).save(data / "real" / "white.png")
    toy.BREAK = "a bright corner"  # type: ignore[attr-defined]
    found = evaluate(config(data))
    reasons = {Path(path).name: text for path, text in found.failures["toy"].items()}
    assert set(reasons) == {"cut.png", "white.png"}
    assert reasons["white.png"] == "ValueError: a bright corner"
    assert "damaged" in reasons["cut.png"] or "cut" in reasons["cut.png"]
    assert np.isnan(heard.of().score).sum() == 2
    assert any("toy failed on 2 pictures" in text for text in found.warnings)


@pytest.mark.usefixtures("toy")
def test_a_command_is_evaluated(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "outside.py").write_text(
        "import sys, numpy as np\nfrom PIL import Image\nimport toydetector\n"
        "for line in sys.stdin:\n"
        "    print(toydetector.score(np.asarray(Image.open(line.strip()))))\n"
    )
    line = f"outside={sys.executable} {tmp_path / 'outside.py'}"
    evaluate(config(corpus(tmp_path / "data"), detectors=("toy=toydetector:score", line)))
    assert np.allclose(heard.of(detector="outside").score, heard.of().score)


# --- what is kept


def test_scores_are_kept_by_file_detector_and_perturbation(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=4)
    first = evaluate(config(data, cache=tmp_path / "cache"))
    fresh = heard.of()
    assert toy.CALLS == 8
    again = evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 8
    assert np.array_equal(heard.of().score, fresh.score)
    assert np.isnan(heard.of().seconds).all()
    assert not again.speed
    assert first.leaks == again.leaks
    evaluate(config(data, cache=tmp_path / "cache", perturb=("jpeg:60",)))
    assert toy.CALLS == 16
    evaluate(config(data, cache=tmp_path / "cache", base="jpeg:90"))
    assert toy.CALLS == 24
    path = next((data / "real").iterdir())
    Image.fromarray(scene(np.random.default_rng(99))).save(path)
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 25
    source = tmp_path / "toydetector.py"
    source.write_text(source.read_text() + "\n# another\n")
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 33


def test_an_interrupted_run_goes_on(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=5)
    toy.STOP = 7  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        evaluate(config(data, cache=tmp_path / "cache"))
    toy.STOP = None  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 7 + 4  # six were kept
    assert np.isfinite(heard.of().score).all()


def test_a_failure_is_tried_again(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=2)
    Image.new("RGB", (SIDE, SIDE), "white").save(data / "real" / "white.png")
    toy.BREAK = "out of memory"  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert len(heard.of().failures) == 1
    toy.BREAK = ""  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert not heard.of().failures
    assert toy.CALLS == 5 + 1


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    Table(path).put([(("a",), {"score": 1.0}), (("b",), {"score": 2.0})])
    text = path.read_bytes()
    for length in range(len(text)):  # killed at any point
        path.write_bytes(text[:length])
        torn = Table(path)
        assert len(torn) <= 2
        torn.put([(("c",), 3)])
        back = Table(path)
        assert back.get(("c",)) == 3
        assert len(back) == len(torn)
    path.write_bytes(b"\xff\xfe{[\n42\nnull\n" + text)
    assert Table(path).get(("b",)) == {"score": 2.0}


def test_two_runs_may_write_at_once(tmp_path: Path) -> None:
    one, two = Table(tmp_path / "t.jsonl"), Table(tmp_path / "t.jsonl")
    for i in range(50):
        one.put([(("one", str(i)), i)])
        two.put([(("two", str(i)), i)])
    assert len(Table(tmp_path / "t.jsonl")) == 100


def test_the_cache_has_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "unmask" / "scores"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "unmask" / "scores"
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError):
        Cache(tmp_path / "file").table("x")


# --- thresholds


def test_thresholds_are_chosen_in_their_order(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=4)
    other = corpus(tmp_path / "other", each=4, seed=1)

    def chosen(**more: Any) -> Threshold:
        evaluate(config(data, **more))
        return heard.thresholds[0]

    assert chosen(thresholds={"toy": 3.5}) == Threshold(detector="toy", value=3.5, chosen="stated")
    rated = {"detectors": ("toy=toydetector:rated",)}
    even = chosen(**rated)
    assert even.chosen == "calibrated"
    scores = heard.of()
    assert scores.llr is not None
    assert np.array_equal(scores.score > even.value, scores.llr > 0)
    assert np.array_equal(scores.abstained, scores.score < 6)
    same = {"detectors": ("toy=toydetector:ratio",)}
    assert chosen(**same).value == 0
    assert chosen(**same, decide=0.9).value == pytest.approx(np.log(9))
    toy.CALLS = 0  # type: ignore[attr-defined]
    held = chosen(validation=(str(other),))
    assert held.chosen == "validation"
    assert toy.CALLS == 16


@pytest.mark.usefixtures("toy", "heard")
def test_validation_and_test_must_not_meet(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", each=3)
    with pytest.raises(EvaluationError, match="6 pictures are validated and tested on"):
        evaluate(config(data, validation=(str(data),)))
    other = corpus(tmp_path / "other", each=3, seed=1)
    copy = other / "real" / "copy.png"
    copy.write_bytes(next((data / "real").iterdir()).read_bytes())
    found = evaluate(config(data, validation=(str(other),)))
    assert any("1 generators are validated and tested on: gan" in w for w in found.warnings)
    alike = [w for w in found.warnings if w.startswith("Validated and tested pictures look alike")]
    assert "1 pairs" in alike[0]
    assert "copy.png" in alike[0]


def test_a_threshold_by_hand() -> None:
    score = np.array([1.0, 2.0, 3.0, np.nan])
    assert score_at(score, np.array([-1.0, 0.5, 2.0, np.nan]), 0.0) == 1.5
    assert score_at(score, np.array([-3.0, -2.0, -1.0, 5.0]), 0.0) == 3.0
    below = score_at(score, np.array([3.0, 2.0, 1.0, 5.0]), 0.0)
    assert below is not None
    assert below < 1
    assert score_at(score, np.array([2.0, -1.0, 1.0, 0.0]), 0.0) is None
    assert score_at(score[:3], score[:3], 1.7) == 1.7


def test_ratios_that_do_not_follow_the_score_set_no_threshold() -> None:
    data = tuple(replace(ANY, fake=bool(i % 2)) for i in range(4))
    scores = Scores(
        detector="d", perturbation="clean", samples=data, score=np.array([1.0, 2.0, 3.0, 4.0]),
        llr=np.array([1.0, -1.0, 1.0, -1.0]), abstained=np.zeros(4, bool), seconds=np.ones(4),
    )  # fmt: skip
    threshold, warning = choose(scores, None, None, 0.5)
    assert threshold is not None
    assert threshold.chosen == "oracle"
    assert warning
    photographs = tuple(replace(s, fake=False) for s in data)
    nothing, warning = choose(replace(scores, samples=photographs, llr=None), None, None, 0.5)
    assert nothing is None
    assert "no threshold" in warning


# --- leaks and look-alikes

ANY = Sample(path=Path("x"), fake=False, generator=CAMERA, corpus="c", source="s", split=Split.TEST)


def leaking(root: Path, save: Callable[[NDArray[np.uint8], Path, bool], None]) -> Path:
    """Thirty pictures a class; only what `save` does tells the classes apart."""
    rng = np.random.default_rng(3)
    for i in range(30):
        for folder in ("real", "fake"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            save(scene(rng), root / folder / f"{folder}{i}", folder == "fake")
    return root


def found_leaks(data: Path, **more: Any) -> dict[str, tuple[float, float, float]]:
    found = evaluate(config(data, detectors=("toy=toydetector:score",), **more))
    return {leak.probe: (leak.auc.low, leak.auc.value, leak.auc.high) for leak in found.leaks}


@pytest.mark.usefixtures("toy", "heard")
def test_data_without_a_leak_has_none(tmp_path: Path) -> None:
    plain = leaking(tmp_path / "plain", lambda p, path, _: save_png(p, path))
    found = found_leaks(plain)
    assert len(found) == 10
    for name, (low, value, high) in found.items():
        assert low <= 0.5 <= high, name
        assert 0.25 < value < 0.75, name


def save_png(pixels: NDArray[np.uint8], path: Path, **more: Any) -> None:
    Image.fromarray(pixels).save(f"{path}.png", **more)


def _format(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
    if fake:
        save_png(pixels, path)
    else:
        Image.fromarray(pixels).save(f"{path}.jpg", quality=90)


def _quality(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
    Image.fromarray(pixels).save(f"{path}.jpg", quality=80 if fake else 90)


def _metadata(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
    info = PngImagePlugin.PngInfo()
    if fake:
        info.add_text("parameters", "a cat, Steps: 20")
    save_png(pixels, path, pnginfo=info)


def _size(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
    save_png(pixels if fake else pixels[:-7], path)


def _brightness(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
    save_png(pixels // 2 if fake else pixels, path)


@pytest.mark.parametrize(
    ("save", "name", "stays"),
    [
        (_format, "encoding", False),
        (_quality, "encoding", False),
        (_metadata, "metadata", False),
        (_size, "size", True),
        (_brightness, "thumbnail 8 x 8", True),
    ],
)
@pytest.mark.usefixtures("toy", "heard")
def test_a_planted_leak_is_found_and_its_end_is_seen(
    save: Callable[[NDArray[np.uint8], Path, bool], None], name: str, stays: bool,
    tmp_path: Path,
) -> None:  # fmt: skip
    found = found_leaks(leaking(tmp_path / "data", save))
    assert found[f"{name}, as it lies"][0] > 0.9
    assert (found[f"{name}, as scored"][0] > 0.9) == stays


@pytest.mark.usefixtures("toy", "heard")
def test_cutting_alike_ends_a_leak_of_size(tmp_path: Path) -> None:
    def large(pixels: NDArray[np.uint8], path: Path, fake: bool) -> None:
        save_png(resize(pixels, 2.5 if fake else 2.25), path)

    found = found_leaks(leaking(tmp_path / "data", large), crop="auto")
    assert found["size, as it lies"][0] > 0.9
    assert found["size, as scored"][1] == 0.5


def test_a_probe_stays_with_sources() -> None:
    """A probe that could learn pictures by heart must not profit from their copies."""
    rng = np.random.default_rng(0)
    seen = np.repeat(rng.normal(size=(120, 40)), 4, axis=0)
    fake = np.repeat(rng.random(120) < 0.5, 4)
    found = probe(seen, fake, [f"s{i // 4}" for i in range(480)], draws=200)
    assert found is not None
    assert found.low <= 0.5 <= found.high
    # Pictures of one source are no independent evidence: the interval is that of 120, not of 480.
    assert found.high - found.low > 0.14


def test_a_probe_needs_pictures() -> None:
    assert probe(np.zeros((30, 1)), [True] * 11 + [False] * 19, list(map(str, range(30)))) is None
    assert leaks({"as it lies": []}, [], []) == ()
    assert warnings_of(()) == []


def test_look_alikes_are_found(photograph: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(1)

    def facts(pixels: NDArray[np.uint8]) -> FileFacts:
        return FileFacts(outline=outline(pixels))

    first = {replace(ANY, source="a"): facts(photograph)}
    copy = resize(jpeg(photograph, 60), 0.6)
    second = {
        replace(ANY, source="b", path=Path("copy")): facts(copy),
        replace(ANY, source="c", path=Path("other")): facts(scene(rng)),
        replace(ANY, source="a", path=Path("its own fake")): facts(copy),
        replace(ANY, source="d", path=Path("flat")): facts(np.full((64, 64, 3), 9, np.uint8)),
        replace(ANY, source="e", path=Path("broken")): FileFacts(failure="broken"),
    }
    assert [two.path.name for _, two, _ in near_duplicates(first, second)] == ["copy"]
    assert near_duplicates({}, second) == []


# --- wrong calls


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"detectors": ()}, "needs a detector"),
        ({"detectors": ("toydetector:score", "toydetector:score")}, "Two detectors"),
        ({"thresholds": {"tony": 1.0}}, "stated for 'tony'"),
        ({"split": "tset"}, "no split 'tset'"),
        ({"decide": 1.0}, "between 0 and 1"),
    ],
)
@pytest.mark.usefixtures("toy", "heard")
def test_wrong_calls_say_so(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", each=1)
    with pytest.raises(EvaluationError, match=message):
        evaluate(config(data, **more))


@pytest.mark.usefixtures("toy")
def test_other_splits_are_left_alone(tmp_path: Path, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=4)
    rows = [
        {"path": str(p), "label": p.parts[-2] if "real" in p.parts else "fake", "split": split}
        for split, pattern in (("train", "*-[01].png"), ("test", "*-[23].png"))
        for p in sorted(data.rglob(pattern))
    ]
    manifest = tmp_path / "all.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluate(config(manifest))
    assert len(heard.of().samples) == 4
    everything = evaluate(config(manifest, split="all"))
    assert len(heard.of().samples) == 8
    assert any("4 of the pictures are of a training split" in w for w in everything.warnings)
    fallback = evaluate(config(manifest, split="validation"))
    assert any("has no split validation" in w for w in fallback.warnings)


def test_the_manifest_is_named_by_its_files() -> None:
    def work(*samples: Sample) -> Any:
        facts = {s.path: FileFacts(sha256=s.path.name) for s in samples}
        return SimpleNamespace(samples=samples, facts=facts)

    one, two = replace(ANY, path=Path("1")), replace(ANY, path=Path("2"))
    assert manifest_sha256(work(one, two)) == manifest_sha256(work(two, one))
    assert manifest_sha256(work(one, two)) != manifest_sha256(work(one, replace(two, fake=True)))


# --- the command


@pytest.mark.usefixtures("toy")
def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    data, out = corpus(tmp_path / "data", each=12), tmp_path / "out"
    words = ["evaluate", "-d", "toy=toydetector:score", "--data", str(data), "--perturb", "jpeg:70"]
    words += ["--out", str(out), "--draws", "20", "--threshold", "toy=8", "--crop", "none"]
    done = CliRunner().invoke(cli, [*words, "--cache", str(tmp_path / "cache")])
    assert done.exit_code == 0, done.output
    assert "toy" in done.stdout
    assert {p.suffix for p in out.rglob("*.*")} >= {".json", ".md", ".html", ".png"}
    text = "".join(p.read_text() for p in out.glob("*.json"))
    assert "JPEG 70" in text
    assert "NaN" not in text


@pytest.mark.usefixtures("heard")
def test_the_command_says_what_is_wrong(tmp_path: Path, toy: ModuleType) -> None:
    data = str(corpus(tmp_path / "data", each=1))
    toy.STOP = 2  # type: ignore[attr-defined]
    for words, code, text in (
        (["-d", "image_detektor", "--data", data], 2, "did you mean 'image_detector'"),
        (["-d", "toydetector:score", "--data", "/nowhere"], 2, "no such file"),
        (["-d", "toydetector:score", "--data", data, "--perturb", "jpge:3"], 2, "mean 'jpeg'"),
        (["-d", "toydetector:score", "--data", data, "--threshold", "x"], 2, "DETECTOR=VALUE"),
        (["--data", data], 2, "--detector"),
        (["-d", "toydetector:score", "--data", data, "--no-cache"], 130, "Nothing was kept"),
        (["--help"], 0, "--perturb"),
    ):
        done = CliRunner().invoke(cli, ["evaluate", *words])
        assert done.exit_code == code, done.output
        assert text in " ".join(done.output.split()), done.output


def test_a_scan_does_not_wait_for_the_evaluator() -> None:
    import subprocess

    code = "import sys, unmask.cli; print(sorted({'torch', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
