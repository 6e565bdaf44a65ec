"""What several tests share: small pictures made on the spot, and where the research data lies."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SHARED.is_dir():
        skip = pytest.mark.skip(reason="the research data of ../shared/data is absent")
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the research data."""
    return SHARED


@pytest.fixture(scope="session")
def photograph() -> NDArray[np.uint8]:
    """(240, 320, 3): smooth shapes, texture and sensor-like noise, the same every time."""
    rng = np.random.default_rng(5)
    field = sum(
        gaussian_filter(rng.normal(size=(240, 320, 3)), (s, s, 0)) * s**1.2 for s in (1, 3, 9, 27)
    )
    field = (field - field.min()) / np.ptp(field)
    return np.clip(field * 235 + 10 + rng.normal(0, 2, field.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photograph_jpeg(photograph: NDArray[np.uint8]) -> bytes:
    """The same as a JPEG of quality 90."""
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
