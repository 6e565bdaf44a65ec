"""From trained experts to the shipped detector: fusion, calibration, thresholds, card.

    unmask train fusion --data ALIGNED --expert patchnet=runs/1/last.pt
        --expert patchnet=runs/2/last.pt
        --out detect/weights/image_detector.safetensors

Only the VALIDATION split is read: sources, decoders and generators that trained no expert (and the
generators that did, on other pictures). Results come later, from `unmask evaluate`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.card import Card, part_of
from unmask.datasets.manifest import Sample, Split
from unmask.detect.calibration import Calibration, fit
from unmask.detect.evaluation.figures import conformal_threshold
from unmask.detect.evaluation.perturbations import parse_all
from unmask.detect.evaluation.preparation import Preparation, parse_base, sides
from unmask.detect.experts import FORMS, as_experts, expert_nets
from unmask.detect.fusion import Fusion, Fusions, fit_fusion
from unmask.detect.image_card import describe
from unmask.detect.inference import WEIGHTS, Detector
from unmask.detect.likelihood import Coder, Range, load_expert
from unmask.detect.portrait import PortraitNet
from unmask.detect.quality import NAMES as QUALITY
from unmask.detect.quality import quality
from unmask.detect.scale import Scale
from unmask.detect.train import averaged
from unmask.errors import WeightsError
from unmask.media import open_bytes, open_media
from unmask.packing import packed, unpacked

GRIDS = {"image": ("standard", "scale:0.75+jpeg:70"), "video": ("h264:26",)}
SCALE = "scale"  # a column: the number of the Scale whose fusion a picture goes through
MOST = 20  # fakes of a corpus and generator
MOST_PHOTOGRAPHS = 150  # of a corpus: false alarms at the threshold are rare, and take many
FALSE_POSITIVES = {"llr_fpr_1": 0.01, "llr_fpr_5": 0.05}
Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the experts said of N pictures, each under P perturbations."""

    samples: tuple[Sample, ...]  # (N,)
    perturbations: tuple[str, ...]  # (P,)
    names: tuple[str, ...]  # (D,)
    values: Floats  # (N, P, D)

    @property
    def fake(self) -> NDArray[np.bool_]:
        """(N,)."""
        return np.array([s.fake for s in self.samples])

    def save(self, path: Path) -> None:
        """Keep them, for an ablation without scoring everything again."""
        about = [[str(s.path), s.generator, s.corpus, s.source, s.split] for s in self.samples]
        np.savez_compressed(
            path, samples=np.array(about), fake=self.fake, values=self.values,
            perturbations=np.array(self.perturbations), names=np.array(self.names),
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> "Inputs":
        """What `save` kept."""
        with np.load(path, allow_pickle=False) as kept:
            samples = [
                Sample(
                    path=Path(where), fake=bool(fake), generator=generator, corpus=corpus,
                    source=source, split=Split(split),
                )
                for (where, generator, corpus, source, split), fake in zip(
                    kept["samples"].tolist(), kept["fake"], strict=True
                )
            ]  # fmt: skip
            return cls(
                samples=tuple(samples), perturbations=tuple(kept["perturbations"].tolist()),
                names=tuple(kept["names"].tolist()), values=kept["values"],
            )  # fmt: skip

    @property
    def scales(self) -> NDArray[np.str_]:
        """(N * P,) of Scale."""
        which = self.flat([SCALE])[:, 0].astype(int)
        return np.asarray(np.array(list(Scale))[which])

    def at_most(self, most: int = MOST) -> "Inputs":
        """Those of at most `most` pictures of a corpus and generator, of photographs too."""
        few = set(thinned(self.samples, most))
        return self.of(np.array([s in few for s in self.samples]))

    def of(self, kept: NDArray[np.bool_]) -> "Inputs":
        """Those of the samples that are `kept`, (N,)."""
        samples = tuple(s for s, keep in zip(self.samples, kept, strict=True) if keep)
        return replace(self, samples=samples, values=self.values[kept])

    def flat(self, names: Sequence[str]) -> Floats:
        """(N * P, len(names)): the pictures of a perturbation one after the other."""
        columns = [self.names.index(name) for name in names]
        return self.values[:, :, columns].reshape(-1, len(columns))


def group_weights(samples: Sequence[Sample]) -> Floats:
    """(N,): a generator, or a corpus of photographs, counts as at most `MOST` of its pictures.

    None outweighs the others by its size, and none of two pictures says as much as one of hundreds.
    """
    keys = [s.generator if s.fake else s.corpus for s in samples]
    count = Counter(keys)
    return np.array([min(count[key], MOST) / count[key] for key in keys])


def thinned(
    data: Sequence[Sample], most: int = MOST, photographs: int | None = None
) -> list[Sample]:
    """At most `most` fakes of a corpus and generator, and as many photographs of a corpus or more.

    They are drawn by their names' hash.
    """
    order = sorted(
        data, key=lambda s: hashlib.sha256(f"{s.source} {s.generator}".encode()).digest()
    )
    seen: Counter[tuple[str, str]] = Counter()
    kept, sources = [], set()
    for sample in order:
        # A photograph may lie beside several decoders, and in its own folder as well.
        if not sample.fake and sample.source in sources:
            continue
        if seen[sample.corpus, sample.generator] < (most if sample.fake else photographs or most):
            seen[sample.corpus, sample.generator] += 1
            kept.append(sample)
            sources.update([] if sample.fake else [sample.source])
    return kept


def preparer(data: Sequence[Sample]) -> Callable[[Sample], bytes]:
    """Makes the file of a sample that is scored: cut as its corpus needs it, and JPEG 95."""
    base = parse_base("jpeg:95")
    sizes = {}
    for sample in data:
        height, width = open_media(sample.path).pixels.shape[:2]
        sizes[sample] = width, height
    cut, _ = sides(sizes, None)

    def ready(sample: Sample) -> bytes:
        return Preparation(base=base, side=cut.get(sample)).encode(open_media(sample.path).pixels)

    return ready


def gather(detector: Detector, data: Sequence[Sample], grid: Sequence[str]) -> Inputs:
    """Score every picture under every perturbation, both classes through the same JPEG 95."""
    changes = parse_all(grid)
    ready = preparer(data)
    names = (*detector.fusion.names, *QUALITY, SCALE)

    def look(sample: Sample) -> list[list[float]]:
        media = open_bytes(ready(sample), sample.path.name)
        return [_row(detector, change(media.pixels, media.sha256)) for change in changes]

    # Pictures are small: one on each processor is faster than all processors on one.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            table = np.array(list(pool.map(look, data)))
    finally:
        torch.set_num_threads(threads)
    return Inputs(
        samples=tuple(data),
        perturbations=tuple(c.name for c in changes),
        names=names,
        values=table,
    )


def _row(detector: Detector, pixels: Pixels) -> list[float]:
    scored = detector.score(pixels)
    scale = list(Scale).index(scored.scale)
    return [*scored.inputs.values(), *map(float, quality(pixels)), float(scale)]


def fitted(inputs: Inputs, names: Sequence[str]) -> Fusions:
    """The combiners of the named inputs: where a class has no such picture, one of them all."""
    repeats = len(inputs.perturbations)
    x, scales = inputs.flat(names), inputs.scales
    fake = np.repeat(inputs.fake, repeats)
    weights = np.repeat(group_weights(inputs.samples), repeats)

    def of(kept: NDArray[np.bool_]) -> Fusion:
        return fit_fusion(tuple(names), x[kept], fake[kept], weights[kept])

    found = {}
    for scale in Scale:
        kept = scales == scale
        both = len(set(fake[kept].tolist())) == 2
        found[scale] = of(kept if both else np.ones(len(x), bool))
    return Fusions(found)


def crossed(inputs: Inputs, names: Sequence[str]) -> Floats:
    """(N, P) logits of each group by a fusion that was fitted without it.

    A group is a generator, or a corpus of photographs: what is left is what a stranger would get.
    Raises ValueError where a class is a single group.
    """
    if min(len({s.corpus for s in inputs.samples if not s.fake}),
           len({s.generator for s in inputs.samples if s.fake})) < 2:  # fmt: skip
        raise ValueError("A fusion needs two corpora of photographs and two generators at least.")
    groups = np.array([s.generator if s.fake else s.corpus for s in inputs.samples])
    repeats = len(inputs.perturbations)
    found = np.zeros((len(inputs.samples), repeats))
    for group in sorted(set(groups.tolist())):
        out = groups == group
        rest, own = inputs.of(~out), inputs.of(out)
        found[out] = fitted(rest, names).logit(own.flat(names), own.scales).reshape(-1, repeats)
    return found


def calibrated(inputs: Inputs, scores: Floats) -> Calibration:
    """Fit to (N, P) scores that a fusion without the picture's group gave."""
    repeats = scores.shape[1]
    return fit(
        np.repeat(inputs.fake, repeats),
        scores.ravel(),
        np.repeat(group_weights(inputs.samples), repeats),
    )


def thresholds_of(inputs: Inputs, llr: Floats) -> dict[str, float]:
    """Ratios that 1% and 5% of photographs exceed at most, through an encoding drawn at random."""
    photographs = llr[~inputs.fake].ravel()
    return {name: conformal_threshold(photographs, rate) for name, rate in FALSE_POSITIVES.items()}


def soup(checkpoints: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of several runs that began at the same backbone.

    Wortsman et al. 2022, "Model soups": nearly an ensemble, at the price of one network.
    """
    states = [averaged(c) for c in checkpoints]
    return {
        name: torch.stack([s[name] for s in states]).mean(0) if first.is_floating_point() else first
        for name, first in states[0].items()
    }


def build(
    data: Sequence[Sample],
    checkpoints: Mapping[str, Sequence[Path]],
    coder: Path | None,
    weights: Path,
    kept: Path | None = None,
    portrait: Path | None = None,
) -> Card:
    """Join the experts of `checkpoints` (name -> runs to average) and write weights and card.

    An expert without runs stays as it is shipped, and so do the coder and the `portrait` network.
    What the experts said of the validation pictures is kept beside them, for the ablation and, as
    `kept`, to fit again without scoring again. Size, blocks and sharpness are kept too but not
    fused: on generators left out of the fit they made it worse (see `ablation`).

    Raises ValueError where a class is missing, WeightsError where a name is no expert's, and what
    reading the parts raises.
    """
    torch.manual_seed(0)
    nets = _nets(checkpoints)
    names = tuple(name for name in nets if not (FORMS[name].beside or FORMS[name].or_else))
    likelihood, photographs = shipped_coder() if coder is None else load_expert(coder)
    gate = portrait_net(portrait)
    detector = Detector(
        as_experts(nets), _blank(names), likelihood, photographs, describe({}), gate
    )

    chosen = thinned([s for s in data if s.split is Split.VALIDATION], MOST, MOST_PHOTOGRAPHS)
    found = {
        kind: Inputs.load(kept) if kept and kind == "image" else gather(detector, chosen, grid)
        for kind, grid in GRIDS.items()
    }
    weights.parent.mkdir(parents=True, exist_ok=True)
    found["image"].save(weights.with_name("validation_inputs.npz"))
    card = describe(fit_all(found, names))
    tensors = _tensors(nets, {"coder": likelihood, "portrait": gate}, photographs)
    save_file(tensors, weights)
    card = replace(card, sha256=hashlib.sha256(weights.read_bytes()).hexdigest())
    card.save(weights.with_suffix(".json"))
    return card


def fit_all(found: Mapping[str, Inputs], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Fusion, calibrations and thresholds, from what the experts said of each kind's pictures."""
    fusion = fitted(found["image"], names)
    scores = {"image": crossed(found["image"], names)}
    clips = found["video"]  # through the same fusion: there is one
    logits = fusion.logit(clips.flat(names), clips.scales)
    scores["video"] = logits.reshape(len(clips.samples), -1)
    calibration = {kind: calibrated(found[kind], scores[kind]) for kind in GRIDS}
    llr = calibration["image"].llr(scores["image"])
    return {
        "calibration": {"fusion": fusion.to_json()}
        | {kind: vars(c) for kind, c in calibration.items()},
        "thresholds": thresholds_of(found["image"], llr),
    }


def _nets(checkpoints: Mapping[str, Sequence[Path]]) -> dict[str, nn.Module]:
    """What is shipped is what is measured: large matrices in eight bits, the rest in half."""
    nets = expert_nets(checkpoints)
    for name, net in nets.items():
        state = soup(checkpoints[name]) if checkpoints[name] else shipped_state(name)
        net.load_state_dict(unpacked(packed({key: state[key] for key in net.state_dict()})))
    return nets


def shipped_state(name: str) -> dict[str, Tensor]:
    """The state of an expert as it is shipped. Raises WeightsError where none is."""
    state = part_of(averaged(WEIGHTS), name)
    if not state:
        raise WeightsError(f"No {name} is shipped.")
    return state


def shipped_coder() -> tuple[Coder, Range]:
    """The coder of photographs as it is shipped, and their range."""
    coder = Coder()
    coder.load_state_dict(shipped_state("coder"))
    values = load_file(WEIGHTS)  # the range is no half precision
    found = {name: values[f"range.{name}"].numpy() for name in ("mean", "precision", "distances")}
    return coder.eval(), Range(**found)


def portrait_net(weights: Path | None) -> PortraitNet:
    """The network that knows portraits, in half precision: of `weights`, or as it is shipped."""
    net = PortraitNet()
    net.load_state_dict(shipped_state("portrait") if weights is None else averaged(weights))
    return net.half().float().eval()


def _blank(names: Sequence[str]) -> Fusions:
    zeros = np.zeros(len(names))
    one = Fusion(
        names=tuple(names), centre=zeros, scale=zeros + 1, coefficients=zeros, intercept=0.0
    )
    return Fusions(dict.fromkeys(Scale, one))


def _tensors(
    nets: Mapping[str, nn.Module], others: Mapping[str, nn.Module], photographs: Range
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, net in nets.items():
        found |= {f"{name}.{key}": tensor for key, tensor in packed(net.state_dict()).items()}
    for name, net in others.items():
        for key, tensor in net.state_dict().items():
            halved = tensor.half() if tensor.is_floating_point() else tensor
            found[f"{name}.{key}"] = halved.contiguous().clone()
    for name in ("mean", "precision", "distances"):  # not halved: they span more than it holds
        found[f"range.{name}"] = torch.from_numpy(getattr(photographs, name)).contiguous()
    return found
