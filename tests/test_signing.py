"""Signing with one's own certificate, and the certificates for trying it out."""

import http.server
import io
import os
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from PIL import Image

from unmask.errors import SigningError
from unmask.forensics.certificates import TestCertificates, make_test_certificates
from unmask.forensics.content_credentials import content_credentials
from unmask.forensics.credentials import Integrity, Place, State, read_credentials
from unmask.forensics.manifests import Standing
from unmask.forensics.signing import Identity, Mark, sign, sign_file
from unmask.forensics.source_types import Says
from unmask.forensics.trust import TrustList, TrustLists
from unmask.media import open_media

NOBODY = TrustLists()
PEM = serialization.Encoding.PEM
EMAIL, CODE, CLIENT, ANY, TIME = (
    x509.ObjectIdentifier(oid)
    for oid in ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0",
                "1.3.6.1.5.5.7.3.8")
)  # fmt: skip


def picture(kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def issued(
    key: Any,
    *,
    usages: list[x509.ObjectIdentifier] | None = None,
    critical_usages: bool = False,
    signature: bool = True,
    authority: bool = False,
    with_issuer_id: bool = True,
    start: timedelta = timedelta(days=-1),
    end: timedelta = timedelta(days=1),
) -> tuple[Identity, bytes]:
    """A leaf of a new root with the extensions asked for, as an identity, and the root's PEM."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, n)]) for n in ("root", "leaf")]
    now = datetime.now(UTC)

    def start_builder(name: x509.Name, public: Any, begin: timedelta, stop: timedelta) -> Any:
        return (
            x509.CertificateBuilder()
            .issuer_name(names[0])
            .subject_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + stop)
        )

    year = timedelta(days=365)
    root = start_builder(names[0], root_key.public_key(), -year, year)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = root.add_extension(key_usage(False, True), critical=True)
    leaf = start_builder(names[1], key.public_key(), start, end)
    leaf = leaf.add_extension(x509.BasicConstraints(authority, None), critical=True)
    leaf = leaf.add_extension(key_usage(signature, not signature), critical=True)
    usages = [EMAIL] if usages is None else usages
    if usages:
        leaf = leaf.add_extension(x509.ExtendedKeyUsage(usages), critical=critical_usages)
    if with_issuer_id:
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        leaf = leaf.add_extension(issuer_id, critical=False)
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = leaf.sign(root_key, hashes.SHA256()).public_bytes(PEM)
    root_pem = root.sign(root_key, hashes.SHA256()).public_bytes(PEM)
    return Identity(certificates=certificate, key=secret), root_pem


def key_usage(signature: bool, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signature, key_cert_sign=certificates, crl_sign=False,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@pytest.mark.program("openssl")
def test_openssl_thinks_so_too(chain: TestCertificates) -> None:
    verify = ["openssl", "verify", "-purpose", "smimesign", "-CAfile", str(chain.root)]
    done = subprocess.run(
        [*verify, "-untrusted", str(chain.chain), str(chain.chain)], capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_test_certificates_are_private_and_chain_to_the_root(
    chain: TestCertificates, tmp_path: Path
) -> None:
    if os.name == "posix":
        assert stat.S_IMODE(chain.key.stat().st_mode) == 0o600
    leaf, middle = x509.load_pem_x509_certificates(chain.chain.read_bytes())
    (root,) = x509.load_pem_x509_certificates(chain.root.read_bytes())
    leaf.verify_directly_issued_by(middle)
    middle.verify_directly_issued_by(root)
    assert "TEST" in root.subject.rfc4514_string()
    with pytest.raises(SigningError, match="exists already"):
        make_test_certificates(chain.root.parent)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SigningError, match="cannot be written"):
        make_test_certificates(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        (Mark.AI_MADE, Says.AI_MADE),
        (Mark.AI_EDITED, Says.AI_EDITED),
        (Mark.CAPTURED, Says.CAPTURED),
    ],
)
def test_marks_say_what_they_mean_and_weigh_little(
    mark: Mark, says: Says, identity: Identity, chain: TestCertificates
) -> None:
    data = picture("WEBP")
    signed = sign(data, "image/webp", mark, identity, title="a picture")
    assert len(signed.data) < len(data) + 8000  # no thumbnails
    with Image.open(io.BytesIO(signed.data)) as after, Image.open(io.BytesIO(data)) as before:
        assert np.array_equal(np.asarray(after), np.asarray(before))
    found = read_credentials(signed.data, "image/webp", lists=NOBODY, user_anchors=[chain.root])
    assert (found.state, found.statement.says) == (State.TRUSTED, says)
    assert found.active is not None
    assert found.active.title == "a picture"
    assert found.active.signer == "unmask TEST signer"
    assert found.active.generator.startswith("unmask ")
    assert found.active.timestamp == ""


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "Es256"),
        (ec.generate_private_key(ec.SECP384R1()), "Es384"),
        (ec.generate_private_key(ec.SECP521R1()), "Es512"),
        (rsa.generate_private_key(65537, 2048), "Ps256"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
)
def test_every_kind_of_key_signs(key: Any, algorithm: str, tmp_path: Path) -> None:
    identity, root = issued(key)
    (tmp_path / "root.pem").write_bytes(root)
    signed = sign(picture(), "image/jpeg", Mark.AI_MADE, identity)
    found = read_credentials(
        signed.data, "image/jpeg", lists=NOBODY, user_anchors=[tmp_path / "root.pem"]
    )
    assert found.state is State.TRUSTED
    assert found.active is not None
    assert found.active.algorithm == algorithm


@pytest.mark.parametrize(
    "usage",
    ["1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.76.59.1.9", "1.3.6.1.4.1.62558.2.1"],
    ids=["documents", "microsoft", "c2pa"],
)
def test_every_usage_that_c2pa_names_is_trusted(usage: str, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    identity, root = issued(key, usages=[x509.ObjectIdentifier(usage)])
    (tmp_path / "root.pem").write_bytes(root)
    signed = sign(picture(), "image/jpeg", Mark.AI_MADE, identity).data
    found = read_credentials(
        signed, "image/jpeg", lists=NOBODY, user_anchors=[tmp_path / "root.pem"]
    )
    assert found.state is State.TRUSTED


@pytest.mark.parametrize(
    ("flaw", "message"),
    [
        ({"usages": []}, "extended key usages"),
        ({"usages": [CODE]}, "extended key usages"),
        ({"usages": [CLIENT]}, "extended key usages"),
        ({"usages": [ANY, EMAIL]}, "extended key usages"),
        ({"usages": [TIME]}, "extended key usages"),
        ({"signature": False}, "digital signature"),
        ({"authority": True}, "an authority's"),
        ({"with_issuer_id": False}, "authority key identifier"),
        ({"end": timedelta(hours=-1)}, "not today"),
        ({"start": timedelta(hours=1)}, "not today"),
    ],
)
def test_certificates_that_c2pa_refuses_are_named(flaw: dict[str, Any], message: str) -> None:
    identity, _ = issued(ec.generate_private_key(ec.SECP256R1()), **flaw)
    with pytest.raises(SigningError, match=message):
        sign(picture(), "image/jpeg", Mark.AI_MADE, identity)


def test_keys_and_files_that_do_not_fit_are_named(
    identity: Identity, chain: TestCertificates, tmp_path: Path
) -> None:
    leaf, middle = x509.load_pem_x509_certificates(identity.certificates)
    stranger = make_test_certificates(tmp_path / "other")
    weak, _ = issued(rsa.generate_private_key(65537, 1024))
    odd, _ = issued(ec.generate_private_key(ec.SECP256K1()))
    other_kind = dsa.generate_private_key(1024).private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = serialization.load_pem_private_key(identity.key, None).private_bytes(
        PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    certificates = identity.certificates
    reordered = middle.public_bytes(PEM) + leaf.public_bytes(PEM)
    broken_chain = leaf.public_bytes(PEM) + stranger.root.read_bytes()
    for wrong, message in (
        (Identity(certificates=certificates, key=stranger.key.read_bytes()), "does not belong"),
        (Identity(certificates=reordered, key=identity.key), "does not belong"),
        (Identity(certificates=broken_chain, key=identity.key), "not in order"),
        (Identity(certificates=b"nothing", key=identity.key), "no readable PEM"),
        (Identity(certificates=certificates, key=b"nothing"), "no readable private key"),
        (Identity(certificates=certificates, key=locked), "password"),
        (Identity(certificates=certificates, key=locked, password=b"wrong"), "private key"),
        (Identity(certificates=certificates, key=other_kind), "another kind"),
        (weak, "2048"),
        (odd, "secp256k1"),
    ):
        with pytest.raises(SigningError, match=message):
            sign(picture(), "image/jpeg", Mark.AI_MADE, wrong)
    opened = Identity(certificates=certificates, key=locked, password=b"secret")
    signed = sign(picture(), "image/jpeg", Mark.AI_MADE, opened).data
    found = read_credentials(signed, "image/jpeg", lists=NOBODY, user_anchors=[chain.root])
    assert found.state is State.TRUSTED


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (picture("BMP"), "image/bmp"),
        (b"plain text", "text/plain"),
        (b"", "image/jpeg"),
        (b"garbage", "image/jpeg"),
        (picture("PNG")[:50], "image/png"),
    ],
)
def test_files_that_cannot_be_signed(data: bytes, mime: str, identity: Identity) -> None:
    with pytest.raises(SigningError):
        sign(data, mime, Mark.AI_MADE, identity)


def test_a_history_is_kept_and_never_dropped(identity: Identity, chain: TestCertificates) -> None:
    captured = sign(picture(), "image/jpeg", Mark.CAPTURED, identity).data
    for mark in (Mark.AI_MADE, Mark.CAPTURED):
        with pytest.raises(SigningError, match="already"):
            sign(captured, "image/jpeg", mark, identity)
    with pytest.raises(SigningError, match="original"):
        sign(picture(), "image/jpeg", Mark.AI_MADE, identity, original=picture())
    with pytest.raises(SigningError, match="could not be signed"):
        sign(picture(), "image/jpeg", Mark.AI_EDITED, identity, original=b"")
    for edited in (
        sign(captured, "image/jpeg", Mark.AI_EDITED, identity),
        sign(picture("PNG"), "image/png", Mark.AI_EDITED, identity, original=captured),
    ):
        found = read_credentials(edited.data, "", lists=NOBODY, user_anchors=[chain.root])
        assert (found.state, found.statement.says) == (State.TRUSTED, Says.AI_EDITED)
        assert found.active is not None
        assert [a.name for a in found.active.actions] == ["c2pa.opened", "c2pa.edited"]
        assert [i.relationship for i in found.active.ingredients] == ["parentOf"]
        parent = found.manifests[found.active.ingredients[0].manifest]
        assert [a.says for a in parent.actions] == [Says.CAPTURED]


def test_files_are_signed_beside_the_original(
    identity: Identity, chain: TestCertificates, tmp_path: Path
) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(picture())
    target = sign_file(source, tmp_path / "signed.jpg", Mark.AI_MADE, identity)
    assert source.read_bytes() == picture()
    assert open_media(target).data != picture()
    beside = sign_file(source, tmp_path / "a.c2pa", Mark.AI_MADE, identity, sidecar=True)
    media = open_media(source)
    assert media.data == picture()
    assert media.sidecar == beside.read_bytes()
    found = read_credentials(
        media.data, "image/jpeg", sidecar=media.sidecar, user_anchors=[chain.root]
    )
    assert (found.state, found.place) == (State.TRUSTED, Place.SIDECAR)
    assert getattr(content_credentials(media), "notable", False)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for bad in (source, target):
        with pytest.raises(SigningError, match="exists already"):
            sign_file(source, bad, Mark.AI_MADE, identity)
    with pytest.raises(SigningError, match="cannot be read"):
        sign_file(tmp_path / "no.jpg", tmp_path / "x.jpg", Mark.AI_MADE, identity)
    with pytest.raises(SigningError, match="cannot be written"):
        sign_file(source, tmp_path / "no" / "x.jpg", Mark.AI_MADE, identity)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(SigningError, match="could not be signed"):
        sign_file(tmp_path / "b.pdf", tmp_path / "x.pdf", Mark.AI_MADE, identity)
    (tmp_path / "b.pdf").unlink()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before  # nothing left behind


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
