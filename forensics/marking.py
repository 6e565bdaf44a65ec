"""Mark what our generators make as synthetic, in three ways that the scanner reads back.

A digital source type (IPTC), the generator's name in plain metadata, and signed Content
Credentials (C2PA 2.2, 2025). None of them survives a screenshot: they are for honest use.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import c2pa

from unmask import __version__
from unmask.errors import SigningError
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.local_identity import local_identity
from unmask.forensics.signing import Identity, Mark, sign, sign_beside
from unmask.forensics.trust import TrustLists
from unmask.forensics.xmp_writing import Statement, can_carry, embed
from unmask.media.sniff import sniff

MOST_NAME = 64  # characters of a generator's name
MOST_MADE = 4000  # characters of its settings

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MADE_TYPE = _IPTC + "trainedAlgorithmicMedia"
EDITED_TYPE = _IPTC + "compositeWithTrainedAlgorithmicMedia"


class Way(StrEnum):
    """How a file says that it is synthetic."""

    SOURCE_TYPE = "iptc"  # Iptc4xmpExt:DigitalSourceType
    NAME = "generator"  # xmp:CreatorTool; in PNG also the text "Software"
    SIGNED = "c2pa"  # Content Credentials


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A marked file, and the ways in which its format could be marked."""

    data: bytes
    marks: tuple[Way, ...]


def mark_made(
    data: bytes,
    mime: str,
    *,
    generator: str,
    identity: Identity | None = None,
    made: str = "",
    original: bytes | None = None,
) -> Marked:
    """Mark a generated file; its pixels and samples stay as they are, bit for bit.

    `generator` is the game's name, `made` its settings in free text (seed, truncation). With
    `original`, the photograph or clip that it started from, the file is marked as changed by AI
    and names the original, with its history, as parent. Signs with the local identity by default.
    PNG, JPEG, WebP, GIF, MP4, MOV, M4A, WAV and MP3 carry all three marks, other formats of C2PA
    the signature alone. Opens no connection.
    Raises MediaError for a cut or unknown file; SigningError for bad words or certificates, a
    `mime` that is not the file's, a format that carries no mark, or credentials already there.
    """
    _check_words(generator, made)
    found = sniff(data)
    if found.mime != mime:
        raise SigningError(f"The file is of type {found.mime}, not {mime}.")
    if mime not in c2pa.Builder.get_supported_mime_types():
        raise SigningError(f"Files of type {mime} cannot carry Content Credentials.")
    statement = _statement(generator, made, edited=original is not None)
    plain = can_carry(found.name)
    stated = embed(data, found.name, statement) if plain else data
    # Asked of the file as it came: what `embed` did would break credentials that are there.
    if read_credentials(data, mime, lists=TrustLists()).state is not State.ABSENT:
        raise SigningError("The file carries Content Credentials already; a mark would break them.")
    mark = Mark.AI_MADE if original is None else Mark.AI_EDITED
    signed = sign(
        stated, mime, mark, identity or local_identity(), title=statement.tool, original=original
    )
    marks = tuple(Way) if plain else (Way.SIGNED,)
    return Marked(data=signed.data, marks=marks)


def marker(
    game: str, identity: Identity | None = None
) -> Callable[[bytes, str, str, bytes | None], bytes]:
    """A function that marks the files of one game in all three ways.

    It takes a file's bytes, its MIME type, the settings it was made with and the original where
    there is one, and gives the marked bytes. The game's name and the certificates are checked now,
    not after hours of work. The function raises as `mark_made` does, and SigningError for a format
    that cannot carry all three.
    """
    _check_words(game, "")
    signer = identity or local_identity()

    def mark(data: bytes, mime: str, made: str, original: bytes | None) -> bytes:
        marked = mark_made(
            data, mime, generator=game, identity=signer, made=made, original=original
        )
        if set(marked.marks) != set(Way):
            raise SigningError(f"Files of type {mime} cannot carry all three marks.")
        return marked.data

    return mark


def text_marker(
    game: str, identity: Identity | None = None
) -> Callable[[bytes, str], dict[str, bytes]]:
    """A function that makes what lies beside the texts or scores of one game, by their endings.

    It takes a file's bytes and the settings it was made with, and gives ".json" in plain words and
    ".c2pa", a signed manifest over the bytes. The name and the certificates are checked now. The
    function raises SigningError.
    """
    _check_words(game, "")
    signer = identity or local_identity()

    def mark(data: bytes, made: str) -> dict[str, bytes]:
        title = _statement(game, made, edited=False).tool
        mime = "audio/midi" if data.startswith(b"MThd") else "text/plain"
        return {
            ".json": mark_text_sidecar(data, generator=game, made=made),
            ".c2pa": sign_beside(data, mime, signer, title=title),
        }

    return mark


def mark_text_sidecar(data: bytes, *, generator: str, made: str = "") -> bytes:
    """JSON to lie beside a generated text, which itself can carry nothing that lasts.

    It states the source type, the generator and its settings, and the SHA-256 of the text. It is
    not signed; `sign_beside` is. Raises SigningError.
    """
    _check_words(generator, made)
    if not data:
        raise SigningError("An empty text has nothing to mark.")
    statement = _statement(generator, made, edited=False)
    facts = {
        "DigitalSourceType": statement.source_type,
        "CreatorTool": statement.tool,
        "made": made,
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": __version__,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False).encode() + b"\n"


def _statement(generator: str, made: str, *, edited: bool) -> Statement:
    tool = f"unmask generate {generator}"
    if edited:  # IPTC's field for the AI system says that it made the whole picture
        return Statement(tool=tool, source_type=EDITED_TYPE, description=made)
    return Statement(
        tool=tool, source_type=MADE_TYPE, description=made,
        system=tool, system_version=__version__,
    )  # fmt: skip


def _check_words(generator: str, made: str) -> None:
    """Neither XML nor a reader's screen takes control characters; XML's own are escaped later."""
    if not generator.strip() or generator != generator.strip() or not generator.isprintable():
        raise SigningError(f"This is no generator's name: {generator[:MOST_NAME]!r}.")
    if len(generator) > MOST_NAME:
        raise SigningError(f"A generator's name has {MOST_NAME} characters at most.")
    if len(made) > MOST_MADE:
        raise SigningError(f"The settings have {len(made)} characters, and {MOST_MADE} fit.")
    if not made.translate({9: None, 10: None}).isprintable():
        raise SigningError("The settings hold characters that cannot be printed.")
