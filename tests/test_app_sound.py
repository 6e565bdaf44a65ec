"""The front end on recordings: verdict first, the picture of the sound, a player, curves."""

from pathlib import Path

import pytest
import tones
from streamlit.testing.v1 import AppTest

import unmask.app
from unmask import registry
from unmask.evidence import Finding, Kind
from unmask.media import Media

MAIN = str(Path(unmask.app.__file__).with_name("main.py"))


def pointing(_: Media) -> Finding:
    return Finding(
        summary="A planted stretch.",
        notable=True,
        facts={"regions": [[1.5, 3.0]]},
        timeline=((0.5, -1.0), (1.5, 2.0), (2.5, 2.5), (3.5, -1.5)),
    )


def quiet(_: Media) -> Finding:
    return Finding(summary="Nothing.", facts={"regions": [[0.0, 1.0]]})


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two known analysers in place of the installed ones."""
    registry.analysers()
    monkeypatch.setattr(registry, "_analysers", {})
    for name, analyse in (("pointing", pointing), ("quiet", quiet)):
        registry.analyser(
            name, Kind.AUDIO, Kind.VIDEO, title=f"The {name} *analysis*", reads="r", look_for="l",
            ignore="i", paper="p",
        )(analyse)  # fmt: skip


def opened(data: bytes, name: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.file_uploader(key="files").set_value([(name, data, "application/octet-stream")]).run()
    assert not at.exception
    return at


def text(at: AppTest) -> str:
    return "\n".join(element.proto.body for element in at.get("html"))


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("form", "codec"),
    [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"),
     ("mp4", "aac")],
)  # fmt: skip
def test_a_recording_is_shown_and_played(form: str, codec: str) -> None:
    rate = 48000 if codec == "libopus" else 16000
    at = opened(tones.encoded(tones.voice(4, rate), rate, form, codec), f"a.{form}")
    page = text(at)
    places = [page.index(part) for part in (
        'class="verdict', "Because", "The sound</bdi>", "Over time", "Every analysis",
    )]  # fmt: skip
    assert places == sorted(places)
    assert "The pointing *analysis*: 0:01.5 to 0:03" in page
    assert "The quiet *analysis*: " not in page
    assert len(at.image) == 1
    (player,) = at.get("audio")
    assert player.proto.url
    assert player.proto.start_time == 0


@pytest.mark.usefixtures("planted")
def test_the_player_starts_before_the_chosen_stretch() -> None:
    at = opened(tones.wav(tones.voice(4)), "a.wav")
    choice = next(s for s in at.selectbox if s.label == "Play from")
    assert choice.options == ["the start", "0:01.5 (The pointing *analysis*)"]
    choice.set_value(1).run()
    assert not at.exception
    (player,) = at.get("audio")
    assert player.proto.start_time == 0  # a second before 1.5, in whole seconds


def test_a_recording_goes_through_all_installed_analysers() -> None:
    at = opened(tones.wav(tones.voice(3)), "a.wav")
    page = text(at)
    assert 'class="verdict' in page
    assert "Bandwidth and cut-off" in page
    assert "could not be shown" not in page
