"""How the file was compressed: tables, quality, sampling, scans; or a former JPEG's quality."""

from typing import Any

import numpy as np

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.jpeg_file import Component, Header, read_header
from unmask.forensics.jpeg_grid import aligned_dct, grid_votes, main_grid
from unmask.forensics.jpeg_quality import TableMatch, former_quality, match_table
from unmask.forensics.planes import bands, drawn, flat, gray, has_own_blocks, narrow
from unmask.media import Media
from unmask.media.sniff import JPEG
from unmask.registry import analyser

_VOTING_PIXELS = 2_000_000  # of a picture that is no JPEG, read for a former grid


def subsampling(components: tuple[Component, ...]) -> str:
    """Name the chroma sampling of a frame header: 4:4:4, 4:2:2, 4:4:0, 4:2:0, ..., or none."""
    if len(components) < 3:
        return "none" if len(components) == 1 else "unknown"
    first, second, third = components[:3]
    if (second.horizontal, second.vertical) != (third.horizontal, third.vertical):
        return "unusual"
    if not second.horizontal or not second.vertical:
        return "unusual"
    ratio = (first.horizontal / second.horizontal, first.vertical / second.vertical)
    names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (1, 2): "4:4:0", (2, 2): "4:2:0", (4, 1): "4:1:1"}
    return names.get((int(ratio[0]), int(ratio[1])), "unusual")


def describe(header: Header) -> dict[str, Any]:
    """JSON facts of a JPEG header; the quality is libjpeg's, 1-100, of the luma table."""
    matches = _matches(header)
    return {
        "process": header.process,
        "scans": header.scans,
        "subsampling": subsampling(header.components),
        "quality": matches[0].quality if matches else None,
        "quality_exact": bool(matches) and all(m.exact for m in matches),
        "chroma_quality": matches[1].quality if len(matches) > 1 else None,
        "table_origin": _origin(matches),
        "tables": {str(n): t.tolist() for n, t in sorted(header.tables.items())},
        "restart_interval": header.restart_interval,
        "segments": list(header.segments[:64]),
        "adobe_transform": header.adobe_transform,
        "save_for_web_quality": header.ducky_quality,
    }


def _matches(header: Header) -> list[TableMatch]:
    """Of the luma table, then of the chroma table where there is another."""
    found = []
    for i, component in enumerate(header.components[:2]):
        table = header.tables.get(component.table)
        if table is not None:
            # A file that uses one table for all planes has no chroma table to compare.
            chroma = i == 1 and component.table != header.components[0].table
            found.append(match_table(table, chroma))
    return found


def _origin(matches: list[TableMatch]) -> str:
    origins = {m.origin for m in matches}
    if not origins:
        return "none"
    if len(origins) == 1 and not (origins == {"libjpeg"} and len({m.quality for m in matches}) > 1):
        return origins.pop()
    return "non-standard" if "non-standard" in origins else "mixed"


def _sentence(facts: dict[str, Any]) -> str:
    quality = facts["quality"]
    if quality is None:
        return "The JPEG names no quantisation table that could be read."
    origin = facts["table_origin"]
    if origin == "libjpeg":
        how = (
            f"at quality {quality} with the standard tables, as most software, "
            "websites and phone apps save"
        )
    elif origin == "mixed":
        how = f"at about quality {quality}, with different standard qualities for light and colour"
    elif origin == "non-standard":
        how = (
            f"at about quality {quality} with tables of its own, as many cameras and some "
            "editors use"
        )
    else:
        how = f"with tables of {origin}, at about quality {quality}"
    extra = ""
    if facts["save_for_web_quality"] is not None:
        extra = f" Photoshop's Save for Web wrote it at {facts['save_for_web_quality']} of 100."
    elif "APP13:Photoshop 3.0" in facts["segments"]:
        extra = " It carries a block that Photoshop, and few other programs, write."
    return f"The JPEG was last saved {how}.{extra}"


def _former(media: Media) -> Finding | NotApplicable:
    """A picture that is no JPEG: the grid and quality of the JPEG that it may have been."""
    if has_own_blocks(media):
        return NotApplicable(
            code="not_jpeg",
            text="The file is no JPEG, and its own compression hides whether it was one before.",
        )
    luma = gray(narrow(bands(media.pixels, _VOTING_PIXELS), _VOTING_PIXELS))
    if min(luma.shape) < 64 or flat(luma) or drawn(luma):
        return NotApplicable(code="not_jpeg", text="The file is no JPEG, and its picture too plain "
                             "or too small to show whether it was one before.")  # fmt: skip
    grid = main_grid(grid_votes(np.ascontiguousarray(luma)))
    if grid is None:
        return NotApplicable(
            code="not_jpeg",
            text="The file is no JPEG, and no 8-pixel grid shows that its picture was one before.",
        )
    quality = former_quality(aligned_dct(luma, grid.x, grid.y))
    saved = f"a JPEG of about quality {quality[0]}" if quality else "a JPEG"
    shift = "" if grid.x == grid.y == 0 else (
        f" Its grid begins at column {grid.x}, row {grid.y}: the picture was cropped or moved "
        "after that."
    )  # fmt: skip
    return Finding(
        summary=f"This {media.format.name.upper()} was {saved} before.{shift}",
        facts={
            "former_jpeg": True,
            "former_quality": quality[0] if quality else None,
            "former_quality_score": round(quality[1], 3) if quality else None,
            "grid": [grid.x, grid.y],
            "grid_log10_nfa": round(max(grid.log10_nfa, -9999.0), 1),
        },
    )


@analyser(
    "jpeg_tables",
    Kind.IMAGE,
    title="JPEG compression",
    reads="The quantisation tables and segments of a JPEG, or the traces of JPEG compression "
    "in the pixels of another format.",
    look_for="Tables of an editor in a file that is said to come straight from a camera, a "
    "camera model whose files use other tables, a PNG or WebP that was a JPEG before, a grid "
    "that does not begin at the corner (cropped).",
    ignore="Standard tables: websites, messengers and most software recompress whatever passes "
    "through them, so they say that a file was saved again, not that it was changed.",
    paper="ITU-T T.81 (1992); Fan and de Queiroz 2003; Nikoukhah et al. 2019",
)
def jpeg_tables(media: Media) -> Finding | NotApplicable:
    """Say how the file was last compressed, or whether its picture was a JPEG before."""
    if media.format is not JPEG:
        return _former(media)
    facts = describe(read_header(media.data))
    return Finding(summary=_sentence(facts), facts=facts)
