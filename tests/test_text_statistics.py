"""The measures of text against hand calculations, and the n-gram model against brute force."""

import math
from pathlib import Path

import numpy as np
import pytest

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample
from unmask.detect.text.characters import BUCKETS, fit_characters, hashed
from unmask.detect.text.documents import documents, whole_of
from unmask.detect.text.fusion import fit_fusion
from unmask.detect.text.language_model import TokenScores
from unmask.detect.text.lengths import FLOOR, LengthCalibration, fit_length, rare
from unmask.detect.text.ngram import UNKNOWN, NGramModel, tokens
from unmask.detect.text.ngram_train import NGramConfig, fit_ngrams
from unmask.detect.text.normalise import normalise, passages
from unmask.detect.text.score_cache import SHARD, ScoreCache
from unmask.detect.text.statistics import (
    burstiness,
    cross_ratio,
    curvature,
    gltr,
    log_rank,
    lrr,
    perplexity,
    statistics,
)
from unmask.detect.text.stylometry import repeated, stylometry, type_token_ratio

STORY = (
    "The old bridge was closed on Tuesday, and the mayor said that it would stay closed. "
    "People who cross the river every day were angry; some of them had to walk for an hour. "
    "Nobody knows when the bridge will be open again. The mayor did not say. "
)


def scores(log_prob: list[float], rank: list[int]) -> TokenScores:
    n = len(rank)
    return TokenScores(
        starts=np.arange(n, dtype=np.int32), ends=np.arange(1, n + 1, dtype=np.int32),
        log_prob=np.array(log_prob, np.float32), rank=np.array(rank, np.int32),
        entropy=np.full(n, 2.0, np.float32), variance=np.full(n, 4.0, np.float32),
    )  # fmt: skip


def test_statistics_by_hand() -> None:
    log_prob, rank = np.log([0.5, 0.25, 0.125, 0.125]), np.array([1, 10, 11, 2000])
    assert perplexity(log_prob) == pytest.approx(2 ** ((1 + 2 + 3 + 3) / 4))
    assert log_rank(rank) == pytest.approx(math.log(1 * 10 * 11 * 2000) / 4)
    assert lrr(log_prob, rank) == pytest.approx(9 * math.log(2) / math.log(220_000))
    assert gltr(rank) == (0.5, 0.25, 0.0, 0.25)
    two, four = np.full(4, 2.0), np.full(4, 4.0)
    expected = (-9 * math.log(2) + 8) / 4
    assert curvature(log_prob, two, four) == pytest.approx(expected)
    assert burstiness(np.array([-1.0, -3.0])) == 1.0
    assert cross_ratio(np.array([-1.0, -3.0]), np.array([4.0, 4.0])) == 0.5
    with pytest.raises(ValueError, match="token"):
        statistics(scores([], []))
    once, twice = (statistics(scores([-1.0] * n, [3] * n)) for n in (50, 99))
    assert once == pytest.approx(twice, abs=1e-6)  # nothing grows with the length alone
    assert all(map(math.isfinite, once.values()))


@pytest.fixture(scope="module")
def model() -> NGramModel:
    config = NGramConfig(words=60, least_pair=1, least_triple=1)
    return fit_ngrams([STORY, STORY.replace("bridge", "road"), STORY[80:]], config)


def test_the_ngram_model_is_a_distribution_with_these_moments(model: NGramModel) -> None:
    words = [word for word in model.vocabulary if word != UNKNOWN] + ["zzzz"]
    last = [model.score(f"the mayor {word}") for word in words]
    every = np.array([row.log_prob[-1] for row in last], float)
    assert np.exp(every).sum() == pytest.approx(1, abs=1e-3)
    entropy = -(np.exp(every) * every).sum()
    assert last[0].entropy[-1] == pytest.approx(entropy, abs=1e-3)
    spread = (np.exp(every) * every**2).sum() - entropy**2
    assert last[0].variance[-1] == pytest.approx(spread, abs=1e-2)
    likelier = [int((every > value + 1e-6).sum()) + 1 for value in every]
    assert [int(row.rank[-1]) for row in last] == likelier


def test_the_ngram_model_has_learned_and_survives_its_file(model: NGramModel) -> None:
    seen, odd = model.score(STORY), model.score("open the again be will mayor when bridge knows")
    assert perplexity(seen.log_prob) < perplexity(odd.log_prob) / 2
    again = NGramModel.load(model.tensors())
    assert np.allclose(again.score(STORY).log_prob, seen.log_prob, atol=1e-3)
    found = tokens("It's 42 a.m.")
    assert [word for _, _, word in found] == ["it's", "0", "a", ".", "m", "."]
    assert len(model.score("")) == len(model.score("alone")) == 0


def test_typography_is_levelled() -> None:
    one = normalise("“Well…”\n\nhe said —  it’s\u200b done .")
    assert one == normalise('"Well. . ."  he said -- it\'s done.')
    assert one == '"Well..." he said - it\'s done.'


def test_passages_are_of_even_length_and_lose_nothing() -> None:
    text = " ".join(str(i) for i in range(1000))
    parts = passages(text, 150)
    assert " ".join(parts) == text
    sizes = [len(part.split()) for part in parts]
    assert len(sizes) == 7
    assert max(sizes) - min(sizes) <= 1
    assert passages("one two", 150) == ["one two"]


