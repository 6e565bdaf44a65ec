"""Content Credentials: were they altered, who signed, what do they say. Three answers, kept apart.

C2PA specification 2.2 (2025).
"""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import c2pa

from unmask.forensics.manifests import (
    Manifest,
    Standing,
    Status,
    items,
    mapping,
    read_store,
    statuses,
    text,
)
from unmask.forensics.origins import Statement, conclude
from unmask.forensics.remote_manifest import RemoteManifestError, fetch_manifest
from unmask.forensics.source_types import Says
from unmask.forensics.tiff_kind import media_type
from unmask.forensics.trust import (
    TrustList,
    TrustLists,
    load_trust_lists,
    read_anchors,
    reader_settings,
)


class State(StrEnum):
    """The answer in one word."""

    ABSENT = "absent"
    REMOTE = "remote"  # kept at an address that was not fetched
    INVALID = "invalid"
    VALID = "valid"  # intact, but not everybody who signed is on a trust list
    TRUSTED = "trusted"


class Integrity(StrEnum):
    """Whether anything was altered, whoever signed."""

    UNCHECKED = "unchecked"  # nothing to check
    INTACT = "intact"
    FILE_CHANGED = "file_changed"  # the file is not the one that was signed
    CREDENTIALS_DAMAGED = "credentials_damaged"  # the credentials themselves do not hold together


class Place(StrEnum):
    """Where the manifest was."""

    NOWHERE = ""
    EMBEDDED = "embedded"
    SIDECAR = "sidecar"
    REMOTE = "remote"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What the Content Credentials of a file amount to."""

    state: State
    integrity: Integrity = Integrity.UNCHECKED
    place: Place = Place.NOWHERE
    address: str = ""  # of a manifest kept elsewhere
    note: str = ""  # the library's words where it could not read
    label: str = ""  # of the active manifest
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    failures: tuple[Status, ...] = ()  # of the active manifest and those of ingredients found now

    @property
    def active(self) -> Manifest | None:
        """The manifest that speaks for the file itself."""
        return self.manifests.get(self.label)

    @property
    def trust(self) -> TrustList | None:
        """The list that vouches for the signer of the active manifest."""
        return self.active.trust if self.active else None

    @property
    def statement(self) -> Statement:
        """What they say of the file's origin, every ingredient taken into account."""
        if self.active is None:
            return Statement(says=Says.UNKNOWN, standing=Standing.BROKEN, label="")
        told = conclude(self.label, self.manifests)
        if self.state is State.INVALID:
            return Statement(says=told.says, standing=Standing.BROKEN, label=told.label)
        return told


def read_credentials(
    data: bytes,
    mime: str,
    *,
    embedded: bool = True,
    sidecar: bytes | None = None,
    user_anchors: Sequence[Path] = (),
    allow_network: bool = False,
    lists: TrustLists | None = None,
    fetch: Callable[[str], bytes] = fetch_manifest,
) -> Credentials:
    """Read and check the C2PA manifest in `data`, else in `sidecar`, else at the named address.

    Without `embedded` only `sidecar` is read, and `data` is hashed and never parsed.
    `user_anchors` are PEM files of roots to trust beside `lists` (default: the lists on this
    machine). Opens no connection unless `allow_network`, and then to the named address alone.
    Raises TrustListError for an unusable list; a broken file or manifest is a state, not an error.
    """
    lists = load_trust_lists() if lists is None else lists
    settings = reader_settings(lists, read_anchors(user_anchors))
    kind = media_type(data, mime)
    found = Credentials(state=State.ABSENT)
    if embedded:
        found = _read(data, kind, None, settings, Place.EMBEDDED)
    if found.state in (State.ABSENT, State.REMOTE) and sidecar is not None:
        return _read(data, kind, sidecar, settings, Place.SIDECAR)
    if found.state is State.REMOTE and allow_network:
        try:
            manifest = fetch(found.address)
        except RemoteManifestError as error:
            return Credentials(state=State.REMOTE, address=found.address, note=str(error))
        return _read(data, kind, manifest, settings, Place.REMOTE, found.address)
    return found


