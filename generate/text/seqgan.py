"""SeqGAN (Yu et al. 2017): what its two players are, and the steps that they take.

Texts are discrete: no gradient flows from the critic through them. The generator is an agent
instead, a token its action, and the critic's opinion of the finished text its reward (REINFORCE,
Williams 1992). Before that the generator learns by maximum likelihood (MLE), or by scheduled
sampling (Bengio et al. 2015), and the critic learns to catch it.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmask.generate.text.critic import CriticShape, TextCritic
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.rollouts import Reward, prefix_rewards


class Phase(StrEnum):
    """What a step of a run does."""

    IMITATE = "imitate"  # the generator, by maximum likelihood
    CATCH = "catch"  # the critic alone
    PLAY = "play"  # a round of both


@dataclass(frozen=True, kw_only=True)
class SeqGanConfig:
    """Options of a run, saved in its checkpoint and as JSON beside it."""

    batch: int = 64  # sequences
    mle_steps: int = 18_750  # of pre-training: 120 epochs of 10,000 sequences, as in the paper
    catch_steps: int = 23_400  # updates of the critic before the game: 50 x 3 epochs
    rounds: int = 200
    policy_updates: int = 1  # a round
    mle_updates: int = 0  # a round, which keep the generator near the corpus; none in the paper
    critic_updates: int = 2_340  # a round: 5 x 3 epochs
    rollouts: int = 16  # completions of each prefix
    rollout_keep: float = 0.8  # of the rollout network, a round; the rest comes from the generator
    baseline: bool = False  # subtract the mean reward of each position; the paper does not
    truth_floor: float = 1.0  # share of true tokens at the end of pre-training; 1: plain MLE
    lr_mle: float = 1e-2
    lr_policy: float = 1e-2
    lr_critic: float = 1e-4
    penalty: float = 0.2  # of the critic's last layer
    check_every: int = 500  # steps between checkpoints
    seed: int = 1

    @property
    def steps(self) -> int:
        """Of all phases; a round is one step."""
        return self.mle_steps + self.catch_steps + self.rounds

    def phase(self, step: int) -> Phase:
        """Of a step, from 0."""
        if step < self.mle_steps:
            return Phase.IMITATE
        return Phase.CATCH if step < self.mle_steps + self.catch_steps else Phase.PLAY

    def truth_at(self, step: int) -> float:
        """Share of true tokens that the generator reads in a step of pre-training."""
        return 1 - (1 - self.truth_floor) * step / max(1, self.mle_steps - 1)


class SeqGan(nn.Module):
    """The two players."""

    def __init__(self, generator: GeneratorShape, critic: CriticShape) -> None:
        super().__init__()
        self.generator = LSTMGenerator(generator)
        self.critic = TextCritic(critic)

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.generator.shape.length

    def sample(self, count: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(count, T) tokens."""
        return self.generator.decoder().sample(count, self.length, rng, temperature)


def mle_loss(
    generator: LSTMGenerator, tokens: Tensor, truth: float, rng: torch.Generator
) -> Tensor:
    """Mean negative log-likelihood of a token of (B, T), in nats.

    With `truth` below 1 it reads its own words in place of that part of the true ones.
    """
    weights = torch.full(tokens.shape, 1 / tokens.numel(), device=tokens.device)
    read = tokens if truth >= 1 else _mixed(generator, tokens, truth, rng)
    return generator.loss(tokens, weights, read)


@torch.no_grad()
def _mixed(generator: LSTMGenerator, tokens: Tensor, truth: float, rng: torch.Generator) -> Tensor:
    """(B, T): each token is the true one with probability `truth`, else what it would say there."""
    decoder = generator.decoder()
    memory = decoder.begin(len(tokens))
    is_true = torch.rand(tokens.shape, generator=rng, device=rng.device) < truth
    found = []
    for at in range(tokens.shape[1]):
        own = decoder.next(memory[0], rng)
        found.append(torch.where(is_true[:, at], tokens[:, at], own))
        memory = decoder.read(found[-1], memory)
    return torch.stack(found, 1)


def critic_loss(critic: TextCritic, real: Tensor, fake: Tensor, penalty: float) -> Tensor:
    """Binary cross-entropy of telling real sequences (B, T) from fake ones."""
    logits = critic(torch.cat([real, fake]))
    is_real = torch.cat([logits.new_ones(len(real)), logits.new_zeros(len(fake))])
    return F.binary_cross_entropy_with_logits(logits, is_real) + penalty * critic.penalty()


def policy_loss(
    generator: LSTMGenerator,
    rollout: LSTMGenerator,
    reward: Reward,
    config: SeqGanConfig,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The loss whose gradient is REINFORCE's, and the mean reward of the sequences."""
    tokens = generator.decoder().sample(config.batch, generator.shape.length, rng)
    worth = prefix_rewards(rollout.decoder(), tokens, reward, config.rollouts, rng)
    advantage = worth - worth.mean(0, keepdim=True) if config.baseline else worth
    return generator.loss(tokens, advantage / tokens.numel()), worth[:, -1].mean()


@torch.no_grad()
def follow(rollout: nn.Module, generator: nn.Module, keep: float) -> None:
    """The rollout network keeps a part of itself and takes the rest from the generator."""
    for slow, fast in zip(rollout.parameters(), generator.parameters(), strict=True):
        slow.lerp_(fast, 1 - keep)
