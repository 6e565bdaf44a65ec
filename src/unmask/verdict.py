"""From findings to a verdict."""

from dataclasses import dataclass
from enum import StrEnum

from unmask.evidence import Doubt


class Origin(StrEnum):
    """The four answers."""

    SYNTHETIC = "synthetic"
    MANIPULATED = "manipulated"
    CAPTURED = "captured"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer for a file, in numbers and in words."""

    origin: Origin
    headline: str  # plain words: "Likely synthetic", "Inconclusive", ...
    llr: float  # joint ln P(evidence | synthetic) / P(evidence | camera); 0 = nothing learned
    prior: float  # P(synthetic) before looking
    probability: float | None  # P(synthetic) after; None where nothing calibrated applied
    strength: str  # ENFSI's words for exp(|llr|): "weak support", "moderate support", ...
    because: tuple[str, ...]  # sentences, the weightiest first
    doubts: tuple[Doubt, ...]  # reasons to hold back, with codes
    would_change: tuple[str, ...]  # what would change this answer
    limits: str  # what the tool cannot know, in a sentence or two
