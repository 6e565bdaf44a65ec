"""Addresses in Content Credentials: nothing is called that was not allowed."""

import http.server
import io
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import c2pa
import pytest
from signed import AI, CAPTURE, FILES, NOBODY, actions, read

from unmask.evidence import Finding
from unmask.forensics import remote_manifest, trust
from unmask.forensics.certificates import TestCertificates
from unmask.forensics.content_credentials import report
from unmask.forensics.credentials import Place, State
from unmask.forensics.signing import Identity
from unmask.forensics.source_types import Says


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
