"""Train the text detector: count words, score a corpus, fuse, calibrate, write weights and card."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample, share_of
from unmask.detect.text.card import describe
from unmask.detect.text.characters import CharacterModel, fit_characters
from unmask.detect.text.documents import Document, documents, whole_of
from unmask.detect.text.features import MODES, NGRAM, SMOLLM, measure, of_groups
from unmask.detect.text.fusion import Fusion, fit_fusion
from unmask.detect.text.language_model import LanguageModel
from unmask.detect.text.lengths import AtLength, LengthCalibration, fit_length
from unmask.detect.text.ngram import NGramModel
from unmask.detect.text.ngram_train import NGramConfig, fit_ngrams
from unmask.detect.text.normalise import normalise
from unmask.detect.text.score_cache import ScoreCache

COUNTED = 0.8  # of people's documents that train: for the n-grams; the rest for the fusion
LENGTHS = (50, 75, 100, 150, 300)  # words: what is trained on and calibrated for


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """How the parts are fitted. Chosen by the validation split."""

    characters: float = 1.0  # inverse of the L2 penalty of the character n-grams
    fusion: float = 0.03  # the same of the fusion
    folds: int = 5  # for logits of the character n-grams that their own fit has not seen
    ngrams: NGramConfig = field(default_factory=NGramConfig)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A document and what was measured of it."""

    document: Document
    features: Mapping[str, float]


def parted(samples: Sequence[TextSample]) -> tuple[list[TextSample], list[TextSample]]:
    """(texts whose words are counted, all others): documents of people alone that train.

    Most of them are counted. The rest teach the fusion how people write who were not asked to go on
    from a prompt; it must not see what the n-grams know by heart. Texts of people that machines
    went on from are never counted: their licences do not allow it.
    """
    shared = {s.source for s in samples if s.machine}
    counted = {
        s.source
        for s in samples
        if s.split is Split.TRAIN
        and s.source not in shared
        and share_of(f"counted {s.source}") < COUNTED
    }
    return (
        [s for s in samples if s.source in counted],
        [s for s in samples if s.source not in counted],
    )


def fill(
    samples: Sequence[TextSample], models: Mapping[str, LanguageModel], cache: Path
) -> dict[str, ScoreCache]:
    """Scores of every sample by every model, from the cache or made now."""
    texts = [text for text in map(whole_of, samples) if text]
    caches = {group: ScoreCache(cache / model.name) for group, model in models.items()}
    for group, model in models.items():
        caches[group].fill(model, texts)
    return caches


def measured(
    made: Iterable[Document], caches: Mapping[str, ScoreCache], characters: CharacterModel
) -> list[Scored]:
    """The features of documents whose passages all models have scored."""
    found = []
    for one in made:
        scores = {group: one.scores(cache) for group, cache in caches.items()}
        known = {group: s for group, s in scores.items() if s is not None}
        if len(known) == len(caches):
            features = measure(one.text, known, characters)
            found.append(Scored(document=one, features=features))
    return found


def balanced(made: Sequence[Document]) -> list[float]:
    """Weights so that both classes count alike, and sum to the number of documents."""
    machines = sum(one.machine for one in made)
    sizes = {True: machines, False: len(made) - machines}
    return [len(made) / 2 / sizes[one.machine] for one in made]


def fit_all_characters(made: Sequence[Document], strength: float) -> CharacterModel:
    """Character n-grams of a set of documents."""
    return fit_characters(
        [d.text for d in made], [d.machine for d in made], balanced(made), strength
    )


def training_documents(
    samples: Sequence[TextSample], caches: Mapping[str, ScoreCache], config: TextConfig
) -> tuple[CharacterModel, list[Scored]]:
    """(character n-grams of all, documents of all lengths that train).

    The character logits of the documents are by models that have not seen them.
    """
    train = [s for s in samples if s.split is Split.TRAIN]
    made = [one for length in LENGTHS for one in documents(train, length)]
    scored: list[Scored] = []
    for fold in range(config.folds):
        inside = [one for one in made if _fold(one, config.folds) == fold]
        outside = [one for one in made if not _touches(one, fold, config.folds)]
        apart = fit_all_characters(outside, config.characters)
        scored += measured(inside, caches, apart)
    return fit_all_characters(made, config.characters), scored


