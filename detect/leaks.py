"""Leak probes: classifiers that may see only what must not tell the classes apart.

    python -m unmask.detect.leaks --data DATA

Each probe is a logistic regression, trained on the TRAIN split and scored on the TEST split. An AUC
away from 0.5 means that a detector could win without looking at the picture.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unmask.datasets.manifest import Sample, Split, samples
from unmask.detect.evaluation.figures import auc
from unmask.detect.evaluation.resampling import estimate
from unmask.detect.inference import Detector
from unmask.detect.publish import read


def as_scored(sample: Sample) -> bytes:
    """The file that the evaluation scores: re-encoded alike for both classes."""
    buffer = io.BytesIO()
    Image.fromarray(read(sample)).save(buffer, "JPEG", quality=95, subsampling=2)
    return buffer.getvalue()


def size_probe(data: bytes) -> list[float]:
    """Width and height."""
    with Image.open(io.BytesIO(data)) as image:
        return [float(n) for n in image.size]


def tables_probe(data: bytes) -> list[float]:
    """Mean step of the first two quantisation tables."""
    with Image.open(io.BytesIO(data)) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization", {})
    return [float(np.mean(tables[i])) if i in tables else 0.0 for i in (0, 1)]


def metadata_probe(data: bytes) -> list[float]:
    """Presence and length of everything in the file that is not its picture."""
    with Image.open(io.BytesIO(data)) as image:
        info = image.info
        return [float(len(str(info.get(k, "")))) for k in ("exif", "icc_profile", "comment", "dpi")]


def thumbnail_probe(data: bytes) -> list[float]:
    """The picture in 8 x 8 grey pixels: what it shows, without any trace."""
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("L").resize((8, 8), Image.Resampling.BOX)
    return [float(v) for v in np.asarray(small).ravel()]


PROBES: dict[str, Callable[[bytes], list[float]]] = {
    "size": size_probe,
    "JPEG tables": tables_probe,
    "metadata": metadata_probe,
    "thumbnail 8 x 8": thumbnail_probe,
}


def probe(data: list[Sample], corpus: str = "ffhq_vs_stylegan") -> dict[str, dict[str, Any]]:
    """AUC and 95% interval of each probe, of files as they lie and as they are scored."""
    part = [s for s in data if s.corpus == corpus and s.split is not Split.VALIDATION]
    test = np.array([s.split is Split.TEST for s in part])
    fake = np.array([s.fake for s in part])
    found: dict[str, dict[str, Any]] = {}
    for stage, load in (("as it lies", lambda s: s.path.read_bytes()), ("as scored", as_scored)):
        files = [load(s) for s in part]
        for name, features in PROBES.items():
            x = np.array([features(f) for f in files])
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
            model.fit(x[~test], fake[~test])
            scores = model.decision_function(x[test])
            area = estimate(fake[test], scores)
            found[f"{name}, {stage}"] = {
                "auc": round(area.value, 3),
                "auc_95": [round(area.low, 3), round(area.high, 3)],
                "n": int(test.sum()),
            }
    return found


def within_strata(
    data: list[Sample], detector: Detector, corpus: str = "ffhq_vs_stylegan", strata: int = 5
) -> dict[str, Any]:
    """AUC of the detector among pictures that the thumbnail probe cannot tell apart.

    The test pictures are cut into equal strata by the probe's score, and the AUCs within them are
    averaged by their numbers of pairs. What is above 0.5 is not owed to what the pictures show.
    """
    part = [s for s in data if s.corpus == corpus and s.split is not Split.VALIDATION]
    test = np.array([s.split is Split.TEST for s in part])
    fake = np.array([s.fake for s in part])
    files = [as_scored(s) for s in part]
    x = np.array([thumbnail_probe(f) for f in files])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(
        x[~test], fake[~test]
    )
    by_probe = model.decision_function(x[test])
    scores = np.array(
        [
            detector.score(np.asarray(Image.open(io.BytesIO(f)).convert("RGB"))).score
            for f, t in zip(files, test, strict=True)
            if t
        ]
    )
    stratum = np.searchsorted(np.quantile(by_probe, np.linspace(0, 1, strata + 1)[1:-1]), by_probe)
    pairs, total = 0.0, 0.0
    for which in range(strata):
        at = stratum == which
        n = float(fake[test][at].sum() * (~fake[test][at]).sum())
        if n:
            pairs += n
            total += n * auc(fake[test][at], scores[at])
    return {"auc": round(total / pairs, 3), "strata": strata, "n": int(test.sum())}


def main() -> None:
    """Print the probes as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    for name, row in probe(samples(parser.parse_args().data)).items():
        low, high = row["auc_95"]
        print(f"| {name} | {row['auc']:.3f} [{low:.3f}, {high:.3f}] | {row['n']} |")  # noqa: T201


if __name__ == "__main__":
    main()
