"""What a trained critic thinks of a text: a pure function, for detectors."""

import torch
from torch import Tensor

from unmask.generate.text.critic import score as critic_score
from unmask.generate.text.trained import TrainedText
from unmask.generate.text.words import in_known_case


def stretches(trained: TrainedText, text: str) -> Tensor:
    """(N, T) tokens: `text` cut into sequences as the critic knows them, the last one overlapping.

    (0, T) where the text is shorter than one sequence, or has a token that it cannot read.
    """
    length = trained.entry.length
    tokens = in_known_case(trained.entry.split(text), trained.vocabulary.numbers)
    if len(tokens) < length:
        return torch.zeros(0, length, dtype=torch.int64)
    starts = [*range(0, len(tokens) - length, length), len(tokens) - length]
    try:
        return trained.vocabulary.encode([tokens[at : at + length] for at in starts], length)
    except KeyError:
        return torch.zeros(0, length, dtype=torch.int64)


def score(trained: TrainedText, text: str) -> float | None:
    """The critic's mean logit that `text` is of its corpus: higher is more real to it.

    None where `stretches` finds nothing to read. It was trained against one generator, says little
    of others, and is no calibrated ratio.
    """
    tokens = stretches(trained, text)
    if not len(tokens):
        return None
    device = next(trained.game.parameters()).device
    return float(critic_score(trained.game.critic, tokens.to(device)).mean())
