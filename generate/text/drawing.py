"""Draw tokens from many distributions at once."""

import math

import torch
from torch import Tensor


def block_of(vocabulary: int) -> int:
    """Tokens in a block of the two-stage draw: about the root of the vocabulary."""
    return max(1, math.isqrt(vocabulary))


def padded(vocabulary: int) -> int:
    """The vocabulary, filled up to whole blocks."""
    block = block_of(vocabulary)
    return -(-vocabulary // block) * block


def draw(logits: Tensor, vocabulary: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
    """(N,) tokens, one from each softmax(logits / temperature). Overwrites `logits`.

    `logits` is (N, padded(vocabulary)), with -inf where the filling is. The inverse of the
    cumulative distribution is found in two stages, the block and then the token in it: sums over
    blocks cost a third of a cumulative sum over everything, and `torch.multinomial` draws a random
    number for each token of the vocabulary.
    """
    if temperature != 1.0:
        logits.div_(temperature)
    weights = logits.sub_(logits.amax(1, keepdim=True)).exp_()
    blocks = weights.view(len(weights), -1, block_of(vocabulary))  # (N, K, W)
    upto = blocks.sum(2).cumsum(1)  # (N, K)
    point = torch.rand(len(weights), 1, generator=rng, device=rng.device).to(upto) * upto[:, -1:]
    which = torch.searchsorted(upto, point, right=True).clamp_(max=upto.shape[1] - 1)  # (N, 1)
    before = upto.gather(1, (which - 1).clamp(min=0)) * (which > 0)
    inner = blocks.gather(1, which[..., None].expand(-1, -1, blocks.shape[2]))[:, 0].cumsum(1)
    # Rounding may leave the point beyond the block's end: then the last token that has any weight.
    rest = torch.minimum(point - before, inner[:, -1:] * (1 - 1e-6))
    token = torch.searchsorted(inner, rest, right=True).clamp_(max=inner.shape[1] - 1)
    return (which * blocks.shape[2] + token)[:, 0].clamp_(max=vocabulary - 1)
