"""Train the networks of the audio detector on pairs of real and synthetic speech. Read it in order.

    unmask train audio --data SPEECH/manifest.csv --front-end lfcc --out runs/audio

Only the TRAIN split is learned from; VALIDATION (other speakers, and generators of its own) is
watched. Networks of several front ends learn from the same stream, each for itself. A run that was
stopped goes on from its last checkpoint.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.lcnn import pooled
from unmask.detect.audio.nets import Nets, features_of
from unmask.detect.audio.pairs import Mixture, PairStream, Pool
from unmask.detect.audio.speech_transformer import published
from unmask.detect.evaluation.figures import auc
from unmask.detect.train import averaged, keep, resume, schedule
from unmask.errors import WeightsError
from unmask.packing import unpacked

VALIDATION_PAIRS = 100  # enough to watch a run by


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of a run, saved as JSON beside its checkpoints."""

    front_ends: tuple[str, ...] = ("constant_q",)
    steps: int = 500
    pairs: int = 12  # in a batch
    lr: float = 3e-3  # the largest, of AdamW
    weight_decay: float = 0.02
    warmup: int = 40  # steps
    ema: float = 0.99  # decay a step, less in the beginning
    bank: int = 2000  # pairs that are prepared before they come again; 0: always new ones
    mask: float = 0.15  # part of rows and of frames that a mask may cover, at most
    ranked: float = 0.5  # weight of "the fake above its own real" (contrast of pairs)
    check_every: int = 100  # steps between validations and checkpoints
    seed: int = 1
    workers: int = 0
    half: bool = True  # bfloat16 in the networks: a third faster where the processor has it
    mixture: Mixture = field(default_factory=Mixture)


