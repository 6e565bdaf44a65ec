"""What a C2PA manifest store holds, as values. Every field of it was written by a stranger."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from unmask.forensics.source_types import Says, says_of
from unmask.forensics.trust import TrustList, list_named


class Standing(IntEnum):
    """How much stands behind a manifest, weakest first, so that `min` weakens."""

    BROKEN = 0  # a hash or the signature does not match
    SIGNED = 1  # intact, signer unknown
    TRUSTED = 2  # intact, signer on a trust list


@dataclass(frozen=True, kw_only=True)
class Status:
    """A failed check, in the specification's code and the library's words."""

    code: str
    text: str = ""

    @property
    def about_file(self) -> bool:
        """The bytes of the file are not those that were signed."""
        return bool(_FILE_HASH.fullmatch(self.code))

    @property
    def about_trust(self) -> bool:
        """The signer or the time is in doubt, while nothing was altered."""
        return self.code.startswith(("signingCredential.", "timeStamp.", "timeOfSigning", "cawg."))


_FILE_HASH = re.compile(
    r"assertion\.(data|bmff|boxes|collection|multiAsset)Hash\.(mismatch|unknownBox)"
)


@dataclass(frozen=True, kw_only=True)
class Action:
    """A step that the signer says was taken."""

    name: str  # c2pa.created, c2pa.opened, c2pa.color_adjustments, ...
    source_type: str = ""  # IPTC's or C2PA's address of a digital source type
    software: str = ""
    when: str = ""
    description: str = ""

    @property
    def says(self) -> Says:
        """What the source type amounts to."""
        return says_of(self.source_type)


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """Something that the file was made from."""

    title: str
    format: str
    relationship: str  # parentOf, componentOf, inputTo
    manifest: str  # label of its own manifest; "" without credentials
    failures: tuple[Status, ...]  # found when it was taken in, or now

    @property
    def broken(self) -> bool:
        """A check of it failed that is not about trust alone."""
        return any(not status.about_trust for status in self.failures)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One signed statement: who, when, with what, from what."""

    label: str
    title: str
    generator: str
    signer: str  # common name in the certificate
    issuer: str  # organisation in the certificate
    algorithm: str
    time: str  # ISO 8601 from the time stamp; "" without one
    timestamp: str  # trusted, untrusted, or "" without one
    signature_valid: bool
    trust: TrustList | None  # the list that vouches for the signer
    failures: tuple[Status, ...]
    actions: tuple[Action, ...]
    source_types: tuple[str, ...]  # of signed IPTC or XMP metadata
    ingredients: tuple[Ingredient, ...]

    @property
    def standing(self) -> Standing:
        """How much stands behind this manifest, its ingredients left aside."""
        if any(not status.about_trust for status in self.failures):
            return Standing.BROKEN
        return Standing.TRUSTED if self.trust else Standing.SIGNED


@dataclass(frozen=True, kw_only=True)
class _Checks:
    """The library's results for one manifest."""

    success: list[Mapping[str, Any]] = field(default_factory=list)
    informational: list[Mapping[str, Any]] = field(default_factory=list)
    failure: list[Mapping[str, Any]] = field(default_factory=list)


def read_store(store: Mapping[str, Any]) -> dict[str, Manifest]:
    """Every manifest of a store, as `Reader.json()` gives it, by label."""
    active, results = text(store.get("active_manifest")), mapping(store.get("validation_results"))
    checks = _sorted_checks(active, results)
    return {
        label: _manifest(label, mapping(manifest), checks)
        for label, manifest in mapping(store.get("manifests")).items()
    }


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Mapping[str, Any]]:
    """The objects in `value` where it is a list."""
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def text(value: Any, longest: int = 500) -> str:
    """`value` where it is a string, cut to a length that a report can show."""
    return value[:longest] if isinstance(value, str) else ""


def _manifest(label: str, raw: Mapping[str, Any], checks: Mapping[str, _Checks]) -> Manifest:
    mine, signature = checks.get(label, _Checks()), mapping(raw.get("signature_info"))
    return Manifest(
        label=label,
        title=text(raw.get("title")),
        generator=_software(raw.get("claim_generator_info")) or text(raw.get("claim_generator")),
        signer=text(signature.get("common_name")),
        issuer=text(signature.get("issuer")),
        algorithm=text(signature.get("alg")),
        time=text(signature.get("time")),
        timestamp=_timestamp(mine),
        signature_valid=any(s.get("code") == "claimSignature.validated" for s in mine.success),
        trust=_trust(mine),
        failures=statuses(mine.failure),
        actions=tuple(_actions(raw)),
        source_types=tuple(_metadata_source_types(raw)),
        ingredients=tuple(_ingredient(i, checks) for i in items(raw.get("ingredients"))),
    )


