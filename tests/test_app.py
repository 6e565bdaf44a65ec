"""The browser front end without a browser: what it shows, and what it does with hostile files."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

import unmask.app
from unmask import registry
from unmask.app import examining, view_maps
from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind, NotApplicable, Plot
from unmask.media import Media

MAIN = str(Path(unmask.app.__file__).with_name("main.py"))
HOSTILE = "<script>alert(1)</script> **bold** [a](http://evil.example) :red[x] `c` $x$ \u202e.jpg"
IMAGE_KINDS = (Kind.IMAGE, Kind.VIDEO)


def mapping(media: Media) -> Finding:
    """A planted finding with everything that a page can draw."""
    heat = np.zeros((8, 8), np.float32)
    heat[2:4, 2:4] = 1
    ramp = tuple(float(i) for i in range(64))
    return Finding(
        summary="A planted trace was found.",
        llr=3.0,
        notable=True,
        claims=(
            Claim(kind=ClaimKind.SYNTHETIC, basis=Basis.MEASURED, text="A planted hard trace."),
        ),
        facts={"note": HOSTILE},
        heatmap=heat,
        timeline=tuple((frame.time, 1.0) for frame in media.frames),
        plots=(Plot(title="Planted curve", x_label="f", y_label="dB", x=ramp, series={"s": ramp}),),
    )


def credentials(_: Media) -> Finding:
    facts = {
        "state": "valid",
        "integrity": "intact",
        "trust_list": "",
        "says": "ai_made",
        "failures": [],
        "active": {"issuer": HOSTILE, "time": "2025-01-01"},
        "ingredients": [{"depth": 1, "title": HOSTILE}],
    }
    return Finding(summary=f"Signed by {HOSTILE}.", facts=facts)


def fields(_: Media) -> Finding:
    return Finding(summary="Fields.", facts={"fields": {"EXIF": {"Artist": HOSTILE}}})


def breaks(_: Media) -> Finding:
    raise RuntimeError("planted defect")


def silent(_: Media) -> NotApplicable:
    return NotApplicable(code="planted", text="Nothing to say.")


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five known analysers in place of the installed ones."""
    registry.analysers()  # entry points load once: not into the dictionary of this test
    monkeypatch.setattr(registry, "_analysers", {})
    for name, analyse in (
        ("planted", mapping), ("c2pa", credentials), ("metadata", fields),
        ("broken", breaks), ("silent", silent),
    ):  # fmt: skip
        register = registry.analyser(
            name, *IMAGE_KINDS, title=f"The {name} analysis", reads="r", look_for="l",
            ignore="i", paper="p",
        )  # fmt: skip
        register(analyse)


@pytest.fixture
def jpeg() -> bytes:
    rng = np.random.default_rng(3)
    return encoded(rng.integers(0, 255, (48, 64, 3)).astype(np.uint8))


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def opened(*files: tuple[str, bytes]) -> AppTest:
    """The page after these files were uploaded."""
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    assert not at.exception
    if files:
        at.file_uploader(key="files").set_value(
            [(name, data, "application/octet-stream") for name, data in files]
        ).run()
        assert not at.exception
    return at


def text(at: AppTest) -> str:
    """All HTML on the page, in its order."""
    return "\n".join(element.proto.body for element in at.get("html"))


def pictures(at: AppTest) -> list[str]:
    """The addresses of all pictures on the page, in its order."""
    return [url for element in at.image for url in element.value]


def test_the_first_page_says_what_the_tool_cannot_know() -> None:
    at = opened()
    assert at.expander[0].label == "What this tool cannot know"
    assert "Whether what a picture shows happened." in text(at)
    assert 'class="verdict' not in text(at)


@pytest.mark.usefixtures("planted")
def test_the_verdict_comes_first_then_the_evidence(jpeg: bytes) -> None:
    page = text(opened(("face.jpg", jpeg)))
    assert '<span aria-hidden="true">▲</span> synthetic' in page
    assert "Synthetic: a hard trace in the file" in page
    places = [page.index(part) for part in (
        "Synthetic: a hard trace", "Because", "What would change this answer",
        "What this answer cannot know", "Where in the picture", "Curves", "Provenance",
        "Metadata", "Every analysis", "The file and the run",
    )]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.usefixtures("planted")
