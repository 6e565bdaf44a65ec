"""All that is measured of a document, by name: `<group>.<measure>`."""

from collections.abc import Mapping, Sequence

from unmask.detect.text.characters import CharacterModel
from unmask.detect.text.language_model import TokenScores
from unmask.detect.text.statistics import statistics
from unmask.detect.text.stylometry import stylometry

NGRAM, SMOLLM, STYLE, CHARACTERS = "ngram", "smollm", "style", "characters"
# What a fusion reads: without the optional language model, and with it.
MODES: Mapping[str, tuple[str, ...]] = {
    NGRAM: (NGRAM, STYLE, CHARACTERS),
    SMOLLM: (NGRAM, SMOLLM, STYLE, CHARACTERS),
}


def measure(
    text: str, scores: Mapping[str, TokenScores], characters: CharacterModel
) -> dict[str, float]:
    """Of normalised text; `scores` by the group of the language model.

    Raises ValueError where there is no word, or a model scored nothing.
    """
    found = {f"{STYLE}.{name}": value for name, value in stylometry(text).items()}
    for group, of_tokens in scores.items():
        found |= {f"{group}.{name}": value for name, value in statistics(of_tokens).items()}
    return found | {f"{CHARACTERS}.logit": characters.logit(text)}


def of_groups(features: Mapping[str, float], groups: Sequence[str]) -> dict[str, float]:
    """The features of some groups."""
    return {name: v for name, v in features.items() if name.partition(".")[0] in groups}


MOST_REPEATED = 0.5  # share of three words in a row that were there before: no prose, a loop


def unlike_prose(features: Mapping[str, float], thresholds: Mapping[str, float]) -> bool:
    """Whether a text lies outside what the detector's range was measured on."""
    surprisal = features[f"{NGRAM}.surprisal"]
    within = thresholds["least_surprisal"] <= surprisal <= thresholds["most_surprisal"]
    return not within or features.get(f"{STYLE}.repeated_triples", 0.0) > MOST_REPEATED
