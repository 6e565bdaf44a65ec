"""RelGAN: soft texts, what flows through them, the critic's views, and a rule that it learns."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from unmask.card import part_of
from unmask.errors import WeightsError
from unmask.generate.checkpoint import read
from unmask.generate.text.critic import CriticShape
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.relgan import Annealing, RelGan, RelGanConfig, play, soft_texts
from unmask.generate.text.relgan_critic import ViewsCritic, ViewsShape
from unmask.generate.text.seqgan import SeqGan, SeqGanConfig
from unmask.generate.text.training import train as train_seqgan
from unmask.generate.training import TrainConfig, TrainingError

TOKENS, LENGTH = 12, 6
SHAPE = GeneratorShape(vocabulary=TOKENS, length=LENGTH, embedding=16, hidden=32)
CONFIG = RelGanConfig(
    train=TrainConfig(
        images=32 * 8, batch=32, lr_generator=2e-3, lr_critic=5e-3, betas=(0.5, 0.99), check_every=3
    ),
    inverse_temperature=5.0, views=4, width=4, filters=16,
)  # fmt: skip


def built(config: RelGanConfig = CONFIG, seed: int = 3) -> RelGan:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(SHAPE)


def followers(count: int) -> Tensor:
    """(count, LENGTH): each token is the one before plus one; any may come first."""
    first = torch.randint(TOKENS, (count, 1), generator=torch.Generator().manual_seed(1))
    return (first + torch.arange(LENGTH)) % TOKENS


def obedience(tokens: Tensor) -> float:
    """The share of tokens that follow the rule of `followers`."""
    return float(((tokens[:, :-1] + 1) % TOKENS == tokens[:, 1:]).float().mean())


@pytest.fixture(scope="module")
def imitation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a short imitation, which SeqGAN's own loop makes."""
    torch.manual_seed(5)
    critic = CriticShape(vocabulary=TOKENS, length=LENGTH, filters=((1, 4),), embedding=4)
    config = SeqGanConfig(mle_steps=25, catch_steps=0, rounds=0, lr_mle=1e-2)
    out = tmp_path_factory.mktemp("imitation")
    return train_seqgan(SeqGan(SHAPE, critic), followers(400), config, out).checkpoint


def test_soft_texts_are_drawn_as_the_generator_writes() -> None:
    generator = LSTMGenerator(replace(SHAPE, deviation=0.7))
    torch.manual_seed(1)
    shares = soft_texts(generator, 20_000, 5.0)
    assert torch.allclose(shares.sum(2), torch.ones(20_000, LENGTH), atol=1e-5)
    tokens = shares.argmax(2)
    drawn = torch.bincount(tokens[:, 0], minlength=TOKENS) / len(tokens)
    assert torch.allclose(drawn, generator(tokens[:1])[0, 0].softmax(0), atol=0.015)
    begun = tokens[(tokens[:, 0] == int(drawn.argmax()))]  # and given the token before it
    second = torch.bincount(begun[:, 1], minlength=TOKENS) / len(begun)
    assert torch.allclose(second, generator(begun[:1])[0, 1].softmax(0), atol=0.03)


def test_a_high_inverse_temperature_makes_them_hard() -> None:
    generator = LSTMGenerator(SHAPE)
    means = []
    for inverse in (0.1, 1.0, 100.0):
        torch.manual_seed(1)
        means.append(float(soft_texts(generator, 500, inverse).detach().amax(2).mean()))
    assert means[0] < 0.2 < means[1] < 0.9 < means[2]


def test_gradients_flow_through_the_samples() -> None:
    """The slope along the output's bias is what a small step changes, the noise being the same."""
    generator = LSTMGenerator(SHAPE).double()
    toward = torch.randn(50, LENGTH, TOKENS, generator=torch.Generator().manual_seed(2)).double()

    def value() -> Tensor:
        torch.manual_seed(4)
        return (soft_texts(generator, 50, 1.0) * toward).sum()

    value().backward()  # type: ignore[no-untyped-call]
    for name, weights in generator.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.abs().sum() > 0, name
    slope, step = generator.output.bias.grad, 1e-6
    assert slope is not None
    for at in range(TOKENS):
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                generator.output.bias[at] += sign * step
                ends.append(float(value()))
                generator.output.bias[at] -= sign * step
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(slope[at]), rel=1e-3)


def test_the_critic_reads_soft_and_hard_texts_and_judges_each_view_alone() -> None:
    critic = ViewsCritic(ViewsShape(vocabulary=TOKENS, views=3, width=2, filters=5)).eval()
    tokens = followers(7)
    logits = critic(tokens)
    assert logits.shape == (7, 3)
    hard = torch.nn.functional.one_hot(tokens, TOKENS).float()
    assert torch.allclose(critic(hard), logits, atol=1e-5)
    with torch.no_grad():
        critic.embedding.weight[:, 2:4] += 1  # of the view in the middle
    changed = critic(tokens) != logits
    assert changed.any(0).tolist() == [False, True, False]


def test_the_inverse_temperature_rises_by_equal_factors() -> None:
    annealing = Annealing(last=8.0, steps=4)
    assert [annealing.at(step) for step in range(5)] == pytest.approx([1, 2, 4, 8, 8])
    assert Annealing().at(7) == 1


def test_the_game_learns_a_rule_of_order(imitation: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, train=replace(CONFIG.train, images=32 * 80))
    before, game = built(config), built(config)
    before.generator.load_state_dict(part_of(read(imitation)["game"], "generator"))
    texts = [soft_texts(before.generator, 500, 1.0).argmax(2)]
    play(game, followers(400), imitation, config, tmp_path)
    texts.append(soft_texts(game.generator, 500, 1.0).argmax(2))
    rates = [obedience(one) for one in texts]
    assert rates[0] < 0.6
    assert rates[1] > rates[0] + 0.2
    assert len(texts[1][:, 0].unique()) > TOKENS // 2  # it has not fallen to one text


def test_a_stopped_run_goes_on_to_the_very_numbers(imitation: Path, tmp_path: Path) -> None:
    whole, stopped, resumed = built(), built(), built()
    play(whole, followers(400), imitation, CONFIG, tmp_path / "whole")
    inner = stopped.generator_loss

    def interrupted(batch: dict[str, Tensor], step: int) -> object:
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        return inner(batch, step)

    stopped.generator_loss = interrupted  # type: ignore[method-assign,assignment]
    assert play(stopped, followers(400), imitation, CONFIG, tmp_path / "parts").stopped
    outcome = play(resumed, followers(400), imitation, CONFIG, tmp_path / "parts")
    assert (outcome.step, outcome.stopped) == (8, False)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name
    assert not torch.equal(
        whole.generator.output.weight, read(imitation)["game"]["generator.output.weight"]
    )
    other = replace(CONFIG, train=replace(CONFIG.train, lr_critic=1.0))
    with pytest.raises(WeightsError, match="lr_critic"):
        play(built(other), followers(400), imitation, other, tmp_path / "parts")


def test_a_loss_that_is_no_number_ends_it_with_a_clear_word(
    imitation: Path, tmp_path: Path
) -> None:
    game = built()
    with torch.no_grad():
        game.critic.output.bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"critic is nan in step 1"):
        play(game, followers(400), imitation, CONFIG, tmp_path)
