"""RelGAN's critic: a convolutional classifier over several embeddings of one text."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class ViewsShape:
    """Sizes of a critic with multiple embedded representations (Nie et al. 2019)."""

    vocabulary: int
    views: int = 64  # embeddings of a text, each judged on its own
    width: int = 1  # numbers of a token in a view
    widths: tuple[int, ...] = (2, 3, 4, 5)  # of the filters, in tokens
    filters: int = 300  # of each width
    hidden: int = 100
    keep: float = 0.75  # 1 - dropout


class ViewsCritic(nn.Module):
    """(N, T, V) shares of tokens, or (N, T) tokens -> (N, views) logits that a text is real."""

    def __init__(self, shape: ViewsShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.views * shape.width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(shape.width, shape.filters, width) for width in shape.widths
        )
        features = shape.filters * len(shape.widths)
        self.gate = nn.Linear(features, features)
        self.transform = nn.Linear(features, features)
        self.dropout = nn.Dropout(1 - shape.keep)
        self.hidden = nn.Linear(features, shape.hidden)
        self.output = nn.Linear(shape.hidden, 1)
        nn.init.uniform_(self.embedding.weight, -1, 1)
        nn.init.constant_(self.gate.bias, -2.0)  # at first, features pass as they are

    def forward(self, text: Tensor) -> Tensor:
        """(N, views) logits; the networks behind the embeddings are the same for each view."""
        x = text @ self.embedding.weight if text.is_floating_point() else self.embedding(text)
        views = x.unflatten(2, (self.shape.views, -1)).permute(0, 2, 3, 1).flatten(0, 1)
        pooled = torch.cat([F.relu(c(views)).amax(2) for c in self.convolutions], 1)
        open_part = torch.sigmoid(self.gate(pooled))
        passed = open_part * F.relu(self.transform(pooled)) + (1 - open_part) * pooled
        logits: Tensor = self.output(self.hidden(self.dropout(passed)))
        return logits.view(len(text), self.shape.views)
