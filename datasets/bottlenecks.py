"""What stands between an encoder and a decoder.

Each takes twice as many channels as it gives, (B, 2 C, H, W) to (B, C, H, W), and says what that
costs, a scalar to add to the loss.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CODES = 256  # of a codebook
CODE_SIZE = 4  # channels that share one code


class Plain(nn.Module):
    """The first half of the encoder's channels as they are; it costs nothing."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.chunk(2, dim=1)[0], x.new_zeros(())


class Gaussian(nn.Module):
    """Mean and log variance; sampled in training, the mean afterwards (Kingma and Welling 2014)."""

    weight = 1e-5  # as small as in latent diffusion (Rombach et al. 2022): sharp before smooth

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = x.chunk(2, dim=1)
        log_variance = (log_variance - 4).clamp(-12, 4)  # begins at a deviation of about 0.14
        if not self.training:
            return mean, x.new_zeros(())
        cost = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp(), self.weight * cost


class Codebook(nn.Module):
    """Each group of channels becomes its nearest code (van den Oord et al. 2017)."""

    commitment = 0.25

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.groups = math.ceil(latent / CODE_SIZE)
        self.latent = latent
        # As wide as the encoder's bounded output, so that few codes are never used.
        self.codes = nn.Parameter(torch.rand(CODES, CODE_SIZE) * 2 - 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        bounded = x.chunk(2, dim=1)[0].tanh()
        spare = self.groups * CODE_SIZE - self.latent
        padded = F.pad(bounded, (0, 0, 0, 0, 0, spare))
        b, _, h, w = padded.shape
        vectors = padded.view(b, self.groups, CODE_SIZE, h, w).movedim(2, -1)  # (B, G, H, W, 4)
        flat = vectors.reshape(-1, CODE_SIZE)
        distance = self.codes.square().sum(1) - 2 * flat @ self.codes.T
        quantised = F.embedding(distance.argmin(1), self.codes).view_as(vectors)
        cost = F.mse_loss(quantised, vectors.detach())
        cost = cost + self.commitment * F.mse_loss(vectors, quantised.detach())
        through = vectors + (quantised - vectors).detach()  # gradients pass as if unquantised
        return through.movedim(-1, 2).reshape(b, -1, h, w)[:, : self.latent], cost
