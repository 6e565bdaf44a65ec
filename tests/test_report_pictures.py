"""What reports draw: heat colours, overlays and charts."""

import math
import re

import cv2
import numpy as np
import pytest

from unmask.evidence import Plot
from unmask.report import chart, pictures

RAMP = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)


def test_heat_colours_rise_in_even_steps():
    table = pictures.colours()
    lab = cv2.cvtColor(table[None].astype(np.float32) / 255, cv2.COLOR_RGB2Lab)[0]
    assert (np.diff(lab[::4, 0]) > 0).all()
    assert lab[-1, 0] - lab[0, 0] > 80
    steps = np.linalg.norm(np.diff(lab[::8], axis=0), axis=1)
    assert steps.max() / steps.min() < 1.35


def test_overlay_goes_from_the_picture_to_the_map():
    picture = np.random.default_rng(1).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(pictures.overlay(picture, RAMP, 0), picture)
    whole = pictures.overlay(picture, np.ones((3, 2), np.float32), 1)
    assert (whole == pictures.colours()[255]).all()
    half = pictures.overlay(np.full((1, 1, 3), 100, np.uint8), np.zeros((1, 1), np.float32), 0.5)
    np.testing.assert_allclose(half[0, 0], (100 + pictures.colours()[0]) / 2, atol=0.51)
    spoilt = pictures.overlay(picture, np.array([[np.nan, np.inf, -5]], np.float32), 0.7)
    assert spoilt.shape == picture.shape
    with pytest.raises(ValueError, match="heatmap"):
        pictures.overlay(picture, np.zeros((2, 2, 3), np.float32))


def test_chart_puts_points_where_they_belong():
    plot = Plot(
        title="t", x_label="x", y_label="y", x=(0.0, 5.0, 10.0), series={"s": (0.0, 2.0, 1.0)}
    )
    drawn = chart.chart(plot)
    points = [
        [float(v) for v in p.split()] for p in re.findall(r"[ML]([\d. ]+)", drawn.lines[0].path)
    ]
    assert [x for x, _ in points] == [drawn.left, (drawn.left + drawn.right) / 2, drawn.right]
    low, high, middle = (y for _, y in points)
    assert drawn.top < high < middle < low < drawn.bottom
    assert middle == pytest.approx((low + high) / 2, abs=0.1)
    assert [tick.label for tick in drawn.x_ticks] == ["0", "2", "4", "6", "8", "10"]
    assert "from 0 to 2, highest at 5" in drawn.description


def test_chart_keeps_gaps_and_peaks_and_bears_nonsense():
    gappy = Plot(
        title="", x_label="", y_label="", x=(0.0, 0.1, 0.2, 0.3), series={"s": (3, 2, math.nan, 1)}
    )
    assert chart.chart(gappy).lines[0].path.count("M") == 2
    many = tuple(float(n) for n in range(50_000))
    peak = tuple(9.0 if n == 31_234 else 0.0 for n in range(50_000))
    drawn = chart.chart(Plot(title="", x_label="", y_label="", x=many, series={"s": peak}))
    assert len(drawn.lines[0].path) < 10_000
    assert min(float(y) for y in re.findall(r" ([\d.]+)", drawn.lines[0].path)) < 30
    for values in (
        (),
        (1.0,),
        (math.nan,) * 3,
        (1e308, -1e308, 0.0),
        (5.0,) * 3,
        (0.0, 5e-324, 0.0),
    ):
        chart.chart(Plot(title="", x_label="", y_label="", x=many[:3], series={"s": values}))
    assert chart.timeline(()) is None
    above = chart.timeline(((1.0, 3.0), (0.0, 2.0)))
    assert above.zero is not None
    assert above.top < above.zero < above.bottom
