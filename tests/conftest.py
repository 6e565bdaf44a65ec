"""What several tests share: small pictures made on the spot, and where the research data lies."""

import io
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from unmask.forensics.certificates import TestCertificates, make_test_certificates
from unmask.forensics.signing import Identity

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a marker needs and the machine lacks is skipped, by name.

    CI installs the programs and reads with SmolLM2 in a second pass; Python packages of the extra
    `dev` are never skipped for.
    """
    absent = {}
    if not SHARED.is_dir():
        absent["shared"] = "the research data of ../shared/data is absent"
    if CHROMIUM is None:
        absent["browser"] = "there is no Chromium on this machine"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
        for lacking in _lacking(item):
            item.add_marker(pytest.mark.skip(reason=f"{lacking} is not on this machine"))


def _lacking(item: pytest.Item) -> list[str]:
    programs = [name for mark in item.iter_markers("program") for name in mark.args]
    packages = [name for mark in item.iter_markers("package") for name in mark.args]
    return [n for n in programs if shutil.which(n) is None] + [
        n for n in packages if find_spec(n) is None
    ]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the machine's Chromium, for tests marked `browser`."""
    assert CHROMIUM is not None, "a test that needs a browser carries the marker `browser`"
    return CHROMIUM


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


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> TestCertificates:
    """A certificate chain to sign with."""
    return make_test_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def identity(chain: TestCertificates) -> Identity:
    """Who signs with it."""
    return Identity(certificates=chain.chain.read_bytes(), key=chain.key.read_bytes())
