"""Whose Content Credentials are believed: the trust lists, shipped, refreshed or the user's own."""

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography import x509

from unmask.errors import UnmaskError


class TrustList(StrEnum):
    """Which list vouches for a signer."""

    OFFICIAL = "official"  # C2PA Trust List
    INTERIM = "interim"  # contentcredentials.org, frozen on 1 January 2026
    USER = "user"  # roots that the user named


class TrustListError(UnmaskError):
    """A trust list that cannot be read, parsed or downloaded."""


@dataclass(frozen=True, kw_only=True)
class TrustLists:
    """PEM texts of the lists that unmask knows; an empty text trusts nobody."""

    official: str = ""
    official_tsa: str = ""  # time-stamping authorities: they never vouch for a signer
    interim: str = ""
    interim_allowed: str = ""  # end certificates, trusted one by one


SHIPPED = Path(__file__).parent / "trust_lists"
TIME_STAMPING = "official_tsa"

_CONFORMANCE = "https://raw.githubusercontent.com/c2pa-org/conformance-public/main/trust-list"
SOURCES = {
    "official": f"{_CONFORMANCE}/C2PA-TRUST-LIST.pem",
    "official_tsa": f"{_CONFORMANCE}/C2PA-TSA-TRUST-LIST.pem",
    "interim": "https://contentcredentials.org/trust/anchors.pem",
    "interim_allowed": "https://contentcredentials.org/trust/allowed.pem",
}

# Without this list of key usages genuine certificates come back as invalid: e-mail protection,
# document signing, time stamping, OCSP signing, Microsoft's and C2PA's own.
_KEY_USAGES = "\n".join(
    (
        "1.3.6.1.5.5.7.3.4",
        "1.3.6.1.5.5.7.3.36",
        "1.3.6.1.5.5.7.3.8",
        "1.3.6.1.5.5.7.3.9",
        "1.3.6.1.4.1.311.76.59.1.9",
        "1.3.6.1.4.1.62558.2.1",
    )
)
_MAX_LIST_BYTES = 8_000_000


def user_folder() -> Path:
    """Where refreshed lists are kept: the platform's folder for a user's data."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "unmask" / "trust_lists"


def load_trust_lists(folder: Path | None = None) -> TrustLists:
    """The lists as refreshed into `folder` (default: the user's), else as shipped.

    Raises TrustListError where a refreshed list is damaged.
    """
    folder = folder or user_folder()
    texts = {}
    for name in SOURCES:
        refreshed = folder / f"{name}.pem"
        if refreshed.is_file():
            texts[name] = read_anchors([refreshed])
        else:
            texts[name] = (SHIPPED / f"{name}.pem").read_text(encoding="utf-8")
    return TrustLists(**texts)


def read_anchors(paths: Iterable[Path]) -> str:
    """The certificates of PEM files as one text. Raises TrustListError for an unusable file."""
    texts = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TrustListError(f"{path} cannot be read: {error}") from error
        texts.append(_checked(content, str(path)))
    return "\n".join(texts)


def refresh_trust_lists(
    folder: Path | None = None, download: Callable[[str], bytes] | None = None
) -> dict[str, int]:
    """Download all lists into `folder` (default: the user's), where they take precedence.

    Nothing is replaced unless every list arrived and parsed. Returns the number of certificates
    by list. Raises TrustListError.
    """
    folder, download = folder or user_folder(), download or _download
    contents = {name: download(url) for name, url in SOURCES.items()}
    counts = {
        name: len(x509.load_pem_x509_certificates(_checked(content, SOURCES[name]).encode()))
        for name, content in contents.items()
    }
    record = {
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        "sources": SOURCES,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _replace(folder / f"{name}.pem", content)
        _replace(folder / "source.json", json.dumps(record, indent=2).encode())
    except OSError as error:
        raise TrustListError(f"The lists cannot be written to {folder}: {error}") from error
    return counts


def reader_settings(lists: TrustLists, user: str) -> dict[str, Any]:
    """The c2pa library's settings that trust these lists and `user` (PEM), and open no connection.

    Each list carries its name as its address, which the library hands back where it matched.
    """
    anchors = [
        _anchor(TrustList.OFFICIAL, lists.official),
        _anchor(TIME_STAMPING, lists.official_tsa, kind="tsa"),
        _anchor(TrustList.INTERIM, lists.interim, allowed=lists.interim_allowed),
        _anchor(TrustList.USER, user),
    ]
    return {
        "trust": {"trust_config": _KEY_USAGES, "anchors": [a for a in anchors if a is not None]},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        # The empty list forbids every host. Identity assertions can name servers too, and are
        # decoded only where none does: see `read_credentials`.
        "core": {"allowed_network_hosts": [], "decode_identity_assertions": False},
    }


def list_named(name: str) -> TrustList | None:
    """The list of this name as the c2pa library reports it; None for one that trusts no signer."""
    if not name:  # a match in `allowed_list` comes without a name, and only one list has any
        return TrustList.INTERIM
    return TrustList(name) if name in set(TrustList) else None


def _anchor(
    name: str, pem: str, kind: str = "manifest", allowed: str = ""
) -> dict[str, str] | None:
    if not pem:
        return None
    anchor = {"trust_uri": str(name), "trust_kind": kind, "trust_anchors": pem}
    return anchor | ({"allowed_list": allowed} if allowed else {})


def _checked(content: bytes, origin: str) -> str:
    """The text of a PEM file; the library itself passes over what it cannot parse."""
    try:
        x509.load_pem_x509_certificates(content)
        return content.decode("utf-8")
    except ValueError as error:
        raise TrustListError(f"{origin} holds no readable PEM certificates: {error}") from error


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            content: bytes = response.read(_MAX_LIST_BYTES + 1)
    except (urllib.error.URLError, OSError) as error:
        raise TrustListError(f"{url} cannot be downloaded: {error}") from error
    if len(content) > _MAX_LIST_BYTES:
        raise TrustListError(f"{url} is larger than any trust list.")
    return content


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content)
    temporary.replace(path)