def _sorted_checks(active: str, results: Mapping[str, Any]) -> dict[str, _Checks]:
    """The results by the manifest that they concern, in one pass: stores can be long."""
    groups = [(mapping(results.get("activeManifest")), active)]
    groups += [
        (mapping(delta.get("validationDeltas")), _label(delta.get("ingredientAssertionURI")))
        for delta in items(results.get("ingredientDeltas"))
    ]
    found: defaultdict[str, _Checks] = defaultdict(_Checks)
    for group, default in groups:
        for kind in ("success", "informational", "failure"):
            for status in items(group.get(kind)):
                getattr(found[_label(status.get("url")) or default], kind).append(status)
    return found


def _label(url: Any) -> str:
    found = re.match(r"self#jumbf=/?c2pa/([^/]+)", text(url, 2000))
    return found.group(1) if found else ""


def statuses(raw: list[Mapping[str, Any]]) -> tuple[Status, ...]:
    """The library's results as values, each once."""
    found = (Status(code=text(s.get("code")), text=text(s.get("explanation"))) for s in raw)
    return tuple(dict.fromkeys(found))


def _trust(checks: _Checks) -> TrustList | None:
    for status in checks.success:
        if status.get("code") == "signingCredential.trusted":
            named = re.search(r"\[([^\]]*)\]", text(status.get("explanation")))
            return list_named(named.group(1)) if named else None
    return None


def _timestamp(checks: _Checks) -> str:
    found = (*checks.success, *checks.informational, *checks.failure)
    codes = [text(status.get("code")) for status in found]
    if "timeStamp.trusted" in codes:
        return "trusted"
    return "untrusted" if any(code.startswith("timeStamp.") for code in codes) else ""


def _ingredient(raw: Mapping[str, Any], checks: Mapping[str, _Checks]) -> Ingredient:
    """An ingredient with what its taker-in recorded of it and what is found now."""
    label = text(raw.get("active_manifest"))
    now = checks.get(label, _Checks())
    recorded = mapping(raw.get("validation_results"))
    groups = [mapping(recorded.get("activeManifest"))]
    groups += [mapping(d.get("validationDeltas")) for d in items(recorded.get("ingredientDeltas"))]
    failed = [status for group in groups for status in items(group.get("failure"))]
    # Manifests of the first version keep one list, in which some tools wrote successes too.
    failed += [
        status
        for status in items(raw.get("validation_status"))
        if status.get("success") is not True
        and not text(status.get("code")).endswith((".match", ".validated", ".trusted"))
    ]
    failures = dict.fromkeys((*statuses(failed), *statuses(now.failure)))
    if _trust(now):  # unknown to the taker-in, known here
        failures = {s: None for s in failures if s.code != "signingCredential.untrusted"}
    return Ingredient(
        title=text(raw.get("title")),
        format=text(raw.get("format")),
        relationship=text(raw.get("relationship")),
        manifest=label,
        failures=tuple(failures),
    )


def _actions(raw: Mapping[str, Any]) -> Iterator[Action]:
    for assertion in items(raw.get("assertions")):
        if not text(assertion.get("label")).startswith("c2pa.actions"):
            continue
        for action in items(mapping(assertion.get("data")).get("actions")):
            yield Action(
                name=text(action.get("action")),
                source_type=text(action.get("digitalSourceType")),
                software=_software(action.get("softwareAgent")),
                when=text(action.get("when")),
                description=text(action.get("description")),
            )


def _metadata_source_types(raw: Mapping[str, Any]) -> Iterator[str]:
    for assertion in items(raw.get("assertions")):
        if text(assertion.get("label")).startswith(("stds.iptc", "c2pa.metadata", "cawg.metadata")):
            for key, value in mapping(assertion.get("data")).items():
                if key.lower().endswith("digitalsourcetype") and text(value):
                    yield text(value)


def _software(value: Any) -> str:
    """A program as one text: a string, an object, or a list of which the first is meant."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, Mapping):
        return f"{text(value.get('name'))} {text(value.get('version'))}".strip()
    return text(value)
