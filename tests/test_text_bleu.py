"""BLEU and Self-BLEU, held against NLTK and a hand calculation."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from unmask.generate.text.bleu import FILL, BleuError, References, Tokens, self_bleu


def sequences(seed: int, count: int, longest: int, vocabulary: int = 6) -> Tokens:
    rng = np.random.default_rng(seed)
    found = rng.integers(vocabulary, size=(count, longest))
    for row in found:
        row[rng.integers(3, longest + 1) :] = FILL
    return found


def words(tokens: Tokens) -> list[list[int]]:
    return [[int(t) for t in row if t != FILL] for row in tokens]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smooth", [False, True])
def test_it_is_nltks(order: int, smooth: bool) -> None:
    references, made = sequences(1, 40, 9), sequences(2, 30, 9)
    found = References(references, vocabulary=6, order=order).bleu(made, smooth=smooth)
    method = SmoothingFunction().method2 if smooth else SmoothingFunction().method0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no 4-gram in common: NLTK warns, and says nearly 0
        theirs = [
            sentence_bleu(words(references), one, [1 / order] * order, method)
            for one in words(made)
        ]
    long = np.array([len(one) >= order for one in words(made)])
    assert np.allclose(found[long], np.array(theirs)[long], atol=1e-6)
    assert found.min() < found.max()


def test_each_is_held_against_the_others() -> None:
    made = sequences(3, 25, 8, vocabulary=4)
    plain = words(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [
            sentence_bleu(plain[:i] + plain[i + 1 :], one, [0.5, 0.5])
            for i, one in enumerate(plain)
        ]
    assert self_bleu(made, vocabulary=4, order=2) == pytest.approx(np.mean(theirs), abs=1e-6)


def test_a_hand_calculation() -> None:
    # "the the cat" against "the cat sat": 2 of 3 words (one "the" is clipped), 1 of 2 pairs.
    found = References(np.array([[0, 1, 2]]), vocabulary=3, order=2).bleu(np.array([[0, 0, 1]]))
    assert found[0] == pytest.approx((2 / 3 * 1 / 2) ** 0.5)
    short = References(np.array([[0, 1, 2]]), vocabulary=3, order=1).bleu(np.array([[0, 1, FILL]]))
    assert short[0] == pytest.approx(np.exp(1 - 3 / 2))


def test_equal_sequences_have_self_bleu_one_and_different_ones_none() -> None:
    same = np.tile(np.arange(5), (4, 1))
    assert self_bleu(same, vocabulary=5, order=4) == pytest.approx(1)
    apart = np.arange(20).reshape(4, 5)
    assert self_bleu(apart, vocabulary=20, order=2) == 0
    grown = [self_bleu(same[:n], vocabulary=5, order=2) for n in (2, 4)]
    assert all(a <= b for a, b in pairwise(grown))


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(BleuError):
        References(np.zeros((0, 4), np.int64), vocabulary=9)
    with pytest.raises(BleuError):
        References(np.zeros((2, 4), np.int64), vocabulary=10**6, order=4)
    with pytest.raises(BleuError):
        self_bleu(np.zeros((1, 4), np.int64), vocabulary=9, order=2)
