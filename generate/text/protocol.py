"""The oracle protocol of Yu et al. 2017, with what shows how far its measure can be led astray.

    unmask generate oracle --out runs/oracle --export generate/text/oracle.json

NLL_oracle alone rewards a generator that says few things well: sampling MLE at a low temperature
brings it down without any learning (Caccia et al. 2018, "Language GANs Falling Short"). Beside it
stand the test NLL, which punishes what a generator never says, Self-BLEU, and the sweep over
temperatures.
"""

import copy
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unmask.generate.game import Stats
from unmask.generate.text.bleu import References, self_bleu
from unmask.generate.text.critic import FULL, QUARTER, CriticShape
from unmask.generate.text.lstm import LSTMGenerator
from unmask.generate.text.oracle import Oracle, OracleShape, make_oracle
from unmask.generate.text.relgan import RelGanConfig, play
from unmask.generate.text.rollouts import Reward
from unmask.generate.text.seqgan import SeqGan, SeqGanConfig
from unmask.generate.text.training import train
from unmask.generate.training import TrainConfig

TEMPERATURES = (1.0, 0.9, 0.8, 0.7)
BLEU_ORDER = 2  # of the reward and of Self-BLEU: a random language has few longer n-grams twice
BLEU_SAMPLES = 500  # sequences that Self-BLEU is told of
FIRST_SEED = 2_000_000  # of the noise that is measured