def test_stylometry_by_hand() -> None:
    found = stylometry("The cat sat. The cat (a cat!) sat, did it not?")
    assert found["articles"] == pytest.approx(3 / 11)
    assert found["commas"] == pytest.approx(1 / 11)
    assert found["negations"] == pytest.approx(1 / 11)
    assert repeated(["a", "b", "a", "b"], 2) == pytest.approx(1 / 3)
    words = [str(i % 7) for i in range(30)]
    slow = np.mean([len(set(words[i : i + 10])) / 10 for i in range(21)])
    assert type_token_ratio(words, 10) == pytest.approx(slow)
    with pytest.raises(ValueError, match="no word"):
        stylometry("1 2 3 ...")


def test_character_ngrams_learn_and_are_of_unit_length() -> None:
    places, weights = hashed(STORY)
    assert np.sum(weights**2) == pytest.approx(1)
    assert places.max() < BUCKETS
    texts = [f"{STORY} {i}" for i in range(8)] + [f"{STORY.upper()[::-1]} {i}" for i in range(8)]
    fitted = fit_characters(texts, [False] * 8 + [True] * 8, [1.0] * 16, 10.0)
    assert fitted.logit(STORY) < 0 < fitted.logit(STORY[::-1])


def test_the_fusion_is_the_sum_of_its_shares() -> None:
    rng = np.random.default_rng(0)
    machine = [bool(i % 2) for i in range(200)]
    rows = [{"a": float(m) + rng.normal(), "b": rng.normal()} for m in machine]
    fusion = fit_fusion(rows, machine, [1.0] * 200, strength=1.0)
    shares = fusion.shares(rows[0])
    assert fusion.score(rows[0]) == pytest.approx(fusion.offset + sum(shares.values()))
    assert fusion.weights[0] > abs(fusion.weights[1])
    far = {"a": 1e9, "b": 0.0}
    assert abs(fusion.shares(far)["a"]) <= 4 * abs(fusion.weights[0]) + 1e-9


def test_longer_texts_may_say_more() -> None:
    rng = np.random.default_rng(1)
    found = []
    for words, spread in ((50, 3.0), (300, 0.7)):
        values = [*(rng.normal(1, spread, 200)), *(rng.normal(-1, spread, 200))]
        groups = ["g x"] * 200 + ["news"] * 100 + ["tales"] * 100
        found.append(fit_length(words, values, [True] * 200 + [False] * 200, groups))
    calibration = LengthCalibration.load(LengthCalibration(lengths=tuple(found)).fields())
    ratios = [calibration.llr(1.0, words) for words in (20, 50, 122, 300, 5000)]
    assert ratios[0] == ratios[1] < ratios[2] < ratios[3] == ratios[4]
    assert 0 < ratios[1] < 1.5
    assert calibration.llr(-99.0, 300) == FLOOR
    assert calibration.alarm == max(at.alarm for at in found)  # one bar, however short or long
    assert found[0].alarm != found[1].alarm


def test_a_source_with_few_texts_has_a_bar_above_all_of_them() -> None:
    assert rare([0.0] * 190 + [float(i) for i in range(50, 60)]) == 57  # two of 200 are above
    assert rare([1.0, 5.0, 3.0]) == pytest.approx(3 + 2.326 * 2 * (4 / 3) ** 0.5, abs=1e-3)
    assert rare([2.0]) == 2
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(2000, 21))
    above = np.mean([last > rare(list(texts)) for *texts, last in draws])
    assert above < 0.025 < np.mean([last > max(texts) for *texts, last in draws])


def test_documents_are_of_one_length_and_of_one_writer() -> None:
    samples = [
        TextSample(
            text=" ".join(f"{name}{i}w{k}" for k in range(60 + i)), machine=name == "m",
            generator=name, domain="d", source=f"{i}", split=Split.TEST,
        )
        for name in ("person", "m")
        for i in range(10)
    ]  # fmt: skip
    made = documents(samples, 100)
    assert {len(one.text.split()) for one in made} == {100}
    assert all(whole.startswith(p) for d in made for p, whole in zip(d.parts, d.whole, strict=True))
    assert all(word.startswith(d.generator[0]) for d in made for word in d.text.split())
    used = [whole for d in made for whole in d.whole]
    assert len(used) == len(set(used))
    again = documents(list(reversed(samples)), 100)
    assert {d.text for d in made} == {d.text for d in again}
    short = TextSample(
        text="too short", machine=False, generator="p", domain="d", source="s", split=Split.TEST
    )
    assert whole_of(short) == ""


def test_a_stopped_scoring_goes_on(tmp_path: Path, model: NGramModel) -> None:
    texts = [f"{STORY} number {i}" for i in range(SHARD + 5)]
    assert ScoreCache(tmp_path).fill(model, texts[: SHARD + 1]) == SHARD + 1
    again = ScoreCache(tmp_path)
    assert again.fill(model, texts) == 4
    kept, fresh = again.get(texts[0]), model.score(texts[0])
    assert kept is not None
    assert np.array_equal(kept.log_prob, fresh.log_prob)
    cut = fresh.until(len(STORY.strip()))
    assert np.array_equal(cut.log_prob, model.score(STORY.strip()).log_prob)
