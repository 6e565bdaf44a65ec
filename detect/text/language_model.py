"""What a language model says of a text, whichever model it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenScores:
    """Of each token of a text that has one before it: n tokens, natural logarithms."""

    starts: NDArray[np.int32]  # (n,) of the token in the text, in characters
    ends: NDArray[np.int32]  # (n,)
    log_prob: NDArray[np.float32]  # ln p(token | what is before it)
    rank: NDArray[np.int32]  # 1: the token that the model held likeliest
    entropy: NDArray[np.float32]  # -E[ln p] under the model itself
    variance: NDArray[np.float32]  # Var[ln p] under the model itself

    def __len__(self) -> int:
        return len(self.log_prob)

    def until(self, character: int) -> "TokenScores":
        """Of the tokens that end at or before a place: what the text cut there would get."""
        return self[slice(0, int(np.searchsorted(self.ends, character, side="right")))]

    def __getitem__(self, part: slice) -> "TokenScores":
        return TokenScores(
            starts=self.starts[part], ends=self.ends[part], log_prob=self.log_prob[part],
            rank=self.rank[part], entropy=self.entropy[part], variance=self.variance[part],
        )  # fmt: skip


def joined(parts: Sequence[TokenScores]) -> TokenScores:
    """The scores of passages one after the other; places count within each passage."""
    return TokenScores(
        starts=np.concatenate([p.starts for p in parts]),
        ends=np.concatenate([p.ends for p in parts]),
        log_prob=np.concatenate([p.log_prob for p in parts]),
        rank=np.concatenate([p.rank for p in parts]),
        entropy=np.concatenate([p.entropy for p in parts]),
        variance=np.concatenate([p.variance for p in parts]),
    )


class LanguageModel(Protocol):
    """Gives every token of a text its probability, and the spread that it expected."""

    name: str  # another one for other weights: scores are kept under it

    def score(self, text: str) -> TokenScores:
        """Of a passage of normalised text, at most a few hundred words."""
        ...
