"""Labelled texts, in the conventions that data sets of people's and machines' writing come in.

`load_texts("/data/HC3")` recognises the convention from the files; `load_texts("hc3:/data/x")` names
it. Every text says whether a machine wrote it, which one, of which domain, source and split.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_text_corpora import (
    fits_captions,
    fits_pairs,
    read_brown,
    read_captions,
    read_lines,
    read_pairs,
)
from unmask.datasets.loaders_text_published import (
    fits_detectrl,
    fits_hc3,
    fits_m4,
    fits_raid,
    read_detectrl,
    read_hc3,
    read_m4,
    read_raid,
)
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.text_samples import TextSample

__all__ = ["TEXT_CONVENTIONS", "TextConvention", "load_texts"]


@dataclass(frozen=True, kw_only=True)
class TextConvention:
    """How a data set of texts lies on the disk."""

    name: str
    layout: str  # what is expected, in a line
    fits: Callable[[list[Path]], bool]  # of the files there
    read: Callable[[Path], Iterable[TextSample]]
