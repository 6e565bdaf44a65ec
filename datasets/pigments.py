"""What makes a painted picture look old: its palette, its dark ground, its paint and its canvas.

Pure functions of arrays. Pictures are (H, W, 3) float32 RGB in [0, 1]; lengths are in pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from unmask.datasets.brushwork import Floats, luminance

Lab = tuple[float, float, float]  # CIE L* in [0, 100], a*, b*


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The pigments of a painter: what darks, halves and lights are drawn to."""

    dark: Lab
    middle: Lab
    light: Lab
    hold: float  # 0: hues stay; 1: all hues are the palette's
    chroma: float = 1.0  # that is left of the photograph's
    gamma: float = 1.0  # above 1: darker halves
    ground: Lab = (30.0, 8.0, 16.0)  # what the canvas is primed with, and what is far behind


def toned(picture: Floats, palette: Palette) -> Floats:
    """The picture in the palette's colours, its darks at `dark` and its lights at `light`."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    light = np.clip(lab[..., 0] / 100, 0, 1) ** palette.gamma
    ramp = np.array((palette.dark, palette.middle, palette.light), np.float32)
    at = (0.0, 0.5, 1.0)
    lab[..., 0] = palette.dark[0] + light * (palette.light[0] - palette.dark[0])
    for axis in (1, 2):
        own = palette.chroma * lab[..., axis]
        lab[..., axis] = own + palette.hold * (np.interp(light, at, ramp[:, axis]) - own)
    return rgb_of(lab)


def rgb_of(lab: Floats) -> Floats:
    """(H, W, 3) L*a*b* -> RGB, what no screen shows cut off."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1), np.float32)


def primed(shape: tuple[int, int], ground: Lab, rng: np.random.Generator) -> Floats:
    """A canvas of that height and width, unevenly rubbed with one colour."""
    cloud = rng.standard_normal((8, 8)).astype(np.float32)
    cloud = cv2.resize(cloud, shape[::-1], interpolation=cv2.INTER_CUBIC)
    lab = np.empty((*shape, 3), np.float32)
    lab[:] = ground
    lab[..., 0] += 3 * cloud
    return rgb_of(lab)


def vignette(shape: tuple[int, int], inner: float = 0.75, outer: float = 1.3) -> Floats:
    """(H, W) in [0, 1]: 0 in an upright ellipse about the middle, 1 in the corners.

    `inner` and `outer` are where it begins and ends; at 1 the ellipse touches both sides.
    """
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(2 * (x + 0.5) / width - 1, 0.85 * (2 * (y + 0.5) / height - 1))
    t = np.clip((away - inner) / (outer - inner), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def lit(picture: Floats, height: Floats, strength: float) -> Floats:
    """Paint of an (H, W) height under light from above and left, as ridges catch it.

    A slope of 1 a pixel changes brightness by `strength` (after Hertzmann 2002, "Fast paint
    texture").
    """
    shade = np.clip(strength * _slope(height), -0.25, 0.25)
    return np.asarray((picture * (1 + shade[..., None])).clip(0, 1), np.float32)


def _slope(height: Floats) -> Floats:
    x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray((x + y) * np.float32(np.sqrt(0.5)))


def woven(picture: Floats, period: float, strength: float, rng: np.random.Generator) -> Floats:
    """The picture on canvas: threads over and under each other, where paint lies thin most.

    `period` is the distance of two threads, `strength` how much brighter a thread's crown is.
    """
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) * np.float32(2 * np.pi / period)
    # Threads are of unequal thickness and not straight.
    wander = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 4 * period)
    wander = (wander / max(float(wander.std()), 1e-9)).astype(np.float32)
    weave = np.sin(x + wander) * np.sin(y - wander)
    weave += 0.5 * rng.standard_normal((height, width)).astype(np.float32)
    thin = 0.4 + 0.6 * (1 - luminance(picture))  # lights are laid on thickest
    return np.asarray((picture + strength * (thin * weave)[..., None]).clip(0, 1), np.float32)
