"""SeqGAN: drawing, rollouts, losses, and a training that learns what is planted."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unmask.errors import WeightsError
from unmask.generate.checkpoint import read
from unmask.generate.journal import read_log
from unmask.generate.text.critic import CriticShape, TextCritic, score
from unmask.generate.text.drawing import draw, padded
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.oracle import Oracle, OracleShape, make_oracle
from unmask.generate.text.rollouts import completions, prefix_rewards
from unmask.generate.text.seqgan import Phase, SeqGan, SeqGanConfig, follow, mle_loss
from unmask.generate.text.token_loss import weighted_loss
from unmask.generate.text.training import train

SHAPE = OracleShape(vocabulary=200, length=10, training=2_000, held_out=400)
FILTERS = ((1, 16), (2, 32), (3, 32), (4, 16), (20, 9))
CONFIG = SeqGanConfig(
    mle_steps=12, catch_steps=6, rounds=6, critic_updates=2, rollouts=2, check_every=5, batch=16
)


def rng_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(seed: int = 3, length: int = 10) -> SeqGan:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SeqGan(
            GeneratorShape(vocabulary=200, length=length),
            CriticShape(vocabulary=200, length=length, filters=FILTERS, embedding=16),
        )


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return make_oracle(SHAPE, 5)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("vocabulary", [1, 7, 50])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_draws_follow_the_softmax(vocabulary: int, temperature: float) -> None:
    logits = 2 * torch.randn(vocabulary, generator=rng_of(1))
    logits[vocabulary // 2] = -torch.inf if vocabulary > 1 else 0
    rows = torch.full((40_000, padded(vocabulary)), -torch.inf)
    rows[:, :vocabulary] = logits
    drawn = draw(rows, vocabulary, rng_of(2), temperature)
    shares = torch.bincount(drawn, minlength=vocabulary) / len(drawn)
    wanted = (logits / temperature).softmax(0)
    assert torch.allclose(shares, wanted, atol=0.012)
    assert (shares[wanted == 0] == 0).all()


def test_the_decoder_is_the_generator() -> None:
    for tied in (False, True):
        shape = GeneratorShape(vocabulary=30, length=6, tied=tied, deviation=0.7)
        generator = LSTMGenerator(shape).eval()
        tokens = torch.randint(30, (5, 6), generator=rng_of(1))
        decoder, found = generator.decoder(), []
        memory = decoder.begin(5)
        for at in range(6):
            found.append(decoder.logits(memory[0])[:, :30])
            memory = decoder.read(tokens[:, at], memory)
        assert torch.allclose(torch.stack(found, 1), generator(tokens), atol=1e-5)


def test_a_policy_without_dropout_has_gradients_on_a_gpu_too() -> None:
    generator = LSTMGenerator(GeneratorShape(vocabulary=30, length=6, dropout=0.5)).eval()
    assert generator.lstm.training
    assert not generator.dropout.training
    assert generator.train().dropout.training


def test_the_loss_in_parts_is_cross_entropy_and_so_are_its_gradients() -> None:
    given, output = torch.randn(300, 8, requires_grad=True), torch.randn(40, 8, requires_grad=True)
    bias = torch.randn(40, requires_grad=True)
    tokens, weights = torch.randint(40, (300,)), torch.randn(300)
    ours = torch.autograd.grad(
        3 * weighted_loss(given, output, bias, tokens, weights), (given, output, bias)
    )
    plain = F.cross_entropy(given @ output.T + bias, tokens, reduction="none")
    theirs = torch.autograd.grad(3 * (weights * plain).sum(), (given, output, bias))
    for one, two in zip(ours, theirs, strict=True):
        assert torch.allclose(one, two, atol=1e-4)
    assert weighted_loss(given, output, bias, tokens, weights).item() == pytest.approx(
        (weights * plain).sum().item(), rel=1e-4
    )


def test_rollouts_keep_their_prefix_and_follow_the_generator() -> None:
    """A generator that is nearly certain ends every prefix as a naive loop would."""
    generator = LSTMGenerator(GeneratorShape(vocabulary=12, length=7, deviation=2.0))
    with torch.no_grad():
        generator.output.weight.mul_(1e5)  # one token has all the probability
    decoder = generator.decoder()
    tokens = torch.randint(12, (4, 7), generator=rng_of(1))
    ends = completions(decoder, tokens, 3, rng_of(2))
    assert ends.shape == (6, 3, 4, 7)
    for kept in range(1, 7):
        naive = tokens.clone()
        for b in range(4):
            for at in range(kept, 7):
                logits = generator(naive[b : b + 1])[0, at]
                naive[b, at] = logits.argmax()
        assert torch.equal(ends[kept - 1], naive.expand(3, 4, 7))


def test_rewards_are_the_means_of_a_naive_loop() -> None:
    generator = LSTMGenerator(GeneratorShape(vocabulary=5, length=4, deviation=1.0))
    tokens = torch.randint(5, (3, 4), generator=rng_of(1))

    def reward(found: Tensor) -> Tensor:
        return (found == 2).float().mean(1)

    fast = prefix_rewards(generator.decoder(), tokens, reward, 4_000, rng_of(2))
    assert torch.allclose(fast[:, -1], reward(tokens))
    rng = rng_of(3)
    for b in range(3):
        for kept in range(1, 4):
            rows = tokens[b : b + 1].repeat(4_000, 1)
            for at in range(kept, 4):
                shares = generator(rows)[:, at].softmax(1)
                rows[:, at] = shares.multinomial(1, generator=rng)[:, 0]
            assert fast[b, kept - 1].item() == pytest.approx(reward(rows).mean().item(), abs=0.015)


def test_the_oracle_is_the_same_again_and_likes_its_own_language_best(oracle: Oracle) -> None:
    again = make_oracle(SHAPE, 5)
    assert torch.equal(oracle.training, again.training)
    assert not torch.equal(oracle.training, make_oracle(SHAPE, 6).training)
    noise = torch.randint(200, oracle.test.shape, generator=rng_of(1))
    assert oracle.nll(oracle.test) < oracle.nll(noise) - 1


def test_imitation_lowers_both_likelihoods(oracle: Oracle, tmp_path: Path) -> None:
    game = built()
    before = oracle.nll(game.sample(400, rng_of(1)))
    config = replace(CONFIG, mle_steps=250, catch_steps=0, rounds=0, batch=64, lr_mle=1e-2)
    outcome = train(game, oracle.training, config, tmp_path)
    assert oracle.nll(game.sample(400, rng_of(1))) < before - 0.5
    log = read_log(tmp_path / "log.jsonl")
    assert log[-1]["mle_loss"] < log[0]["mle_loss"] - 0.3
    average = read(outcome.checkpoint)["average"]
    assert equal(average, game.generator.state_dict())  # the rollout network begins from it


def test_the_critic_learns_to_catch(oracle: Oracle, tmp_path: Path) -> None:
    game = built()
    config = replace(CONFIG, mle_steps=0, catch_steps=150, rounds=0, batch=64, lr_critic=3e-3)
    train(game, oracle.training, config, tmp_path)
    real = score(game.critic, oracle.test)
    fake = score(game.critic, game.sample(400, rng_of(1)))
    assert (real[:, None] > fake[None]).float().mean() > 0.8


@pytest.mark.parametrize("baseline", [True, False])
def test_policy_gradient_raises_a_planted_reward(
    baseline: bool, oracle: Oracle, tmp_path: Path
) -> None:
    def evens(tokens: Tensor) -> Tensor:
        return (tokens % 2 == 0).float().mean(1)

    game = built()
    assert evens(game.sample(400, rng_of(1))).mean() < 0.6
    config = replace(
        CONFIG, mle_steps=0, catch_steps=0, rounds=60, batch=64, baseline=baseline, lr_policy=3e-2
    )
    train(game, oracle.training, config, tmp_path, reward=evens)
    assert evens(game.sample(400, rng_of(1))).mean() > 0.8


def test_a_stopped_run_goes_on_to_the_very_numbers(oracle: Oracle, tmp_path: Path) -> None:
    config = replace(CONFIG, truth_floor=0.5)
    whole, parts = built(), built()
    train(whole, oracle.training, config, tmp_path / "whole")
    train(built(), oracle.training, replace(config, rounds=2), tmp_path / "parts")
    outcome = train(parts, oracle.training, config, tmp_path / "parts")
    assert outcome.step == config.steps == 24
    assert equal(whole.state_dict(), parts.state_dict())
    one, two = (read(tmp_path / name / "last.pt") for name in ("whole", "parts"))
    assert equal(one["average"], two["average"])
    assert not equal(one["average"], whole.generator.state_dict())
    with pytest.raises(WeightsError, match="lr_policy"):
        train(built(), oracle.training, replace(config, lr_policy=1.0), tmp_path / "parts")


def test_what_is_measured_now_and_then_is_logged_as_it_was_found(
    oracle: Oracle, tmp_path: Path
) -> None:
    config = replace(CONFIG, mle_steps=20, catch_steps=0, rounds=0)
    train(built(), oracle.training, config, tmp_path, measure=lambda _: {"seven": torch.tensor(7)})
    assert read_log(tmp_path / "log.jsonl")[-1]["seven"] == 7


def test_phases_follow_each_other_and_truth_falls() -> None:
    config = replace(CONFIG, truth_floor=0.5)
    phases = [config.phase(step) for step in range(config.steps)]
    assert phases == [Phase.IMITATE] * 12 + [Phase.CATCH] * 6 + [Phase.PLAY] * 6
    assert config.truth_at(0) == 1
    assert config.truth_at(11) == pytest.approx(0.5)


def test_scheduled_sampling_reads_its_own_words(oracle: Oracle) -> None:
    generator = built().generator.eval()
    tokens = oracle.training[:64]
    plain = mle_loss(generator, tokens, 1.0, rng_of(1))
    assert plain.item() == pytest.approx(-generator.log_likelihood(tokens).mean().item(), rel=1e-4)
    own = mle_loss(generator, tokens, 0.0, rng_of(1))
    assert own.item() != pytest.approx(plain.item(), rel=1e-6)


def test_the_rollout_network_follows_slowly() -> None:
    slow, fast = built(1).generator, built(2).generator
    before = slow.output.weight.clone()
    follow(slow, fast, keep=0.75)
    assert torch.allclose(slow.output.weight, 0.75 * before + 0.25 * fast.output.weight)


def test_the_critic_has_filters_that_fit_alone() -> None:
    critic = TextCritic(CriticShape(vocabulary=9, length=5, filters=FILTERS))
    assert [c.kernel_size for c in critic.convolutions] == [(1,), (2,), (3,), (4,)]
    tokens = torch.randint(9, (6, 5), generator=rng_of(1))
    assert torch.allclose(score(critic, tokens), score(critic, tokens, at_once=2), atol=1e-5)
    assert critic.training
