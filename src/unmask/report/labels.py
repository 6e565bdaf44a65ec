"""What reports call things, so that no two of them say it differently."""

from collections.abc import Sequence

from unmask.errors import Reason
from unmask.evidence import Basis, Claim, ClaimKind, Failure, Finding, Kind, NotApplicable, Outcome
from unmask.report.words import SIDES, chance, percent, ratio, weight
from unmask.scan import Result
from unmask.verdict import Origin, Verdict

SYMBOLS = {
    Origin.SYNTHETIC: "▲",
    Origin.MANIPULATED: "◆",
    Origin.CAPTURED: "●",
    Origin.INCONCLUSIVE: "?",
}
KINDS = {
    Kind.IMAGE: "picture",
    Kind.VIDEO: "clip",
    Kind.AUDIO: "recording",
    Kind.TEXT: "text",
}
CLAIMS = {
    ClaimKind.SYNTHETIC: "made by a generator",
    ClaimKind.AI_EDITED: "changed in part by a generator",
    ClaimKind.EDITED: "changed with an editor",
    ClaimKind.CAPTURED: "taken by a camera or a microphone",
    ClaimKind.ALTERED: "altered afterwards or pasted together",
}
BASES = {
    Basis.TRUSTED: "signed by a party on a trust list",
    Basis.SIGNED: "signature intact, signer unknown",
    Basis.MEASURED: "measured in the signal itself",
    Basis.METADATA: "plain text in the file, which anybody can write",
}
REASONS = {
    Reason.NOT_FOUND: "not found",
    Reason.UNREADABLE: "not readable",
    Reason.EMPTY: "empty",
    Reason.UNSUPPORTED: "not supported",
    Reason.CORRUPT: "damaged",
    Reason.TOO_LARGE: "too large",
    Reason.TOO_SLOW: "too slow",
    Reason.NO_STREAM: "nothing in it",
}
NO_CLAIMS = (
    "No statement of origin was found in the file. That proves nothing: most sites strip such "
    "statements on upload."
)


def likelihood(verdict: Verdict, kind: Kind = Kind.IMAGE) -> str:
    """The probability of a verdict in words and in a number, without a full stop.

    It says "by measurement" because claims decide apart from it, and may decide otherwise.
    """
    if verdict.probability is None:
        return "By measurement: no likelihood, since no calibrated finding can be leaned on here"
    odds = f"{chance(verdict.probability)} to be {SIDES[kind].adjective}"
    return f"By measurement: {odds} ({percent(verdict.probability)})"


def reasoning(verdict: Verdict, kind: Kind = Kind.IMAGE) -> str:
    """Where the number comes from, in a sentence; empty where there is none."""
    if verdict.probability is None:
        return ""
    return (
        f"The evidence together is {ratio(verdict.llr, kind)} ({verdict.strength}); "
        f"the starting point was {percent(verdict.prior)}."
    )


def outcome_word(outcome: Outcome) -> str:
    """The word that keeps the outcomes of analysers apart."""
    if isinstance(outcome, Finding):
        return "notable finding" if outcome.notable else "finding"
    return {NotApplicable: "not applicable", Failure: "failed"}[type(outcome)]


def weight_of(finding: Finding, kind: Kind = Kind.IMAGE) -> str:
    """How a finding counts: by its calibrated ratio, by what it states, or not at all."""
    if finding.llr is None and finding.claims:
        return "counts as a statement"
    return weight(finding.llr, kind)


def claims(results: Sequence[Result]) -> list[tuple[str, Claim]]:
    """Every statement of origin with the title of its analyser, the best founded first."""
    order = list(BASES)
    found = [
        (result.analyser.title, claim)
        for result in results
        if isinstance(result.outcome, Finding)
        for claim in result.outcome.claims
    ]
    return sorted(found, key=lambda pair: order.index(pair[1].basis))
