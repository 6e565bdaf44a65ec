"""The analyser of Content Credentials: from what was read to what a report says."""

from collections.abc import Iterator
from typing import Any

from unmask import settings
from unmask.evidence import Basis, Claim, ClaimKind, Doubt, Finding, Kind, NotApplicable
from unmask.forensics.credentials import Credentials, Integrity, Place, State, read_credentials
from unmask.forensics.manifests import Ingredient, Manifest, Standing
from unmask.forensics.origins import broken_ingredients, edits
from unmask.forensics.source_types import Says
from unmask.forensics.trust import TrustList
from unmask.media import Media
from unmask.registry import analyser

_LISTS = {
    TrustList.OFFICIAL: "on the official C2PA trust list",
    TrustList.INTERIM: "on the interim trust list, which was frozen on 1 January 2026",
    TrustList.USER: "vouched for by a root that you chose to trust",
}
_KINDS = {
    Says.AI_MADE: ClaimKind.SYNTHETIC,
    Says.AI_EDITED: ClaimKind.AI_EDITED,
    Says.CAPTURED: ClaimKind.CAPTURED,
}
_WORDS = {
    Says.AI_MADE: "was made by AI",
    Says.AI_EDITED: "was made or changed by AI in part",
    Says.COMPOSITE: "was put together from several sources, which may include AI",
    Says.CAPTURED: "was captured by a camera or a recorder",
    Says.DIGITAL_CREATION: "was created digitally, without mention of AI",
}
_BASES = {
    Standing.TRUSTED: Basis.TRUSTED,
    Standing.SIGNED: Basis.SIGNED,
    Standing.BROKEN: Basis.METADATA,
}
_CHANGED = (
    "The file is not the one that was signed: it was changed afterwards, or saved again by "
    "software that does not know Content Credentials, or the credentials belong to another file."
)
_UNFIT = (
    "The Content Credentials beside this file do not fit it: they belong to another one, or it was "
    "changed after they were signed."
)
_MOST_LISTED = 100


@analyser(
    "c2pa",
    Kind.IMAGE,
    Kind.VIDEO,
    Kind.AUDIO,
    Kind.TEXT,
    title="Content Credentials",
    reads="the signed history (C2PA) that cameras, editors and generators put into a file or "
    "beside it",
    look_for="who signed, whether anything was changed since, and whether the history says that "
    "AI made or edited the file; a broken step in the history of an ingredient",
    ignore="that there are none: most genuine files have none, and every screenshot or messenger "
    "removes them. An unknown signer is no sign of forgery, and a signature proves who says "
    "something, not that it is true",
    paper="C2PA Technical Specification 2.2, 2025",
)
def content_credentials(media: Media) -> Finding | NotApplicable:
    """Read and check the Content Credentials of a file, by the settings in force.

    Those of a text or document lie beside it: C2PA embeds none in plain text, and a hostile PDF or
    archive is opened in the worker of `media` alone.
    """
    chosen = settings.current()
    return report(
        read_credentials(
            media.data,
            media.format.mime,
            embedded=media.kind is not Kind.TEXT,
            sidecar=media.sidecar,
            user_anchors=chosen.user_anchors,
            allow_network=chosen.allow_network,
        )
    )


def report(credentials: Credentials) -> Finding | NotApplicable:
    """The finding for what was read."""
    if credentials.state is State.ABSENT:
        return NotApplicable(
            code="no_manifest", text="The file carries no Content Credentials, as most files do."
        )
    if credentials.state is State.REMOTE:
        return Finding(
            summary=f"The file's Content Credentials are kept at {credentials.address} and were "
            "not fetched, so nothing is known of them.",
            facts=_facts(credentials),
        )
    broken = broken_ingredients(credentials.label, credentials.manifests)
    claims = tuple(_claims(credentials))
    return Finding(
        summary=_summary(credentials)
        + (" A step of its history, however, had failed a check." if broken else ""),
        notable=bool(claims or broken) or credentials.state is State.INVALID,
        claims=claims,
        doubts=tuple(_doubts(credentials, broken)),
        facts=_facts(credentials),
    )


def _summary(credentials: Credentials) -> str:
    if _beside_another_file(credentials):
        return f"{_UNFIT} They name {_who(credentials.active)}."
    if credentials.integrity is Integrity.FILE_CHANGED:
        return f"{_CHANGED} They name {_who(credentials.active)}."
    if credentials.integrity is Integrity.CREDENTIALS_DAMAGED:
        return (
            "The file's Content Credentials are damaged or forged, so nothing that they say can "
            "be relied on. That alone does not tell whether the picture or sound was altered."
        )
    words = _WORDS.get(credentials.statement.says)
    says = f"The Content Credentials say that the file {words}."
    if words is None:
        says = "The Content Credentials do not say where the file comes from."
    if credentials.state is State.INVALID:
        intact = credentials.integrity is Integrity.INTACT
        altered = "Nothing was altered since" if intact else "Whether it was altered is unknown"
        return f"{says} The signer's certificate was not acceptable. {altered}."
    return f"{says} Nothing was altered since {_who(credentials.active)} signed."


def _who(active: Manifest | None) -> str:
    """The signer, and how it is known: a name in a certificate alone is anybody's to choose."""
    if active is None:
        return "nobody"
    name = active.issuer or active.signer or "somebody without a name"
    if active.trust:
        return f"{name} ({_LISTS[active.trust]})"
    return f"an unknown party that calls itself {name}"


