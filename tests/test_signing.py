"""Signing with Content Credentials: marks, histories, files beside the original."""

import io
from pathlib import Path

import numpy as np
import pytest
from certified import NOBODY, picture
from PIL import Image

from unmask.errors import SigningError
from unmask.forensics.certificates import TestCertificates
from unmask.forensics.content_credentials import content_credentials
from unmask.forensics.credentials import Place, State, read_credentials
from unmask.forensics.signing import Identity, Mark, sign, sign_file
from unmask.forensics.source_types import Says
from unmask.media import open_media


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
