"""Content Credentials: integrity, trust and statement, each apart from the others."""

import csv
import http.server
import io
import json
import socket
import struct
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import c2pa
import numpy as np
import pytest
from PIL import Image

from unmask import settings
from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics import remote_manifest, trust
from unmask.forensics.certificates import TestCertificates, make_test_certificates
from unmask.forensics.content_credentials import content_credentials, report
from unmask.forensics.credentials import Credentials, Integrity, Place, State, read_credentials
from unmask.forensics.manifests import Standing, read_store
from unmask.forensics.origins import broken_ingredients, conclude
from unmask.forensics.signing import Identity, Mark, sign
from unmask.forensics.source_types import Says, says_of
from unmask.forensics.tiff_kind import is_dng
from unmask.forensics.trust import TrustList, TrustLists
from unmask.media import open_bytes

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data" / "c2pa"
NOBODY = TrustLists()
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def picture(kind: str, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = np.random.default_rng(1).integers(-9000, 9000, 4000, dtype=np.int16)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def clip(container: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(2).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)
        for pixels in noise:
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return out.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "jpeg": ("image/jpeg", picture("JPEG")),
    "png": ("image/png", picture("PNG")),
    "webp": ("image/webp", picture("WEBP")),
    "tiff": ("image/tiff", picture("TIFF")),
    "gif": ("image/gif", picture("GIF")),
    "avif": ("image/avif", picture("AVIF")),
    "mp4": ("video/mp4", clip("mp4")),
    "mov": ("video/quicktime", clip("mov")),
    "avi": ("video/x-msvideo", clip("avi")),
    "wav": ("audio/wav", sound()),
}


def flipped(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 0x01]) + data[offset + 1 :]