def _claims(credentials: Credentials) -> Iterator[Claim]:
    active, statement = credentials.active, credentials.statement
    if _beside_another_file(credentials):
        return
    if credentials.integrity is Integrity.FILE_CHANGED and credentials.place is Place.EMBEDDED:
        # The hash was signed; who signed it is how much the mismatch proves.
        standing = _signature_standing(active)
        yield Claim(kind=ClaimKind.ALTERED, basis=_BASES[standing], text=_CHANGED)
    kind = _KINDS.get(statement.says)
    # A history that does not fit the file may be another file's: no ground to call it captured.
    if kind and (statement.standing > Standing.BROKEN or kind is not ClaimKind.CAPTURED):
        teller = credentials.manifests.get(statement.label)
        yield Claim(
            kind=kind,
            basis=_BASES[statement.standing],
            text=f"Content Credentials of {_who(teller)} say that the file "
            f"{_WORDS[statement.says]}{_caveat(statement.standing)}.",
        )
    steps = edits(credentials.label, credentials.manifests)
    if steps and active and credentials.state in (State.VALID, State.TRUSTED):
        named = ", ".join(dict.fromkeys(a.name.removeprefix("c2pa.") for a in steps[:20]))
        yield Claim(
            kind=ClaimKind.EDITED,
            basis=_BASES[active.standing],
            text=f"Content Credentials of {_who(active)} list these changes: {named}.",
        )


def _beside_another_file(credentials: Credentials) -> bool:
    """Whether a sidecar does not fit: a name in common accuses nobody's picture or text."""
    changed = credentials.integrity is Integrity.FILE_CHANGED
    return changed and credentials.place is Place.SIDECAR


def _caveat(standing: Standing) -> str:
    return ", but they failed a check" if standing is Standing.BROKEN else ""


def _signature_standing(active: Manifest | None) -> Standing:
    others = (
        [s for s in active.failures if not s.about_file and not s.about_trust] if active else []
    )
    if active is None or others:
        return Standing.BROKEN
    return Standing.TRUSTED if active.trust else Standing.SIGNED


def _doubts(credentials: Credentials, broken: list[Ingredient]) -> Iterator[Doubt]:
    if broken:
        titles = ", ".join(i.title or "one without a name" for i in broken[:5])
        yield Doubt(
            code="ingredient_failed",
            text=f"The history has a broken step: {titles} failed a check before it was used here.",
        )
    active = credentials.active
    if active and active.trust is None and credentials.state is State.VALID:
        yield Doubt(
            code="unknown_signer",
            text="Nobody on a trust list vouches for the signer. That is common and no sign of "
            "forgery, but the name could be anyone's.",
        )
    if credentials.integrity is Integrity.FILE_CHANGED and credentials.place is not Place.EMBEDDED:
        yield Doubt(
            code="other_file",
            text="The credentials lay apart from the file and may belong to another one.",
        )


def _facts(credentials: Credentials) -> dict[str, Any]:
    active, statement = credentials.active, credentials.statement
    facts: dict[str, Any] = {
        "state": str(credentials.state),
        "integrity": str(credentials.integrity),
        "trust_list": str(credentials.trust or ""),
        "says": str(statement.says),
        "says_standing": statement.standing.name.lower(),
        "place": str(credentials.place),
        "address": credentials.address,
        "note": credentials.note,
        "failures": [{"code": s.code, "text": s.text} for s in credentials.failures[:_MOST_LISTED]],
    }
    if active is not None:
        facts["active"] = _manifest_facts(active)
        facts["ingredients"] = _tree(credentials.label, credentials)
    return facts


def _manifest_facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "signer": manifest.signer,
        "issuer": manifest.issuer,
        "trust_list": str(manifest.trust or ""),
        "algorithm": manifest.algorithm,
        "time": manifest.time,
        "timestamp": manifest.timestamp,
        "claim_generator": manifest.generator,
        "title": manifest.title,
        "actions": [
            {
                "action": a.name,
                "source_type": a.source_type,
                "says": str(a.says),
                "software": a.software,
                "when": a.when,
                "description": a.description,
            }
            for a in manifest.actions[:_MOST_LISTED]
        ],
    }


def _tree(active: str, credentials: Credentials) -> list[dict[str, Any]]:
    """All ingredients, each with its depth, in the order of a walk from the file downwards."""
    rows: list[dict[str, Any]] = []
    waiting, seen = [(active, 0)], {active}
    while waiting and len(rows) < _MOST_LISTED:
        label, depth = waiting.pop(0)
        manifest = credentials.manifests.get(label)
        for ingredient in manifest.ingredients if manifest else ():
            own = credentials.manifests.get(ingredient.manifest)
            rows.append(
                {
                    "depth": depth + 1,
                    "of": manifest.title if manifest else "",
                    "title": ingredient.title,
                    "format": ingredient.format,
                    "relationship": ingredient.relationship,
                    "failures": [s.code for s in ingredient.failures],
                    "credentials": _manifest_facts(own) if own else None,
                }
            )
            if own and ingredient.manifest not in seen:
                seen.add(ingredient.manifest)
                waiting.append((ingredient.manifest, depth + 1))
    return rows[:_MOST_LISTED]
