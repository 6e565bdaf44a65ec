"""Whether the format of a corpus tells its labels: probes that must sit at an AUC of 0.5.

    python -m unmask.datasets.speech_leaks DIR

A shallow tree sees one property of a file that has nothing to do with synthesis, and is tested by
cross-validation on utterances whose source it has not seen. What it finds, a detector finds too.
"""

import io
import wave as pcm_file
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy import signal

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import Utterance, read_speech
from unmask.datasets.speech_signal import RATE, decoded, spoken
from unmask.errors import UnmaskError

_FOLDS = 5
_DRAWS = 400  # of the bootstrap
_EDGE = -60.0  # dB below the strongest frequency: above it is sound, below it noise
_FEWEST = 10  # of a class, for a probe to say anything


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What a probe found: AUC, 0.5 where it is blind, and its 95% interval over sources."""

    probe: str
    auc: float
    low: float
    high: float
    real: int
    fake: int

    @property
    def blind(self) -> bool:
        """Whether the interval reaches down to chance: no leak is shown."""
        return self.low <= 0.5


Probe = Callable[[bytes, Wave], list[float]]


def _length(data: bytes, wave: Wave) -> list[float]:
    return [len(wave), len(data)]


def _level(data: bytes, wave: Wave) -> list[float]:
    del data
    return [10 * np.log10(float(np.mean(np.square(wave))) + 1e-12)]


def _silence(data: bytes, wave: Wave) -> list[float]:
    del data
    first, last = spoken(wave)
    return [first, len(wave) - last]


def _offset(data: bytes, wave: Wave) -> list[float]:
    del data
    return [abs(float(np.mean(wave)))]


def _container(data: bytes, wave: Wave) -> list[float]:
    """What the header says. A file that is no plain WAV is itself an answer."""
    try:
        with pcm_file.open(io.BytesIO(data)) as file:
            head = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            return [*head, len(data) - len(wave) * file.getsampwidth()]
    except (pcm_file.Error, EOFError):
        return [0.0, 0.0, 0.0, 0.0]


def _band(data: bytes, wave: Wave) -> list[float]:
    """1 where there is sound above the telephone's 4 kHz, else 0.

    Nothing finer: how a spectrum falls off is what vocoders change.
    """
    del data
    frequencies, power = signal.welch(wave, RATE, nperseg=min(512, len(wave)))
    level = 10 * np.log10(power + 1e-20)
    return [float(level[frequencies > 4500].max() > level.max() + _EDGE)]


PROBES: Mapping[str, Probe] = MappingProxyType(
    {
        "length": _length,
        "level": _level,
        "silence": _silence,
        "offset": _offset,
        "container": _container,
        "band": _band,
    }
)


def leaks(utterances: Sequence[Utterance], *, seed: int = 0) -> list[Leak]:
    """Every probe on these utterances, of both classes; none where a class has under 10.

    Raises MediaError where a file does not decode. Needs scikit-learn.
    """
    labels = np.array([u.fake for u in utterances], dtype=bool)
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return []
    groups = np.array([u.source for u in utterances])
    rows: dict[str, list[list[float]]] = {name: [] for name in PROBES}
    for u in utterances:
        data = u.path.read_bytes()
        wave, _ = decoded(data, u.path.name)
        for name, probe in PROBES.items():
            rows[name].append(probe(data, wave))
    return [_leak(name, np.array(rows[name]), labels, groups, seed) for name in PROBES]


def _leak(
    name: str,
    seen: NDArray[np.float64],
    labels: NDArray[np.bool_],
    groups: NDArray[np.str_],
    seed: int,
) -> Leak:
    scores = out_of_fold(seen, labels, groups, seed)
    rng = np.random.default_rng(seed)
    _, member = np.unique(groups, return_inverse=True)
    count = int(member.max()) + 1
    drawn = []
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        weight = times[member].astype(np.float64)
        if weight[labels].sum() and weight[~labels].sum():
            drawn.append(weighted_auc(scores, labels, weight))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Leak(
        probe=name,
        auc=weighted_auc(scores, labels, np.ones(len(labels))),
        low=float(low),
        high=float(high),
        real=int((~labels).sum()),
        fake=int(labels.sum()),
    )


def out_of_fold(
    seen: NDArray[np.float64], labels: NDArray[np.bool_], groups: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """(N,) scores of a tree for rows (N, F), each by a tree that saw no row of its group.

    Classes are balanced in every fold, so that the scores of the folds can be compared.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.tree import DecisionTreeClassifier

    scores = np.zeros(len(labels))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(seen, labels, groups):
        tree = DecisionTreeClassifier(
            max_depth=3, min_samples_leaf=10, class_weight="balanced", random_state=seed
        )
        if len(set(labels[train])) == 2:
            scores[test] = tree.fit(seen[train], labels[train]).predict_proba(seen[test])[:, 1]
    return scores


def weighted_auc(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float:
    """P(score of a fake > score of a real one), ties half, each row counted `weight` times."""
    order, level = np.unique(scores, return_inverse=True)
    fake = np.bincount(level[labels], weight[labels], len(order))
    real = np.bincount(level[~labels], weight[~labels], len(order))
    below = np.cumsum(real) - real
    return float((fake * (below + real / 2)).sum() / (fake.sum() * real.sum()))


def main(
    folder: Annotated[Path, typer.Argument(exists=True, help="a corpus of unmask.datasets.speech")],
    engine: Annotated[
        str | None, typer.Option(help="fakes of this engine alone, such as copy-synthesis")
    ] = None,
) -> None:
    """Print the AUC of every probe on every split; exit 1 where one sees the labels."""
    console = Console()
    try:
        every = read_speech(folder)
        kept = [u for u in every if not u.fake or engine in (None, u.engine)]
        found = {s: leaks([u for u in kept if u.split is s]) for s in Split}
    except UnmaskError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from error
    for split, these in found.items():
        for leak in these:
            console.print(
                f"{split.value:10} {leak.probe:10} {leak.auc:.3f} [{leak.low:.3f}, {leak.high:.3f}]"
                f" n {leak.real} real, {leak.fake} fake{'' if leak.blind else '  LEAKS'}",
                markup=False,
            )
    raise typer.Exit(0 if all(leak.blind for these in found.values() for leak in these) else 1)


if __name__ == "__main__":
    typer.run(main)
