"""Pictures that tests make: a scene with a photograph's statistics, a corpus of pairs, files."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.encodings import resize
from unmask.media import Media, open_bytes


def scene(height: int = 320, width: int = 384, seed: int = 0) -> NDArray[np.uint8]:
    """A picture with a photograph's spectrum: 1/f noise, a few shapes, grain; never a JPEG."""
    rng = np.random.default_rng(seed)
    v, u = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    fall = 1 / np.maximum(np.hypot(u, v), 1 / max(height, width)) ** 1.2
    planes = [
        np.fft.irfft2(fall * np.fft.rfft2(rng.normal(size=(height, width))), (height, width))
        for _ in range(2)
    ]
    base = planes[0] / planes[0].std() * 32 + 120
    tint = planes[1] / planes[1].std() * 6
    rgb = np.stack([base + tint, base, base - tint], axis=2)
    for _ in range(5):
        y, x, r = rng.integers(0, height), rng.integers(0, width), rng.integers(15, 45)
        rows, columns = np.mgrid[0:height, 0:width]
        rgb[np.hypot(rows - y, columns - x) < r] += rng.normal(0, 25)
    rgb += rng.normal(0, 2.5, rgb.shape)
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def encoded(rgb: NDArray[np.uint8], **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, str(options.pop("format", "JPEG")), **options)
    return buffer.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def opened(data: bytes) -> Media:
    return open_bytes(data, "picture")


def _save(pixels: NDArray[np.uint8], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def paired_corpus(root: Path, count: int = 12, corpora: tuple[str, ...] = ("toy",)) -> list[Sample]:
    """Photographs with a reconstruction each, and a generator's fakes without: both on a grid."""
    rng = np.random.default_rng(2)
    board = (np.indices((96, 96)).sum(0) % 2 * 60).astype(np.uint8)[..., None]
    found = []
    for split in (Split.TRAIN, Split.VALIDATION):
        for i in range(count):
            real = resize(rng.integers(40, 150, (12, 12, 3), dtype=np.uint8), 8)
            source = f"{split}/{i}"
            for name, pixels in ((CAMERA, real), ("decoder", real + board)):
                path = _save(pixels, root / "set" / name / f"{split}-{i}.png")
                found.append(
                    Sample(path=path, fake=name != CAMERA, generator=name,
                           corpus=corpora[i % len(corpora)], source=source, split=split)
                )  # fmt: skip
            lone = resize(rng.integers(40, 150, (12, 12, 3), dtype=np.uint8), 8) + board
            path = _save(lone, root / "gan" / f"{split}-{i}.png")
            found.append(
                Sample(path=path, fake=True, generator="gan", corpus=corpora[i % len(corpora)],
                       source=f"gan/{source}", split=split)
            )  # fmt: skip
    return found
