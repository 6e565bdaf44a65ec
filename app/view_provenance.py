"""Provenance: what the file says of itself, and how much stands behind each statement."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from unmask.app.page_html import folded, heading, listing, said, show, table
from unmask.evidence import Claim, Finding, NotApplicable
from unmask.report import labels
from unmask.report.clean import fact_rows, scalar
from unmask.scan import Report, Result

_CREDENTIALS = "c2pa"  # names of the analysers whose facts have a place of their own
_METADATA = "metadata"

# A word with a sign each, so that colour is never needed.
_INTEGRITY = {
    "intact": "✓ Nothing was altered since it was signed",
    "file_changed": "✗ The file is not the one that was signed",
    "credentials_damaged": "✗ The credentials themselves are damaged",
    "unchecked": "– Not checked",
}
_TRUST = {
    "official": "✓ The signer is on the official C2PA trust list",
    "interim": "✓ The signer is on the interim list, frozen on 1 January 2026",
    "user": "✓ The signer is vouched for by a root that you chose",
    "": "– The signer is on no list: anybody can sign under any name",
}
_SAYS = {
    "ai_made": "▲ It was made by AI",
    "ai_edited": "◆ It was made or changed by AI in part",
    "composite": "◆ It was put together from several sources, perhaps with AI",
    "captured": "● It was captured by a camera or a recorder",
    "digital_creation": "– It was created digitally, without mention of AI",
    "unknown": "– It does not say where the file comes from",
}
_TRUST_NOTE = "A signature proves who says something, not that it is true."


def provenance(report: Report) -> None:
    """The section: every claim with its basis, then Content Credentials in three parts."""
    heading("Provenance", "What the file says of itself, the best founded first.")
    claims = labels.claims(report.results)
    if claims:
        rows = [_claim(title, claim) for title, claim in claims[:40]]
        show(Markup('<ul class="claims">{}</ul>').format(Markup().join(rows)))
    else:
        show(Markup("<p>{}</p>").format(labels.NO_CLAIMS))
    result = _of(report, _CREDENTIALS)
    if result is None:
        return
    if isinstance(result.outcome, Finding):
        show(_credentials(result.outcome))
    elif isinstance(result.outcome, NotApplicable):
        show(Markup("<h3>{}</h3><p>{}</p>").format(
            said(result.analyser.title), said(result.outcome.text)))  # fmt: skip


def metadata(report: Report) -> None:
    """The section: every field that was read, as text, by group."""
    result = _of(report, _METADATA)
    heading("Metadata", "Text that anybody can write or remove. Most sites remove it.")
    if result is None:
        show(Markup("<p>{}</p>").format("It was not read in this run."))
    elif not isinstance(result.outcome, Finding):
        show(Markup("<p>{}</p>").format(said(result.outcome.text)))
    else:
        show(_fields(result.outcome))


def _of(report: Report, name: str) -> Result | None:
    return next((r for r in report.results if r.analyser.name == name), None)


def _claim(title: str, claim: Claim) -> Markup:
    return Markup(
        '<li><strong>{}</strong> <span class="tag">{}</span><br>{} '
        '<span class="small">(from: {})</span></li>'
    ).format(
        labels.CLAIMS[claim.kind].capitalize(),
        labels.BASES[claim.basis],
        said(claim.text),
        said(title),
    )


def _credentials(finding: Finding) -> Markup:
    facts = finding.facts
    active = _mapping(facts.get("active"))
    signed = scalar(active.get("issuer") or active.get("signer") or "nobody that is named")
    when = scalar(active.get("time") or "at an unknown time")
    failures = [f for f in facts.get("failures") or () if isinstance(f, Mapping)]
    broken = [f"{scalar(f.get('code'))}: {scalar(f.get('text'))}" for f in failures
              if not _about_trust(f)]  # fmt: skip
    distrust = [f"{scalar(f.get('code'))}: {scalar(f.get('text'))}" for f in failures
                if _about_trust(f)]  # fmt: skip
    tool = active.get("claim_generator")
    cards = (
        ("Integrity", _INTEGRITY, "integrity", broken),
        ("Trust", _TRUST, "trust_list", [f"Signed by {signed}, {when}", *distrust, _TRUST_NOTE]),
        ("What it says", _SAYS, "says", [f"Written by {scalar(tool)}"] if tool else []),
    )
    blocks = [
        Markup('<section><h4>{}</h4><p class="state">{}</p>{}</section>').format(
            title,
            said(states.get(_word(facts, name), "– Not known")),
            listing(notes) if notes else "",
        )
        for title, states, name, notes in cards
    ]
    history = {k: facts[k] for k in ("active", "ingredients") if facts.get(k)}
    return Markup(
        '<h3>Content Credentials</h3><p>{}</p><div class="reasons cards">{}</div>{}'
    ).format(
        said(finding.summary),
        Markup().join(blocks),
        folded(
            Markup('<span class="title">Signed history, step by step</span>'),
            table(fact_rows(history), "Signed history"),
        )
        if history
        else "",
    )


def _about_trust(failure: Mapping[str, Any]) -> bool:
    code = str(failure.get("code"))
    return code.startswith("signingCredential.") or code.endswith(".untrusted")


def _fields(finding: Finding) -> Markup:
    groups = _mapping(finding.facts.get("fields"))
    rest = {k: v for k, v in finding.facts.items() if k != "fields"}
    parts = [Markup("<p>{}</p>").format(said(finding.summary))]
    parts.append(folded(_group("Overview", rest), table(fact_rows(rest), "Overview")))
    for name, fields in groups.items():
        rows = fact_rows(_mapping(fields) or {"value": fields})
        parts.append(folded(_group(scalar(str(name)), fields), table(rows, scalar(str(name)))))
    return Markup().join(parts)


def _group(name: str, fields: Any) -> Markup:
    count = f" ({len(fields)})" if isinstance(fields, Mapping) else ""
    return Markup('<span class="title">{}</span>{}').format(said(name), count)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else "?"