class Method(StrEnum):
    """How a generator learns."""

    RANDOM = "random"
    MLE = "mle"  # as long as it helps on validation data of a pilot seed
    SEQGAN = "seqgan"
    LONGER = "mle, longer"  # about the processor time of SeqGAN
    SCHEDULED = "scheduled sampling"
    BLEU = "pg-bleu"  # policy gradient with BLEU against the training data as reward
    RELGAN = "relgan"  # Gumbel-softmax and a relativistic critic, from where MLE ends


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Sizes and options of all runs of the protocol."""

    shape: OracleShape = field(default_factory=OracleShape)
    config: SeqGanConfig = field(default_factory=SeqGanConfig)
    filters: tuple[tuple[int, int], ...] = FULL  # of the critic
    scheduled_floor: float = 0.5  # share of true tokens at the end of scheduled sampling
    bleu_rounds: int = 200
    longer_steps: int = 75_000
    relgan: RelGanConfig = field(default_factory=RelGanConfig)


# Two cores: vocabulary and length are the paper's, batches, rounds and rollouts are not.
PROFILES: Mapping[str, Protocol] = {
    "tiny": Protocol(
        shape=OracleShape(held_out=1_000),
        filters=QUARTER,
        config=SeqGanConfig(
            mle_steps=312, catch_steps=100, rounds=15, critic_updates=5, rollouts=2,
            lr_critic=1e-3, check_every=156,
        ),
        bleu_rounds=15,
        longer_steps=936,
        relgan=RelGanConfig(
            train=TrainConfig(
                images=64 * 40, lr_generator=4e-4, lr_critic=1e-3, betas=(0.9, 0.999),
                check_every=10,
            ),
            inverse_temperature=2.0, views=8, width=8, filters=50,
        ),
    ),
    "full": Protocol(),
}  # fmt: skip


def run(
    protocol: Protocol, seeds: tuple[int, ...], out: Path, device: torch.device | None = None
) -> Iterator[dict[str, Any]]:
    """Train each method on each seed's oracle, on `device`, and measure it; a row each.

    Rows that `out` holds already are not computed again, and stopped runs go on. Oracles, and what
    is told of a generator that has learned, are made on the processor: alike on any machine.
    """
    for seed in seeds:
        folder = out / f"seed-{seed}"
        wanted = [m for m in Method if not (folder / f"{_file_name(m)}.json").is_file()]
        oracle = make_oracle(protocol.shape, seed) if wanted else None
        for method in Method:
            path = folder / f"{_file_name(method)}.json"
            if method in wanted and oracle is not None:
                begun = time.process_time()
                generator = _learned(method, protocol, oracle, seed, folder, device)
                if generator is None:
                    return
                row = {"seed": seed, "method": method.value, **assess(generator.cpu(), oracle)}
                row["cpu_seconds"] = round(time.process_time() - begun, 1)
                _keep(path, row)
            yield json.loads(path.read_text())


def _file_name(method: Method) -> str:
    return method.value.replace(",", "").replace(" ", "-")


def _built(protocol: Protocol, seed: int) -> SeqGan:
    shape = protocol.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SeqGan(
            shape.generator(0.1),
            CriticShape(vocabulary=shape.vocabulary, length=shape.length, filters=protocol.filters),
        )


def _learned(
    method: Method,
    protocol: Protocol,
    oracle: Oracle,
    seed: int,
    folder: Path,
    device: torch.device | None,
) -> LSTMGenerator | None:
    """A generator after its training; None where Ctrl-C ended it."""
    if method is Method.RELGAN:
        return _relgan(protocol, oracle, seed, folder, device)
    game = _built(protocol, seed)
    if method is Method.RANDOM:
        return game.generator
    config = _config(method, protocol, seed)
    place = folder / _file_name(method)
    if method in (Method.BLEU, Method.SEQGAN) and not (place / "last.pt").is_file():
        place.mkdir(parents=True, exist_ok=True)  # both go on from where MLE ends
        shutil.copy(folder / Method.MLE.value / "last.pt", place / "last.pt")
    reward = _bleu_reward(oracle, protocol.shape.vocabulary) if method is Method.BLEU else None

    def measure(game: SeqGan) -> Stats:
        found = _nlls(copy.deepcopy(game.generator).cpu(), oracle)
        return {k: torch.tensor(v) for k, v in found.items()}

    ended = train(
        game, oracle.training, config, place, measure=measure, reward=reward, device=device
    )
    return None if ended.stopped else game.generator


def _relgan(
    protocol: Protocol, oracle: Oracle, seed: int, folder: Path, device: torch.device | None
) -> LSTMGenerator | None:
    """RelGAN's generator, which goes on from where MLE ends."""
    config = replace(protocol.relgan, train=replace(protocol.relgan.train, seed=seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        game = config.build(protocol.shape.generator(0.1))
    imitation = folder / Method.MLE.value / "last.pt"
    ended = play(
        game, oracle.training, imitation, config, folder / Method.RELGAN.value, device=device
    )
    return None if ended.stopped else game.generator


def _config(method: Method, protocol: Protocol, seed: int) -> SeqGanConfig:
    config = replace(protocol.config, seed=seed)
    if method is Method.SEQGAN:
        return config
    if method is Method.BLEU:
        return replace(config, catch_steps=0, rounds=protocol.bleu_rounds)
    if method is Method.LONGER:
        return replace(config, catch_steps=0, rounds=0, mle_steps=protocol.longer_steps)
    floor = protocol.scheduled_floor if method is Method.SCHEDULED else 1.0
    return replace(config, catch_steps=0, rounds=0, truth_floor=floor)


def _bleu_reward(oracle: Oracle, vocabulary: int) -> Reward:
    references = References(oracle.training.numpy(), vocabulary=vocabulary, order=BLEU_ORDER)

    def reward(tokens: Tensor) -> Tensor:
        found = references.bleu(tokens.cpu().numpy(), smooth=True)
        return torch.from_numpy(found).float().to(tokens.device)

    return reward


def assess(generator: LSTMGenerator, oracle: Oracle) -> dict[str, Any]:
    """All that is told of a generator, at each temperature."""
    generator.eval()
    swept = [
        {"temperature": t, **_nlls(generator, oracle, t), **_variety(generator, oracle, t)}
        for t in TEMPERATURES
    ]
    return {**swept[0], "sweep": swept}


def _nlls(generator: LSTMGenerator, oracle: Oracle, temperature: float = 1.0) -> dict[str, float]:
    """NLL_oracle of its samples, and the NLL of test data under it, in nats a token."""
    made = _made(generator, oracle, temperature)
    test = generator.log_likelihood(oracle.test, temperature)
    return {"nll_oracle": oracle.nll(made), "test_nll": -float(test.mean())}


def _variety(generator: LSTMGenerator, oracle: Oracle, temperature: float) -> dict[str, float]:
    made = _made(generator, oracle, temperature)
    vocabulary = generator.shape.vocabulary
    found = self_bleu(made[:BLEU_SAMPLES].numpy(), vocabulary=vocabulary, order=BLEU_ORDER)
    return {"self_bleu_2": found, "distinct_tokens": len(torch.unique(made)) / vocabulary}


def _made(generator: LSTMGenerator, oracle: Oracle, temperature: float) -> Tensor:
    rng = torch.Generator().manual_seed(FIRST_SEED)
    shape = generator.shape
    return generator.decoder().sample(len(oracle.test), shape.length, rng, temperature)


def floors(protocol: Protocol, seeds: tuple[int, ...], out: Path) -> list[dict[str, Any]]:
    """What the oracle itself scores on each seed: nothing that learned its language does better.

    Rows that `out` holds already are not computed again.
    """
    found = []
    for seed in seeds:
        path = out / f"seed-{seed}" / "oracle-itself.json"
        if not path.is_file():
            oracle = make_oracle(protocol.shape, seed)
            itself = {"seed": seed, "method": "oracle itself", **assess(oracle.model, oracle)}
            _keep(path, itself)
        found.append(json.loads(path.read_text()))
    return found


def _keep(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row, indent=1) + "\n")


def to_json(protocol: Protocol, rows: list[dict[str, Any]]) -> str:
    """The rows with the options that they were made with."""
    return json.dumps({"protocol": asdict(protocol), "rows": rows}, indent=1) + "\n"