def test_the_three_outcomes_are_kept_apart(jpeg: bytes) -> None:
    page = text(opened(("face.jpg", jpeg)))
    assert "3 with a finding, 1 failed, 1 not applicable" in page
    failed, silence = page.index("<h3>Failed:"), page.index("<h3>Not applicable:")
    assert page.index("The planted analysis") < failed
    assert failed < page.index("The broken analysis", failed) < silence
    assert silence < page.index("The silent analysis", silence)


@pytest.mark.usefixtures("planted")
def test_the_slider_fades_the_map(jpeg: bytes) -> None:
    at = opened(("face.jpg", jpeg))
    thumbnail, original, overlay = pictures(at)
    assert thumbnail == original
    assert overlay != original
    slider = next(s for s in at.slider if s.label.startswith("Strength"))
    slider.set_value(0).run()
    assert pictures(at) == [original, original, original]


@pytest.mark.usefixtures("planted")
def test_credentials_keep_integrity_trust_and_claims_apart(jpeg: bytes) -> None:
    page = text(opened(("face.jpg", jpeg)))
    for heading, state in (
        ("Integrity", "✓ Nothing was altered"),
        ("Trust", "– The signer is on no list"),
        ("What it says", "▲ It was made by AI"),
    ):
        assert state in page[page.index(f"<h4>{heading}</h4>") :][:400]


@pytest.mark.usefixtures("planted")
def test_text_of_strangers_is_shown_and_never_parsed(jpeg: bytes) -> None:
    at = opened((HOSTILE, jpeg), ("other.jpg", jpeg))
    page = text(at)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; **bold**" in page
    assert "\u202e" not in page
    parsed = [m.value for m in [*at.markdown, *at.caption, *at.error, *at.warning, *at.info]]
    parsed += [e.label for e in [*at.expander, *at.selectbox, *at.slider, *at.button]]
    assert not [t for t in parsed if "script" in t or "bold" in t]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 40, "not supported"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 400, "damaged"),
        (b"%PDF-1.7 not a document", "damaged"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 64, "damaged"),
    ],
    ids=["zero", "garbage", "jpeg", "pdf", "mp4"],
)
def test_what_cannot_be_examined_gets_one_clear_message(data: bytes, reason: str) -> None:
    page = text(opened((HOSTILE, data)))
    assert page.count('role="alert"') == 1
    assert f"Not examined: {reason}" in page
    assert "Traceback" not in page
    assert 'class="verdict' not in page


