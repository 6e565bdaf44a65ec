"""From networks' tensors to pictures that a person looks at: sheets, films."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
LEAST_SIDE = 64  # pixels a side of a tile in a sheet: smaller ones are enlarged, unsmoothed


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 1 or 3, H, W) in [-1, 1] -> (N, H, W, 3); values beyond are clipped."""
    scaled = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if scaled.shape[1] == 1:
        scaled = scaled.expand(-1, 3, -1, -1)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, C) -> (N, C, H, W) in [-1, 1]."""
    writable = np.require(pixels, requirements="W")  # of a file mapped into memory, a copy
    return torch.from_numpy(writable).permute(0, 3, 1, 2).float() / 127.5 - 1


def sheet(images: Tensor, columns: int | None = None) -> Pixels:
    """(N, C, H, W) in [-1, 1] -> one picture with the images in rows, N / columns of them."""
    return tiled(to_pixels(images), columns)


def tiled(tiles: NDArray[np.uint8], columns: int | None = None) -> Pixels:
    """(N, H, W, 3) -> one picture with the tiles in rows, as square as can be by itself."""
    n, height, width, _ = tiles.shape
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    room = np.full((rows * columns, height, width, 3), 255, np.uint8)
    room[:n] = tiles
    joined = room.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    whole = joined.reshape(rows * height, columns * width, 3)
    times = max(1, LEAST_SIDE // height)
    enlarged: Pixels = whole.repeat(times, 0).repeat(times, 1)
    return enlarged


def save_sheet(images: Tensor, path: Path, columns: int | None = None) -> None:
    """Write a sheet as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet(images, columns)).save(path, "PNG")


def png(pixels: Pixels) -> bytes:
    """As a file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def film(frames: Sequence[Pixels], *, milliseconds: int = 300) -> bytes:
    """An animated WebP; the last frame stands for a while. Raises ValueError without any."""
    if not frames:
        raise ValueError("a film needs a frame")
    first, *rest = (Image.fromarray(frame) for frame in frames)
    times = [milliseconds] * len(rest) + [5 * milliseconds]
    out = io.BytesIO()
    first.save(out, "WEBP", save_all=True, append_images=rest, duration=times, loop=0, quality=85)
    return out.getvalue()


def mp4(frames: Sequence[Pixels], *, rate: int = 12) -> bytes:
    """A clip of H.264, `rate` frames a second; odd sides lose a row. ValueError without any."""
    import av  # what makes pictures must not wait for it

    if not frames:
        raise ValueError("a clip needs a frame")
    height, width = (n - n % 2 for n in frames[0].shape[:2])  # H.264 halves the chroma
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def strip(frames: Sequence[Pixels], *, count: int = 12, side: int = 256) -> Pixels:
    """The upper left `side` pixels of `count` frames, spread evenly, side by side."""
    if not frames:
        raise ValueError("a strip needs a frame")
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return np.concatenate([frames[i][:side, :side] for i in chosen], axis=1)
