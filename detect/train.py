"""Train a detector's network on pairs of photographs and fakes. Read it top to bottom.

    unmask train detector --recipe patchnet --data ALIGNED... --backbone WEIGHTS.pth --out runs/1

Only the TRAIN split is learned from; VALIDATION (other sources and other generators) is watched, to
choose the options by. A run that was stopped goes on from its last checkpoint.
"""

import json
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from unmask.datasets.manifest import Sample, Split
from unmask.detect.evaluation.figures import auc
from unmask.detect.pair_stream import Mixture, PairStream, Pool
from unmask.detect.patchnet import PatchNet, load_backbone
from unmask.detect.recipe import Recipe
from unmask.detect.residual_net import pooled
from unmask.errors import WeightsError
from unmask.packing import unpacked

VALIDATION_PAIRS = 240  # of a kind: enough to choose a checkpoint by
Sets = dict[str, tuple[Tensor, Tensor]]  # kind -> (images (N, 3, crop, crop) uint8, labels (N,))


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of a run, saved as JSON beside its checkpoints."""

    steps: int = 1000
    warmup: int = 60  # steps
    ema: float = 0.99  # decay a step
    check_every: int = 200  # steps between validations and checkpoints
    seed: int = 1
    workers: int = 1
    mixture: Mixture = field(default_factory=Mixture)


def loss_of(logits: Tensor, target: Tensor, top: float) -> Tensor:
    """Patches (B, h, w) against their cells (B, H, W); pictures of one kind against their label."""
    height, width = logits.shape[1:]
    cells = F.adaptive_avg_pool2d(target[:, None], (height, width))[:, 0]
    patch = F.binary_cross_entropy_with_logits(logits, cells)
    whole = target.mean((1, 2))
    pure = (whole < 1e-6) | (whole > 1 - 1e-6)
    picture = F.binary_cross_entropy_with_logits(pooled(logits, top)[pure], whole[pure])
    return 0.5 * patch + picture


def validation_sets(data: Sequence[Sample], recipe: Recipe) -> Sets:
    """Fixed pairs through a fixed draw of the chain: decoders' pairs, and other generators'."""
    pool = Pool(data)
    sets: Sets = {}
    kinds = {"aligned": bool(pool.paired), "other": bool(pool.unpaired)}
    for kind in (name for name, there in kinds.items() if there):
        plain = Mixture(
            unpaired=float(kind == "other"),
            simulated=0, edited=0, pixel_blend=0, dct_blend=0, region=0,
        )  # fmt: skip
        stream = PairStream(pool, recipe.chain, plain, crop=recipe.crop, seed=7, start=0)
        pairs = [images for images, _ in islice(stream, VALIDATION_PAIRS)]
        images = (torch.cat(pairs) * 255).round().to(torch.uint8)
        sets[kind] = images, torch.tensor([False, True] * len(pairs))
    return sets


@torch.inference_mode()
def validate(net: nn.Module, sets: Sets, top: float, device: str) -> dict[str, float]:
    """AUC of each kind."""
    net.eval()
    found = {}
    for kind, (images, labels) in sets.items():
        parts = [
            pooled(net(part.to(device).float() / 255), top).cpu()
            for part in torch.split(images, 32)
        ]
        found[kind] = auc(labels.numpy(), torch.cat(parts).numpy())
    return found


def schedule(step: int, *, warmup: int, steps: int, floor: float = 0.02) -> float:
    """Part of the largest learning rate: a linear warm-up, then half a cosine down to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    part = (step - warmup) / max(1, steps - warmup)
    return floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * min(part, 1.0))))


