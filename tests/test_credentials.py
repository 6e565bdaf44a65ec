"""Content Credentials: integrity, trust and what they claim, in files signed here and harmed."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from signed import FILES, picture, read

from unmask import settings
from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics.certificates import TestCertificates
from unmask.forensics.content_credentials import content_credentials, report
from unmask.forensics.credentials import Integrity, Place, State, read_credentials
from unmask.forensics.manifests import Standing
from unmask.forensics.origins import broken_ingredients
from unmask.forensics.signing import Identity, Mark, sign, sign_beside
from unmask.forensics.source_types import Says
from unmask.forensics.trust import TrustList
from unmask.media import open_bytes, open_media


def flipped(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 0x01]) + data[offset + 1 :]


def media_offset(name: str, signed: bytes) -> int:
    """Where a byte of the picture or sound itself lies, found by what the unsigned file holds."""
    original = FILES[name][1]
    tail = original[-len(original) // 3 :][:24]
    assert signed.count(tail) == 1
    return signed.index(tail) + 12


@pytest.mark.parametrize("name", FILES)
def test_own_root_is_trusted_and_an_unknown_root_is_valid(
    name: str, identity: Identity, chain: TestCertificates
) -> None:
    mime, data = FILES[name]
    assert read(data, name).state is State.ABSENT
    signed = sign(data, mime, Mark.AI_MADE, identity).data
    known = read(signed, name, user_anchors=[chain.root])
    assert (known.state, known.trust) == (State.TRUSTED, TrustList.USER)
    assert known.statement.says is Says.AI_MADE
    assert known.statement.standing is Standing.TRUSTED
    unknown = read_credentials(signed, mime)  # with the lists as shipped
    assert (unknown.state, unknown.trust) == (State.VALID, None)
    assert unknown.integrity is Integrity.INTACT
    assert unknown.statement.standing is Standing.SIGNED
    assert [s.code for s in unknown.failures] == ["signingCredential.untrusted"]


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "mp4", "wav"])
def test_a_changed_byte_is_found(name: str, identity: Identity, chain: TestCertificates) -> None:
    mime, data = FILES[name]
    signed = sign(data, mime, Mark.CAPTURED, identity).data
    found = read(flipped(signed, media_offset(name, signed)), name, user_anchors=[chain.root])
    code = "assertion.bmffHash.mismatch" if name == "mp4" else "assertion.dataHash.mismatch"
    assert (found.state, found.integrity) == (State.INVALID, Integrity.FILE_CHANGED)
    assert code in [s.code for s in found.failures]
    assert found.trust is TrustList.USER  # who signed is known all the same


def manifest_of(jpeg: bytes) -> bytes:
    """The APP11 segments, by their lengths: a signature may hold the bytes of any marker."""
    at, found = 2, b""
    while jpeg[at : at + 2] != b"\xff\xda":
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found += jpeg[at:end] if jpeg[at + 1] == 0xEB else b""
        at = end
    return found


def test_other_harm_to_a_signed_file(identity: Identity, chain: TestCertificates) -> None:
    mime, data = FILES["jpeg"]
    signed = sign(data, mime, Mark.CAPTURED, identity).data
    other = picture("JPEG", seed=9)
    moved = other[:2] + manifest_of(signed) + other[2:]
    changed = {"appended": signed + b"tail", "moved": moved, "cut": signed[:-300]}
    for case, harmed in changed.items():
        found = read(harmed, user_anchors=[chain.root])
        assert (found.state, found.integrity) == (State.INVALID, Integrity.FILE_CHANGED), case
    claim = signed.index(b"claim_generator_info") + 30
    assert b"unmask" in signed[claim - 10 : claim + 20]
    damaged = {
        "claim": (flipped(signed, claim), "claimSignature.mismatch"),
        "assertion": (signed.replace(b"digitalCapture", b"digitalCapturE"), "hashedURI.mismatch"),
    }
    for case, (harmed, code) in damaged.items():
        found = read(harmed, user_anchors=[chain.root])
        assert found.integrity is Integrity.CREDENTIALS_DAMAGED, case
        assert found.state is State.INVALID
        assert any(code in s.code for s in found.failures), case
    header = flipped(signed, signed.index(b"jumdc2pa") - 6)
    assert read(header).state is State.INVALID
    again = io.BytesIO()
    Image.open(io.BytesIO(signed)).save(again, "JPEG")
    assert read(again.getvalue()).state is State.ABSENT


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff\xd8\xff", FILES["png"][1][:60]])
def test_what_is_no_media_has_no_credentials(data: bytes) -> None:
    assert read(data).state is State.ABSENT


def test_random_harm_never_raises(identity: Identity) -> None:
    rng = np.random.default_rng(5)
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.AI_MADE, identity).data
    states = set()
    for _ in range(250):
        harmed = bytearray(signed)
        for offset in rng.integers(0, len(signed), rng.integers(1, 6)):
            harmed[offset] = rng.integers(0, 256)
        found = read(bytes(harmed[: rng.integers(100, len(harmed) + 1)]))
        states.add(found.state)
        json.dumps(getattr(report(found), "facts", {}))
    assert State.INVALID in states


def test_a_tampered_parent_stays_visible(identity: Identity, chain: TestCertificates) -> None:
    captured = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    edited = {
        "sound": captured,
        "tampered": flipped(captured, media_offset("jpeg", captured)),
    }
    for case, original in edited.items():
        signed = sign(
            picture("JPEG", seed=3), "image/jpeg", Mark.AI_EDITED, identity, original=original
        ).data
        found = read(signed, user_anchors=[chain.root])
        assert found.state is State.TRUSTED, case  # the trap: the last signer is fine
        assert len(found.manifests) == 2
        broken = broken_ingredients(found.label, found.manifests)
        assert [i.relationship for i in broken] == ["parentOf"] * (case == "tampered")
        finding = report(found)
        assert isinstance(finding, Finding)
        codes = [d.code for d in finding.doubts]
        assert ("ingredient_failed" in codes) == (case == "tampered")
        assert found.statement.says is Says.AI_EDITED
        row = finding.facts["ingredients"][0]
        assert row["credentials"]["actions"][0]["says"] == "captured"


def test_a_sidecar_is_read_and_does_not_accuse(identity: Identity, chain: TestCertificates) -> None:
    mime, data = FILES["png"]
    signed = sign(data, mime, Mark.AI_MADE, identity, sidecar=True)
    assert signed.data == data
    assert signed.sidecar is not None
    found = read(data, "png", sidecar=signed.sidecar, user_anchors=[chain.root])
    assert (found.state, found.place) == (State.TRUSTED, Place.SIDECAR)
    foreign = read(picture("PNG", seed=8), "png", sidecar=signed.sidecar)
    assert foreign.integrity is Integrity.FILE_CHANGED
    finding = report(foreign)
    assert isinstance(finding, Finding)
    assert finding.claims == ()
    assert [doubt.code for doubt in finding.doubts] == ["other_file"]
    assert "do not fit it" in finding.summary
    assert read(data, "png", sidecar=b"no manifest").state is State.INVALID


def test_texts_have_credentials_beside_them_alone(tmp_path: Path, identity: Identity) -> None:
    text = b"A manifest store begins with jumdc2pa, which a text may well say. " * 9
    (tmp_path / "a.txt").write_bytes(text)
    plain = content_credentials(open_media(tmp_path / "a.txt"))
    assert isinstance(plain, NotApplicable)
    (tmp_path / "a.c2pa").write_bytes(sign_beside(text, "text/plain", identity))
    finding = content_credentials(open_media(tmp_path / "a.txt"))
    assert isinstance(finding, Finding)
    assert [(c.kind, c.basis) for c in finding.claims] == [(ClaimKind.SYNTHETIC, Basis.SIGNED)]
    (tmp_path / "a.c2pa").write_bytes(b"nonsense")
    broken = content_credentials(open_media(tmp_path / "a.txt"))
    assert isinstance(broken, Finding)
    assert broken.claims == ()


def test_the_analyser_speaks_by_the_settings_in_force(
    identity: Identity, chain: TestCertificates
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.AI_MADE, identity).data
    finding = content_credentials(open_bytes(signed, "a.jpg"))
    assert isinstance(finding, Finding)
    assert [(c.kind, c.basis) for c in finding.claims] == [(ClaimKind.SYNTHETIC, Basis.SIGNED)]
    assert "calls itself" in finding.summary
    assert finding.llr is None
    with settings.use(settings.Settings(user_anchors=(chain.root,))):
        finding = content_credentials(open_bytes(signed, "a.jpg"))
        changed = content_credentials(open_bytes(signed + b"tail", "a.jpg"))
    assert isinstance(finding, Finding)
    assert isinstance(changed, Finding)
    assert [(c.kind, c.basis) for c in finding.claims] == [(ClaimKind.SYNTHETIC, Basis.TRUSTED)]
    assert finding.facts["active"]["actions"][0]["source_type"].endswith("AlgorithmicMedia")
    assert [(c.kind, c.basis) for c in changed.claims] == [
        (ClaimKind.ALTERED, Basis.TRUSTED),
        (ClaimKind.SYNTHETIC, Basis.METADATA),
    ]
    absent = content_credentials(open_bytes(FILES["wav"][1], "a.wav"))
    assert isinstance(absent, NotApplicable)
    assert absent.code == "no_manifest"


def test_a_capture_whose_file_changed_is_not_called_captured(
    identity: Identity, chain: TestCertificates
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    finding = report(read(signed + b"tail", user_anchors=[chain.root]))
    assert isinstance(finding, Finding)
    assert [c.kind for c in finding.claims] == [ClaimKind.ALTERED]
