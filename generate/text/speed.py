"""How fast texts are drawn, judged and played with: `python -m unmask.generate.text.speed`."""

import time
from collections.abc import Callable
from statistics import median

import torch

from unmask.generate.text.critic import FULL, QUARTER, CriticShape, TextCritic, score
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.protocol import PROFILES
from unmask.generate.text.relgan import batches_of
from unmask.generate.text.rollouts import completions
from unmask.generate.text.seqgan import SeqGan
from unmask.generate.text.training import begin, take_step
from unmask.generate.training import step_once

VOCABULARY, LENGTH, BATCH, ROLLOUTS = 5_000, 20, 64, 4


def per_second(what: Callable[[], object], amount: int, repeats: int = 5) -> tuple[float, float]:
    """`amount` a second of the best of some runs: of the clock, and of this process's own time."""
    walls, owns = [], []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        what()
        walls.append(time.perf_counter() - wall)
        owns.append(time.process_time() - own)
    return amount / min(walls), amount / min(owns)


def games(repeats: int = 5) -> tuple[list[float], list[float]]:
    """Processor seconds of SeqGAN's game and of RelGAN's in the oracle protocol, imitation apart.

    Both are measured in turn, by a few steps of each kind, so that a busy machine is fair to them.
    """
    tiny = PROFILES["tiny"]
    config, generator = tiny.config, tiny.shape.generator(0.1)
    data = torch.randint(VOCABULARY, (1_000, LENGTH))
    critic = CriticShape(vocabulary=VOCABULARY, length=LENGTH, filters=tiny.filters)
    seqgan = begin(SeqGan(generator, critic), config, torch.device("cpu"))
    relgan = tiny.relgan.build(generator)

    def cost(step: int) -> float:
        seqgan.step = step
        own = time.process_time()
        take_step(seqgan, data, config, None)
        return time.process_time() - own

    one, two = [], []
    for at in range(repeats):
        catch = sum(cost(config.mle_steps + n) for n in range(4)) / 4
        played = cost(config.mle_steps + config.catch_steps)
        one.append(config.catch_steps * catch + config.rounds * played)
        own = time.process_time()
        step_once(relgan, batches_of(data), tiny.relgan.train, torch.device("cpu"), at)
        two.append(tiny.relgan.train.steps * (time.process_time() - own))
    return one, two


def main() -> None:
    """Print the figures at the sizes of the oracle protocol."""
    generator = LSTMGenerator(GeneratorShape(vocabulary=VOCABULARY, length=LENGTH))
    decoder, rng = generator.decoder(), torch.Generator().manual_seed(1)
    tokens = decoder.sample(BATCH, LENGTH, rng)
    drawn = BATCH * ROLLOUTS * LENGTH * (LENGTH - 1) // 2
    rows = {
        "tokens drawn": (lambda: decoder.sample(2_048, LENGTH, rng), 2_048 * LENGTH),
        "tokens of rollouts": (lambda: completions(decoder, tokens, ROLLOUTS, rng), drawn),
    }
    many = completions(decoder, tokens, 1, rng).flatten(0, 2)
    for name, filters in (("full", FULL), ("quarter", QUARTER)):
        critic = TextCritic(
            CriticShape(vocabulary=VOCABULARY, length=LENGTH, filters=filters)
        ).eval()
        rows[f"sequences judged, {name} critic"] = (lambda c=critic: score(c, many), len(many))  # type: ignore[misc]
    for name, (what, amount) in rows.items():
        wall, own = per_second(what, amount)
        print(f"{name}: {wall:,.0f} a second, {own:,.0f} of processor time")  # noqa: T201
    for name, seconds in zip(("SeqGAN", "RelGAN"), games(), strict=True):
        low, high = min(seconds), max(seconds)
        print(f"{name}'s game: {median(seconds):.1f} s of processor time ({low:.1f}-{high:.1f})")  # noqa: T201


if __name__ == "__main__":
    main()
