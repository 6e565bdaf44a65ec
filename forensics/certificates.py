"""Certificates that C2PA accepts: a chain for trying out, and checks with plain errors."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from unmask.errors import SigningError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

# E-mail protection, document signing, Microsoft's and C2PA's own. The two that the library also
# accepts, time stamping and OCSP, are no business of a claim's signer.
_SIGNING_USAGES = frozenset(
    ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.76.59.1.9",
     "1.3.6.1.4.1.62558.2.1")
)  # fmt: skip
_ANY_USAGE = "2.5.29.37.0"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, kw_only=True)
class TestCertificates:
    """The files of a chain for trying out; nobody but the user trusts it."""

    __test__ = False  # no test class, whatever pytest makes of its name

    root: Path  # to verify with
    chain: Path  # leaf, then intermediate: to sign with
    key: Path  # of the leaf, mode 0600


def make_test_certificates(folder: Path, *, days: int = 365) -> TestCertificates:
    """Write root.pem, chain.pem and key.pem into `folder`, valid from a day ago for `days`.

    The keys of root and intermediate are thrown away. Raises SigningError where a file is in the
    way or cannot be written.
    """
    files = TestCertificates(
        root=folder / "root.pem", chain=folder / "chain.pem", key=folder / "key.pem"
    )
    for path in (files.root, files.chain, files.key):
        if path.exists():
            raise SigningError(f"{path} exists already, and keys are not overwritten.")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = _certificate("unmask TEST root", keys[0], None, keys[0], days, path_length=1)
    middle = _certificate("unmask TEST intermediate", keys[1], root, keys[0], days, path_length=0)
    leaf = _certificate("unmask TEST signer", keys[2], middle, keys[1], days, path_length=None)
    pem = serialization.Encoding.PEM
    secret = keys[2].private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Created with its final mode: a chmod afterwards leaves a moment in which others can read.
        with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(secret)
        files.root.write_bytes(root.public_bytes(pem))
        files.chain.write_bytes(leaf.public_bytes(pem) + middle.public_bytes(pem))
    except OSError as error:
        raise SigningError(f"The certificates cannot be written: {error}") from error
    return files


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
    path_length: int | None,  # None: no authority, a signer
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "unmask, FOR TESTING ONLY"),
        ]
    )
    authority, now = path_length is not None, datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not authority:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def load_key(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """A private key that C2PA can sign with. Raises SigningError."""
    try:
        key = serialization.load_pem_private_key(pem, password)
    except TypeError as error:  # a password missing, or one too many
        raise SigningError(f"The key's password does not fit: {error}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError("The key file holds no readable private key in PEM.") from error
    if not isinstance(key, PrivateKey):
        raise SigningError("C2PA signs with EC, RSA or Ed25519 keys; this is another kind.")
    return key


def algorithm_of(key: PrivateKey) -> str:
    """C2PA's name of the signature algorithm for a key. Raises SigningError for weak keys."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise SigningError(f"C2PA wants RSA keys of 2048 bits or more, not {key.key_size}.")
        return "ps256"
    if key.curve.name not in _CURVES:
        raise SigningError(f"C2PA knows the curves P-256, P-384 and P-521, not {key.curve.name}.")
    return _CURVES[key.curve.name]


def load_chain(pem: bytes, key: PrivateKey, now: datetime | None = None) -> list[x509.Certificate]:
    """The certificates of `pem`, leaf first, after checking that C2PA takes them with `key`.

    Raises SigningError, which names the rule that is broken.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise SigningError("The certificate file holds no readable PEM certificates.") from error
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise SigningError(
            "The key does not belong to the first certificate; the file must begin with the "
            "signer's own certificate, followed by its issuers."
        )
    now = now or datetime.now(UTC)
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise SigningError(
            f"The certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} "
            f"to {leaf.not_valid_after_utc:%Y-%m-%d}, not today."
        )
    _check_extensions(leaf)
    _check_order(chain)
    return chain


def _check_extensions(leaf: x509.Certificate) -> None:
    try:
        found = {type(e.value): e.value for e in leaf.extensions}
    except ValueError as error:
        raise SigningError(f"The certificate's extensions are damaged: {error}") from error
    constraints = found.get(x509.BasicConstraints)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise SigningError("The certificate is an authority's; C2PA wants a signer's.")
    if leaf.issuer == leaf.subject:
        raise SigningError("The certificate is self-signed; C2PA wants one that a root issued.")
    usage = found.get(x509.KeyUsage)
    if not isinstance(usage, x509.KeyUsage) or not usage.digital_signature:
        raise SigningError("The certificate lacks the key usage 'digital signature'.")
    if x509.AuthorityKeyIdentifier not in found:
        raise SigningError("The certificate lacks an authority key identifier.")
    extended = found.get(x509.ExtendedKeyUsage)
    usages = (
        {u.dotted_string for u in extended}
        if isinstance(extended, x509.ExtendedKeyUsage)
        else set()
    )
    if not usages & _SIGNING_USAGES or _ANY_USAGE in usages:
        raise SigningError(
            "The certificate needs one of the extended key usages 'e-mail protection', 'document "
            "signing' or C2PA's own, and not 'any'."
        )


def _check_order(chain: Sequence[x509.Certificate]) -> None:
    for issued, issuer in pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise SigningError(
                "The certificates are not in order: each must be issued by the one after it."
            ) from error
