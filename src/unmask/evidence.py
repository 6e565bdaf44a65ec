"""What analysers say: findings, and the two ways of having none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Kind(StrEnum):
    """What a file is, by its bytes."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"


class ClaimKind(StrEnum):
    """What a file, or a hard trace in it, says of its own origin."""

    SYNTHETIC = "synthetic"  # made by a generator
    AI_EDITED = "ai_edited"  # a picture that a generator changed in part
    EDITED = "edited"  # changed by a person with an editor
    CAPTURED = "captured"  # taken by a camera or a microphone
    ALTERED = "altered"  # changed after it was signed, or pasted together


class Basis(StrEnum):
    """How much stands behind a claim, strongest first."""

    TRUSTED = "trusted"  # signed by a party on a trust list
    SIGNED = "signed"  # signature intact, signer unknown
    MEASURED = "measured"  # a trace in the signal itself that chance does not leave
    METADATA = "metadata"  # plain text in the file, which anybody can write


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of origin, apart from any likelihood."""

    kind: ClaimKind
    basis: Basis
    text: str  # who says so, in a sentence


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why an analyser's own answer should not be leaned on."""

    code: str  # too_small, too_compressed, out_of_range, views_disagree, ...
    text: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A curve to show: (x, y) series of one analyser, by name."""

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    series: Mapping[str, tuple[float, ...]]  # each as long as x


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One analyser's answer.

    `llr` is ln P(found | synthetic) / P(found | camera), calibrated on held-out data. 0 means:
    looked, learned nothing. None means: not calibrated; shown, never weighed.
    """

    summary: str  # a sentence that a journalist understands
    llr: float | None = None
    notable: bool = False  # worth a person's look; orders the report, weighs nothing
    claims: tuple[Claim, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON values only
    heatmap: NDArray[np.float32] | None = None  # (h, w) in [0, 1], 1 = most suspicious, any scale
    timeline: tuple[tuple[float, float], ...] = ()  # (second, llr) of each sampled frame
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NotApplicable:
    """The analyser has nothing to say of this file, and that is no evidence."""

    code: str  # not_jpeg, too_small, no_metadata, ...
    text: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The analyser broke. Never evidence; always shown."""

    code: str  # error, timeout
    text: str


Outcome = Finding | NotApplicable | Failure
