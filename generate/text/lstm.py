"""The generator: one LSTM layer (Hochreiter and Schmidhuber 1997) over tokens, as SeqGAN has it.

Training runs it over whole sequences with gradients; drawing runs a `Decoder`, a token at a time,
without.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmask.generate.text.drawing import draw, padded
from unmask.generate.text.token_loss import weighted_loss

ROWS = 512  # of logits that are made at once while drawing: they stay in the processor's cache


@dataclass(frozen=True, kw_only=True)
class GeneratorShape:
    """Sizes of a generator."""

    vocabulary: int
    length: int  # tokens of a sequence
    embedding: int = 32
    hidden: int = 32
    tied: bool = False  # one matrix reads and writes tokens (Press and Wolf 2017)
    dropout: float = 0.0  # of what the LSTM reads and of what it gives
    deviation: float = 0.1  # of the weights at first


class LSTMGenerator(nn.Module):
    """p(token | the tokens before it). A sequence begins with a start vector of its own."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        if shape.tied and shape.embedding != shape.hidden:
            raise ValueError("One matrix cannot read and write tokens of two sizes.")
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary + 1, shape.embedding)  # the last: start
        self.lstm = nn.LSTM(shape.embedding, shape.hidden, batch_first=True)
        self.output = nn.Linear(shape.hidden, shape.vocabulary)
        if shape.tied:
            del self.output.weight
        self.dropout = nn.Dropout(shape.dropout)
        for values in self.parameters():
            nn.init.normal_(values, std=shape.deviation)

    def train(self, mode: bool = True) -> Self:
        """Turns dropout on or off. The LSTM itself has none, and stays as in training.

        cuDNN gives no gradient otherwise, and a policy is moved with dropout off.
        """
        super().train(mode)
        self.lstm.train()
        return self

    @property
    def output_weight(self) -> Tensor:
        """(V, H) that turns what the LSTM gives into logits."""
        return self.embedding.weight[:-1] if self.shape.tied else self.output.weight

    def given(self, tokens: Tensor, read: Tensor | None = None) -> Tensor:
        """(B, T, H): what the LSTM gives before each token of (B, T) `tokens`.

        `read` are tokens (B, T) that it reads in place of those, as scheduled sampling wants.
        """
        before = (tokens if read is None else read)[:, :-1]
        start = before.new_full((len(tokens), 1), self.shape.vocabulary)
        x = self.dropout(self.embedding(torch.cat([start, before], 1)))
        found: Tensor = self.dropout(self.lstm(x)[0])
        return found

    def loss(self, tokens: Tensor, weights: Tensor, read: Tensor | None = None) -> Tensor:
        """The sum of -weights * ln p(token) over (B, T); see `weighted_loss`."""
        given = self.given(tokens, read).flatten(0, 1)
        return weighted_loss(
            given, self.output_weight, self.output.bias, tokens.flatten(), weights.flatten()
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, V) logits of each token of (B, T) `tokens`, given the ones before it."""
        return F.linear(self.given(tokens), self.output_weight, self.output.bias)

    @torch.no_grad()
    def log_likelihood(self, tokens: Tensor, temperature: float = 1.0) -> Tensor:
        """(B, T) natural logarithms of the probability of each token, a few rows at a time."""
        found = []
        for part in torch.split(tokens, 32):
            logits = self(part).flatten(0, 1) / temperature
            found.append(-F.cross_entropy(logits, part.flatten(), reduction="none").view_as(part))
        return torch.cat(found)

    @torch.no_grad()
    def decoder(self) -> "Decoder":
        """A copy of what it knows, laid out for drawing."""
        shape = self.shape
        wide = padded(shape.vocabulary)
        weight = self.output_weight
        output = weight.new_zeros(shape.hidden, wide)
        output[:, : shape.vocabulary] = weight.T
        bias = weight.new_full((wide,), -torch.inf)
        bias[: shape.vocabulary] = self.output.bias
        read, recurrent, *biases = (p.detach() for p in self.lstm.parameters())
        table = F.linear(self.embedding.weight, read, biases[0] + biases[1])
        return Decoder(
            vocabulary=shape.vocabulary,
            table=table,
            recurrent=recurrent.T.contiguous(),
            output=output,
            bias=bias,
        )


Memory = tuple[Tensor, Tensor]  # h and c, (N, H) each


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """A generator at drawing: what each token adds to the gates is looked up, not computed."""

    vocabulary: int
    table: Tensor  # (V + 1, 4H)
    recurrent: Tensor  # (H, 4H)
    output: Tensor  # (H, padded V)
    bias: Tensor  # (padded V,)

    def begin(self, count: int) -> Memory:
        """What `count` sequences remember after the start vector."""
        none = self.table.new_zeros(count, len(self.recurrent))
        start = torch.full((count,), self.vocabulary, device=self.table.device)
        return self.read(start, (none, none))

    def read(self, tokens: Tensor, memory: Memory) -> Memory:
        """Take in one token (N,) of each sequence."""
        h, c = memory
        gates = torch.addmm(self.table[tokens], h, self.recurrent)
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def logits(self, h: Tensor) -> Tensor:
        """(N, padded V) for the next token."""
        return torch.addmm(self.bias, h, self.output)

    def next(self, h: Tensor, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(N,) tokens, drawn."""
        parts = [
            draw(self.logits(part), self.vocabulary, rng, temperature)
            for part in torch.split(h, ROWS)
        ]
        return torch.cat(parts)

    @torch.no_grad()
    def sample(
        self, count: int, length: int, rng: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """(count, length) tokens."""
        memory = self.begin(count)
        found = []
        for at in range(length):
            found.append(self.next(memory[0], rng, temperature))
            if at + 1 < length:
                memory = self.read(found[-1], memory)
        return torch.stack(found, 1)
