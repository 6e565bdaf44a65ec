"""A photograph through an autoencoder, and its real beside it: alike in all but the trace."""

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.blending import own_quality_jpeg
from unmask.datasets.decoders import Autoencoder

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
GRID = 16  # pixels of a JPEG unit at 4:2:0: a crop at its multiples keeps the blocks where they are
TILE = 640


@torch.inference_mode()
def reconstruct(
    net: Autoencoder, pixels: Pixels, *, tile: int = TILE, margin: int | None = None
) -> Pixels:
    """A picture of any size through the autoencoder, in tiles that overlap by twice `margin`.

    The margin, eight cells of the bottleneck unless given, is thrown away, so that no seam shows.
    Both are rounded to whole cells.
    """
    cell = net.factor
    margin = 8 * cell if margin is None else -(-margin // cell) * cell
    inner = max(cell, (tile - 2 * margin) // cell * cell)
    height, width = pixels.shape[:2]
    # Mirrored outwards: a decoder's zero padding would frame the fake, and that is no trace of it.
    frame = 4 * cell
    spare = ((frame, frame + -height % cell), (frame, frame + -width % cell), (0, 0))
    whole = np.pad(pixels, spare, mode="symmetric")
    if max(whole.shape[:2]) <= tile:
        return _through(net, whole)[frame : frame + height, frame : frame + width]
    out = np.empty_like(whole)
    for top in range(0, whole.shape[0], inner):
        for left in range(0, whole.shape[1], inner):
            first = max(0, top - margin), max(0, left - margin)
            part = whole[first[0] : top + inner + margin, first[1] : left + inner + margin]
            done = _through(net, part)[top - first[0] :, left - first[1] :]
            out[top : top + inner, left : left + inner] = done[:inner, :inner]
    return out[frame : frame + height, frame : frame + width]


def _through(net: Autoencoder, pixels: Pixels) -> Pixels:
    images = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None].float() / 255
    out: Pixels = np.rint(net(images)[0].numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
    return out


def psnr(real: Pixels, fake: Pixels) -> float:
    """Peak signal-to-noise ratio in dB; higher is closer, infinite where they are equal."""
    error = np.mean((real.astype(np.float64) - fake) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def middle(pixels: Pixels, side: int) -> Pixels:
    """The middle, at most `side` pixels each way, cut along the grid of JPEG."""
    slices = []
    for length in pixels.shape[:2]:
        kept = min(side, length) // GRID * GRID
        start = (length - kept) // 2 // GRID * GRID
        slices.append(slice(start, start + kept))
    return np.ascontiguousarray(pixels[slices[0], slices[1]])


def pair(
    net: Autoencoder, photograph: bytes, *, side: int, own_quality: bool
) -> tuple[Pixels, Pixels]:
    """The middle of a photograph and its reconstruction, of one size.

    With `own_quality` and a JPEG, the fake has been through the real's tables as well: else the
    real's block grid, which the decoder wipes away, would tell them apart.
    """
    real = middle(decoded(photograph), side)
    fake = reconstruct(net, real)
    if own_quality and photograph[:3] == b"\xff\xd8\xff":
        fake = own_quality_jpeg(fake, photograph)
    return real, fake


def decoded(data: bytes) -> Pixels:
    """The pixels of a file as they are stored: turned by no EXIF, so that a JPEG's grid stays."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
