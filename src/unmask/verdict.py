"""From findings to a verdict.

Two kinds of evidence meet here and are kept apart. *Claims* are what a file or a hard trace in it
says of its origin; how much stands behind one is its basis. *Calibrated ratios* come from learned
analysers and are joined by one combiner, fitted on held-out data, because adding the ratios of
correlated analysers overstates certainty. Failures and doubts never count as evidence.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from unmask.evidence import Basis, Claim, ClaimKind, Doubt, Failure, Finding, Kind, Outcome
from unmask.report.words import SIDES, Sides, strength

DECIDE = 0.9  # P(synthetic) from which, and 1 - DECIDE to which, a verdict is given
CONTRADICTION = math.log(10)  # |llr| from which numbers outweigh what anybody could have written


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


@cache
def combiner() -> dict[str, Any]:
    """Coefficients of the joint combiner by kind of media; its file names the data behind them."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("combiner.json").read_text())
    return loaded


def combine(findings: Mapping[str, Finding], kind: Kind) -> float | None:
    """Joint llr, by the fitted combiner; None where its calibrated finding is absent or doubtful.

    A further analyser that is absent contributes its mean: looked, learned nothing.
    """
    fitted = combiner().get(kind)
    if fitted is None:
        return None
    joint = float(fitted["intercept"])
    for term in fitted["terms"]:
        finding = findings.get(term["analyser"])
        if term["fact"] is None:
            if finding is None or finding.llr is None or finding.doubts:
                return None
            joint += term["coefficient"] * finding.llr
        elif finding is not None and isinstance(finding.facts.get(term["fact"]), int | float):
            joint += term["coefficient"] * (finding.facts[term["fact"]] - term["centre"])
    return joint


def weigh(outcomes: Mapping[str, Outcome], kind: Kind, prior: float = 0.5) -> Verdict:
    """The verdict for what the analysers (by name) returned.

    `prior` is P(synthetic) before looking, in (0, 1): ValueError outside.
    """
    if not 0 < prior < 1:
        raise ValueError(f"the prior is a probability between 0 and 1, not {prior}")
    findings = {n: o for n, o in outcomes.items() if isinstance(o, Finding)}
    failed = [n for n, o in outcomes.items() if isinstance(o, Failure)]
    joint = combine(findings, kind)
    probability = None if joint is None else _probability(joint, prior)
    claims = [claim for finding in findings.values() for claim in finding.claims]
    weighed = [f for f in findings.values() if f.llr is not None]
    doubts = [doubt for finding in weighed for doubt in finding.doubts]
    origin, headline, reasons, more = _decide(claims, joint, probability, SIDES[kind])
    voice = combine(findings, Kind.AUDIO) if kind is Kind.VIDEO else None
    if kind is Kind.VIDEO and origin is Origin.CAPTURED and _partly(findings):
        text = "The pictures look like a camera's, but a stretch of the voice sounds generated."
        origin, headline, reasons, more = _torn(text, reasons)
    if voice is not None and _probability(voice, prior) >= DECIDE:
        origin, headline, reasons, more = _voiced(origin, headline, reasons, more)
        if origin is Origin.MANIPULATED and not claims:
            joint, probability = voice, _probability(voice, prior)  # what the answer rests on
    if origin is Origin.INCONCLUSIVE and not doubts + more:
        more = [Doubt(code="no_evidence", text="No analysis that carries weight applied.")]
    because = reasons + [f.summary for f in weighed if not f.doubts]
    because += [
        f.summary for f in findings.values() if f.notable and f.llr is None and not f.claims
    ]
    if failed:
        more.append(Doubt(code="failed", text=f"Could not be run: {', '.join(sorted(failed))}."))
    return Verdict(
        origin=origin,
        headline=headline,
        llr=joint or 0.0,
        prior=prior,
        probability=probability,
        strength=strength(joint or 0.0),
        because=tuple(dict.fromkeys(because)),
        doubts=tuple(dict.fromkeys(more + doubts)),
        would_change=_would_change(origin, [d.code for d in more + doubts], claims, kind),
        limits=_LIMITS[kind],
    )


_STRONG = (Basis.TRUSTED, Basis.MEASURED)
_ORDER = {basis: place for place, basis in enumerate(Basis)}


def _decide(
    claims: list[Claim], joint: float | None, probability: float | None, sides: Sides
) -> tuple[Origin, str, list[str], list[Doubt]]:
    """(answer, headline, sentences, doubts): claims that bind, then numbers, then nothing."""
    said = sorted(claims, key=lambda claim: _ORDER[claim.basis])
    texts = [claim.text for claim in said]
    llr = joint or 0.0

    def of(*kinds: ClaimKind) -> Claim | None:
        return next((claim for claim in said if claim.kind in kinds), None)

    made, changed = of(ClaimKind.SYNTHETIC), of(ClaimKind.ALTERED, ClaimKind.AI_EDITED)
    taken = of(ClaimKind.CAPTURED)
    signed_capture = taken is not None and taken.basis is Basis.TRUSTED
    if made and signed_capture:
        return _torn("The file is declared both as captured and as generated.", texts)
    if made:
        if made.basis not in _STRONG and llr <= -CONTRADICTION:
            return _torn(f"It is labelled as generated, but {sides.looks_taken}.", texts)
        word = "Synthetic" if made.basis in _STRONG else "Labelled as synthetic"
        return Origin.SYNTHETIC, f"{word}: {_SOURCE[made.basis]}", texts, []
    if changed:
        word = "Edited with AI" if changed.kind is ClaimKind.AI_EDITED else "Altered"
        return Origin.MANIPULATED, f"{word}: {_SOURCE[changed.basis]}", texts, []
    if signed_capture:
        if llr >= CONTRADICTION:
            return _torn(f"A trusted signer says captured, but {sides.looks_made}.", texts)
        return Origin.CAPTURED, "Captured, says a trusted signer", texts, []
    if probability is None:
        return Origin.INCONCLUSIVE, "Inconclusive", texts, []
    if probability >= DECIDE:
        return Origin.SYNTHETIC, sides.headline_made, texts, []
    if probability <= 1 - DECIDE:
        return Origin.CAPTURED, sides.headline_taken, texts, []
    lean = sides.adjective if probability > 0.5 else sides.lean
    text = f"The evidence leans towards {lean}, but too weakly to decide."
    return (
        Origin.INCONCLUSIVE,
        "Inconclusive",
        texts,
        [Doubt(code="weak_evidence", text=text)],
    )