def optimiser_of(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; the new head of a pretrained trunk learns three times as fast."""
    if not recipe.pretrained:
        return torch.optim.AdamW(net.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    head = [p for name, p in net.named_parameters() if name.startswith("head.")]
    trunk = [p for name, p in net.named_parameters() if not name.startswith("head.")]
    return torch.optim.AdamW(
        [{"params": trunk, "lr": recipe.lr}, {"params": head, "lr": 3 * recipe.lr}],
        weight_decay=recipe.weight_decay,
    )


def train(
    recipe: Recipe,
    data: Sequence[Sample],
    out: Path,
    config: TrainConfig,
    *,
    backbone: Path | None = None,
    start: Path | None = None,
    device: str = "cpu",
) -> Path:
    """Train and return the path of the last checkpoint; `averaged` reads what it learned.

    It begins at ImageNet's `backbone`, at `start` (a checkpoint, or weights with the network's own
    names), or anew.

    Raises ValueError (a class without pictures; a backbone that the recipe does not take; a
    checkpoint of another recipe or other options), WeightsError where weights to begin at cannot be
    read or are another network's, and FloatingPointError where the loss is lost.
    """
    if backbone is not None and not recipe.pretrained:
        raise ValueError(f"{recipe.name} does not start from ImageNet weights.")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    net = recipe.build()
    trunk = getattr(net, "trunk", net)  # of an expert that looks at something made of a picture
    if backbone is not None and isinstance(trunk, PatchNet):
        load_backbone(trunk, _read(backbone))
    if start is not None:
        # What it was trained with beside the network (ranges, other experts) stays behind.
        kept = averaged(start)
        if missing := net.state_dict().keys() - kept.keys():
            raise WeightsError(f"{start.name} has no {min(missing)}: it is no {recipe.name}.")
        net.load_state_dict({k: kept[k].to(v.dtype) for k, v in net.state_dict().items()})
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=ema, use_buffers=True)
    optimiser = optimiser_of(net, recipe)
    planned = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: schedule(step, warmup=config.warmup, steps=config.steps),
    )
    parts: dict[str, Any] = {
        "net": net,
        "average": average,
        "optimiser": optimiser,
        "planned": planned,
    }
    last, done = out / "last.pt", 0
    options = {"recipe": recipe.name, "lr": recipe.lr, **asdict(config)}
    if last.exists():
        done = resume(last, parts, options)
    (out / "config.json").write_text(json.dumps(options, indent=1) + "\n")

    pool = Pool([s for s in data if s.split is Split.TRAIN])
    watched = validation_sets([s for s in data if s.split is Split.VALIDATION], recipe)
    stream = PairStream(
        pool, recipe.chain, config.mixture, crop=recipe.crop, seed=config.seed, start=done
    )
    loader = iter(
        DataLoader(
            stream,
            batch_size=recipe.batch // 2,
            num_workers=config.workers,
            prefetch_factor=4 if config.workers else None,
        )
    )
    clock, losses = time.process_time(), []
    for step in range(done, config.steps):
        images, target = next(loader)
        net.train()
        logits = net(images.flatten(0, 1).to(device, memory_format=torch.channels_last))
        loss = loss_of(logits, target.flatten(0, 1).to(device), recipe.top)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        planned.step()
        average.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % config.check_every and step + 1 != config.steps:
            continue
        spent = time.process_time() - clock
        found = validate(average.module, watched, recipe.top, device)
        row = {"step": step + 1, "loss": float(np.mean(losses)), "cpu_seconds": spent}
        losses = []
        keep(out, row | {f"auc_{k}": round(v, 4) for k, v in found.items()}, parts, options)
    return last


def resume(last: Path, parts: dict[str, Any], options: dict[str, Any]) -> int:
    """Load a checkpoint of the same options; the step that it was written after."""
    saved = _read(last)
    if saved["options"] != options:
        raise ValueError(f"{last} was made with other options; write elsewhere.")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def keep(
    out: Path, row: Mapping[str, float], parts: Mapping[str, Any], options: Mapping[str, Any]
) -> None:
    """Log a row, whose "step" counts from 1, and write the checkpoint that `resume` goes on from.

    Written beside and then moved, so that an interruption leaves the one before.
    """
    with (out / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    state = {name: part.state_dict() for name, part in parts.items()}
    unfinished = out / "last.pt.part"
    torch.save(state | {"step": row["step"], "options": options}, unfinished)
    unfinished.replace(out / "last.pt")


def averaged(checkpoint: Path) -> dict[str, Tensor]:
    """The running average of a run's weights, as a state of its network.

    A safetensors file holds a state as it is, or packed. Raises WeightsError where there is none.
    """
    state = _read(checkpoint)
    if checkpoint.suffix == ".safetensors":
        return unpacked(state)
    if "average" not in state:
        raise WeightsError(f"{checkpoint.name} is no checkpoint of a training.")
    average = state["average"]
    return {k.removeprefix("module."): v for k, v in average.items() if k.startswith("module.")}


def _read(path: Path) -> dict[str, Any]:
    """What a file of weights holds, without running anything in it. Raises WeightsError."""
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        held = torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path.name} holds no weights that can be read.") from error
    if not isinstance(held, dict):
        raise WeightsError(f"{path.name} holds no weights that can be read.")
    return held
