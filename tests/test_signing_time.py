"""Certificates that expire, and time stamps that keep them valid."""

import http.server
import io
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import c2pa
import pytest
from certified import NOBODY, TIME, issued, picture
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from unmask.errors import SigningError
from unmask.forensics.credentials import Integrity, State, read_credentials
from unmask.forensics.manifests import Standing
from unmask.forensics.signing import Identity, Mark, sign
from unmask.forensics.trust import TrustList, TrustLists


def test_a_certificate_that_expired_since_is_invalid_though_nothing_was_altered(
    tmp_path: Path,
) -> None:
    identity, root = issued(ec.generate_private_key(ec.SECP256R1()), end=timedelta(seconds=2))
    (tmp_path / "root.pem").write_bytes(root)
    signed = sign(picture(), "image/jpeg", Mark.CAPTURED, identity).data
    time.sleep(3.3)  # the library counts whole seconds
    found = read_credentials(
        signed, "image/jpeg", lists=NOBODY, user_anchors=[tmp_path / "root.pem"]
    )
    assert found.state is State.INVALID
    assert "signingCredential.expired" in [s.code for s in found.failures]
    assert found.integrity is Integrity.INTACT
    assert found.statement.standing is Standing.BROKEN  # so that nobody leans on what it says


def test_only_a_time_authority_is_called(identity: Identity) -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(500)
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{httpd.server_port}"
    try:
        with c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}}) as context:
            builder = c2pa.Builder({}, context)
            builder.set_intent(
                c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE
            )
            builder.set_no_embed()
            builder.set_remote_url(base + "/history")
            info = c2pa.C2paSignerInfo("es256", identity.certificates, identity.key, None)
            out = io.BytesIO()
            source = io.BytesIO(picture())
            builder.sign(c2pa.Signer.from_info(info), "image/jpeg", source, out)
        asked.clear()
        elsewhere = out.getvalue()  # its history is kept at an address
        sign(picture(), "image/jpeg", Mark.AI_EDITED, identity, original=elsewhere)
        assert asked == []
        with pytest.raises(SigningError, match="could not be signed"):
            sign(picture(), "image/jpeg", Mark.AI_MADE, identity, time_authority=base + "/time")
        assert set(asked) == {"/time"}
    finally:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def time_authority(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a time-stamping authority run by openssl, and its root in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    own, root = issued(key, usages=[TIME], critical_usages=True)
    (tmp_path / "tsa.pem").write_bytes(own.certificates)
    (tmp_path / "tsa.key").write_bytes(own.key)
    (tmp_path / "serial").write_text("01")
    (tmp_path / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256,sha384,sha512\n"
        "ess_cert_id_alg=sha256\n"
    )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (tmp_path / "query").write_bytes(query)
            command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query"]
            reply = subprocess.run(command, cwd=tmp_path, capture_output=True).stdout
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/", root.decode()
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.program("openssl")
def test_a_time_stamp_keeps_an_expired_certificate_valid(
    time_authority: tuple[str, str],
) -> None:
    url, time_root = time_authority
    identity, root = issued(ec.generate_private_key(ec.SECP256R1()), end=timedelta(seconds=2))
    signed = sign(picture(), "image/jpeg", Mark.CAPTURED, identity, time_authority=url).data
    time.sleep(3.3)
    stamped = TrustLists(official=root.decode(), official_tsa=time_root)
    found = read_credentials(signed, "image/jpeg", lists=stamped)
    assert found.active is not None
    assert (found.state, found.trust) == (State.TRUSTED, TrustList.OFFICIAL)
    assert found.active.timestamp == "trusted"
    assert datetime.fromisoformat(found.active.time).year == datetime.now(UTC).year
    alone = read_credentials(signed, "image/jpeg", lists=TrustLists(official=root.decode()))
    assert alone.active is not None
    assert (alone.state, alone.active.timestamp) == (State.INVALID, "untrusted")