def media_offset(name: str, signed: bytes) -> int:
    """Where a byte of the picture or sound itself lies, found by what the unsigned file holds."""
    original = FILES[name][1]
    tail = original[-len(original) // 3 :][:24]
    assert signed.count(tail) == 1
    return signed.index(tail) + 12


def read(data: bytes, name: str = "jpeg", **choices: Any) -> Credentials:
    return read_credentials(data, FILES[name][0], lists=NOBODY, **choices)


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


def test_other_harm_to_a_signed_file(identity: Identity, chain: TestCertificates) -> None:
    mime, data = FILES["jpeg"]
    signed = sign(data, mime, Mark.CAPTURED, identity).data
    other = picture("JPEG", seed=9)
    start, end = signed.index(b"\xff\xeb"), signed.index(b"\xff\xdb")
    moved = other[:2] + signed[start:end] + other[2:]
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


def test_capture_told_by_a_broken_parent_is_not_believed() -> None:
    store = history(parent_failures=["assertion.dataHash.mismatch"])
    told = conclude("child", read_store(store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.BROKEN)
    sound_store = history(parent_failures=["signingCredential.untrusted"])
    told = conclude("child", read_store(sound_store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.SIGNED)


def history(parent_failures: list[str], relationship: str = "parentOf") -> dict[str, Any]:
    """A store as the library hands it out: a child that opened a captured parent and cropped it."""
    created = {"action": "c2pa.created", "digitalSourceType": CAPTURE}
    steps = [{"action": "c2pa.opened"}, {"action": "c2pa.cropped"}]
    failure = [{"code": code, "explanation": ""} for code in parent_failures]
    ingredient = {
        "title": "p.jpg",
        "relationship": relationship,
        "active_manifest": "parent",
        "validation_results": {"activeManifest": {"failure": failure}},
    }
    return {
        "active_manifest": "child",
        "manifests": {
            "child": {"assertions": [actions(steps)], "ingredients": [ingredient]},
            "parent": {"assertions": [actions([created])]},
        },
    }


def actions(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"label": "c2pa.actions.v2", "data": {"actions": steps}}


def test_a_history_is_believed_no_more_than_its_weakest_signer() -> None:
    def vouched(label: str) -> dict[str, str]:
        return {
            "code": "signingCredential.trusted",
            "url": f"self#jumbf=/c2pa/{label}/c2pa.signature",
            "explanation": "found in [official] trust anchors",
        }

    store = history(["signingCredential.untrusted"])  # by the lists of who took it in
    delta: dict[str, Any] = {"success": [vouched("parent")]}
    store["validation_results"] = {"ingredientDeltas": [{"validationDeltas": delta}]}
    manifests = read_store(store)
    assert manifests["parent"].trust is TrustList.OFFICIAL
    assert manifests["child"].ingredients[0].failures == ()
    # A capture that a camera maker signed, taken in by nobody knows whom.
    assert conclude("child", manifests).standing is Standing.SIGNED
    store["validation_results"]["activeManifest"] = {"success": [vouched("child")]}
    told = conclude("child", read_store(store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.TRUSTED)
    mismatch = {"code": "assertion.hashedURI.mismatch", "url": "self#jumbf=c2pa.assertions/x"}
    store["validation_results"]["activeManifest"]["failure"] = [mismatch]
    assert read_store(store)["child"].standing is Standing.BROKEN
    assert conclude("child", read_store(store)).standing is Standing.BROKEN


def test_an_ingredient_made_by_ai_makes_the_whole_partly_ai() -> None:
    store = history([], relationship="componentOf")
    assert conclude("child", read_store(store)).says is Says.COMPOSITE
    made = [{"action": "c2pa.created", "digitalSourceType": AI}]
    store["manifests"]["parent"]["assertions"] = [actions(made)]
    assert conclude("child", read_store(store)).says is Says.AI_EDITED
    store["manifests"]["child"]["ingredients"][0]["relationship"] = "inputTo"
    assert conclude("child", read_store(store)).says is Says.UNKNOWN


def test_a_history_that_bites_its_tail_ends() -> None:
    store = history([])
    store["manifests"]["parent"] = store["manifests"]["child"]
    assert conclude("child", read_store(store)).says is Says.UNKNOWN
    hostile: dict[str, Any] = {
        "active_manifest": "a",
        "manifests": {"a": [], "b": {"assertions": 1}},
    }
    assert set(read_store(hostile)) == {"a", "b"}


@pytest.mark.parametrize(
    ("source_type", "says"),
    [
        (AI, Says.AI_MADE),
        ("trainedAlgorithmicMedia", Says.AI_MADE),
        ("https://cv.iptc.org/newscodes/digitalsourcetype/computationalCapture/", Says.CAPTURED),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", Says.AI_MADE),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/screenCapture", Says.COMPOSITE),
        ("http://c2pa.org/digitalsourcetype/empty", Says.UNKNOWN),
        ("", Says.UNKNOWN),
    ],
)
def test_source_types(source_type: str, says: Says) -> None:
    assert says_of(source_type) is says


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
    assert ClaimKind.ALTERED not in [c.kind for c in finding.claims]
    assert read(data, "png", sidecar=b"no manifest").state is State.INVALID


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/m.c2pa", asked
    httpd.shutdown()
    httpd.server_close()


def remote_file(identity: Identity, url: str) -> tuple[bytes, bytes]:
    """A JPEG that names an address, and the manifest that belongs there."""
    step = [{"action": "c2pa.created", "digitalSourceType": AI}]
    info = c2pa.C2paSignerInfo("es256", identity.certificates, identity.key, None)
    with c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}}) as context:
        builder = c2pa.Builder({"assertions": [actions(step)]}, context)
        builder.set_no_embed()
        builder.set_remote_url(url)
        out = io.BytesIO()
        manifest = builder.sign(
            c2pa.Signer.from_info(info), "image/jpeg", io.BytesIO(FILES["jpeg"][1]), out
        )
    return out.getvalue(), bytes(manifest)


