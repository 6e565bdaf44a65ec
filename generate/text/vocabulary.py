"""Tokens and their numbers, kept beside the weights that know them."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from unmask.errors import UnmaskError, WeightsError

RARE = "<rare>"  # stands for each token that is too rare to be learned
END = "<end>"  # after the end of a text


class PromptError(UnmaskError):
    """A prompt that a generator cannot go on from."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Every token that a game's generator knows, the most frequent first."""

    game: str  # its name: weights alone do not say what they write
    tokens: tuple[str, ...]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Token -> its number."""
        return {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def knows(self, text: Iterable[str]) -> bool:
        """Whether it knows every token."""
        return all(token in self.numbers for token in text)

    def encode(self, texts: Sequence[Sequence[str]], length: int) -> Tensor:
        """(N, length) numbers: long texts are cut, short ones filled with END.

        Unknown tokens become RARE. Raises KeyError where END or RARE is needed and not there.
        """
        rows = []
        for text in texts:
            known = [self.numbers.get(t, self.numbers.get(RARE, -1)) for t in text[:length]]
            if -1 in known:
                raise KeyError(RARE)
            fill = [self.numbers[END]] * (length - len(known)) if len(known) < length else []
            rows.append(known + fill)
        return torch.tensor(rows, dtype=torch.int64).view(len(rows), length)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The tokens up to END."""
        found = []
        for number in numbers:
            if self.tokens[number] == END:
                break
            found.append(self.tokens[number])
        return found

    def prompt(self, tokens: Sequence[str]) -> list[int]:
        """Numbers of a prompt's tokens. Raises PromptError with those that it does not know."""
        unknown = sorted({t for t in tokens if t not in self.numbers or t in (RARE, END)})
        if unknown:
            raise PromptError(
                f"It does not know {', '.join(unknown)}; it knows {len(self):,} of the corpus'"
                " tokens, in the writing of the corpus."
            )
        return [self.numbers[t] for t in tokens]

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", encoding="utf-8")


def read_vocabulary(path: Path) -> Vocabulary:
    """Read it from JSON. Raises WeightsError."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"The vocabulary {path} cannot be read.") from error
    tokens = held.get("tokens") if isinstance(held, dict) else None
    if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens) or not tokens:
        raise WeightsError(f"{path} is no vocabulary.")
    return Vocabulary(game=str(held.get("game")), tokens=tuple(tokens))


def make_vocabulary(
    game: str,
    texts: Iterable[Sequence[str]],
    *,
    most: int,
    least: int = 1,
    special: Sequence[str] = (),
) -> Vocabulary:
    """The `most` frequent tokens that stand at least `least` times, after the `special` ones."""
    counts = Counter(token for text in texts for token in text)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [token for token, n in ranked if n >= least and token not in special]
    return Vocabulary(game=game, tokens=(*special, *kept[: most - len(special)]))
