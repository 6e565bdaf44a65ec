"""From a folder of texts to a run: vocabulary, sequences, training, what is logged on the way."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unmask.errors import WeightsError
from unmask.generate.game import Stats
from unmask.generate.text.corpora import Corpus, CorpusError, Text
from unmask.generate.text.entry import TextEntry, TextProfile
from unmask.generate.text.seqgan import SeqGan, SeqGanConfig
from unmask.generate.text.trained import RUN_VOCABULARY
from unmask.generate.text.training import train
from unmask.generate.text.vocabulary import RARE, Vocabulary, make_vocabulary, read_vocabulary
from unmask.generate.training import Outcome

WATCHED = 500  # held-out texts whose likelihood is logged on the way


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """A corpus in a game's numbers: (N, T) each."""

    vocabulary: Vocabulary
    training: Tensor
    held_out: Tensor


def prepare(entry: TextEntry, corpus: Corpus, vocabulary: Vocabulary | None = None) -> Lessons:
    """The corpus in numbers, of the `vocabulary` that a run has already or of a new one.

    A game without RARE leaves texts with unknown tokens out. Raises CorpusError where too few are
    left.
    """
    known = vocabulary or make_vocabulary(
        entry.name, corpus.training, most=entry.most, least=entry.least, special=entry.special
    )

    def numbers(texts: tuple[Text, ...]) -> Tensor:
        kept = texts if RARE in known.numbers else [t for t in texts if known.knows(t)]
        if len(kept) < 2:
            raise CorpusError(f"Too few texts for {entry.name} are left of {len(texts)}.")
        return known.encode(kept, entry.length)

    return Lessons(
        vocabulary=known, training=numbers(corpus.training), held_out=numbers(corpus.held_out)
    )


def learn(
    entry: TextEntry,
    profile: TextProfile,
    lessons: Lessons,
    config: SeqGanConfig,
    out: Path,
    *,
    device: torch.device,
    quiet: bool,
) -> Outcome:
    """Train a profile, or go on with it. Raises WeightsError where `out` is of another corpus."""
    path = out / RUN_VOCABULARY
    if path.is_file() and read_vocabulary(path) != lessons.vocabulary:
        raise WeightsError(f"{out} is a run on another corpus; write elsewhere.")
    lessons.vocabulary.save(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        game = profile.build(len(lessons.vocabulary), entry.length)
    watched = lessons.held_out[:WATCHED].to(device)

    def measure(game: SeqGan) -> Stats:
        return {"held_out_nll": -game.generator.eval().log_likelihood(watched).mean()}

    def show(tokens: Tensor) -> list[str]:
        return [entry.write(lessons.vocabulary.decode(row)) + "\n" for row in tokens.tolist()]

    return train(
        game, lessons.training, config, out,
        measure=measure, show=show, device=device, quiet=quiet,
    )  # fmt: skip
