"""Unfair data and thresholds are named."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scored import noisy, pictures, row, sample, scores

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.evaluation.assess import assess, choose_threshold, sanity
from unmask.detect.evaluation.tables import POOLED

pytestmark = pytest.mark.filterwarnings("error")


def test_a_threshold_is_chosen_on_validation_data() -> None:
    data = pictures(reals=300)
    values = noisy(data)
    best = choose_threshold(scores(data, values), "validation")
    assert (best.detector, best.chosen) == ("ours", "validation")
    found = row(assess([scores(data, values)], [best], draws=20), POOLED)
    assert found.balanced_accuracy is not None
    assert found.balanced_accuracy.value == pytest.approx(found.oracle_accuracy)
    assert choose_threshold(scores(data, values), "oracle").value == best.value
    held = choose_threshold(scores(data, values), "fpr:0.01")
    assert held.chosen == "fpr:0.01"
    assert held.value == np.sort(values[:300])[298 - 1]
    assert choose_threshold(scores(data, values), "fpr:.001").value == math.inf
    for how in ("fpr:2", "fpr:0", "fpr:0.0", "guess"):
        with pytest.raises(ValueError, match=r"neither|rate"):
            choose_threshold(scores(data, values), how)
    fakes = scores(data[300:], values[300:])
    for how in ("validation", "fpr:0.1"):
        with pytest.raises(ValueError, match="photographs"):
            choose_threshold(fakes, how)


def fair(n: int = 120) -> tuple[list[Sample], dict[Path, str], dict[Path, tuple[int, int]]]:
    data = [sample(f"{g}{i}", g) for g in (CAMERA, "gan") for i in range(n)]
    sides = [256 + 8 * (i % 10) for i in range(n)] * 2
    sizes = {s.path: (side, side) for s, side in zip(data, sides, strict=True)}
    return data, {s.path: f"hash of {s.path}" for s in data}, sizes


def test_a_fair_set_raises_no_doubt() -> None:
    data, hashes, sizes = fair()
    assert sanity(data, hashes, sizes=sizes) == ()


def test_each_unfairness_is_named() -> None:
    data, hashes, sizes = fair()
    hashes[data[0].path] = hashes[data[-1].path]
    assert (
        "both as fake and as photograph: camera0 = gan119" in sanity(data, hashes, sizes=sizes)[0]
    )

    data, hashes, sizes = fair()
    data[1] = replace(data[1], split=Split.TRAIN)
    hashes[data[0].path] = hashes[data[1].path]
    found = sanity(data, hashes, sizes=sizes)
    assert "1 file is there in several splits: camera0 = camera1" in found[0]
    assert "under several names" in found[1]

    data, hashes, sizes = fair()
    data[0] = replace(data[0], source="gan7", split=Split.TRAIN)
    assert "1 source is there in several splits: gan7" in sanity(data, hashes, sizes=sizes)[0]

    data, hashes, sizes = fair()
    sizes |= {s.path: (1024, 1024) for s in data if s.fake}
    (found_size,) = sanity(data, hashes, sizes=sizes)
    assert "differ in size" in found_size
    assert "1024 and 292 pixels" in found_size

    data, hashes, sizes = fair()
    data += [sample("odd", "sd3", corpus="portraits"), sample("shot", fake=True)]
    found = sanity(data, hashes, sizes=sizes)
    assert any(text.startswith("Labels contradict") and "camera" in text for text in found)
    assert any(
        "without photographs of their own corpus" in text and "sd3" in text for text in found
    )
    assert any("Fewer than 100" in text and "sd3 1" in text for text in found)

    data, hashes, sizes = fair()
    photographs = [s for s in data if not s.fake]
    assert "There are no fakes" in sanity(photographs, hashes, sizes=sizes)[0]
    assert sanity([], {}, sizes={}) == ()
    two = [sample("a"), sample("b", "g")]
    found = sanity(two, {}, sizes={two[0].path: (8, 8), two[1].path: (99, 99)})
    assert not any("size" in text for text in found)


def test_sizes_are_read_from_the_files_where_not_given(tmp_path: Path) -> None:
    data = []
    for i in range(240):
        fake, path = i % 2 == 0, tmp_path / f"{i}.png"
        if i > 3:
            Image.new("L", (16, 16) if fake else (8, 8)).save(path)
        elif i > 1:
            path.write_bytes(b"\x89PNG broken")
        data.append(replace(sample(str(path), "gan" if fake else CAMERA), path=path))
    assert "16 and 8 pixels" in sanity(data, {})[0]
