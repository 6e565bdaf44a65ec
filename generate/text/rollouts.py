"""What a token is worth before the text is finished: the mean over ways in which it could end.

Monte-Carlo search of Yu et al. 2017 (section 3.1): a prefix is completed N times by the rollout
network, and its reward is the mean over the completions. All completions of all prefixes advance
together, a position at a time, so that a batch needs T - 1 matrix products and not T * T / 2 * N.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unmask.generate.text.lstm import Decoder

# (N, T) whole sequences -> (N,) rewards, higher is better.
Reward = Callable[[Tensor], Tensor]


@torch.no_grad()
def completions(decoder: Decoder, tokens: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """(T - 1, count, B, T): entry [t - 1, n, b] keeps the first t tokens of sequence b."""
    batch, length = tokens.shape
    found = tokens.repeat(length - 1, count, 1, 1)
    h = decoder.table.new_empty(length - 1, count, batch, len(decoder.recurrent))
    c = torch.empty_like(h)
    memory = decoder.begin(batch)
    for at in range(1, length):  # the position that is drawn now; prefixes of 1 .. at go on
        memory = decoder.read(tokens[:, at - 1], memory)
        h[at - 1], c[at - 1] = memory[0], memory[1]  # a prefix of `at` tokens joins
        drawn = decoder.next(h[:at].flatten(0, 2), rng)
        found[:at, :, :, at] = drawn.view(at, count, batch)
        if at + 1 < length:
            new = decoder.read(drawn, (h[:at].flatten(0, 2), c[:at].flatten(0, 2)))
            h[:at], c[:at] = (part.view(at, count, batch, -1) for part in new)
    return found


def prefix_rewards(
    decoder: Decoder, tokens: Tensor, reward: Reward, count: int, rng: torch.Generator
) -> Tensor:
    """(B, T): the expected reward once each token of (B, T) stands; the last one's is exact."""
    whole = reward(tokens)
    if tokens.shape[1] == 1:
        return whole[:, None]
    ends = completions(decoder, tokens, count, rng)
    expected = reward(ends.flatten(0, 2)).view(ends.shape[:3]).mean(1)  # (T - 1, B)
    return torch.cat([expected.T, whole[:, None]], 1)
