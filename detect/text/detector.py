"""The text detector: weights, and the judgement of a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from unmask.card import Card, load_card, part_of
from unmask.detect.text.characters import CharacterModel
from unmask.detect.text.documents import LONGEST
from unmask.detect.text.features import MODES, NGRAM, SMOLLM, measure
from unmask.detect.text.fusion import Fusion
from unmask.detect.text.language_model import LanguageModel, TokenScores, joined
from unmask.detect.text.lengths import LengthCalibration
from unmask.detect.text.ngram import NGramModel
from unmask.detect.text.normalise import normalise, passages, words
from unmask.detect.text.smollm import load_smollm

WEIGHTS = Path(__file__).with_name("weights") / "text_detector.safetensors"
MOST_PASSAGES = 20  # examined of a longer text, evenly spread: 3,000 words


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A part of the text with what the language model said of its tokens."""

    text: str
    scores: TokenScores
    llr: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the detector makes of a text."""

    model: str  # the language model that decided
    words: int
    examined: int  # of the words
    score: float  # logit of the fusion, above 0 leans to a machine
    llr: float  # calibrated for this length
    alarm: float  # ln ratio above which people's texts of this length are rare
    features: Mapping[str, float]
    shares: Mapping[str, float]  # what each group of features adds to the score
    passages: tuple[Passage, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class TextDetector:
    """Fused statistics, with or without the optional language model."""

    card: Card
    ngram: NGramModel
    characters: CharacterModel
    fusions: Mapping[str, Fusion]  # by mode
    calibrations: Mapping[str, LengthCalibration]
    smollm: LanguageModel | None

    @property
    def mode(self) -> str:
        """Which fusion answers here."""
        return SMOLLM if self.smollm is not None and SMOLLM in self.fusions else NGRAM

    def judge(self, text: str) -> Judged:
        """Of a text in English, at least some fifty words long. Raises ValueError without words."""
        whole = normalise(text)
        parts = passages(whole, LONGEST)
        if len(parts) > MOST_PASSAGES:
            chosen = np.linspace(0, len(parts) - 1, MOST_PASSAGES).round().astype(int)
            parts = [parts[i] for i in chosen]
        scored = [self._scored(part) for part in parts]
        together = {group: joined([s[group] for s in scored]) for group in scored[0]}
        features = measure(" ".join(parts), together, self.characters)
        fusion, calibration = self.fusions[self.mode], self.calibrations[self.mode]
        score = fusion.score(features)
        examined = sum(len(words(part)) for part in parts)
        return Judged(
            model=SMOLLM if self.mode == SMOLLM else NGRAM,
            words=len(words(whole)),
            examined=examined,
            score=score,
            llr=calibration.llr(score, examined),
            alarm=calibration.alarm,
            features=features,
            shares=_by_group(fusion.shares(features)),
            passages=tuple(
                Passage(text=part, scores=s[self.mode], llr=self._llr(part, s))
                for part, s in zip(parts, scored, strict=True)
            ),
        )

    def _scored(self, part: str) -> dict[str, TokenScores]:
        found = {NGRAM: self.ngram.score(part)}
        if self.mode == SMOLLM and self.smollm is not None:
            found[SMOLLM] = self.smollm.score(part)
        return found

    def _llr(self, part: str, scores: Mapping[str, TokenScores]) -> float:
        score = self.fusions[self.mode].score(measure(part, scores, self.characters))
        return self.calibrations[self.mode].llr(score, len(words(part)))


def _by_group(shares: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, share in shares.items():
        group = name.partition(".")[0]
        found[group] = found.get(group, 0.0) + share
    return found


def assemble(
    card: Card, tensors: Mapping[str, NDArray[np.generic]], smollm: LanguageModel | None
) -> TextDetector:
    """A detector from a card and its tensors."""
    fusions, lengths = card.calibration["fusions"], card.calibration["lengths"]
    weights = np.asarray(tensors["characters.weights"], np.float32)
    return TextDetector(
        card=card,
        ngram=NGramModel.load(part_of(tensors, "ngram")),
        characters=CharacterModel(
            weights=weights, offset=float(card.calibration["characters_offset"])
        ),
        fusions={mode: Fusion.load(fusions[mode]) for mode in MODES if mode in fusions},
        calibrations={m: LengthCalibration.load(lengths[m]) for m in MODES if m in lengths},
        smollm=smollm,
    )


@cache
def load_text_detector(weights: Path = WEIGHTS, *, with_model: bool = True) -> TextDetector:
    """The shipped detector, with SmolLM2 where the extra `text` is installed.

    Raises WeightsError where the file is missing or is not the one that its card describes.
    """
    card = load_card(weights)
    return assemble(card, load_file(weights), load_smollm() if with_model else None)
