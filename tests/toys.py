"""A toy detector of a planted trace, and data for it."""

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.encodings import resize
from unmask.detect.evaluation.assess import Assessment
from unmask.detect.evaluation.run import EvaluateConfig
from unmask.detect.evaluation.tables import Scores, Threshold

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


ANY = Sample(path=Path("x"), fake=False, generator=CAMERA, corpus="c", source="s", split=Split.TEST)