def fit_fusions(scored: Sequence[Scored], config: TextConfig) -> dict[str, Fusion]:
    """By mode, where its language models have scored the documents."""
    there = {name.partition(".")[0] for name in scored[0].features}
    return {
        mode: fit_fusion(
            [of_groups(one.features, groups) for one in scored],
            [one.document.machine for one in scored],
            balanced([one.document for one in scored]),
            config.fusion,
        )
        for mode, groups in MODES.items()
        if set(groups) <= there
    }


def _fold(one: Document, folds: int) -> int:
    return int(share_of(f"fold {one.sources[0]}") * folds)


def _touches(one: Document, fold: int, folds: int) -> bool:
    return any(int(share_of(f"fold {source}") * folds) == fold for source in one.sources)


def calibrate(
    validation: Sequence[TextSample],
    caches: Mapping[str, ScoreCache],
    characters: CharacterModel,
    fusions: Mapping[str, Fusion],
) -> tuple[dict[str, LengthCalibration], dict[str, float]]:
    """(calibrations by mode, thresholds) on samples of the validation split."""
    surprisals: list[float] = []
    calibrations = {}
    for mode, fusion in fusions.items():
        lengths = []
        for length in LENGTHS:
            made = documents(validation, length)
            scored = measured(made, caches_of(mode, caches), characters)
            lengths.append(_at_length(length, fusion, scored))
            surprisals += [one.features["ngram.surprisal"] for one in scored if length >= 100]
        calibrations[mode] = LengthCalibration(lengths=tuple(lengths))
    low, high = np.quantile(surprisals, (0.002, 0.998))
    return calibrations, {"least_surprisal": float(low), "most_surprisal": float(high)}


def caches_of(mode: str, caches: Mapping[str, ScoreCache]) -> dict[str, ScoreCache]:
    """Those of the language models that a mode reads."""
    return {group: cache for group, cache in caches.items() if group in MODES[mode]}


def _at_length(length: int, fusion: Fusion, scored: Sequence[Scored]) -> AtLength:
    return fit_length(
        length,
        [fusion.score(one.features) for one in scored],
        [one.document.machine for one in scored],
        [_group(one.document) for one in scored],
    )


def _group(one: Document) -> str:
    return f"{one.generator} {one.domain}" if one.machine else one.domain


def build(
    samples: Sequence[TextSample],
    more: Sequence[TextSample],
    counted: Sequence[TextSample],
    smollm: LanguageModel | None,
    cache: Path,
    out: Path,
    config: TextConfig,
) -> None:
    """Train on `samples`, count words in `counted`, and write weights and card.

    `more` are samples too, by more people: of these all thresholds are calibrated.
    """
    ngram = fit_ngrams((normalise(sample.text) for sample in counted), config.ngrams)
    # As it is shipped, in half precision: what is calibrated is what is used.
    ngram = NGramModel.load(ngram.tensors())
    used = [s for s in samples if s.split is not Split.TEST]
    validation = [s for s in more if s.split is Split.VALIDATION]
    caches = fill([*used, *validation], {NGRAM: ngram}, cache)
    if smollm is not None:
        caches |= fill([*used, *validation], {SMOLLM: smollm}, cache)
    characters, scored = training_documents(used, caches, config)
    fusions = fit_fusions(scored, config)
    half = characters.weights.astype(np.float16)
    characters = replace(characters, weights=half.astype(np.float32))
    calibrations, thresholds = calibrate(validation, caches, characters, fusions)
    tensors: dict[str, NDArray[np.generic]] = {"characters.weights": half}
    tensors |= {f"ngram.{name}": tensor for name, tensor in ngram.tensors().items()}
    data = save(tensors)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    calibration = {
        "fusions": {mode: vars(fusion) for mode, fusion in fusions.items()},
        "lengths": {mode: found.fields() for mode, found in calibrations.items()},
        "characters_offset": characters.offset,
        "data": "validation prompts and documents of: "
        + ", ".join(sorted({s.domain for s in validation})),
    }
    card = describe(calibration, thresholds)
    replace(card, sha256=hashlib.sha256(data).hexdigest()).save(out.with_suffix(".json"))
