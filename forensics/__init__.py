"""Analysers that need no training: provenance, metadata, and traces in the signal.

Importing this package registers them; each module below holds one analyser.
"""

from unmask.forensics import (
    audio,
    characters,
    container,
    content_credentials,
    copy_move,
    double_jpeg,
    ela,
    generator_traces,
    ghosts,
    jpeg_tables,
    metadata,
    noise,
    spectrum,
    thumbnail,
    watermark,
)

__all__ = [
    "audio",
    "characters",
    "container",
    "content_credentials",
    "copy_move",
    "double_jpeg",
    "ela",
    "generator_traces",
    "ghosts",
    "jpeg_tables",
    "metadata",
    "noise",
    "spectrum",
    "thumbnail",
    "watermark",
]
