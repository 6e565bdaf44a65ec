"""Classifiers of hand-made features as plain arrays: evaluated with numpy, kept as safetensors."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from unmask.errors import WeightsError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A logit linear in the standardised features of D columns."""

    centre: Floats  # (D,)
    scale: Floats  # (D,) > 0
    coefficients: Floats  # (D,)
    intercept: Floats  # ()
    most: Floats  # () deviations from the centre beyond which a feature counts no more

    def logit(self, x: ArrayLike) -> Floats:
        """(N, D) -> (N,); above 0 leans to synthetic."""
        return self.standardised(x) @ self.coefficients + self.intercept

    def standardised(self, x: ArrayLike) -> Floats:
        """(N, D) in deviations from the centre, cut off at `most`."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        return np.asarray(np.clip(z, -self.most, self.most))


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A sum of T regression trees with M nodes in all; children are numbers of nodes."""

    feature: NDArray[np.int32]  # (M,) column that a node asks for; -1 in a leaf
    threshold: Floats  # (M,) a value up to it goes left
    left: NDArray[np.int32]  # (M,)
    right: NDArray[np.int32]  # (M,)
    value: Floats  # (M,) of a leaf
    roots: NDArray[np.int32]  # (T,)
    baseline: Floats  # ()

    def logit(self, x: ArrayLike) -> Floats:
        """(N, D) -> (N,); above 0 leans to synthetic. Features are finite."""
        rows = np.asarray(x, dtype=np.float64)
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        row = np.arange(len(rows))[:, None]
        while (inner := self.feature[at] >= 0).any():
            goes_left = rows[row, np.maximum(self.feature[at], 0)] <= self.threshold[at]
            child = np.where(goes_left, self.left[at], self.right[at])
            at = np.where(inner, child, at)
        return np.asarray(self.value[at].sum(1) + self.baseline)


Model = Linear | Trees
_KINDS: dict[str, type[Linear] | type[Trees]] = {"linear": Linear, "trees": Trees}


def from_boosting(fitted: Any) -> Trees:
    """Copy the nodes of a fitted binary HistGradientBoostingClassifier.

    ValueError where it has categorical features, which no hand-made feature is.
    """
    parts: dict[str, list[NDArray[Any]]] = {n: [] for n in ("feature", "threshold", "value")}
    parts |= {"left": [], "right": []}
    roots, count = [], 0
    for (predictor,) in fitted._predictors:
        nodes = predictor.nodes
        if nodes["is_categorical"].any():
            raise ValueError("trees with categorical features cannot be kept")
        leaf = nodes["is_leaf"].astype(bool)
        parts["feature"].append(np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32))
        parts["threshold"].append(np.where(leaf, 0, nodes["num_threshold"]).astype(np.float64))
        parts["value"].append(nodes["value"].astype(np.float64))
        for side in ("left", "right"):
            parts[side].append((nodes[side].astype(np.int64) + count).astype(np.int32))
        roots.append(count)
        count += len(nodes)
    return Trees(
        **{name: np.concatenate(arrays) for name, arrays in parts.items()},
        roots=np.array(roots, dtype=np.int32),
        baseline=np.array(float(np.ravel(fitted._baseline_prediction)[0])),
    )


def save(model: Model, columns: tuple[str, ...], path: Path) -> None:
    """Write a model with the names of the features that it was fitted to."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(model, cls))
    tensors = {f.name: np.ascontiguousarray(getattr(model, f.name)) for f in fields(model)}
    save_file(tensors, path, metadata={"kind": kind, "columns": json.dumps(columns)})


def load(path: Path, columns: tuple[str, ...]) -> Model:
    """Read a model. WeightsError where it is damaged, or was fitted to other features."""
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            cls = _KINDS[about["kind"]]
            tensors = {f.name: file.get_tensor(f.name) for f in fields(cls)}
            known = tuple(json.loads(about["columns"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(f"The weights {path.name} cannot be read.") from error
    if known != columns:
        raise WeightsError(f"{path.name} was fitted to other features than this version takes.")
    return cls(**tensors)