def _read(
    data: bytes,
    mime: str,
    manifest: bytes | None,
    settings: Mapping[str, Any],
    place: Place,
    address: str = "",
) -> Credentials:
    try:
        store = _store(data, mime, manifest, settings)
        if store is not None and _identities_stay_local(store):
            core = {**settings["core"], "decode_identity_assertions": True}
            store = _store(data, mime, manifest, {**settings, "core": core})
    except c2pa.C2paError as error:
        return _unread(data, str(error), place, address)
    except (ValueError, RecursionError) as error:  # JSON that is too deep or none
        return _damaged(str(error), place, address)
    if store is None:
        return Credentials(state=State.ABSENT)
    return _judge(store, place, address)


def _store(
    data: bytes, mime: str, manifest: bytes | None, settings: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The manifest store as JSON, or None. A context is cheap, and must not outlive a fork."""
    with c2pa.Context.from_dict(dict(settings)) as context:
        reader = c2pa.Reader.try_create(mime, io.BytesIO(data), manifest, context=context)
        if reader is None:
            return None
        with reader:
            return mapping(json.loads(reader.json()))


def _identities_stay_local(store: Mapping[str, Any]) -> bool:
    """Whether there are identity assertions (CAWG), all checkable without asking a server.

    Those of the aggregation kind name a server by `did:web`. Not asked, the check fails, and the
    library would call a sound file invalid; asked, a file could make this machine call anywhere.
    """
    kinds = [
        text(mapping(mapping(assertion.get("data")).get("signer_payload")).get("sig_type"))
        for manifest in mapping(store.get("manifests")).values()
        for assertion in items(mapping(manifest).get("assertions"))
        if text(assertion.get("label")).startswith("cawg.identity")
    ]
    return bool(kinds) and all(kind == "cawg.x509.cose" for kind in kinds)


def _unread(data: bytes, error: str, place: Place, address: str) -> Credentials:
    remote = re.search(r"must fetch remote manifests from url (\S+)", error)
    if remote and place is Place.EMBEDDED:
        return Credentials(state=State.REMOTE, address=remote.group(1)[:2000])
    # The description box of a manifest store: type "jumd", then a UUID that begins with "c2pa".
    if place is Place.EMBEDDED and b"jumdc2pa" not in data:
        return Credentials(state=State.ABSENT, note=text(error))
    return _damaged(error, place, address)


def _damaged(error: str, place: Place, address: str) -> Credentials:
    return Credentials(
        state=State.INVALID,
        integrity=Integrity.CREDENTIALS_DAMAGED,
        place=place,
        address=address,
        note=text(error),
    )


def _judge(store: Mapping[str, Any], place: Place, address: str) -> Credentials:
    manifests, label = read_store(store), text(store.get("active_manifest"))
    results = mapping(store.get("validation_results"))
    groups = [mapping(results.get("activeManifest"))]
    groups += [mapping(d.get("validationDeltas")) for d in items(results.get("ingredientDeltas"))]
    failures = statuses([s for group in groups for s in items(group.get("failure"))])
    active = manifests.get(label)
    state = {"Trusted": State.TRUSTED, "Valid": State.VALID}.get(
        text(store.get("validation_state")), State.INVALID
    )
    if state is State.TRUSTED and (active is None or active.trust is None):
        state = State.VALID  # matched the list of time-stamping authorities, which vouch for time
    return Credentials(
        state=state,
        integrity=_integrity(active, failures),
        place=place,
        address=address,
        label=label,
        manifests=manifests,
        failures=failures,
    )


def _integrity(active: Manifest | None, failures: tuple[Status, ...]) -> Integrity:
    own = active.failures if active else ()
    if any(status.about_file for status in own):
        return Integrity.FILE_CHANGED
    if active is None or any(not status.about_trust for status in failures):
        return Integrity.CREDENTIALS_DAMAGED
    # A certificate that is refused can leave the signature unexamined.
    return Integrity.INTACT if active.signature_valid else Integrity.UNCHECKED
