"""A network on co-occurrences within and across colour bands (Barni et al. 2020, WIFS).

The six matrices are theirs, the layers those of Nataraj et al. 2019, which they start from.
"""

import torch
from torch import Tensor, nn

LEVELS = 256
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))  # bands: three within, three across


def cooccurrences(images: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> counts (B, 6, 256, 256).

    [b, k, i, j] counts pixels of grey level i whose partner has level j: one down and one to the
    right in the same band (k = 0, 1, 2: R, G, B), or at the same place in another (RG, RB, GB).
    """
    levels = (images * (LEVELS - 1)).round().clamp(0, LEVELS - 1).long()
    counts = []
    for picture in levels:
        for one, two in _PAIRS:
            first, second = picture[one], picture[two]
            if one == two:
                first, second = first[:-1, :-1], second[1:, 1:]
            code = (first * LEVELS + second).reshape(-1)
            counts.append(torch.bincount(code, minlength=LEVELS**2))
    return torch.stack(counts).view(len(images), len(_PAIRS), LEVELS, LEVELS)


def _pair(before: int, after: int, pool: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, kernel_size=5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(pool),
    ]


class CooccurrenceNet(nn.Module):
    """Six co-occurrence matrices -> one logit (B, 1, 1). No gradient reaches the pixels."""

    def __init__(self, width: int = 8) -> None:
        """`width` is the number of channels of the first two layers; the papers have 32."""
        super().__init__()
        self.features = nn.Sequential(
            *_pair(len(_PAIRS), width, 2),
            *_pair(width, 2 * width, 2),
            *_pair(2 * width, 4 * width, 8),
            nn.Flatten(),
        )
        self.head = nn.Sequential(
            nn.Linear(4 * width * 64, 256), nn.ReLU(inplace=True), nn.Linear(256, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            counts = cooccurrences(images).float()
            # Shares, so that the size of the picture does not count; most are 0, some are large.
            shares = torch.log1p(counts / counts.mean((2, 3), keepdim=True))
        logits: Tensor = self.head(self.features(shares))
        return logits[:, :, None]