def test_an_address_in_a_file_is_not_called(
    identity: Identity, chain: TestCertificates, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    data, manifest = remote_file(identity, url)
    with pytest.raises(c2pa.C2paError):  # what happens without the settings of this package
        c2pa.Reader("image/jpeg", io.BytesIO(data))
    assert asked
    asked.clear()
    found = read(data, user_anchors=[chain.root])
    assert (found.state, found.address, asked) == (State.REMOTE, url, [])
    guarded = trust.reader_settings(NOBODY, "")
    guarded["verify"]["remote_manifest_fetch"] = True  # the second lock holds by itself
    with c2pa.Context.from_dict(guarded) as context, pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/jpeg", io.BytesIO(data), context=context)
    assert asked == []
    # Even when allowed: neither plain http nor an address of one's own network.
    found = read(data, allow_network=True)
    assert (found.state, asked) == (State.REMOTE, [])
    assert "https" in found.note
    beside = read(data, sidecar=manifest, user_anchors=[chain.root])
    assert (beside.state, beside.place) == (State.TRUSTED, Place.SIDECAR)
    fetched = read(data, user_anchors=[chain.root], allow_network=True, fetch=lambda _: manifest)
    assert (fetched.state, fetched.place) == (State.TRUSTED, Place.REMOTE)
    finding = report(read(data))
    assert isinstance(finding, Finding)
    assert finding.claims == ()
    assert url in finding.summary


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/m",
        "https://127.0.0.1/m",
        "https://[::1]/m",
        "https://10.1.2.3/m",
        "https://169.254.169.254/latest",
        "https://example.org:bad/m",
        "https://127.0.0.1/m\r\nHost: x",
        "file:///etc/passwd",
    ],
)
def test_addresses_that_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any, **__: Any) -> socket.socket:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(remote_manifest.RemoteManifestError):
        remote_manifest.fetch_manifest(url)


def cbor(value: Any) -> bytes:
    """Enough of CBOR for the test below."""

    def head(major: int, count: int) -> bytes:
        if count < 24:
            return bytes([major << 5 | count])
        return bytes([major << 5 | 25]) + struct.pack(">H", count)

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def test_an_identity_that_needs_a_server_does_not_spoil_a_sound_file(
    identity: Identity, chain: TestCertificates
) -> None:
    credential = {"issuer": "did:web:example.org", "credentialSubject": {}}
    sealed = [cbor({1: -8, 3: "application/vc"}), {}, json.dumps(credential).encode(), bytes(64)]
    link = {"url": "self#jumbf=c2pa.assertions/c2pa.actions.v2", "hash": [0] * 32}
    payload = {"referenced_assertions": [link], "sig_type": "cawg.identity_claims_aggregation"}
    data = {"signer_payload": payload, "signature": list(b"\xd2" + cbor(sealed)), "pad1": [0]}
    step = [{"action": "c2pa.created", "digitalSourceType": CAPTURE}]
    manifest = {"assertions": [actions(step), {"label": "cawg.identity", "data": data}]}
    info = c2pa.C2paSignerInfo("es256", identity.certificates, identity.key, None)
    offline = {"allowed_network_hosts": [], "decode_identity_assertions": False}
    with c2pa.Context.from_dict({"core": offline}) as context:
        out = io.BytesIO()
        c2pa.Builder(manifest, context).sign(
            c2pa.Signer.from_info(info), "image/jpeg", io.BytesIO(FILES["jpeg"][1]), out
        )
    with c2pa.Context.from_dict({"core": {"allowed_network_hosts": []}}) as context:
        naive = c2pa.Reader("image/jpeg", io.BytesIO(out.getvalue()), context=context)
        assert naive.get_validation_state() == "Invalid"
    found = read(out.getvalue(), user_anchors=[chain.root])
    assert (found.state, found.statement.says) == (State.TRUSTED, Says.CAPTURED)


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


