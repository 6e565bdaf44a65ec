"""Leaks and look-alikes in data: planted, found, and gone once they are mended."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from toys import ANY, config, heard, scene, toy

from unmask.detect.encodings import jpeg, resize
from unmask.detect.evaluation.probes import leaks, probe, warnings_of
from unmask.detect.evaluation.run import evaluate
from unmask.detect.evaluation.survey import FileFacts, near_duplicates, outline

__all__ = ["heard", "toy"]  # fixtures


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
