"""Leak probes: classifiers that may see only what must not tell the classes apart.

Each is a logistic regression in 5 folds, split by source. Its AUC should be 0.5; where the interval
lies above, a detector could win without looking for a generator's traces. Probes look at files as
they lie on the disk, and as they are scored, after both classes were cut and encoded alike.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from unmask.detect.evaluation.tables import Estimate, Leak
from unmask.evidence import Kind
from unmask.media import Media

LYING, SCORED = "as it lies", "as scored"
FOLDS = 5
LEAST = 20  # sources of each class; with fewer, a probe says nothing
_CHUNKS = ("exif", "icc_profile", "comment", "dpi", "xmp", "jfif")

Floats = NDArray[np.float64]


def size(media: Media) -> list[float]:
    """Width and height, their shape, and whether they are multiples that generators like."""
    height, width = media.pixels.shape[:2]
    even = [float(height % n == 0 and width % n == 0) for n in (8, 64)]
    area = math.log(width * height)
    return [math.log(width), math.log(height), area**2, float(width == height), *even]


def encoding(media: Media) -> list[float]:
    """Format, and the mean steps of a JPEG's first two quantisation tables."""
    formats = [float(media.format.name == name) for name in ("jpeg", "png", "webp")]
    if media.format.name != "jpeg":
        return [*formats, 0.0, 0.0]
    with media.pillow() as image:
        tables: Mapping[int, Sequence[int]] = getattr(image, "quantization", {})
    return [*formats, *(math.log(np.mean(tables[i])) if i in tables else 0.0 for i in (0, 1))]


def metadata(media: Media) -> list[float]:
    """Which blocks there are beside the picture, how many others, and how long all are."""
    if media.kind is not Kind.IMAGE:
        return [0.0] * (len(_CHUNKS) + 2)
    with media.pillow() as image:
        info = dict(image.info)
    others = [key for key in info if key not in _CHUNKS]
    length = sum(len(value) for value in info.values() if isinstance(value, str | bytes))
    present = [float(bool(info.get(chunk))) for chunk in _CHUNKS]
    return [*present, float(len(others)), math.log1p(length)]


def density(media: Media) -> list[float]:
    """Bytes of the file for each pixel."""
    height, width = media.pixels.shape[:2]
    return [math.log(len(media.data) / (height * width))]


def thumbnail(media: Media) -> list[float]:
    """The picture in 8 x 8 grey pixels: what it shows, without any trace."""
    small = cv2.resize(media.pixels, (8, 8), interpolation=cv2.INTER_AREA)
    return [round(float(v), 2) for v in small.mean(axis=2).ravel()]


PROBES: Mapping[str, Callable[[Media], list[float]]] = {
    "size": size,
    "encoding": encoding,
    "metadata": metadata,
    "bytes per pixel": density,
    "thumbnail 8 x 8": thumbnail,
}
Features = Mapping[str, list[float]]  # by probe


def features(media: Media) -> dict[str, list[float]]:
    """What each probe may see of a file. Raises MediaError where a part of it is damaged."""
    return {name: see(media) for name, see in PROBES.items()}


def probe(
    seen: ArrayLike, labels: ArrayLike, sources: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> Estimate | None:
    """AUC of a probe over the held-out folds, with its interval over sources.

    `seen` (N, K) is what it may see, `labels` (N,) are true for fakes. Fakes are compared with
    photographs of their own fold, as each fold has a model of its own. None where a class has
    fewer than 20 sources.
    """
    x, fake = np.asarray(seen, dtype=float), np.asarray(labels, dtype=bool)
    names = np.asarray(sources)
    if min(len(set(names[fake == one])) for one in (True, False)) < LEAST:
        return None
    fold, scores = _held_out(x, fake, names, seed)
    value = _auc_within(fold, fake, scores, np.ones(len(fake)))
    drawn = _resampled(fold, fake, scores, names, draws, seed)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high))


def _held_out(
    x: Floats, fake: NDArray[np.bool_], sources: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.intp], Floats]:
    """(fold, score) of each picture, by a model that saw nothing of its source."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold, scores = np.zeros(len(x), dtype=np.intp), np.zeros(len(x))
    parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # classes parted at once: AUC is 1
        for number, (train, test) in enumerate(parts.split(x, fake, sources)):
            fold[test] = number
            if fake[train].any() and not fake[train].all():
                scores[test] = model.fit(x[train], fake[train]).decision_function(x[test])
    return fold, scores


def _auc_within(
    fold: NDArray[np.intp], fake: NDArray[np.bool_], scores: Floats, times: Floats
) -> float:
    """AUC over pairs of one fold; `times` says how often each picture is there."""
    won, pairs = 0.0, 0.0
    for number in range(FOLDS):
        at = fold == number
        order = np.unique(scores[at], return_inverse=True)[1]
        levels = int(order.max(initial=-1)) + 1
        fakes = np.bincount(order, times[at] * fake[at], levels)
        reals = np.bincount(order, times[at] * ~fake[at], levels)
        won += float((fakes * (np.cumsum(reals) - reals / 2)).sum())
        pairs += float(fakes.sum() * reals.sum())
    return won / pairs if pairs else math.nan


def _resampled(
    fold: NDArray[np.intp],
    fake: NDArray[np.bool_],
    scores: Floats,
    sources: NDArray[np.str_],
    draws: int,
    seed: int,
) -> Floats:
    """The AUC of `draws` resamples of the sources, the models staying as they are."""
    ranks = rankdata(scores)
    which = np.unique(sources, return_inverse=True)[1]
    count = int(which.max()) + 1
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for i in range(draws):
        times = np.bincount(rng.integers(count, size=count), minlength=count)[which]
        found[i] = _auc_within(fold, fake, ranks, times.astype(float))
    return found


def leaks(
    seen: Mapping[str, Sequence[Features]],
    labels: Sequence[bool],
    sources: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[Leak, ...]:
    """Every probe at every stage. `seen` has, by stage, what the probes may see of each picture."""
    found = []
    for stage, rows in seen.items():
        for name in PROBES:
            columns = [row[name] for row in rows]
            estimate = probe(columns, labels, sources, draws=draws, seed=seed) if columns else None
            if estimate is not None:
                found.append(Leak(probe=f"{name}, {stage}", auc=estimate, n=len(rows)))
    return tuple(found)


def warnings_of(found: Sequence[Leak]) -> list[str]:
    """A sentence for each probe whose interval does not hold 0.5."""
    return [
        f"Leak probe {leak.probe!r} has AUC {leak.auc.value:.2f} [{leak.auc.low:.2f}, "
        f"{leak.auc.high:.2f}]: expected is 0.5."
        for leak in found
        if not leak.auc.low <= 0.5 <= leak.auc.high
    ]
