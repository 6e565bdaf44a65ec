"""Hostile and odd files: each gives a report or a typed reason, quickly, and never a traceback.

They go through everything that a real scan runs, so that a new analyser meets them for free.
"""

import time
from pathlib import Path

import pytest
from hostile_clips import CONTAINERS, SOUNDS
from hostile_pieces import REPORT, Build, Expected, clip, still
from hostile_stills import BOMBS, METADATA, NAMES, SIZES, truncations

from unmask.batch import Unread, scan_one
from unmask.errors import Reason
from unmask.evidence import Failure
from unmask.media import open_bytes
from unmask.scan import Report, scan
from unmask.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of each of a thousand bad tags

SECONDS = 15.0  # for a file; far above what any takes, for machines that do other work as well

CASES = list(truncations()) + [
    (case, *rest)
    for group in (NAMES, BOMBS, SIZES, METADATA, CONTAINERS, SOUNDS)
    for case, rest in group.items()
]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries and weights, so that no file is charged for them."""
    scan(open_bytes(still("JPEG"), "a.jpg"))
    scan(open_bytes(clip("mp4", "libx264", "aac"), "a.mp4"))


@pytest.mark.parametrize(
    ("name", "build", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_bad_file_is_answered(
    name: str, build: Build, expected: Expected, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(build())
    clock = time.perf_counter()
    answer = scan_one(path, None, Settings())
    seconds = time.perf_counter() - clock
    if isinstance(answer, Unread):
        assert isinstance(answer.reason, Reason)
        assert answer.text.strip()
        assert expected is None or answer.reason is expected, answer.text
    else:
        assert isinstance(answer, Report)
        broken = {
            r.analyser.name: r.outcome.text
            for r in answer.results
            if isinstance(r.outcome, Failure)
        }
        assert not broken
        assert expected in (None, REPORT)
    assert seconds < SECONDS


def test_there_are_enough_of_them() -> None:
    assert len(CASES) == len({c[0] for c in CASES}) > 60
