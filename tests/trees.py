"""Folders of empty files that look like a data set, and refusals of loaders."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from unmask.datasets.loaders import DatasetError, DatasetReason, load
from unmask.errors import UnmaskError


def grow(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def refused(where: object, reason: DatasetReason) -> str:
    with pytest.raises(DatasetError) as caught:
        load(str(where))
    assert caught.value.reason is reason
    assert isinstance(caught.value, UnmaskError)
    return str(caught.value)
