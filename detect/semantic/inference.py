"""The semantic detector at work: a logit of what CLIP sees, and how odd the picture is to it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from unmask.card import Card, load_card
from unmask.detect.calibration import Calibration
from unmask.detect.encodings import Pixels, jpeg, resize
from unmask.detect.likelihood import Range
from unmask.detect.semantic.encoder import WIDTH, Encoder, load_encoder
from unmask.errors import WeightsError

WEIGHTS = Path(__file__).parent.parent / "weights" / "semantic_detector.safetensors"
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Head:
    """What is learned about the encoder's features: a plane, and where pictures lie."""

    weights: Floats  # (WIDTH,)
    offset: float
    axes: Floats  # (D, WIDTH): the D directions in which training pictures differ most
    usual: Range  # of the D places along them

    def logit(self, features: NDArray[np.floating]) -> float:
        """Of (WIDTH,) features; above 0 leans to synthetic."""
        return float(features @ self.weights + self.offset)

    def likeness(self, features: NDArray[np.floating]) -> float:
        """The chance that a photograph is at least as odd: a conformal p-value in (0, 1]."""
        odder = int((self.usual.distances >= self.usual.distance(self.axes @ features)).sum())
        return (1 + odder) / (1 + len(self.usual.distances))

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """As they are written."""
        return {
            "weights": self.weights.astype(np.float32),
            "offset": np.array([self.offset], np.float32),
            "axes": self.axes.astype(np.float16),
            "mean": self.usual.mean,
            "precision": self.usual.precision,
            "distances": self.usual.distances,
        }


def read_head(weights: Path) -> Head:
    """Raises WeightsError where the file is missing or holds something else."""
    try:
        held = {name: tensor.astype(float) for name, tensor in load_file(weights).items()}
        usual = Range(**{name: held[name] for name in ("mean", "precision", "distances")})
        head = Head(
            weights=held["weights"],
            offset=float(held["offset"][0]),
            axes=held["axes"],
            usual=usual,
        )
    except (OSError, SafetensorError, KeyError, IndexError) as error:
        raise WeightsError(f"The weights {weights.name} cannot be read.") from error
    if head.weights.shape != (WIDTH,) or head.axes.shape != (len(usual.mean), WIDTH):
        raise WeightsError(f"{weights.name} is for another encoder.")
    return head


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the detector says of one picture."""

    score: float  # logit; above 0 leans to synthetic
    llr: float
    likeness: float


class SemanticDetector:
    """Encoder, head and card."""

    def __init__(self, encoder: Encoder, head: Head, card: Card) -> None:
        self.encoder, self.head, self.card = encoder, head, card
        self.calibration = Calibration.load(card.calibration["picture"])

    def look(self, pixels: Pixels) -> Seen:
        """At (H, W, 3) of any size."""
        features = self.encoder.features(pixels)
        score = self.head.logit(features)
        return Seen(
            score=score,
            llr=float(self.calibration.llr(score)),
            likeness=self.head.likeness(features),
        )

    def views(self, pixels: Pixels) -> dict[str, float]:
        """The ratio of a picture that was recompressed and of one at half size."""
        changed = {"JPEG 70": jpeg(pixels, 70), "scaled 0.5": resize(pixels, 0.5)}
        return {name: self.look(one).llr for name, one in changed.items()}


@cache
def load_semantic_detector(weights: Path = WEIGHTS) -> SemanticDetector | None:
    """The shipped detector; None where its encoder is not installed. Raises WeightsError."""
    encoder = load_encoder()
    if encoder is None:
        return None
    return SemanticDetector(encoder, read_head(weights), load_card(weights))
