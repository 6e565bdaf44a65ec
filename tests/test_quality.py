"""The quality of a generator, whole: between a floor and a ceiling, kept, repeated."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from textures import blurred, normal, squares, textures

from unmask.generate.distances import (
    QualityError,
)
from unmask.generate.extractors import Extractor
from unmask.generate.quality import Quality, assess, diversity

SMALL = Extractor(name="squares", network=squares, about="means in squares of eight pixels")


@pytest.fixture(scope="module")
def assessed() -> Quality:
    fake = (blurred(textures(70, 2)) * 0.8 + 0.1).clamp(-1, 1)
    return assess(textures(120, 0), textures(60, 1), fake, SMALL, np.random.default_rng(5))


def test_a_fake_stands_between_the_floor_and_the_ceiling(assessed: Quality) -> None:
    assert (assessed.extractor, assessed.features, assessed.n) == ("squares", 32, 60)
    assert (assessed.training, assessed.shape) == (120, (1, 32, 32))
    figures = assessed.floor, assessed.fake, assessed.ceiling
    for found in (
        [f.frechet for f in figures],
        [f.kernel.mean for f in figures],
        [-f.neighbourhoods.coverage for f in figures],
    ):
        assert found == sorted(found)
        assert found[1] > found[0]
    floor, fake, ceiling = figures
    assert fake.spectrum > 3 * floor.spectrum
    assert min(fake.patches[32], ceiling.patches[32]) > 1.5 * floor.patches[32]
    assert not assessed.memory.copied


def test_a_quality_is_kept_as_json_and_repeats_with_its_seed(
    assessed: Quality, tmp_path: Path
) -> None:
    assessed.save(tmp_path / "runs" / "quality.json")
    held = json.loads((tmp_path / "runs" / "quality.json").read_text())
    assert held["fake"]["frechet"] == assessed.fake.frechet
    assert held["memory"] == {
        "nearer": assessed.memory.nearer, "p_nearer": assessed.memory.p_nearer,
        "close": assessed.memory.close, "p_close": assessed.memory.p_close, "copied": False,
    }  # fmt: skip
    assert len(held["pairs"]) == 8
    names = [row[0] for row in assessed.rows()]
    assert names[:3] == ["Frechet distance", "kernel distance", "precision"]
    assert {"patches at 32 px", "patches at 16 px", "spectrum, dB"} <= set(names)
    assert float(assessed.rows()[0][1]) == pytest.approx(assessed.fake.frechet, rel=1e-3)
    sets = textures(40, 0), textures(30, 1), textures(30, 2)
    one, other, third = (assess(*sets, SMALL, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one == other
    assert one.fake.patches != third.fake.patches


def test_pairs_name_the_copies_and_their_originals() -> None:
    real, fake = textures(90, 0), textures(60, 2)
    fake[[7, 31]] = real[[80, 3]]
    found = assess(real, textures(40, 1), fake, SMALL, np.random.default_rng(1))
    assert found.n == 40
    drawn = [pair[:2] for pair in found.pairs if pair[2] < 1e-6]
    assert set(drawn) <= {(7, 80), (31, 3)}
    assert drawn
    assert [pair[2] for pair in found.pairs] == sorted(pair[2] for pair in found.pairs)


def test_sets_that_do_not_compare_are_refused() -> None:
    rng, images = np.random.default_rng(0), textures(30, 0)
    with pytest.raises(QualityError, match="do not compare"):
        assess(images, images, images[..., 1:], SMALL, rng)
    with pytest.raises(QualityError, match="At least 20"):
        assess(images, images[:19], images, SMALL, rng)


def test_diversity_sees_classes_that_are_missing_or_all_alike() -> None:
    labels = torch.arange(3).repeat(200)
    real, fake = normal(600), normal(600, seed=1)
    same = diversity(fake, labels, real, labels)
    assert same.present == (0, 1, 2)
    assert same.mean == pytest.approx(1, abs=0.1)
    assert same.evenness == pytest.approx(1)
    ones, kept = (labels == 1).numpy(), (labels != 2).numpy()
    fake[ones] = fake[1] + 0.1 * fake[ones]
    found = diversity(fake[kept], labels[kept], real, labels)
    assert (found.present, found.missing) == ((0, 1), (2,))
    assert found.by_class[1] == pytest.approx(0.1, abs=0.02)
    assert found.by_class[0] == pytest.approx(1, abs=0.15)
    assert found.evenness == pytest.approx(np.log(2) / np.log(3))
    with pytest.raises(QualityError, match="one label"):
        diversity(fake, labels[1:], real, labels)
    with pytest.raises(QualityError, match="two pictures"):
        diversity(fake[:1], labels[:1], real, labels)
