"""How strong each frequency is: a small network on the logarithms of a picture's cosine spectrum.

Frank et al. 2020 ("Leveraging frequency analysis for deep fake image recognition") put the spectrum
of the whole picture into a linear model. Here it is that of windows, so that the logit of a picture
is the mean of its patches' and a map shows where it comes from; and the model is not linear, as
what a decoder leaves is to be told from how much detail the scene has.
"""

import torch
import torch.nn.functional as F
from scipy.fft import dct
from torch import Tensor, nn

from unmask.detect.residuals import LUMA

WINDOW = 128  # pixels a side
STEP = 64  # pixels from one to the next: every pixel but those at the rim is in four
CELL = 16  # pixels a side of a patch of the map
AROUND = 3  # windows a side whose spectra are averaged: those of a window alone vary too much
FEATURES = WINDOW * (WINDOW + 1) // 2  # a frequency and the one that it is turned on its side
HIDDEN = 24
LEAST = 0.1  # grey levels: far below the rounding of pixels


class SpectrumNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/16, W/16); above 0 means synthetic.

    H and W are multiples of 16, and 64 at least. B are the tiles of one picture: windows overlap
    where it is a single one, so that pictures must not be looked at together.
    """

    luma: Tensor
    cosines: Tensor
    feature: Tensor
    share: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, HIDDEN)
        self.last = nn.Linear(HIDDEN, 1)
        rows = torch.from_numpy(dct(torch.eye(WINDOW).numpy(), axis=0, norm="ortho"))
        self.register_buffer("cosines", rows, persistent=False)
        luma = 255 * torch.tensor(LUMA).view(1, 3, 1, 1)
        self.register_buffer("luma", luma, persistent=False)
        place = torch.arange(WINDOW)
        upper = torch.triu_indices(WINDOW, WINDOW)
        at = torch.empty(WINDOW, WINDOW, dtype=torch.long)
        at[upper[0], upper[1]] = at[upper[1], upper[0]] = torch.arange(FEATURES)
        share = torch.where(place[:, None] == place, 1.0, 0.5)
        self.register_buffer("feature", at.flatten(), persistent=False)
        self.register_buffer("share", share.flatten(), persistent=False)

    def logs(self, images: Tensor, step: int = STEP) -> Tensor:
        """(B, N, M, 128 * 128) log10 of the magnitudes of each window, in grey levels.

        Windows go on to a rim that is mirrored outwards.
        """
        grey = _mirrored(_mirrored((images * self.luma).sum(1), 1, step), 2, step)
        windows = grey.unfold(1, WINDOW, step).unfold(2, WINDOW, step)
        found = self.cosines @ windows @ self.cosines.T
        return (found.abs() + LEAST).log10().flatten(3)

    def features(self, logs: Tensor) -> Tensor:
        """(..., 128 * 128) -> (..., 8256): the mean of a frequency and of that on its side."""
        found = logs.new_zeros(*logs.shape[:-1], FEATURES)
        return found.index_add_(-1, self.feature, logs * self.share)

    def judge(self, features: Tensor) -> Tensor:
        """(..., 8256) -> (...) logits."""
        logits: Tensor = self.last(F.gelu(self.first(features)))
        return logits.squeeze(-1)

    def forward(self, images: Tensor) -> Tensor:
        # Tiles of a large picture hold windows enough: there they need not overlap.
        step = STEP if len(images) == 1 else WINDOW
        # The first layer goes before the mean of spectra: it is linear, and leaves 24 numbers.
        weight = self.first.weight[:, self.feature] * self.share
        hidden = F.linear(self.logs(images, step), weight, self.first.bias).movedim(3, 1)
        around = F.avg_pool2d(hidden, AROUND, 1, AROUND // 2, count_include_pad=False)
        logits: Tensor = self.last(F.gelu(around.movedim(1, 3))).squeeze(-1)
        if step < WINDOW:  # a square of STEP has the mean of the one, two or four that it is in
            padded = F.pad(torch.stack([logits, torch.ones_like(logits)], 1), (1, 1, 1, 1))
            total, count = F.avg_pool2d(padded, 2, stride=1).unbind(1)
            logits = total / count
        cells = logits.repeat_interleave(step // CELL, 1).repeat_interleave(step // CELL, 2)
        return cells[:, : images.shape[2] // CELL, : images.shape[3] // CELL]


def _mirrored(grey: Tensor, side: int, step: int) -> Tensor:
    """Up to the next multiple of `step` along a side, and WINDOW at least."""
    length = grey.shape[side]
    spare = max(WINDOW, -(-length // step) * step) - length
    return torch.cat([grey, grey.narrow(side, length - spare, spare).flip(side)], side)
