"""How a sound is shown: its picture, stretches and player, in HTML and in the terminal."""

import io
import wave
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tones
from rich.console import Console

from unmask import registry
from unmask.evidence import Finding, Kind
from unmask.media import Media, open_bytes
from unmask.report.html_report import to_html
from unmask.report.sound import (
    SPECTRUM,
    WAVE,
    WIDTH,
    Stretches,
    figure,
    heard,
    spectrogram,
    wav,
    waveform,
)
from unmask.report.stretches import stretches, told
from unmask.report.terminal import render
from unmask.scan import Report, scan
from unmask.sound import Region

RATE = 16000


def planted(regions: Any, **more: Any) -> Report:
    """A report on four seconds of sound, with one finding that points at `regions`."""

    def analyse(_: Media) -> Finding:
        return Finding(summary="Planted.", facts={"regions": regions}, **({"notable": True} | more))

    about = registry.Analyser(
        name="planted", title="Planted <b>analysis", kinds=frozenset({Kind.AUDIO}), reads="r",
        look_for="l", ignore="i", paper="p", analyse=analyse,
    )  # fmt: skip
    known = registry._analysers
    kept = dict(known)
    known["planted"] = about
    try:
        return scan(tones.recording(tones.voice(4)), ["planted"])
    finally:
        known.clear()
        known.update(kept)


def shown(report: Report) -> str:
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    console.print(render(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_tone_is_dark_at_its_frequency_alone() -> None:
    grey = spectrogram(tones.tone(4, 1000), RATE)
    assert grey.shape == (SPECTRUM, WIDTH)
    row = int(grey.mean(axis=1).argmin())
    frequency = 60 * (8000 / 60) ** (1 - (row + 0.5) / SPECTRUM)
    assert frequency == pytest.approx(1000, rel=0.03)
    assert grey[row].max() < 60
    assert grey[row + 40].min() > 200


def test_the_waveform_is_as_high_as_the_sound_is_loud() -> None:
    samples = tones.noise(4, level=0.2)
    samples[2 * RATE :] *= 0.1
    dark = (waveform(samples) < 100).sum(axis=0)
    assert dark[:400].mean() > 4 * dark[-400:].mean()


@pytest.mark.parametrize("size", [1, 2, 50, 900, 100_000])
@pytest.mark.parametrize("rate", [1, 4000, 44100, 192_000])
def test_any_length_and_rate_is_drawn(size: int, rate: int) -> None:
    view = heard(tones.noise(1, 200_000)[:size], rate)
    assert view.picture.shape == (WAVE + 8 + SPECTRUM, WIDTH, 3)
    assert figure(view, [Stretches(title="x", regions=(Region(0, 1e9),))]).ndim == 3


def test_shading_is_where_the_stretch_is() -> None:
    view = heard(tones.noise(10), RATE)
    plain = figure(view)
    shaded = figure(view, [Stretches(title="One", regions=(Region(2, 3),))])
    differs = (shaded[: plain.shape[0] - 26] != plain[:-26]).any(axis=(0, 2))
    columns = np.flatnonzero(differs[58 : 58 + WIDTH])
    assert columns.min() == pytest.approx(2 * WIDTH / 10, abs=2)
    assert columns.max() == pytest.approx(3 * WIDTH / 10, abs=2)


def test_what_is_played_fits_and_keeps_its_length() -> None:
    samples = tones.voice(4, 44100)
    for most, rate in ((1_000_000, 44100), (250_000, 24000), (70_000, 8000)):
        data = wav(samples, 44100, most)
        assert len(data) <= most
        with wave.open(io.BytesIO(data)) as file:
            assert file.getframerate() == rate
            assert file.getnframes() / rate == pytest.approx(4, abs=0.01)
    assert wav(samples, 44100, 1000) == b""


def test_stretches_reach_every_report() -> None:
    report = planted([[0.5, 1.25], [3, 3.5]])
    (one,) = stretches(report)
    assert told(one) == "0:00.5 to 0:01.2 and 0:03 to 0:03.5"
    assert "Planted <b>analysis: 0:00.5 to 0:01.2" in shown(report)
    page = to_html(report)
    assert "<audio controls" in page
    assert "data:audio/wav;base64," in page
    assert "Planted &lt;b&gt;analysis" in page
    assert "0:03 to 0:03.5" in page
    assert "Planted <b>" not in page


@pytest.mark.parametrize(
    "regions",
    [None, "abc", 3, [3], ["ab"], [["a", "b"]], [[1]], [[2, 1]], [[float("nan"), 2]],
     [[0, float("inf")]], {"a": 1}, [[1, 2, 3, 4]]],
)  # fmt: skip
def test_regions_that_are_none_are_left_out(regions: Any) -> None:
    report = planted(regions)
    assert stretches(report) == ()
    assert "Where in the sound" not in shown(report)


def test_only_what_is_suspicious_is_shaded() -> None:
    assert stretches(planted([[1, 2]], notable=False)) == ()
    assert stretches(planted([[1, 2]], notable=False, llr=-1.0)) == ()
    assert stretches(planted([[1, 2]], notable=False, llr=1.0))


def test_many_stretches_are_cut_short() -> None:
    one = Stretches(title="x", regions=tuple(Region(i, i + 0.5) for i in range(30)))
    assert told(one).endswith("and 22 more")


def test_a_long_recording_makes_no_heavy_page() -> None:
    report = scan(tones.recording(tones.noise(120, 8000), 8000), ["metadata"])
    assert report.sound is not None
    assert report.sound.player == b""
    page = to_html(report)
    assert "<audio" not in page
    assert len(page) < 1_500_000


def test_other_kinds_have_no_sound(photograph_jpeg: bytes) -> None:
    report = scan(open_bytes(photograph_jpeg, "a.jpg"), ["metadata"])
    assert report.sound is None
    assert 'id="sound"' not in to_html(report)
    assert 'id="sound"' not in to_html(replace(report, kind=Kind.VIDEO))
