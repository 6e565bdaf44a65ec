"""A picture through a trained translator: of any size, whole or in tiles; faces cut out for it."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unmask.datasets.picture_arrays import square
from unmask.errors import UnmaskError
from unmask.generate.alignment import YuNet, align
from unmask.generate.entry import PHOTOGRAPHS, Entry
from unmask.generate.pictures import Pixels, to_pixels, to_tensor
from unmask.generate.resnet_translator import STRIDE

LEAST = 16  # pixels a side that a network is given: smaller pictures are padded
# Eyes, nose and corners of the mouth in an aligned face, as parts of its side: medians over 19
# faces of the men-women set, made symmetric. In the order of FaceDetectorYN.
FACE = np.array([(0.36, 0.455), (0.64, 0.455), (0.5, 0.622), (0.388, 0.743), (0.612, 0.743)])
_SURE = 0.6  # of a detection


class TranslationError(UnmaskError):
    """A picture that cannot be translated as asked."""


def domain_of(entry: Entry, into: str) -> str:
    """The domain, "a" or "b", that a kind of the game is, as "paintings"; "" is the usual one.

    That is b, but never photographs, which are what people bring. Raises TranslationError.
    """
    names = dict(zip(entry.kinds, "ab", strict=True)) | {"a": "a", "b": "b"}
    if not into:
        return "a" if entry.kinds[1] == PHOTOGRAPHS else "b"
    if into not in names:
        there = " and ".join(entry.kinds)
        raise TranslationError(f"There is no translation to {into!r} here, only to {there}.")
    return names[into]


def kind_of(entry: Entry, domain: str) -> str:
    """What the domain "a" or "b" shows, as "paintings"."""
    return entry.kinds["ab".index(domain)]


def translate(
    net: nn.Module, pixels: Pixels, *, to: str = "b", tile: int = 512, overlap: int = 64
) -> Pixels:
    """(H, W, 3) -> the same size, as the other domain: `net` holds "ab", "ba" or both.

    A picture of more than `tile` pixels a side goes in tiles, blended over `overlap` pixels. Each
    has its own statistics in the instance norms, so that the colours of far ends may differ from
    those of the whole. Raises TranslationError: no picture, or a way that `net` does not hold.
    """
    return _through([_way(net, to)], pixels, tile, overlap)


def reconstruct(
    net: nn.Module, pixels: Pixels, *, by: str = "b", tile: int = 512, overlap: int = 64
) -> Pixels:
    """(H, W, 3) -> the same, translated to the domain `by` and back without rounding between.

    What returns shows the same scene and was made by a generator: a fake that is aligned with its
    real, for training detectors. Errors and tiles as in `translate`.
    """
    back = "a" if by == "b" else "b"
    return _through([_way(net, by), _way(net, back)], pixels, tile, overlap)


def _way(net: nn.Module, to: str) -> nn.Module:
    ways = {"b": "ab", "a": "ba"}
    held = dict(net.named_children())
    if ways.get(to) not in held:
        there = " and ".join(domain for domain, way in ways.items() if way in held)
        raise TranslationError(f"There is no translation to {to!r} here, only to {there}.")
    return held[ways[to]]


@torch.inference_mode()
def _through(nets: list[nn.Module], pixels: Pixels, tile: int, overlap: int) -> Pixels:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise TranslationError("A picture is (H, W, 3) of bytes, with at least one pixel.")
    if tile % STRIDE or overlap % STRIDE or not 0 <= 2 * overlap < tile or tile < LEAST:
        raise TranslationError(
            f"Tiles are {LEAST} pixels or more, a multiple of {STRIDE} as their overlap, which is"
            f" less than half of them; not {tile} and {overlap}."
        )
    height, width = pixels.shape[:2]
    padded = _padded(pixels)
    device = next(nets[0].parameters()).device
    net = nn.Sequential(*nets)
    images = to_tensor(padded[None]).to(device)
    made = net(images) if max(images.shape[2:]) <= tile else _tiled(net, images, tile, overlap)
    return np.ascontiguousarray(to_pixels(made)[0, :height, :width])


def _padded(pixels: Pixels) -> Pixels:
    """Mirrored on the right and below, to multiples of 4: the grid on which the network learned."""
    room = [max(LEAST, -(-side // STRIDE) * STRIDE) - side for side in pixels.shape[:2]]
    return np.pad(pixels, [(0, room[0]), (0, room[1]), (0, 0)], mode="symmetric")


def _tiled(net: nn.Module, images: Tensor, tile: int, overlap: int) -> Tensor:
    """(1, 3, H, W) -> the same, in tiles whose weights fall to their edges."""
    total, weights = torch.zeros_like(images), torch.zeros_like(images[:, :1])
    for top in _starts(images.shape[2], tile, overlap):
        for left in _starts(images.shape[3], tile, overlap):
            at = (..., slice(top, top + tile), slice(left, left + tile))
            part = images[at]
            ramps = [_ramp(n, overlap).to(images) for n in part.shape[2:]]
            weight = ramps[0][:, None] * ramps[1]
            total[at] += net(part) * weight
            weights[at] += weight
    return total / weights


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin that cover a length; the last ends with it."""
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def _ramp(length: int, overlap: int) -> Tensor:
    """(length,) up over `overlap` pixels, 1, and down again; never 0."""
    place = torch.arange(1, length + 1)
    nearest = torch.minimum(place, length + 1 - place)
    return (nearest / (overlap + 1)).clamp(max=1)


def face_square(pixels: Pixels, side: int, *, model: Path | None = None) -> Pixels:
    """(H, W, 3) -> (side, side, 3): the face that a translator of faces is to be given.

    With the file of a YuNet `model` (Wu et al. 2023), the largest face, turned and scaled so that
    its five landmarks lie as in the training set; without, the middle square, which suits portraits
    alone. Raises TranslationError where there is no face, WeightsError for a model that is none.
    """
    if model is None:
        return square(Image.fromarray(pixels), side)
    faces = YuNet(model, least_score=_SURE)(pixels)
    if not faces:
        raise TranslationError("No face was found in the picture.")
    largest = max(faces, key=lambda face: face.box[2] * face.box[3])
    return align(pixels, largest.landmarks, side, FACE).pixels
