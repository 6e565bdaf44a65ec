"""A direction found from labels, and measured: what rises along it, what stays, what else moves.

One classifier finds it, another judges it: trained alike from another beginning, on faces that had
no part in the search. So what only fooled the first does not count for it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from unmask.generate.attribute_reader import Accuracy, AttributeReader
from unmask.generate.controls import styles_of
from unmask.generate.directions import (
    Direction,
    apart,
    from_labels,
    random_styles,
    rise,
    scores_of,
)
from unmask.generate.game import OptionError
from unmask.generate.named_directions import FARTHEST, Named
from unmask.generate.stylegan2 import Critic, Generator

AMOUNTS = tuple(float(a) for a in np.arange(-FARTHEST, FARTHEST + 1))  # deviations
METHOD = (
    "normal of a linear SVM between the samples that the classifier is surest of on either side"
    " (Shen et al. 2020, InterFaceGAN)"
)
_FIRST_SEED = 1_000_000  # of the faces that are measured on
_AT_ONCE = 64

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Search:
    """How a direction is found and measured."""

    samples: int = 10_000  # faces that the classifier labels
    tail: float = 0.1  # part of them on either side that the plane is laid between
    truncation: float = 0.7
    faces: int = 200  # others, that are moved and measured
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Two classifiers of one attribute, and how well they read held-out photographs."""

    finder: AttributeReader
    judge: AttributeReader
    finder_accuracy: Accuracy
    judge_accuracy: Accuracy


def search(
    generator: Generator,
    critic: Critic,
    readers: Readers,
    name: str,
    others: Mapping[str, Named],
    keep_apart: tuple[str, ...],
    options: Search,
) -> Named:
    """The direction with the figures of what happens along it; `keep_apart` names some of `others`.

    Raises OptionError: a classifier that is no better than chance, sees no difference between the
    generator's faces, or a direction of which nothing is left.
    """
    for one in (readers.finder_accuracy.both, readers.judge_accuracy.both):
        if one.low <= 0.5:
            raise OptionError(
                f"The classifier puts {one.hits} of {one.n} held-out pictures into their folder:"
                " no better than chance."
            )
    first = from_labels(
        generator, readers.finder, name, samples=options.samples, tail=options.tail,
        seed=options.seed, truncation=options.truncation,
    )  # fmt: skip
    final = apart(first, [others[n].direction for n in keep_apart])
    sigma, ours = _spread(generator, final, options)
    facts = {
        "method": METHOD,
        "search": asdict(options),
        "accuracy of the plane": {
            "value": first.accuracy,
            "n": int(2 * int(options.samples * options.tail) * 0.3),
            "of": "samples at the tails, held out, before it was made apart from others",
        },
        "sigma": sigma,
        "apart from": list(keep_apart),
        "others": _others(generator, final, ours, others, options),
    } | measured(generator, critic, readers.judge, final, sigma, options)
    return Named(direction=final, sigma=sigma, facts=facts)


def _spread(generator: Generator, direction: Direction, options: Search) -> tuple[float, Floats]:
    """(deviation of untruncated styles along it, (N,) where each of them lies)."""
    styles = random_styles(generator, options.samples, options.seed + 1)
    along = (styles @ direction.vector.to(styles)).double().cpu().numpy()
    return float(along.std()), np.asarray(along)


def _others(
    generator: Generator,
    direction: Direction,
    ours: Floats,
    others: Mapping[str, Named],
    options: Search,
) -> dict[str, dict[str, float]]:
    """By name: the cosine of the two directions, and how styles' places along them go together."""
    found = {}
    for name, other in others.items():
        _, theirs = _spread(generator, other.direction, options)
        found[name] = {
            "cosine": float(direction.vector @ other.direction.vector),
            "correlation of styles": float(np.corrcoef(ours, theirs)[0, 1]),
        }
    return found


def measured(
    generator: Generator,
    critic: Critic,
    judge: AttributeReader,
    direction: Direction,
    sigma: float,
    options: Search,
) -> dict[str, Any]:
    """What the attribute, the identity and the brightness of new faces do along a direction."""
    seeds = range(_FIRST_SEED, _FIRST_SEED + options.faces)
    steps = [amount * sigma for amount in AMOUNTS]
    up = rise(generator, judge, direction, steps, seeds, truncation=options.truncation)
    chance = expit(up.scores)
    means = chance.mean(1)
    still = styles_of(generator, seeds, options.truncation)
    place = (still[:, 0] @ direction.vector.to(still)).double().cpu().numpy()
    scores = scores_of(generator, judge, still)
    return {
        "amounts": list(AMOUNTS),
        "faces": options.faces,
        "probability": means.tolist(),  # the judge's mean
        "monotonic": bool((np.diff(means) > 0).all()),
        "rising": up.rising,  # part of single steps of single faces
        "correlation of place and score": float(np.corrcoef(place, scores)[0, 1]),
    } | _kept(generator, critic, direction, still, sigma)


@torch.no_grad()
def _kept(
    generator: Generator, critic: Critic, direction: Direction, still: Tensor, sigma: float
) -> dict[str, Any]:
    """How far faces stay themselves: each is sought among the unmoved by the critic's features."""
    at_rest, _ = _seen(generator, critic, still)
    own = torch.arange(len(still), device=still.device)
    found, alike, bright = [], [], []
    for amount in AMOUNTS:
        gone = still + amount * sigma * direction.vector.to(still)
        seen, brightness = _seen(generator, critic, gone)
        cosines = seen @ at_rest.T  # (N moved, N at rest)
        found.append(float((cosines.argmax(1) == own).float().mean()))
        alike.append(float(cosines.diagonal().mean()))
        bright.append(brightness)
    among = at_rest @ at_rest.T
    strangers = float((among.sum() - among.diagonal().sum()) / (len(own) * (len(own) - 1)))
    return {
        "identity": {
            "by": "cosines of the critic's features at 8 x 8; no network of identities",
            "found again": found,  # part of the faces that are most like themselves, unmoved
            "cosine": alike,
            "cosine of different faces": strangers,
        },
        "brightness": bright,  # mean, in grey levels of 255
    }


def _seen(generator: Generator, critic: Critic, styles: Tensor) -> tuple[Tensor, float]:
    """((N, F) features of length 1, mean brightness in grey levels)."""
    rows, levels = [], []
    for part in torch.split(styles, _AT_ONCE):
        images = generator.synthesis(part, "fixed").clamp(-1, 1)
        rows.append(F.normalize(F.normalize(critic.maps(images)[-2], dim=1).flatten(1), dim=1))
        levels.append((images.mean((1, 2, 3)) + 1) * 127.5)
    return torch.cat(rows), float(torch.cat(levels).mean())
