"""The critic: a convolutional text classifier (Kim 2014) with a highway layer (Srivastava 2015)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Filters of each width, of Yu et al. 2017 for sequences of 20 tokens.
FULL = (
    (1, 100), (2, 200), (3, 200), (4, 200), (5, 200), (6, 100), (7, 100), (8, 100), (9, 100),
    (10, 100), (15, 160), (20, 160),
)  # fmt: skip
# A quarter of them, and those under half of a long sequence: for processors.
QUARTER = tuple((width, count // 4) for width, count in FULL)


@dataclass(frozen=True, kw_only=True)
class CriticShape:
    """Sizes of a critic."""

    vocabulary: int
    length: int  # tokens of the longest sequence
    embedding: int = 64
    filters: tuple[tuple[int, int], ...] = FULL  # (width in tokens, filters)
    keep: float = 0.75  # 1 - dropout


class TextCritic(nn.Module):
    """(N, T) tokens -> (N,) logits that a sequence is real."""

    def __init__(self, shape: CriticShape) -> None:
        super().__init__()
        self.shape = shape
        fitting = [(w, n) for w, n in shape.filters if w <= shape.length]
        self.embedding = nn.Embedding(shape.vocabulary, shape.embedding)
        self.convolutions = nn.ModuleList(nn.Conv1d(shape.embedding, n, w) for w, n in fitting)
        features = sum(n for _, n in fitting)
        self.gate = nn.Linear(features, features)
        self.transform = nn.Linear(features, features)
        self.dropout = nn.Dropout(1 - shape.keep)
        self.output = nn.Linear(features, 1)
        nn.init.uniform_(self.embedding.weight, -1, 1)
        nn.init.constant_(self.gate.bias, -2.0)  # at first, features pass as they are

    def features(self, tokens: Tensor) -> Tensor:
        """(N, F): the strongest answer of each filter, after the highway layer."""
        x = self.embedding(tokens).transpose(1, 2)  # (N, E, T)
        found = [F.relu(c(x)).amax(2) for c in self.convolutions]
        pooled = torch.cat(found, 1)
        open_part = torch.sigmoid(self.gate(pooled))
        return open_part * F.relu(self.transform(pooled)) + (1 - open_part) * pooled

    def forward(self, tokens: Tensor) -> Tensor:
        """(N,) logits."""
        logits: Tensor = self.output(self.dropout(self.features(tokens)))
        return logits[:, 0]

    def penalty(self) -> Tensor:
        """Half the squares of the last layer, which the paper weighs by 0.2."""
        return 0.5 * (self.output.weight.square().sum() + self.output.bias.square().sum())


@torch.no_grad()
def score(critic: TextCritic, tokens: Tensor, at_once: int = 512) -> Tensor:
    """(N,) logits that (N, T) sequences are real, a few at a time, without dropout."""
    was_training = critic.training
    critic.eval()
    found = torch.cat([critic(part) for part in torch.split(tokens, at_once)])
    critic.train(was_training)
    return found
