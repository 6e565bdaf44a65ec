"""What the players of a GAN bring down, from the critic's logits."""

import torch
import torch.nn.functional as F
from torch import Tensor


def critic_logistic(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's side of Goodfellow et al. 2014: reals above 0, fakes below."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_logistic(fake: Tensor) -> Tensor:
    """The generator's side that does not saturate (same paper): fakes above 0."""
    return F.softplus(-fake).mean()


def critic_relativistic(real: Tensor, fake: Tensor) -> Tensor:
    """Each real above its fake (Jolicoeur-Martineau 2019; R3GAN, Huang et al. 2024)."""
    return F.softplus(fake - real).mean()


def generator_relativistic(real: Tensor, fake: Tensor) -> Tensor:
    """Each fake above its real."""
    return F.softplus(real - fake).mean()


def critic_squares(real: Tensor, fake: Tensor) -> Tensor:
    """Reals at 1, fakes at 0 (Mao et al. 2017, "Least squares GANs")."""
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def generator_squares(fake: Tensor) -> Tensor:
    """Fakes at 1."""
    return (fake - 1).square().mean()


def minibatch_deviation(features: Tensor, group: int = 4) -> Tensor:
    """(B, C, H, W) -> (B, C + 1, H, W): one more plane says how much the batch varies.

    A generator that makes one picture over and over is then seen through (Karras et al. 2018). The
    largest group up to `group` that divides B is taken.
    """
    n = len(features)
    size = max(k for k in range(1, min(group, n) + 1) if n % k == 0)
    grouped = features.view(size, -1, *features.shape[1:]).float()
    spread = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3), keepdim=True)
    plane = spread.repeat(size, 1, *features.shape[2:]).to(features.dtype)
    return torch.cat([features, plane], 1)
