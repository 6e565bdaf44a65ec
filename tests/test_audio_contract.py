"""Contracts that every analyser of sound keeps: a new one is tested for free."""

import io
import json
from fractions import Fraction

import av
import numpy as np
import pytest
import tones

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.media import Media, open_bytes
from unmask.registry import Analyser, analysers
from unmask.report.clean import json_value

ALL = [
    one for one in analysers(Kind.AUDIO) if one.analyse.__module__.startswith("unmask.forensics")
]


def film(samples: tones.Samples | None, rate: int = 16000) -> bytes:
    """Two seconds of grey, with sound or without."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        sound = (
            container.add_stream("aac", rate=rate, layout="mono") if samples is not None else None
        )
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 100 + i, np.uint8), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        if sound is not None and samples is not None:
            tones.mux(container, sound, (samples * 32767).astype(np.int16))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def sounds() -> dict[str, Media]:
    stereo = np.stack([tones.voice(14, seed=1), tones.voice(14, seed=2)], axis=1)
    return {
        "voice": tones.recording(tones.voice(14)),
        "stereo": tones.recording(stereo),
        "chords": tones.recording(tones.chords(14)),
        "short": tones.recording(tones.voice(0.2)),
        "silence": tones.recording(np.zeros(16000 * 14, np.float32)),
        "film": open_bytes(film(tones.voice(14)), "a.mp4"),
        "silent film": open_bytes(film(None), "a.mp4"),
    }


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_an_analyser_answers_by_the_contract(one: Analyser, sounds: dict[str, Media]) -> None:
    for name, media in sounds.items():
        if media.kind not in one.kinds:
            continue
        before = None if media.waveform is None else media.waveform.copy()
        answer = one.analyse(media)
        if before is not None:
            assert np.array_equal(media.waveform, before)
        if isinstance(answer, NotApplicable):
            assert answer.code == answer.code.lower()
            assert answer.text.endswith(".")
            continue
        assert isinstance(answer, Finding), name
        assert answer.summary.endswith("."), answer.summary
        assert json.loads(json.dumps(json_value(answer.facts))) == json_value(answer.facts)
        for plot in answer.plots:
            assert all(len(y) == len(plot.x) for y in plot.series.values())
        for start, end in answer.facts.get("regions", []):
            assert 0 <= start < end
            assert isinstance(start, float)


SIGNAL = [one for one in ALL if one.analyse.__module__.startswith("unmask.forensics.audio")]


@pytest.mark.parametrize("one", SIGNAL, ids=lambda one: one.name)
def test_the_sound_track_of_a_clip_is_read_as_a_recording(
    one: Analyser, sounds: dict[str, Media]
) -> None:
    assert Kind.VIDEO in one.kinds
    silent = one.analyse(sounds["silent film"])
    assert isinstance(silent, NotApplicable)
    assert silent.code == "no_sound"
    # What the tests make has no words in it.
    expected = NotApplicable if one.name == "speech" else Finding
    assert isinstance(one.analyse(sounds["film"]), expected)


def test_there_are_eight_that_read_the_signal() -> None:
    assert len(SIGNAL) == 8
