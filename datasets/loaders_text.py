"""Labelled texts, in the conventions that data sets of people's and machines' writing come in.

`load_texts("/data/HC3")` recognises the convention from the files; `load_texts("hc3:/data/x")`
names it. Every text says whether a machine wrote it, which one, of which domain and split.
"""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_text_corpora import (
    fits_brown,
    fits_captions,
    fits_pairs,
    read_brown,
    read_captions,
    read_pairs,
    read_prose,
    read_unseen,
)
from unmask.datasets.loaders_text_people import fits_bbc, fits_mail, read_bbc, read_mail
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
from unmask.datasets.loaders_tree import DatasetError, DatasetReason, look
from unmask.datasets.text_samples import TextSample, share_of

__all__ = [
    "TEXT_CONVENTIONS",
    "TextConvention",
    "load_texts",
    "text_convention_of",
    "thin_texts",
]


@dataclass(frozen=True, kw_only=True)
class TextConvention:
    """How a data set of texts lies on the disk."""

    name: str
    layout: str  # what is expected, in a line
    fits: Callable[[list[Path]], bool]  # of the files there
    read: Callable[[Path], Iterable[TextSample]]


TEXT_CONVENTIONS = (
    TextConvention(
        name="pairs",
        layout="<domain>_<model>.raw_data.json with {original: [...], sampled: [...]}",
        fits=fits_pairs,
        read=read_pairs,
    ),
    TextConvention(
        name="captions",
        layout="image_coco.txt and generated_by_<model>.txt, a caption a line",
        fits=fits_captions,
        read=read_captions,
    ),
    TextConvention(
        name="brown",
        layout="the tagged documents ca01 ... cr09 of the Brown corpus",
        fits=fits_brown,
        read=read_brown,
    ),
    TextConvention(
        name="hc3",
        layout="*.jsonl with question, human_answers, chatgpt_answers",
        fits=fits_hc3,
        read=read_hc3,
    ),
    TextConvention(
        name="raid",
        layout="{train,extra}.csv with source_id, model, attack, domain, generation",
        fits=fits_raid,
        read=read_raid,
    ),
    TextConvention(
        name="m4",
        layout="<domain>_<model>.jsonl with human_text, machine_text, model, source_ID",
        fits=fits_m4,
        read=read_m4,
    ),
    TextConvention(
        name="detectrl",
        layout="*.json, lists of text, label, data_type, llm_type",
        fits=fits_detectrl,
        read=read_detectrl,
    ),
    TextConvention(
        name="mail",
        layout="easy-ham-1/*.txt of SpamAssassin's corpus, a letter a file",
        fits=fits_mail,
        read=read_mail,
    ),
    TextConvention(
        name="bbc",
        layout="{business,entertainment,politics,sports,tech}/*.txt, an article a file",
        fits=fits_bbc,
        read=read_bbc,
    ),
    TextConvention(
        name="unseen",
        layout="people's texts alone, all of them to test with: unseen:<folder of *.txt>",
        fits=lambda _: False,
        read=read_unseen,
    ),
    TextConvention(
        name="prose",
        layout="people's texts alone, to be named: prose:<folder of *.txt>",
        fits=lambda _: False,
        read=read_prose,
    ),
)
_NAMES = {c.name: c for c in TEXT_CONVENTIONS}


def load_texts(where: str) -> list[TextSample]:
    """The samples at a path or `convention:path`, always in the same order.

    Raises DatasetError.
    """
    prefix, colon, rest = where.partition(":")
    convention = _NAMES.get(prefix.lower().replace("-", "")) if colon else None
    root = Path(rest if convention else where).expanduser()
    if not root.exists():
        near = difflib.get_close_matches(prefix.lower(), _NAMES, n=1) if colon else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DatasetError(DatasetReason.NOT_FOUND, f"{root}: no such file or folder{hint}.")
    convention = convention or _recognise(root)
    samples = list(convention.read(root))
    if not samples:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"{root}: no text where {convention.name} has them: {convention.layout}.",
        )
    return samples


def _recognise(root: Path) -> TextConvention:
    files = list(look(root).files)
    fitting = [c for c in TEXT_CONVENTIONS if c.fits(files)]
    if len(fitting) == 1:
        return fitting[0]
    layouts = "".join(f"\n  {c.name}: {c.layout}" for c in fitting or TEXT_CONVENTIONS)
    reason = DatasetReason.AMBIGUOUS if fitting else DatasetReason.UNRECOGNISED
    what = "fits several conventions; name one" if fitting else "is in none that unmask knows"
    raise DatasetError(reason, f"{root} {what}:{layouts}")


def text_convention_of(where: str) -> str:
    """The name of the convention that `load_texts` would read by; "" where none fits."""
    prefix, colon, _ = where.partition(":")
    if colon and (named := _NAMES.get(prefix.lower().replace("-", ""))):
        return named.name
    root = Path(where).expanduser()
    if not root.exists():
        return ""
    files = list(look(root).files)
    return next((c.name for c in TEXT_CONVENTIONS if c.fits(files)), "")


def thin_texts(samples: Iterable[TextSample], prompts: int, alone: int) -> list[TextSample]:
    """At most so many prompts of each domain and split, drawn by a hash of their names.

    A prompt is what a person and machines share; it is kept or left whole. `alone` is how many
    texts are kept of each writer, domain and split that share no prompt.
    """
    held: dict[tuple[str, str, str], dict[str, list[TextSample]]] = defaultdict(dict)
    kept_apart = _unpaired(samples := list(samples))
    for sample in samples:
        apart = sample.source in kept_apart
        group = (sample.domain, sample.split.value, sample.generator if apart else "")
        name = f"{sample.source}{sample.text}" if apart else sample.source
        held[group].setdefault(name, []).append(sample)
    return [
        sample
        for (_, _, writer), by_source in held.items()
        for name in sorted(by_source, key=share_of)[: alone if writer else prompts]
        for sample in by_source[name]
    ]


def _unpaired(samples: Iterable[TextSample]) -> set[str]:
    """Sources whose texts are all by one writer."""
    writers: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        writers[sample.source].add(sample.generator)
    return {source for source, found in writers.items() if len(found) == 1}
