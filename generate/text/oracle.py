"""The oracle of Yu et al. 2017: a random LSTM whose language is known exactly.

Real text has no true distribution to hold a generator against. A seeded random LSTM has: it writes
the training data, and says what it thinks of what a generator writes (NLL_oracle). Other seeds
give other absolute values, so that the paper's figures compare with its own oracle alone.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator


@dataclass(frozen=True, kw_only=True)
class OracleShape:
    """Sizes of the oracle, which are those of its generators too, and of its data."""

    vocabulary: int = 5_000
    length: int = 20
    embedding: int = 32
    hidden: int = 32
    training: int = 10_000  # sequences
    held_out: int = 2_000  # of each of validation and test

    def generator(self, deviation: float) -> GeneratorShape:
        """As an LSTM with normal weights."""
        return GeneratorShape(
            vocabulary=self.vocabulary,
            length=self.length,
            embedding=self.embedding,
            hidden=self.hidden,
            deviation=deviation,
        )


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """An oracle and what it wrote: (N, T) tokens each."""

    model: LSTMGenerator
    training: Tensor
    validation: Tensor
    test: Tensor

    def nll(self, tokens: Tensor) -> float:
        """NLL_oracle of (N, T) `tokens`, in nats a token: lower is likelier to the oracle."""
        return -float(self.model.log_likelihood(tokens).mean())


def make_oracle(shape: OracleShape, seed: int) -> Oracle:
    """The oracle of a seed, with weights from N(0, 1), and its data; the same on any machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LSTMGenerator(shape.generator(1.0)).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(seed)
    decoder = model.decoder()
    counts = (shape.training, shape.held_out, shape.held_out)
    training, validation, test = (decoder.sample(n, shape.length, rng) for n in counts)
    return Oracle(model=model, training=training, validation=validation, test=test)
