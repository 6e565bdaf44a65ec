"""What is done to pictures before they are scored: perturbations, and both classes alike."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.encodings import jpeg
from unmask.detect.evaluation.perturbations import GRIDS, PerturbationError, parse, parse_all
from unmask.detect.evaluation.preparation import (
    LEAST_SIDE,
    Preparation,
    middle,
    parse_base,
    parse_crop,
    sides,
)
from unmask.media import open_bytes

SHA = "ab" * 32


def test_every_perturbation_changes_a_picture_and_repeats(photograph: NDArray[np.uint8]) -> None:
    for one in parse_all(["full"]):
        changed = one(photograph, SHA)
        assert changed.dtype == np.uint8, one.name
        assert np.array_equal(changed, one(photograph, SHA)), one.name
        same = changed.shape == photograph.shape and np.array_equal(changed, photograph)
        assert same == (one.spec == "clean"), one.name
        if one.spec != "scale:2":  # and one pixel alone survives it
            assert one(photograph[:1, :1], SHA).size, one.name


def test_chance_differs_by_picture(photograph: NDArray[np.uint8]) -> None:
    grain = parse("noise:5")[0]
    assert not np.array_equal(grain(photograph, SHA), grain(photograph, "cd" * 32))
    spread = (grain(photograph, SHA).astype(float) - photograph).std()
    assert spread == pytest.approx(5, abs=0.3)


def test_perturbations_are_what_they_say(photograph: NDArray[np.uint8]) -> None:
    assert np.array_equal(parse("jpeg:70")[0](photograph, SHA), jpeg(photograph, 70))
    assert parse("scale:0.5")[0](photograph, SHA).shape == (120, 160, 3)
    assert parse("crop:0.5")[0](photograph, SHA).shape == (120, 160, 3)
    assert parse("social")[0](photograph, SHA).shape == (176, 236, 3)
    both = parse("Resize:0.5 + JPEG:70")[0]
    assert (both.spec, both.name) == ("scale:0.5+jpeg:70", "scaled 0.5, JPEG 70")
    assert np.array_equal(both(photograph, SHA), jpeg(parse("scale:0.5")[0](photograph, SHA), 70))


def test_grids_start_clean_and_hold_nothing_twice() -> None:
    names = [p.name for p in parse_all(["standard", "jpeg:70", "clean", "full"])]
    assert names[0] == "clean"
    assert len(names) == len(set(names)) == len({*GRIDS["standard"], *GRIDS["full"]}) + 1
    assert [p.name for p in parse("standard")] == [
        "JPEG 90", "JPEG 70", "JPEG 50", "WebP 80", "scaled 0.5", "scaled 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jepg:70", "did you mean 'jpeg'"),
        ("jpeg", "jpeg:NUMBER from 1 to 100"),
        ("jpeg:101", "from 1 to 100"),
        ("jpeg:7.5", "whole number"),
        ("blur:nan", "from 0.1"),
        ("social:3", "is not social"),
        ("", "no perturbation"),
    ],
)
def test_perturbations_that_are_none(text: str, message: str) -> None:
    with pytest.raises(PerturbationError, match=message):
        parse(text)


def sample(corpus: str, number: int, *, fake: bool) -> Sample:
    generator = "gan" if fake else CAMERA
    return Sample(
        path=Path(f"{corpus}-{fake}-{number}"), fake=fake, generator=generator, corpus=corpus,
        source=f"{corpus}/{number}", split=Split.TEST,
    )  # fmt: skip


def test_corpora_whose_classes_differ_in_size_are_cut_alike() -> None:
    even = {sample("even", i, fake=bool(i % 2)): (300, 200) for i in range(4)}
    uneven = {sample("uneven", i, fake=bool(i % 2)): (500, 400 - 200 * (i % 2)) for i in range(4)}
    reals = {sample("reals", i, fake=False): (640, 480) for i in range(2)}
    fakes = {sample("fakes", i, fake=True): (512, 512) for i in range(2)}
    cut, warnings = sides(even | uneven | reals | fakes, None)
    assert not set(even) & set(cut)
    assert {cut[s] for s in uneven} == {200}
    assert {cut[s] for s in reals | fakes} == {480}
    assert not warnings
    assert sides(even | uneven, 0) == ({}, [])
    assert set(sides(even | uneven, 96)[0].values()) == {96}


def test_one_tiny_picture_does_not_cut_all_the_others() -> None:
    sizes = {sample("a", 0, fake=True): (40, 40), sample("a", 1, fake=False): (500, 400)}
    cut, warnings = sides(sizes, None)
    assert set(cut.values()) == {LEAST_SIDE}
    assert "1 pictures of a" in warnings[0]


def test_a_picture_is_made_ready(photograph: NDArray[np.uint8]) -> None:
    ready = Preparation(base=parse_base("jpeg:95"), side=64)
    data = ready.encode(photograph)
    assert np.array_equal(open_bytes(data, "x").pixels, jpeg(middle(photograph, 64), 95))
    plain = Preparation(base=parse_base("none"))
    assert np.array_equal(open_bytes(plain.encode(photograph), "x").pixels, photograph)
    assert len({ready.key, plain.key, Preparation(base=parse_base("jpeg:95")).key}) == 3
    assert Image.fromarray(middle(photograph, 1000)).size == (320, 240)


@pytest.mark.parametrize("text", ["png", "jpeg", "jpeg:0", "jpeg:x", "none:3"])
def test_bases_that_are_none(text: str) -> None:
    with pytest.raises(PerturbationError):
        parse_base(text)


def test_crops() -> None:
    assert [parse_crop(t) for t in ("auto", "none", "224")] == [None, 0, 224]
    with pytest.raises(PerturbationError):
        parse_crop("7")
