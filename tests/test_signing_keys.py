"""Certificates and keys: which sign, which are refused, and by what name."""

import os
import stat
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from certified import EMAIL, NOBODY, PEM, TIME, issued, picture
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from unmask.errors import SigningError
from unmask.forensics.certificates import TestCertificates, make_test_certificates
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.signing import Identity, Mark, sign

CODE = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.3")


CLIENT = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2")


ANY = x509.ObjectIdentifier("2.5.29.37.0")


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
