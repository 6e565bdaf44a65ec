"""Trust lists: who vouches for whom, what ships, and every reference file."""

import csv
import json
import struct
from pathlib import Path

import pytest
from signed import FILES, NOBODY, read

from unmask.forensics import trust
from unmask.forensics.certificates import TestCertificates, make_test_certificates
from unmask.forensics.content_credentials import report
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.signing import Identity, Mark, sign
from unmask.forensics.tiff_kind import is_dng
from unmask.forensics.trust import TrustList, TrustLists

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data" / "c2pa"


def test_a_list_of_time_stamping_authorities_vouches_for_no_signer(
    identity: Identity, chain: TestCertificates
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    root = chain.root.read_text()
    for lists, state, vouched in (
        (TrustLists(official_tsa=root), State.VALID, None),
        (TrustLists(official=root), State.TRUSTED, TrustList.OFFICIAL),
        (TrustLists(interim=root), State.TRUSTED, TrustList.INTERIM),
    ):
        found = read_credentials(signed, "image/jpeg", lists=lists)
        assert (found.state, found.trust) == (state, vouched)


def test_an_allowed_certificate_alone_is_trusted_on_the_interim_list(
    identity: Identity, tmp_path: Path
) -> None:
    signed = sign(FILES["jpeg"][1], "image/jpeg", Mark.CAPTURED, identity).data
    leaf = identity.certificates.decode().split("-----END")[0] + "-----END CERTIFICATE-----\n"
    other = make_test_certificates(tmp_path).root.read_text()
    found = read_credentials(
        signed, "image/jpeg", lists=TrustLists(interim=other, interim_allowed=leaf)
    )
    assert (found.state, found.trust) == (State.TRUSTED, TrustList.INTERIM)


def test_shipped_lists_and_refreshing(
    chain: TestCertificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = trust.load_trust_lists(tmp_path)
    assert shipped.official.count("BEGIN CERTIFICATE") == 30
    assert shipped.interim_allowed.count("BEGIN CERTIFICATE") == 86
    root = chain.root.read_bytes()
    asked: list[str] = []

    def download(url: str) -> bytes:
        asked.append(url)
        return b"<html>not found</html>" if url.endswith("allowed.pem") else root

    with pytest.raises(trust.TrustListError, match="no readable PEM"):
        trust.refresh_trust_lists(tmp_path, download)
    assert trust.load_trust_lists(tmp_path) == shipped  # nothing was replaced by half
    assert asked == list(trust.SOURCES.values())
    assert trust.refresh_trust_lists(tmp_path, lambda _: root) == dict.fromkeys(trust.SOURCES, 1)
    assert trust.load_trust_lists(tmp_path).official == root.decode()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "official.pem").write_text("broken")
    with pytest.raises(trust.TrustListError):
        trust.load_trust_lists(tmp_path)
    with pytest.raises(trust.TrustListError, match="cannot be read"):
        read(FILES["jpeg"][1], user_anchors=[tmp_path / "missing.pem"])


def test_a_dng_is_told_from_a_tiff() -> None:
    entry = struct.pack("<HHI4B", 0xC612, 1, 4, 1, 4, 0, 0)
    dng = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    assert is_dng(dng)
    assert not is_dng(FILES["tiff"][1])
    for harmed in (dng[:9], dng[:12], b"II*\0" + b"\xff" * 8, b"II*\0"):
        assert not is_dng(harmed)


REFERENCE = SHARED / "c2pa_states.csv"


MIMES = {
    ".dng": "image/tiff",
    ".jpg": "image/jpeg",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".wav": "audio/wav",
    ".webp": "image/webp",
}


@pytest.mark.shared
@pytest.mark.parametrize("trusting", ["none", "official", "interim", "test"])
def test_every_reference_file_gets_its_state(trusting: str) -> None:
    shipped = trust.load_trust_lists(Path("/nonexistent"))
    lists = {
        "official": TrustLists(official=shipped.official, official_tsa=shipped.official_tsa),
        "interim": TrustLists(interim=shipped.interim, interim_allowed=shipped.interim_allowed),
    }.get(trusting, NOBODY)
    anchors = [SHARED / "trust/test/test_cert_root_bundle.pem"] if trusting == "test" else []
    with REFERENCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 30
    for row in rows:
        path = SHARED / row["file"]
        found = read_credentials(
            path.read_bytes(), MIMES[path.suffix.lower()], lists=lists, user_anchors=anchors
        )
        said = row[f"{trusting}_state"]
        expected = {"_C2pa": "absent", "C2paE": "remote"}.get(said[:5], said.lower())
        assert found.state == expected, (row["file"], found)
        assert {s.code for s in found.failures} == set(row[f"{trusting}_codes"].split())
        assert (found.active.issuer if found.active else "") == row["issuer"]
        if found.state is State.REMOTE:
            assert found.address.startswith("https://cai-manifests.adobe.com/")
        json.dumps(getattr(report(found), "facts", {}))
