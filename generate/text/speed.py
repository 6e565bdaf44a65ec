"""How fast texts are drawn and judged here: `python -m unmask.generate.text.speed`."""

import time
from collections.abc import Callable

import torch

from unmask.generate.text.critic import FULL, QUARTER, CriticShape, TextCritic, score
from unmask.generate.text.lstm import GeneratorShape, LSTMGenerator
from unmask.generate.text.rollouts import completions

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


if __name__ == "__main__":
    main()
