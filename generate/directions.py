"""Where in the space of styles an attribute grows: found without labels, or from a classifier.

What a direction found without labels changes must be looked at before it is given a name. One from
a classifier means what that classifier means, errors and all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unmask.generate.controls import styles_of
from unmask.generate.game import OptionError
from unmask.generate.stylegan2 import Generator
from unmask.generate.stylegan2_layers import StyleLayer

# (N, 3, H, W) pictures in [-1, 1] -> (N,) scores: the higher, the more of the attribute
Attribute = Callable[[Tensor], Tensor]

_HELD_OUT = 0.3  # part of the confident samples that a direction is tested on
_LEAST_TAIL = 10  # samples on either side


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A way to go in the space of styles."""

    name: str
    vector: Tensor  # (W,) of length 1
    layers: tuple[int, ...] | None = None  # where it is applied; None: everywhere
    accuracy: float | None = None  # on held-out confident samples; None: found without labels


@dataclass(frozen=True, kw_only=True)
class Factors:
    """Orthogonal directions, the strongest first."""

    vectors: Tensor  # (K, W), rows of length 1
    values: Tensor  # (K,) how much the picture, or styles, vary along each


@dataclass(frozen=True, kw_only=True)
class Rise:
    """What an attribute does along a direction."""

    amounts: tuple[float, ...]  # (A,) how far styles were moved, rising
    scores: NDArray[np.float64]  # (A, N) of N faces

    @property
    def rising(self) -> float:
        """Part of all steps in which a face's score rose, 0 to 1."""
        return float((np.diff(self.scores, axis=0) > 0).mean())

    @property
    def monotonic(self) -> bool:
        """Whether the mean score rises with every step."""
        return bool((np.diff(self.scores.mean(1)) > 0).all())


def moved(styles: Tensor, direction: Direction, amount: float) -> Tensor:
    """(N, L, W) a distance along a direction; negative goes back."""
    layers = slice(None) if direction.layers is None else list(direction.layers)
    gone = styles.clone()
    gone[:, layers] += amount * direction.vector.to(styles)
    return gone


@torch.no_grad()
def sefa(generator: Generator, count: int, layers: Sequence[int] | None = None) -> Factors:
    """The directions that the weights of the style layers answer to most, without any sample.

    They are the eigenvectors of A^T A, A being the weights from styles to modulations (Shen and
    Zhou 2021, "Closed-form factorization of latent semantics in GANs"). Raises OptionError for a
    count or layers that are not there.
    """
    own = [m for m in generator.synthesis.layers if isinstance(m, StyleLayer)]
    chosen = range(len(own)) if layers is None else layers
    if not chosen or not all(0 <= i < len(own) for i in chosen):
        raise OptionError(f"There are convolutions 0 to {len(own) - 1}, not {list(chosen)}.")
    weights = torch.cat([own[i].affine.scaled() for i in chosen]).double()
    return _strongest(weights.T @ weights, count)


@torch.no_grad()
def principal(generator: Generator, count: int, *, samples: int = 10_000, seed: int = 0) -> Factors:
    """Where styles vary most (Härkönen et al. 2020, "GANSpace"). Raises OptionError."""
    styles = random_styles(generator, samples, seed).double()
    return _strongest(torch.cov(styles.T), count)


def _strongest(square: Tensor, count: int) -> Factors:
    """The first eigenvectors of a symmetric (W, W), their largest entry positive."""
    if not 1 <= count <= len(square):
        raise OptionError(f"There are 1 to {len(square)} directions, not {count}.")
    values, vectors = torch.linalg.eigh(square)
    rows = vectors.T.flip(0)[:count]
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return Factors(
        vectors=(rows * largest.sign()).float(), values=values.flip(0)[:count].clamp_min(0).float()
    )


@torch.no_grad()
def random_styles(generator: Generator, samples: int, seed: int, truncation: float = 1.0) -> Tensor:
    """(N, W) styles of noise that the seed decides. Raises OptionError for less than two."""
    if samples < 2:
        raise OptionError(f"A direction needs two samples at least, not {samples}.")
    noise = torch.randn(
        samples, generator.size.z, generator=torch.Generator().manual_seed(seed)
    ).to(generator.mapping.mean.device)
    styles: Tensor = generator.mapping(noise, truncation)[:, 0]
    return styles