def test_a_list_of_time_stamping_authorities_vouches_for_no_signer(
    identity: Identity, chain: TestCertificates
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    root = chain.root.read_text()
    for lists, state, vouched in (
        (TrustLists(official_tsa=root), State.VALID, None),
        (TrustLists(official=root), State.TRUSTED, TrustList.OFFICIAL),
        (TrustLists(interim=root), State.TRUSTED, TrustList.INTERIM),
    ):
        found = read_credentials(signed, "image/jpeg", lists=lists)
        assert (found.state, found.trust) == (state, vouched)


def test_an_allowed_certificate_alone_is_trusted_on_the_interim_list(
    identity: Identity, tmp_path: Path
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    leaf = identity.certificates.decode().split("-----END")[0] + "-----END CERTIFICATE-----\n"
    other = make_test_certificates(tmp_path).root.read_text()
    found = read_credentials(
        signed, "image/jpeg", lists=TrustLists(interim=other, interim_allowed=leaf)
    )
    assert (found.state, found.trust) == (State.TRUSTED, TrustList.INTERIM)


def test_shipped_lists_and_refreshing(
    chain: TestCertificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = trust.load_trust_lists(tmp_path)
    assert shipped.official.count("BEGIN CERTIFICATE") == 30
    assert shipped.interim_allowed.count("BEGIN CERTIFICATE") == 86
    root = chain.root.read_bytes()
    asked: list[str] = []

    def download(url: str) -> bytes:
        asked.append(url)
        return b"<html>not found</html>" if url.endswith("allowed.pem") else root

    with pytest.raises(trust.TrustListError, match="no readable PEM"):
        trust.refresh_trust_lists(tmp_path, download)
    assert trust.load_trust_lists(tmp_path) == shipped  # nothing was replaced by half
    assert asked == list(trust.SOURCES.values())
    assert trust.refresh_trust_lists(tmp_path, lambda _: root) == dict.fromkeys(trust.SOURCES, 1)
    assert trust.load_trust_lists(tmp_path).official == root.decode()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "official.pem").write_text("broken")
    with pytest.raises(trust.TrustListError):
        trust.load_trust_lists(tmp_path)
    with pytest.raises(trust.TrustListError, match="cannot be read"):
        read(FILES["jpeg"][1], user_anchors=[tmp_path / "missing.pem"])


def test_a_dng_is_told_from_a_tiff() -> None:
    entry = struct.pack("<HHI4B", 0xC612, 1, 4, 1, 4, 0, 0)
    dng = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    assert is_dng(dng)
    assert not is_dng(FILES["tiff"][1])
    for harmed in (dng[:9], dng[:12], b"II*\0" + b"\xff" * 8, b"II*\0"):
        assert not is_dng(harmed)


REFERENCE = SHARED / "c2pa_states.csv"
MIMES = {
    ".dng": "image/tiff",
    ".jpg": "image/jpeg",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".wav": "audio/wav",
    ".webp": "image/webp",
}


@pytest.mark.shared
@pytest.mark.parametrize("trusting", ["none", "official", "interim", "test"])
def test_every_reference_file_gets_its_state(trusting: str) -> None:
    shipped = trust.load_trust_lists(Path("/nonexistent"))
    lists = {
        "official": TrustLists(official=shipped.official, official_tsa=shipped.official_tsa),
        "interim": TrustLists(interim=shipped.interim, interim_allowed=shipped.interim_allowed),
    }.get(trusting, NOBODY)
    anchors = [SHARED / "trust/test/test_cert_root_bundle.pem"] if trusting == "test" else []
    with REFERENCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 30
    for row in rows:
        path = SHARED / row["file"]
        found = read_credentials(
            path.read_bytes(), MIMES[path.suffix.lower()], lists=lists, user_anchors=anchors
        )
        said = row[f"{trusting}_state"]
        expected = {"_C2pa": "absent", "C2paE": "remote"}.get(said[:5], said.lower())
        assert found.state == expected, (row["file"], found)
        assert {s.code for s in found.failures} == set(row[f"{trusting}_codes"].split())
        assert (found.active.issuer if found.active else "") == row["issuer"]
        if found.state is State.REMOTE:
            assert found.address.startswith("https://cai-manifests.adobe.com/")
        json.dumps(getattr(report(found), "facts", {}))
