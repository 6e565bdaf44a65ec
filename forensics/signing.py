"""Sign a file: say, with one's own certificate, that it was made or edited by AI, or captured."""

import io
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import c2pa
from cryptography.hazmat.primitives import serialization

from unmask.errors import MediaError, SigningError
from unmask.forensics.certificates import algorithm_of, load_chain, load_key
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.tiff_kind import media_type
from unmask.forensics.trust import TrustLists, reader_settings
from unmask.media.sniff import sniff


class Mark(StrEnum):
    """What the signer says of the file."""

    AI_MADE = "ai-made"
    AI_EDITED = "ai-edited"
    CAPTURED = "captured"


_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SOURCE_TYPES = {
    Mark.AI_MADE: _IPTC + "trainedAlgorithmicMedia",
    Mark.AI_EDITED: _IPTC + "compositeWithTrainedAlgorithmicMedia",
    Mark.CAPTURED: _IPTC + "digitalCapture",
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who signs: the certificates (leaf first, without the root) and the leaf's key, both PEM."""

    certificates: bytes
    key: bytes
    password: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A signed file: with the manifest in it, or unchanged with the manifest beside it."""

    data: bytes
    sidecar: bytes | None


def sign(
    data: bytes,
    mime: str,
    mark: Mark,
    identity: Identity,
    *,
    title: str = "",
    original: bytes | None = None,
    sidecar: bool = False,
    time_authority: str = "",
) -> Signed:
    """Sign `data`. Only with `time_authority`, an address, is a connection opened.

    `original` is the picture before AI edited it, with its own history. A file with credentials
    can be marked AI_EDITED alone, and becomes its own parent: the other marks would drop them.
    Raises SigningError: bad certificates, a format that cannot carry a manifest, a refused mark.
    """
    signer = _signer(identity, time_authority)
    mime = media_type(data, mime)
    if mime not in c2pa.Builder.get_supported_mime_types():
        raise SigningError(f"Files of type {mime} cannot carry Content Credentials.")
    if original is not None and mark is not Mark.AI_EDITED:
        raise SigningError("Only a file marked as edited has an original.")
    before = read_credentials(data, mime, lists=TrustLists()).state
    if before is not State.ABSENT and mark is not Mark.AI_EDITED:
        raise SigningError(
            "The file carries Content Credentials already; marking it anew would drop them."
        )
    if before is not State.ABSENT and original is None:
        original = data
    try:
        with signer, c2pa.Context.from_dict(_settings(time_authority)) as context:
            builder = _builder(context, mark, title, original)
            if sidecar:
                builder.set_no_embed()
            target = io.BytesIO()
            manifest = builder.sign(signer, mime, io.BytesIO(data), target)
    except (c2pa.C2paError, MediaError) as error:
        raise SigningError(f"The file could not be signed: {error}") from error
    if sidecar:
        return Signed(data=data, sidecar=bytes(manifest))
    return Signed(data=target.getvalue(), sidecar=None)


def sign_beside(data: bytes, mime: str, identity: Identity, *, title: str = "") -> bytes:
    """A manifest to lie beside a text or a score that AI made, with a hash of its bytes.

    C2PA embeds none in plain text or MIDI, but a manifest beside a file binds any bytes. Opens no
    connection. Raises SigningError.
    """
    try:
        with _signer(identity, "") as signer, c2pa.Context.from_dict(_settings("")) as context:
            builder = _builder(context, Mark.AI_MADE, title, None)
            builder.set_no_embed()
            return bytes(builder.sign(signer, mime, io.BytesIO(data), io.BytesIO()))
    except c2pa.C2paError as error:
        raise SigningError(f"The file could not be signed: {error}") from error


def sign_file(
    source: Path,
    target: Path,
    mark: Mark,
    identity: Identity,
    *,
    original: Path | None = None,
    sidecar: bool = False,
    time_authority: str = "",
) -> Path:
    """Sign the file `source` into `target`, or with `sidecar` write the manifest to `target`.

    A sidecar is found again where it is called as the file, with the ending .c2pa. Returns
    `target`. Raises SigningError, also where `target` exists: originals are never overwritten.
    """
    if target.exists():
        raise SigningError(f"{target} exists already, and nothing is overwritten.")
    try:
        data = source.read_bytes()
        mime = sniff(data).mime
        before = original.read_bytes() if original else None
    except OSError as error:
        raise SigningError(f"{source} cannot be read: {error}") from error
    except MediaError as error:
        raise SigningError(f"{source} cannot be signed: {error}") from error
    signed = sign(
        data, mime, mark, identity,
        title=source.name, original=before, sidecar=sidecar, time_authority=time_authority,
    )  # fmt: skip
    _write(target, signed.data if signed.sidecar is None else signed.sidecar)
    return target


def _signer(identity: Identity, time_authority: str) -> Any:
    key = load_key(identity.key, identity.password)
    algorithm = algorithm_of(key)
    chain = load_chain(identity.certificates, key)
    certificates = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        return c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(algorithm, certificates, secret, time_authority or None)
        )
    except c2pa.C2paError as error:
        raise SigningError(f"The certificate cannot sign: {error}") from error


def _settings(time_authority: str) -> dict[str, Any]:
    """The reader's, as signing verifies too, and calls on no host but the time authority's.

    Thumbnails are off: they can outweigh the picture a hundredfold.
    """
    reading, host = reader_settings(TrustLists(), ""), urlsplit(time_authority).netloc
    core = reading["core"] | {"allowed_network_hosts": [host] if host else []}
    return reading | {"core": core, "builder": {"thumbnail": {"enabled": False}}}


def _builder(context: Any, mark: Mark, title: str, original: bytes | None) -> Any:
    """The manifest before signing: its first step is `created`, or `opened` with a parent."""
    manifest: dict[str, Any] = {"claim_generator_info": [{"name": "unmask", "version": _version()}]}
    if title:
        manifest["title"] = title
    agent = {"name": "unmask", "version": _version()}
    step = {"digitalSourceType": _SOURCE_TYPES[mark], "softwareAgent": agent}
    if original is None:
        actions = [{"action": "c2pa.created", **step}]
    else:
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["original"]}}
        actions = [opened, {"action": "c2pa.edited", **step}]
    manifest["assertions"] = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    builder = c2pa.Builder(manifest, context)
    if original is not None:
        kind = sniff(original).mime
        parent = {"title": "original", "relationship": "parentOf", "label": "original"}
        builder.add_ingredient(parent, media_type(original, kind), io.BytesIO(original))
    return builder


def _version() -> str:
    try:
        return version("unmask")
    except PackageNotFoundError:
        return "0"


def _write(target: Path, content: bytes) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target)
    except OSError as error:
        raise SigningError(f"{target} cannot be written: {error}") from error
