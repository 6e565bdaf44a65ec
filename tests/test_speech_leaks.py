"""Leak probes find what a format gives away, and are blind where it gives nothing away."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from voices import RATE

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_leaks import PROBES, Leak, leaks, weighted_auc
from unmask.datasets.speech_manifest import Utterance
from unmask.datasets.speech_signal import NARROW, WIDE, finished, to_pcm

PAIRS = 40


def corpus(root: Path, fake: Callable[[Wave], Wave], band: int = WIDE) -> list[Utterance]:
    """Pairs of noise bursts; `fake` changes the fakes' samples after they were finished."""
    found = []
    for n in range(PAIRS):
        rng = np.random.default_rng(n)
        length = int(rng.uniform(0.4, 0.8) * RATE)
        for is_fake in (False, True):
            wave = rng.standard_normal(length).astype(np.float32)
            out = finished(wave, band if is_fake else WIDE)
            path = root / f"{n}-{is_fake}.wav"
            path.write_bytes(to_pcm(fake(out) if is_fake else out))
            found.append(
                Utterance(
                    path=path,
                    fake=is_fake,
                    generator="x" if is_fake else CAMERA,
                    family="x" if is_fake else "real",
                    engine="copy-synthesis" if is_fake else "real",
                    source=f"s/{n}",
                    corpus="s",
                    speaker=f"{n}",
                    language="en",
                    split=Split.TRAIN,
                    band=WIDE,
                    seconds=length / RATE,
                    licence="",
                    sha256="",
                )
            )
    return found


def by_probe(found: list[Leak]) -> dict[str, Leak]:
    return {leak.probe: leak for leak in found}


def test_a_sound_corpus_shows_nothing(tmp_path: Path) -> None:
    found = by_probe(leaks(corpus(tmp_path, lambda wave: wave)))
    assert set(found) == set(PROBES)
    for leak in found.values():
        assert leak.blind, leak
        assert leak.auc < 0.62, leak
        assert (leak.real, leak.fake) == (PAIRS, PAIRS)


@pytest.mark.parametrize(
    ("probe", "fake"),
    [
        ("length", lambda wave: wave[: len(wave) // 2]),
        ("level", lambda wave: wave * 1.1),
        ("silence", lambda wave: np.concatenate([np.zeros(800, np.float32), wave])),
        ("offset", lambda wave: wave + 0.003),
    ],
)
def test_a_planted_leak_is_found(tmp_path: Path, probe: str, fake: Callable[[Wave], Wave]) -> None:
    leak = by_probe(leaks(corpus(tmp_path, fake)))[probe]
    assert not leak.blind
    assert leak.auc > 0.8


def test_a_band_of_one_class_is_found(tmp_path: Path) -> None:
    leak = by_probe(leaks(corpus(tmp_path, lambda wave: wave, band=NARROW)))["band"]
    assert leak.auc > 0.95


def test_a_few_files_say_nothing(tmp_path: Path) -> None:
    every = corpus(tmp_path, lambda wave: wave)
    assert leaks(every[:12]) == []
    assert leaks([dataclasses.replace(u, fake=True) for u in every]) == []


def test_the_area_under_the_curve_counts_ties_half() -> None:
    labels = np.array([False, False, True, True])
    ones = np.ones(4)
    assert weighted_auc(np.array([0.0, 1, 2, 3]), labels, ones) == 1
    assert weighted_auc(np.array([1.0, 1, 1, 1]), labels, ones) == 0.5
    assert weighted_auc(np.array([0.0, 2, 1, 3]), labels, ones) == 0.75
    assert weighted_auc(np.array([0.0, 2, 1, 3]), labels, np.array([1.0, 0, 1, 1])) == 1