def masked(features: Tensor, part: float) -> Tensor:
    """(2 P, rows, T) with a band of rows and one of frames hidden (Park et al. 2019, SpecAugment).

    Recordings 2 i and 2 i + 1 are a pair and are changed alike. What is hidden is set to the mean
    of its recording.
    """
    count, rows, frames = features.shape
    device = features.device
    hidden = torch.zeros(count // 2, rows, frames, dtype=torch.bool, device=device)
    for axis, size in ((1, rows), (2, frames)):
        width = (torch.rand(count // 2, 1, device=device) * part * size).long()
        start = (torch.rand(count // 2, 1, device=device) * (size - width)).long()
        place = torch.arange(size, device=device)
        hidden |= ((place >= start) & (place < start + width)).unsqueeze(3 - axis)
    mean = features.mean((1, 2), keepdim=True)
    return torch.where(hidden.repeat_interleave(2, 0), mean, features)


def loss_of(logits: Tensor, labels: Tensor, own: Tensor, ranked: float) -> Tensor:
    """Frames (2 P, T) against their cells (2 P, M), recordings of one kind against their label.

    And the fake above the real one that it was made of, for `own` (P,) pairs.
    """
    cells = F.adaptive_avg_pool1d(labels[:, None], logits.shape[1])[:, 0]
    frame = F.binary_cross_entropy_with_logits(logits, cells)
    score, whole = pooled(logits), labels.mean(1)
    pure = (whole < 1e-6) | (whole > 1 - 1e-6)
    loss = 0.5 * frame + F.binary_cross_entropy_with_logits(score[pure], whole[pure])
    if own.any():
        real, fake = logits.mean(1).reshape(-1, 2).unbind(1)
        loss = loss + ranked * F.softplus(real - fake)[own].mean()
    return loss


def validation_pairs(data: Sequence[Utterance], config: TrainConfig) -> Tensor:
    """(100, 2, N) fixed pairs, whole fakes, through fixed draws of the chain."""
    plain = Mixture(seconds=config.mixture.seconds, partial=0, pasted=0)
    stream = PairStream(Pool(data), plain, seed=7)
    return torch.stack([waves for waves, _, _ in islice(stream, VALIDATION_PAIRS)])


@torch.inference_mode()
def validate(nets: nn.Module, pairs: Tensor, names: Sequence[str], device: str) -> dict[str, float]:
    """AUC of each network, and of the mean of their logits."""
    nets.eval()
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    for part in torch.split(pairs.flatten(0, 1), 32):
        features = features_of(names, part.to(device))
        for name, logits in nets(features).items():
            found[name].append(pooled(logits).cpu())
    scores = {name: torch.cat(parts).numpy() for name, parts in found.items()}
    labels = np.tile([False, True], len(pairs))
    figures = {name: auc(labels, values) for name, values in scores.items()}
    return figures | {"mean": auc(labels, np.mean(list(scores.values()), 0))}


def running(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """A running average whose memory grows from a few steps to 1 / (1 - decay)."""

    def step(average: Tensor, now: Tensor, seen: Tensor | int) -> Tensor:
        keep = min(decay, (1 + float(seen)) / (10 + float(seen)))
        return (average * keep + now * (1 - keep)).to(average.dtype)

    return step


def learned(place: Path) -> dict[str, Tensor]:
    """The running averages of a run, or the networks as they ship. Raises WeightsError."""
    return unpacked({k.removeprefix("nets."): v for k, v in averaged(place).items()})


def begin(nets: Nets, start: Path) -> None:
    """Weights to go on from, of a run or as shipped; front ends without any begin anew.

    Raises WeightsError where it has none for any.
    """
    kept, state = learned(start), nets.state_dict()
    known = {k: kept[k] for k in state if k in kept}
    if not known:
        raise WeightsError(f"{start.name} holds no network of {', '.join(nets)}.")
    nets.load_state_dict(state | known)


def listen(nets: Nets, backbone: Path) -> None:
    """Give the network of `complex` its published ear. Raises WeightsError."""
    if "complex" not in nets:
        raise WeightsError(f"{backbone.name} is for the front end complex alone.")
    nets["complex"].load_state_dict(published(backbone), strict=False)  # the head is ours


def train(
    data: Sequence[Utterance],
    out: Path,
    config: TrainConfig,
    *,
    start: Path | None = None,
    backbone: Path | None = None,
    device: str = "cpu",
) -> Path:
    """Train and return the path of the last checkpoint; `detect.train.averaged` reads it.

    It begins at `start` (a run, or what ships), "complex" else at `backbone`, DistillMOS.

    Raises ValueError (a class without recordings; a checkpoint of other options), WeightsError
    where `start` or `backbone` cannot be read or has no weights that these front ends need,
    FloatingPointError where the loss is lost.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    nets = Nets(config.front_ends)
    if backbone is not None:
        listen(nets, backbone)
    if start is not None:
        begin(nets, start)
    elif "complex" in nets and backbone is None:
        raise WeightsError("The front end complex begins at the weights of DistillMOS.")
    nets.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = torch.optim.swa_utils.AveragedModel(
        nets, avg_fn=running(config.ema), use_buffers=True
    )
    optimiser = torch.optim.AdamW(nets.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    planned = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: schedule(step, warmup=config.warmup, steps=config.steps)
    )
    parts: dict[str, Any] = {
        "net": nets, "average": average, "optimiser": optimiser, "planned": planned,
    }  # fmt: skip
    options = json.loads(json.dumps(asdict(config)))
    last = out / "last.pt"
    done = resume(last, parts, options) if last.exists() else 0
    (out / "config.json").write_text(json.dumps(options, indent=1) + "\n")

    watched = validation_pairs([s for s in data if s.split is Split.VALIDATION], config)
    pool = Pool([s for s in data if s.split is Split.TRAIN])
    stream = PairStream(
        pool, config.mixture, seed=config.seed, start=done * config.pairs, bank=config.bank
    )
    loader = iter(DataLoader(stream, batch_size=config.pairs, num_workers=config.workers))
    clock, losses = time.process_time(), []
    for step in range(done, config.steps):
        waves, labels, own = next(loader)
        features = features_of(config.front_ends, waves.flatten(0, 1).to(device))
        features = {k: masked(v, config.mask) for k, v in features.items()}
        nets.train()
        with torch.autocast(device, torch.bfloat16, enabled=config.half):
            logits = nets(features)
        target = labels.flatten(0, 1).to(device)
        loss = torch.stack(
            [loss_of(one.float(), target, own.to(device), config.ranked) for one in logits.values()]
        ).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(nets.parameters(), 5.0)
        optimiser.step()
        planned.step()
        average.update_parameters(nets)
        losses.append(loss.item() / len(logits))
        if (step + 1) % config.check_every and step + 1 != config.steps:
            continue
        row = {"step": step + 1, "loss": float(np.mean(losses))}
        row |= {"cpu_seconds": time.process_time() - clock}
        losses = []
        found = validate(average.module, watched, config.front_ends, device)
        keep(out, row | {f"auc_{k}": round(v, 4) for k, v in found.items()}, parts, options)
    return last