@torch.no_grad()
def scores_of(
    generator: Generator, attribute: Attribute, styles: Tensor, *, batch: int = 64
) -> NDArray[np.float64]:
    """(N,) of the faces that (N, L, W) styles make. Raises OptionError for other answers."""
    found: list[Tensor] = []
    for part in torch.split(styles, batch):
        scores = attribute(generator.synthesis(part, "fixed"))
        if scores.shape != (len(part),) or not torch.isfinite(scores).all():
            raise OptionError("A classifier answers each picture with one finite score.")
        found.append(scores.double().cpu())
    return np.asarray(torch.cat(found).numpy(), np.float64)


def from_labels(
    generator: Generator,
    attribute: Attribute,
    name: str,
    *,
    samples: int = 10_000,
    tail: float = 0.1,
    seed: int = 0,
    truncation: float = 0.7,
    by: Literal["svm", "logistic"] = "svm",
) -> Direction:
    """The normal of the plane between faces that surely have an attribute and that surely have not.

    Those are the `tail` of samples with the highest scores and as many with the lowest (Shen et al.
    2020, "Interpreting the latent space of GANs", InterFaceGAN); three tenths of them are held out
    to measure accuracy. Raises OptionError where there are too few, or the classifier sees no
    difference.
    """
    styles = random_styles(generator, samples, seed, truncation)
    layers = styles[:, None].expand(-1, generator.style_layers, -1)
    scores = scores_of(generator, attribute, layers)
    order, many = np.argsort(scores, kind="stable"), int(samples * min(tail, 0.5))
    if many < _LEAST_TAIL:
        raise OptionError(f"{samples} samples with tails of {tail} are too few.")
    if scores[order[many - 1]] >= scores[order[-many]]:
        raise OptionError(f"The classifier of {name!r} sees no difference between faces.")
    chosen = np.concatenate([order[:many], order[-many:]])
    has = np.arange(2 * many) >= many
    normal, accuracy = _plane(styles.cpu().double().numpy()[chosen], has, seed, by)
    return Direction(name=name, vector=torch.from_numpy(normal).float(), accuracy=accuracy)


def _plane(
    styles: NDArray[np.float64], has: NDArray[np.bool_], seed: int, by: str
) -> tuple[NDArray[np.float64], float]:
    """The unit normal towards those that have it, and the accuracy on those held out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    # One scale for all values, so that the plane stays at right angles to its normal.
    scaled = (styles - styles.mean(0)) / max(float(styles.std()), 1e-12)
    order = np.random.default_rng(seed).permutation(len(has))
    test, train = np.split(order, [max(1, int(len(has) * _HELD_OUT))])
    model = LogisticRegression(max_iter=2000) if by == "logistic" else LinearSVC(max_iter=20_000)
    model.fit(scaled[train], has[train])
    normal = np.asarray(model.coef_[0], np.float64)
    accuracy = float(model.score(scaled[test], has[test]))
    return normal / max(float(np.linalg.norm(normal)), 1e-12), accuracy


def apart(direction: Direction, others: Sequence[Direction]) -> Direction:
    """Without what it has of other directions, so that they stay as they are along it.

    Its accuracy must be measured anew. Raises OptionError where nothing is left.
    """
    if not others:
        return direction
    basis, _ = torch.linalg.qr(torch.stack([d.vector.double() for d in others], 1))
    vector = direction.vector.double()
    left = vector - basis @ (basis.T @ vector)
    if left.norm() < 1e-3:
        raise OptionError(f"{direction.name!r} is made of the others: nothing is left of it.")
    return Direction(
        name=direction.name, vector=(left / left.norm()).float(), layers=direction.layers
    )


def rise(
    generator: Generator,
    attribute: Attribute,
    direction: Direction,
    amounts: Sequence[float],
    seeds: Sequence[int],
    *,
    truncation: float = 0.7,
) -> Rise:
    """Whether an attribute grows along a direction, on the faces of the seeds.

    Take seeds and, if there is one, a classifier that the direction was not found with. Raises
    OptionError for less than two amounts.
    """
    steps = sorted(set(amounts))
    if len(steps) < 2:
        raise OptionError("A rise is seen between two amounts at least.")
    styles = styles_of(generator, seeds, truncation)
    rows = [scores_of(generator, attribute, moved(styles, direction, a)) for a in steps]
    return Rise(amounts=tuple(steps), scores=np.stack(rows))
