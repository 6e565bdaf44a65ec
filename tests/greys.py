"""Pictures of one grey each, for detectors that only count or measure."""

from pathlib import Path

import numpy as np

from unmask.detect.evaluation.answers import Picture


def pictures(*greys: int) -> list[Picture]:
    return [
        Picture(pixels=np.full((24, 32, 3), grey, np.uint8), path=Path(f"{grey}.jpg"))
        for grey in greys
    ]
