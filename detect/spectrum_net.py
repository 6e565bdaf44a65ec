"""How strong each frequency is: a linear model of the logarithms of a picture's cosine spectrum.

Frank et al. 2020 ("Leveraging frequency analysis for deep fake image recognition") take the
spectrum of the whole picture. Here it is that of windows, so that the logit of a picture is the
mean of its patches' and a map shows where it comes from.
"""

import torch
import torch.nn.functional as F
from scipy.fft import dct
from torch import Tensor, nn

from unmask.detect.residuals import LUMA

WINDOW = 64  # pixels a side
STEP = 32  # pixels from one window to the next: every pixel but those at the rim is in four
CELLS = STEP // 16  # of the map, along a side of a step
LEAST = 0.1  # grey levels: far below the rounding of pixels


class SpectrumNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/16, W/16); above 0 means synthetic.

    H and W are multiples of 32, and 64 at least.
    """

    luma: Tensor
    cosines: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(WINDOW * WINDOW))
        self.bias = nn.Parameter(torch.zeros(()))
        rows = torch.from_numpy(dct(torch.eye(WINDOW).numpy(), axis=0, norm="ortho"))
        self.register_buffer("cosines", rows, persistent=False)
        luma = 255 * torch.tensor(LUMA).view(1, 3, 1, 1)
        self.register_buffer("luma", luma, persistent=False)

    def spectra(self, images: Tensor) -> Tensor:
        """(B, H/32 - 1, W/32 - 1, 4096) log10 of the magnitudes of each window, in grey levels."""
        grey = (images * self.luma).sum(1)
        windows = grey.unfold(1, WINDOW, STEP).unfold(2, WINDOW, STEP)
        found = self.cosines @ windows @ self.cosines.T
        return (found.abs() + LEAST).log10().flatten(3)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.spectra(images) @ self.weight + self.bias
        # Each square of STEP pixels has the mean of the one, two or four windows that it is in.
        padded = F.pad(torch.stack([logits, torch.ones_like(logits)], 1), (1, 1, 1, 1))
        total, count = F.avg_pool2d(padded, 2, stride=1).unbind(1)
        return (total / count).repeat_interleave(CELLS, 1).repeat_interleave(CELLS, 2)
