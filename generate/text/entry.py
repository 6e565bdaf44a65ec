"""What the catalogue knows of a game of texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.generate.text.corpora import Corpus
from unmask.generate.text.critic import FULL, CriticShape
from unmask.generate.text.lstm import GeneratorShape
from unmask.generate.text.seqgan import SeqGan, SeqGanConfig


@dataclass(frozen=True, kw_only=True)
class TextProfile:
    """One size of a game; what it knows of tokens comes with its vocabulary."""

    config: SeqGanConfig
    embedding: int
    hidden: int
    cost: str  # "6 minutes of one core": measured, or said to be an estimate
    tied: bool = True
    dropout: float = 0.2
    critic_embedding: int = 64
    filters: tuple[tuple[int, int], ...] = FULL

    def build(self, vocabulary: int, length: int) -> SeqGan:
        """An untrained game, from torch's random numbers."""
        return SeqGan(
            GeneratorShape(
                vocabulary=vocabulary, length=length, embedding=self.embedding,
                hidden=self.hidden, tied=self.tied, dropout=self.dropout,
            ),
            CriticShape(
                vocabulary=vocabulary, length=length, embedding=self.critic_embedding,
                filters=self.filters,
            ),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TextEntry:
    """A game of texts in the catalogue."""

    name: str  # on the command line
    title: str  # a few words for people
    papers: tuple[str, ...]
    needs: str  # what a folder of data must hold, and how to get it
    read: Callable[[Path], Corpus]
    length: int  # tokens of a sequence
    most: int  # tokens of the vocabulary
    least: int  # times that a token must stand in the corpus
    special: tuple[str, ...]  # RARE, END: none where every text is whole and known
    split: Callable[[str], list[str]]  # a prompt in tokens
    write: Callable[[Sequence[str]], str]  # tokens as a person writes them
    profiles: Mapping[str, TextProfile]  # "tiny": in minutes on two cores; "full": one GPU
