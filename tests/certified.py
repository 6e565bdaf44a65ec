"""Certificates of any make, and pictures to sign."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from unmask.forensics.signing import Identity
from unmask.forensics.trust import TrustLists

NOBODY = TrustLists()


PEM = serialization.Encoding.PEM


EMAIL = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4")


TIME = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")


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
