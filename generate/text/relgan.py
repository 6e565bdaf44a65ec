"""RelGAN's game (Nie, Narodytska, Patel 2019): the critic's gradient flows through soft texts.

SeqGAN's generator hears one number for a text. Here a token is drawn as the argmax of logits plus
Gumbel noise, and the critic is shown softmax(inverse temperature * (logits + noise)) in its place,
through which its gradient flows (Jang et al. 2017; Maddison et al. 2017). The critic looks at
several embeddings of each text and is relativistic: a real text shall be more real than a made one
(Jolicoeur-Martineau 2019).

The generator is SeqGAN's LSTM and not the paper's relational memory: so both games begin from the
same imitation and differ in nothing but the game, and the oracle's own language is an LSTM's. It
reads the drawn token, as when it writes; no gradient goes back through what it read.

A step moves both players once, so that this is a game for `unmask.generate.training`.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unmask.card import part_of
from unmask.generate.checkpoint import read
from unmask.generate.game import Batch, Batches, Game, Stats
from unmask.generate.objectives import critic_relativistic, generator_relativistic
from unmask.generate.starting import Start
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.relgan_critic import ViewsCritic, ViewsShape
from unmask.generate.training import Outcome, TrainConfig, train

SHOWN = 64  # texts of a preview


@dataclass(frozen=True, kw_only=True)
class Annealing:
    """How the inverse temperature of soft tokens rises from 1, by equal factors a step.

    Low ones make gradients that vary little and texts that are soft, high ones the reverse: by the
    last one the paper trades the quality of texts for their diversity.
    """

    last: float = 1.0
    steps: int = 1  # until then

    def at(self, step: int) -> float:
        """In a step, from 0."""
        return float(self.last ** min(1.0, step / max(1, self.steps - 1)))


@dataclass(frozen=True, kw_only=True)
class RelGanConfig:
    """Options of a game; the imitation before it has its own.

    Sizes, rates and turns are those of the authors' experiments with an oracle, which end at
    inverse temperatures from 2 to 100.
    """

    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            images=64 * 3_000, critic_steps=5, lr_generator=1e-4, lr_critic=1e-4, betas=(0.9, 0.999)
        )
    )
    inverse_temperature: float = 2.0  # at the end; 1: always
    views: int = 64
    width: int = 1  # numbers of a token in a view
    filters: int = 300  # of each width

    def build(self, generator: GeneratorShape) -> "RelGan":
        """A game with an untrained critic and generator, from torch's random numbers."""
        critic = ViewsShape(
            vocabulary=generator.vocabulary,
            views=self.views,
            width=self.width,
            filters=self.filters,
        )
        annealing = Annealing(last=self.inverse_temperature, steps=self.train.steps)
        return RelGan(generator, critic, annealing)


class RelGan(Game):
    """Both players."""

    generator: LSTMGenerator
    critic: ViewsCritic
    columns = 1

    def __init__(self, generator: GeneratorShape, critic: ViewsShape, annealing: Annealing) -> None:
        super().__init__()
        # Dropout would make another generator than the one that drew the tokens.
        self.generator = LSTMGenerator(replace(generator, dropout=0.0))
        self.critic = ViewsCritic(critic)
        self.annealing = annealing

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Each real text above a made one, in every view."""
        real = batch["tokens"]
        fake = soft_texts(self.generator, len(real), self.annealing.at(step))
        return critic_relativistic(self.critic(real), self.critic(fake)), {}

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Each made text above a real one."""
        real = batch["tokens"]
        fake = soft_texts(self.generator, len(real), self.annealing.at(step))
        loss = generator_relativistic(self.critic(real), self.critic(fake))
        return loss, {"hardness": fake.detach().amax(2).mean()}

    @torch.no_grad()
    def preview(self, generator: nn.Module) -> Tensor:
        """(1, 1, N, T): texts from the same noise, a row each; the rarer a token, the brighter.

        That holds where tokens are numbered by their frequency. An oracle's are not.
        """
        if not isinstance(generator, LSTMGenerator):
            raise TypeError("A preview needs the game's generator.")
        shape = generator.shape
        rng = torch.Generator(generator.output.bias.device).manual_seed(0)
        tokens = generator.decoder().sample(SHOWN, shape.length, rng)
        return (2 * tokens / max(1, shape.vocabulary - 1) - 1)[None, None]


def soft_texts(generator: LSTMGenerator, count: int, inverse_temperature: float) -> Tensor:
    """(count, T, V) shares of tokens, each the drawn token's the highest; gradients flow through.

    The noise is torch's own. Tokens are drawn one by one, without gradients; then the generator
    reads them all at once, which is the same to it and faster.
    """
    tokens, noise = _drawn(generator, count)
    shares: Tensor = ((generator(tokens) + noise) * inverse_temperature).softmax(2)
    return shares


@torch.no_grad()
def _drawn(generator: LSTMGenerator, count: int) -> tuple[Tensor, Tensor]:
    """(count, T) tokens and the (count, T, V) Gumbel noise that chose them."""
    shape, decoder = generator.shape, generator.decoder()
    noise = torch.rand(count, shape.length, shape.vocabulary, device=decoder.table.device)
    noise.log_().neg_().log_().neg_()  # a token whose uniform number is 0 is never chosen
    memory, found = decoder.begin(count), []
    for at in range(shape.length):
        logits = decoder.logits(memory[0])[:, : shape.vocabulary]
        found.append((logits + noise[:, at]).argmax(1))
        memory = decoder.read(found[-1], memory)
    return torch.stack(found, 1), noise


def batches_of(sequences: Tensor) -> Batches:
    """Real texts for a step, out of (N, T) `sequences`."""

    def batches(rng: np.random.Generator, count: int) -> Batch:
        return {"tokens": sequences[torch.from_numpy(rng.integers(len(sequences), size=count))]}

    return batches


def play(
    game: RelGan,
    sequences: Tensor,
    imitation: Path,
    config: RelGanConfig,
    out: Path,
    *,
    device: torch.device | None = None,
) -> Outcome:
    """Train on `sequences` (N, T), from the generator in the checkpoint `imitation` on.

    A run that `out` holds goes on. Raises what `unmask.generate.training.train` raises.
    """
    imitated = part_of(read(imitation)["game"], "generator")
    start = Start(
        name=imitation.name,
        sha256=hashlib.sha256(imitation.read_bytes()).hexdigest(),
        generator=imitated,
        average=imitated,
        critic=game.critic.state_dict(),
    )
    return train(game, batches_of(sequences), config.train, out, start=start, device=device)
