"""JPEG ghosts: regions that were saved before at another quality than the picture around them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.ela import recompress
from unmask.forensics.jpeg_file import read_header
from unmask.forensics.jpeg_quality import match_table
from unmask.forensics.planes import (
    Plane,
    bands,
    block_mean,
    coverage,
    flat,
    heatmap,
    narrow,
    stored_luma,
    upright,
)
from unmask.media import Media
from unmask.media.sniff import JPEG
from unmask.registry import analyser

QUALITIES = tuple(range(30, 101, 5))
BLOCK = 16  # pixels a side of the blocks over which differences are averaged
_FLOOR = 0.3  # squared grey levels: below it rounding rules, and ratios mean nothing
_PIXELS = 3_000_000
_DEPTH = 0.4  # of a block's dip in log difference to count as part of a ghost
# Chosen in view of all 210 photographs, of which 4 have a ghost by these: that rate is fitted. Of
# 350 FFHQ faces not looked at before, 7 have (2 %; Clopper-Pearson 95 %: 0.8-4.1 %). Planted parts
# of 128 pixels in 102 of the photographs are found in 99 % (quality 60 in 90, 50 in 75), 93 % (70
# in 90) and 66 % (62 in 90).
_MIN_BLOCKS = 32
_MIN_DEPTH = 0.6


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """A connected region that was a JPEG of a lower quality than the file."""

    quality: int  # of the recompression at which it vanishes, a multiple of 5
    depth: float  # mean drop of the log squared difference there
    blocks: int  # of 16 x 16 pixels
    mask: NDArray[np.bool_]  # (H // 16, W // 16)


def difference_curves(luma: NDArray[np.uint8]) -> Plane:
    """(H, W) uint8 to (15, H // 16, W // 16): log of the mean squared difference between a block
    and its recompression at qualities 30, 35, ..., 100. Farid 2009.
    """
    base = luma.astype(np.float32)
    squared = [block_mean((base - recompress(luma, q)) ** 2, BLOCK) for q in QUALITIES]
    return np.asarray(np.log(np.stack(squared) + _FLOOR), dtype=np.float32)


def dips(curves: Plane) -> Plane:
    """(15, h, w) to (13, h, w): how far each curve lies below its two neighbours at qualities
    35-95, smoothed over 3 x 3 blocks. The logarithm stands in for Farid's division by the
    largest difference, since it also compares blocks of unlike detail.
    """
    drop = (curves[:-2] + curves[2:]) / 2 - curves[1:-1]
    return np.stack([cv2.blur(d, (3, 3)) for d in drop])


def own_quality(dip: Plane) -> int:
    """The quality at which most of the picture dips: its last compression. 101 if at none."""
    middle = np.median(dip, axis=(1, 2))
    best = int(middle.argmax())
    return QUALITIES[best + 1] if middle[best] > 0.15 else 101


def find_ghost(dip: Plane, own: int) -> Ghost | None:
    """The largest connected ghost at a quality 8 or more below `own`, or None.

    Only dips beyond the picture's own median count: an overall dip is an earlier compression
    of the whole picture.
    """
    best: Ghost | None = None
    for quality, drop in zip(QUALITIES[1:-1], dip, strict=True):
        if quality > own - 8:
            break
        excess = drop - max(0.0, float(np.median(drop)))
        count, labels, stats, _ = cv2.connectedComponentsWithStats((excess > _DEPTH).astype("u1"))
        if count < 2:
            continue
        label = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        mask = labels == label
        depth, blocks = float(excess[mask].mean()), int(mask.sum())
        large = blocks >= _MIN_BLOCKS and depth >= _MIN_DEPTH
        if large and (best is None or blocks > best.blocks):
            best = Ghost(quality=quality, depth=depth, blocks=blocks, mask=mask)
    return best


@analyser(
    "jpeg_ghosts",
    Kind.IMAGE,
    title="JPEG ghosts",
    reads="The picture saved again at 15 qualities: a part that was a JPEG of lower quality "
    "before changes least at that quality.",
    look_for="A region with a clear outline, such as an object or a person, that stands out at one "
    "quality while the rest does not.",
    ignore="White or cut-out backgrounds, very dark parts and drawings can dip at low qualities "
    "without any change. A part pasted from a JPEG leaves no ghost if it was moved off its "
    "8-pixel grid, resized, or if the file was saved at a lower quality than the part had.",
    paper="Farid 2009",
)
def jpeg_ghosts(media: Media) -> Finding | NotApplicable:
    """Find the largest region that was saved before at a lower quality than the file."""
    luma = stored_luma(media)
    stored = luma.shape
    luma = np.ascontiguousarray(narrow(bands(luma, _PIXELS), _PIXELS))
    if min(luma.shape) < 8 * BLOCK:
        return NotApplicable(code="too_small", text="The picture is under 128 pixels.")
    if flat(luma):
        return NotApplicable(code="flat", text="The picture has no detail to compress.")
    dip = dips(difference_curves(luma))
    own = _file_quality(media) or own_quality(dip)
    ghost = find_ghost(dip, own)
    usable = [i for i, q in enumerate(QUALITIES[1:-1]) if q <= own - 8]
    excess = dip - np.maximum(np.median(dip, axis=(1, 2), keepdims=True), 0)
    heat = excess[usable].max(axis=0) if usable else np.zeros_like(dip[0])
    facts = {
        "own_quality": own if own <= 100 else None,
        "median_dips": {
            str(q): round(float(np.median(d)), 3) for q, d in zip(QUALITIES[1:-1], dip, strict=True)
        },
        "ghost_quality": ghost.quality if ghost else None,
        "ghost_depth": round(ghost.depth, 3) if ghost else None,
        "ghost_share": round(ghost.blocks / ghost.mask.size, 4) if ghost else 0.0,
        **coverage(luma, *stored),
    }
    return Finding(
        summary=_sentence(ghost),
        notable=ghost is not None,
        facts=facts,
        heatmap=upright(heatmap(heat, 0.1, 1.0), media),
    )


def _file_quality(media: Media) -> int | None:
    if media.format is not JPEG:
        return None
    header = read_header(media.data)
    number = header.components[0].table if header.components else -1
    return match_table(header.tables[number]).quality if number in header.tables else None


def _sentence(ghost: Ghost | None) -> str:
    if ghost is None:
        return "No region looks as if it had been saved before at a lower JPEG quality."
    share = 100 * ghost.blocks / ghost.mask.size
    return (
        f"A connected region ({share:.0f}% of the picture) looks as if it had been saved before "
        f"as a JPEG of about quality {ghost.quality}, unlike the rest: it may come from another "
        "picture."
    )
