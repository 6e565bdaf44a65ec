"""The network that knows close-up faces, and the expert that is asked about these alone."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from unmask.card import load_card
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.experts import FORMS, SOFTNESS
from unmask.detect.fusion import Fusion, Fusions
from unmask.detect.inference import WEIGHTS, Detector, load_detector
from unmask.detect.portrait import SIDE, PortraitNet, is_portrait, thumbnail
from unmask.detect.portrait_train import TRAINED_ON, measured, train
from unmask.detect.scale import Scale
from unmask.detect.tiles import Tiles
from unmask.generate.game import Sampling
from unmask.generate.pictures import to_pixels
from unmask.generate.trained import load_trained

Pixels = NDArray[np.uint8]
EXAMPLES = Path(__file__).parents[1] / "examples"


def disc(rng: np.random.Generator) -> Pixels:
    """A bright disc on a dark ground, in the middle."""
    y, x = np.mgrid[:64, :64] - 32 + rng.uniform(-4, 4, (2, 1, 1))
    inside = np.hypot(y, x) < rng.uniform(16, 24)
    grey = np.where(inside, rng.uniform(150, 250), rng.uniform(0, 90)) + rng.normal(0, 8, (64, 64))
    return np.clip(grey, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def bars(rng: np.random.Generator) -> Pixels:
    grey = 128 + 100 * np.sin(np.arange(64) * rng.uniform(0.2, 1) + rng.uniform(0, 6))
    return np.clip(grey, 0, 255).astype(np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)


def corpus(folder: Path) -> list[Sample]:
    rng, found = np.random.default_rng(0), []
    for i in range(24):
        for name, make in ((TRAINED_ON, disc), ("scenes", bars)):
            path = folder / f"{name}{i}.png"
            Image.fromarray(make(rng)).save(path)
            found.append(
                Sample(path=path, fake=False, generator=CAMERA, corpus=name, source=f"{name}{i}",
                       split=Split.TRAIN if i < 16 else Split.VALIDATION)
            )  # fmt: skip
    return found


def test_it_learns_what_fills_the_picture(tmp_path: Path) -> None:
    data = corpus(tmp_path)
    net = train([s for s in data if s.split is Split.TRAIN], steps=80)
    found = measured(net, [s for s in data if s.split is Split.VALIDATION])
    assert found[TRAINED_ON][0] == 1
    assert found["scenes"][0] == 0
    assert found["scenes"][2] == pytest.approx(0.369, abs=0.01)  # 0 of 8, Clopper and Pearson
    assert found["scenes"][3] == 8
    with pytest.raises(ValueError, match="other corpora"):
        train([s for s in data if s.corpus == TRAINED_ON], steps=1)


def test_a_thumbnail_is_the_middle_square() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 200
    assert thumbnail(wide).shape == (SIDE, SIDE, 3)
    assert (thumbnail(wide) == 200).all()
    assert thumbnail(wide[:20, :7]).shape == (SIDE, SIDE, 3)


class Says:
    """An expert that always says the same, and counts how often it is asked."""

    stride, top = 16, 0.0

    def __init__(self, logit: float) -> None:
        self.logit, self.asked = logit, 0

    def patches(self, tiles: Tiles) -> NDArray[np.float32]:
        self.asked += 1
        n, h, w, _ = tiles.pixels.shape
        return np.full((n, h // 16, w // 16), self.logit, np.float32)


class Halves:
    """Says one thing of the left half of a picture and another of the right."""

    stride, top = 16, 0.0

    def __init__(self, left: float, right: float) -> None:
        self.said = left, right

    def patches(self, tiles: Tiles) -> NDArray[np.float32]:
        n, h, w, _ = tiles.pixels.shape
        row = np.repeat(self.said, w // 32)
        return np.broadcast_to(row, (n, h // 16, w // 16)).astype(np.float32)


@pytest.mark.parametrize("face", [True, False])
def test_specialists_are_asked_about_portraits_alone(face: bool) -> None:
    gate = PortraitNet()
    with torch.no_grad():
        gate.head.weight.zero_()
        gate.head.bias.fill_(1.0 if face else -1.0)
    general, special, another = Says(2.0), Says(-3.0), Says(1.0)
    fusion = Fusion(
        names=("patchnet",), centre=np.zeros(1), scale=np.ones(1),
        coefficients=np.array([2.0]), intercept=0.25,
    )  # fmt: skip
    detector = Detector(
        {"patchnet": general, "faces": special, "faces_lite2": another},
        Fusions(dict.fromkeys(Scale, fusion)),
        SimpleNamespace(), SimpleNamespace(), load_card(WEIGHTS), gate,  # type: ignore[arg-type]
    )  # fmt: skip
    found = detector.score(np.zeros((96, 128, 3), np.uint8))
    assert (general.asked, special.asked, another.asked) == (1, int(face), int(face))
    more = {"faces": -3.0, "faces_lite2": 1.0} if face else {}
    assert found.logits == {"patchnet": 2.0} | more
    joined = (2 * 2 + (-3 + 1) / 2) / 3 if face else 2.0
    assert found.inputs == {"patchnet": pytest.approx(joined)}
    assert found.score == pytest.approx(2 * joined + 0.25)
    assert found.patches.shape == (6, 8)
    assert found.patches == pytest.approx(found.score)


@pytest.mark.parametrize("said", [3.0, -3.0, -9.0])
def test_of_two_kinds_of_experts_the_surer_is_heard(said: float) -> None:
    gate = PortraitNet()
    with torch.no_grad():
        gate.head.weight.zero_()
        gate.head.bias.fill_(-1.0)
    form = FORMS["spectrum"]
    other = Halves((said - 2 + form.less) / form.gain, (said + 2 + form.less) / form.gain)
    fusion = Fusion(
        names=("patchnet",), centre=np.zeros(1), scale=np.full(1, 2.0),
        coefficients=np.array([3.0]), intercept=0.25,
    )  # fmt: skip
    detector = Detector(
        {"patchnet": Says(-6.0), "spectrum": other},
        Fusions(dict.fromkeys(Scale, fusion)),
        SimpleNamespace(), SimpleNamespace(), load_card(WEIGHTS), gate,  # type: ignore[arg-type]
    )  # fmt: skip
    found = detector.score(np.zeros((96, 128, 3), np.uint8))
    assert found.logits == {"patchnet": -6.0, "spectrum": pytest.approx(said, abs=1e-4)}
    most = min(said, form.most)  # alone it makes no picture likely synthetic
    heard = found.inputs["patchnet"]
    assert max(-6, most) < heard < max(-6, most) + SOFTNESS * np.log(2)
    assert found.score == pytest.approx(1.5 * heard + 0.25)
    # The map shows what was heard: the halves of the spectrum, as far as it was.
    share = 1 / (1 + np.exp((-6 - most) / SOFTNESS))
    left, right = found.patches[:, :4], found.patches[:, 4:]
    assert left == pytest.approx(found.score - 1.5 * 2 * share, abs=1e-4)
    assert right == pytest.approx(found.score + 1.5 * 2 * share, abs=1e-4)


def test_the_shipped_one_knows_a_face_from_a_scene() -> None:
    gate = load_detector("cpu").portrait
    faces = load_trained("faces").game.sample(Sampling(seeds=tuple(range(12)), truncation=0.5))
    taken = [
        is_portrait(gate, np.asarray(Image.fromarray(face).resize((256, 256))))
        for face in to_pixels(faces)
    ]
    assert sum(taken) >= 11
    assert not is_portrait(gate, np.asarray(Image.open(EXAMPLES / "coffee.jpg").convert("RGB")))