def _probability(llr: float, prior: float) -> float:
    return 1 / (1 + math.exp(-(llr + math.log(prior / (1 - prior)))))


def _partly(findings: Mapping[str, Finding]) -> bool:
    voice = findings.get("audio_detector")
    return voice is not None and [d.code for d in voice.doubts] == ["partly_synthetic"]


def _voiced(
    origin: Origin, headline: str, reasons: list[str], more: list[Doubt]
) -> tuple[Origin, str, list[str], list[Doubt]]:
    """The answer for a clip whose voice is likely synthetic, whatever its pictures look like."""
    if origin is Origin.CAPTURED and headline != SIDES[Kind.VIDEO].headline_taken:
        return _torn("A trusted signer says captured, but the voice sounds generated.", reasons)
    if origin in (Origin.CAPTURED, Origin.INCONCLUSIVE):
        return Origin.MANIPULATED, "Likely a synthetic voice", reasons, more
    return origin, headline, reasons, more


def _torn(text: str, texts: list[str]) -> tuple[Origin, str, list[str], list[Doubt]]:
    doubt = Doubt(code="views_disagree", text=text)
    return Origin.INCONCLUSIVE, "Inconclusive: the evidence disagrees", texts, [doubt]


_SOURCE = {
    Basis.TRUSTED: "a trusted signer says so",
    Basis.SIGNED: "the file is signed, by a signer that nobody vouches for",
    Basis.MEASURED: "a hard trace in the file",
    Basis.METADATA: "by its own metadata, which anybody can write",
}

_CHANGERS = {
    "too_small": "A larger version of the same picture.",
    "too_compressed": "A version nearer to the original, before a messenger recompressed it.",
    "out_of_range": "A detector that was trained on pictures of this sort.",
    "views_disagree": "The original file, to see which of the disagreeing traces it carries.",
    "weak_evidence": "The original file from the source, at full size.",
    "no_evidence": "An analysis that fits this kind of file.",
    "failed": "The analyses that could not be run.",
}


def _would_change(
    origin: Origin, codes: list[str], claims: list[Claim], kind: Kind
) -> tuple[str, ...]:
    if kind is Kind.TEXT:
        return _would_change_text(origin, codes)
    known = _CHANGERS | (_SOUND_CHANGERS if kind is Kind.AUDIO else {})
    changers = [known[code] for code in codes if code in known]
    if any(claim.basis is Basis.METADATA for claim in claims):
        changers.append("Proof that the metadata was added or removed by somebody else.")
    if not any(claim.basis is Basis.TRUSTED for claim in claims):
        changers.append("Content Credentials from a signer on a trust list.")
    if origin is not Origin.INCONCLUSIVE:
        changers.append("The original file, or an earlier copy of it that differs.")
    return tuple(dict.fromkeys(changers))


_SOUND_CHANGERS = {
    "too_small": "A longer version of the same recording.",
    "too_short": "More speech of the same voice from the same recording.",
    "seen_in_recordings": "A recording of the same speaker that is known to be real, to compare.",
    "out_of_range": "A detector that was trained on recordings of this sort.",
    "weak_evidence": "The original file from the source, uncut and at its full quality.",
}


def _would_change_text(origin: Origin, codes: list[str]) -> tuple[str, ...]:
    """No signature sticks to words: what helps is more text, and what surrounds its writing."""
    changers = ["Drafts, notes or a history of changes that show how the text came about."]
    if origin is Origin.INCONCLUSIVE:
        changers.append("A longer passage by the same writer, unedited.")
    if "failed" in codes:
        changers.append(_CHANGERS["failed"])
    if "no_language_model" in codes:
        changers.append("The detector's small language model, which is not installed here.")
    changers.append("Other texts of the same person to compare with, written by hand.")
    return tuple(changers)


_PROOF = "That no trace was found proves nothing, and a file can lie about itself."
_LIMITS = {
    Kind.IMAGE: "unmask judges traces in a file, not whether what it shows happened. Its detector "
    "knows the generators it was trained on; newer ones may leave no trace that it sees. " + _PROOF,
    Kind.VIDEO: "unmask judges sampled frames, the voice and the container, not movement or "
    "lips; a face swap in part of the frame can escape it. " + _PROOF,
    Kind.AUDIO: "unmask judges traces in the sound, the container and the provenance of a "
    "recording, not whether what is said is true or who says it. Its detector knows the "
    "synthesisers it was trained on; noise, telephones and recompression hide their traces. "
    + _PROOF,
    Kind.TEXT: "unmask judges the statistics of words, not whether they are true, and nothing in a "
    "text proves who wrote it. Its detector knows the language models it was trained on; people "
    "who write a second language, translations, paraphrases, verse and formulaic prose mislead "
    "it. Never accuse anybody by this answer alone.",
}