@pytest.mark.usefixtures("planted")
def test_a_truncated_picture_is_refused(jpeg: bytes) -> None:
    assert "Not examined: damaged" in text(opened(("half.jpg", jpeg[: len(jpeg) // 2])))


def test_a_defect_of_ours_becomes_a_neutral_message(
    jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(examining, "scan", fail)
    page = text(opened(("face.jpg", jpeg)))
    assert "That says nothing about the file." in page
    assert "secret" not in page
    assert "RuntimeError" not in page


@pytest.mark.usefixtures("planted")
def test_a_broken_part_leaves_the_others(jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(view_maps.pictures, "overlay", fail)
    page = text(opened(("face.jpg", jpeg)))
    assert "This part could not be shown." in page
    assert "The file and the run" in page
    assert "secret" not in page


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were scanned, one entry a run."""
    seen: list[str] = []
    real = examining.scan

    def counted(media: Media, *rest: Any) -> Any:
        seen.append(media.name)
        return real(media, *rest)

    monkeypatch.setattr(examining, "scan", counted)
    return seen


@pytest.mark.usefixtures("planted")
def test_a_file_is_scanned_once_a_session(jpeg: bytes, runs: list[str]) -> None:
    at = opened(("face.jpg", jpeg))
    at.run()
    assert runs == ["face.jpg"]
    opened(("face.jpg", jpeg))
    assert runs == ["face.jpg", "face.jpg"], "one session must not see another's reports"


@pytest.mark.usefixtures("planted")
def test_the_starting_point_weighs_again_without_a_run(
    jpeg: bytes, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    term = {"analyser": "planted", "fact": None, "centre": 0.0, "coefficient": 1.0}
    fitted = {"image": {"intercept": 0.0, "terms": [term]}}
    monkeypatch.setattr("unmask.verdict.combiner", lambda: fitted)
    at = opened(("face.jpg", jpeg))
    assert "By measurement: extremely likely to be synthetic (95%)" in text(at)
    at.slider(key="prior").set_value(1).run()
    assert "By measurement: unlikely to be synthetic (17%)" in text(at)
    assert "the starting point was 1%" in text(at)
    assert '<span class="prior" style="left: 1.0%">' in text(at)
    assert '<span class="mark" style="left: 16.9%">' in text(at)
    assert len(runs) == 1


@pytest.mark.usefixtures("planted")
def test_chosen_analyses_alone_are_run(jpeg: bytes, runs: list[str]) -> None:
    at = opened(("face.jpg", jpeg))
    at.multiselect(key="names").set_value(["silent"])
    assert len(runs) == 1
    at.button[0].click().run()
    assert "0 with a finding, 0 failed, 1 not applicable" in text(at)
    assert "Inconclusive" in text(at)


@pytest.mark.usefixtures("planted")
def test_several_files_have_a_selector(jpeg: bytes) -> None:
    at = opened(("one.jpg", jpeg), ("two.jpg", b"\0\1\2"))
    chooser = at.selectbox(key="chosen")
    assert chooser.label == "Which of the 2 files"
    chooser.select_index(1).run()
    assert "Not examined" in text(at)
    options = at.selectbox(key="chosen").options
    assert options[0].startswith("1. one.jpg (▲ synthetic)")
    at.selectbox(key="chosen").select_index(0).run()
    assert at.selectbox(key="chosen").options[1] == "2. two.jpg (✗ not examined)"
    assert "Synthetic: a hard trace" in text(at)


@pytest.mark.usefixtures("planted")
def test_a_clip_has_a_timeline_and_its_frames() -> None:
    at = opened(("clip.bin", clip()))
    page = text(at)
    assert "Over time" in page
    assert "<h3>Second 0." in page
    assert "The planted analysis: 2.7 times as probable from a generator" in page
    frames = len(at.select_slider[0].options)
    assert frames > 2
    assert len(pictures(at)) == 1 + 2 + 1 + frames  # preview, map, chosen frame, strip
    assert at.get("vega_lite_chart") or at.get("arrow_vega_lite_chart")  # named by version


def clip() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(12):
            pixels = np.full((48, 64, 3), i * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("pem", "used"), [(b"no certificate", False), (None, True)], ids=["garbage", "certificate"]
)
@pytest.mark.usefixtures("planted")
def test_roots_live_in_a_temporary_file_alone(
    jpeg: bytes, certificate: bytes, pem: bytes | None, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Path, bytes]] = []
    real = examining.scan

    def watched(media: Media, names: Any = None, settings: Any = None) -> Any:
        given.extend((p, p.read_bytes()) for p in (settings.user_anchors if settings else ()))
        return real(media, names, settings)

    monkeypatch.setattr(examining, "scan", watched)
    at = opened()
    at.file_uploader(key="roots").set_value([("r.pem", pem or certificate, "text/plain")])
    at.button[0].click().run()
    at.file_uploader(key="files").set_value([("a.jpg", jpeg, "image/jpeg")]).run()
    assert [content for _, content in given] == ([certificate] if used else [])
    assert not any(path.exists() for path, _ in given)
    assert ("holds no certificate" in text(at)) is not used


@pytest.fixture(scope="module")
def certificate() -> bytes:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.usefixtures("planted")
def test_an_example_is_examined_like_an_upload(
    tmp_path: Path, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_face.jpg").write_bytes(jpeg)
    monkeypatch.setattr("unmask.app.uploads.example_files.__defaults__", (tmp_path,))
    at = opened()
    assert at.selectbox(key="example").options == ["a face (JPG)"]
    at.selectbox(key="example").select_index(0).run()
    assert "Synthetic: a hard trace" in text(at)
