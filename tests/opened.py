"""What tests of opening media share: a picture that shows how it was turned, and refusals."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unmask.errors import MediaError, Reason
from unmask.media import Limits, open_bytes

RED, BLUE, GREEN, DARK = (220, 30, 40), (20, 40, 200), (30, 180, 60), (16, 16, 16)


def quarters(height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Red and blue above green and dark: no turn or flip of it looks like another."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = BLUE
    picture[height // 2 :, : width // 2] = GREEN
    picture[height // 2 :, width // 2 :] = DARK
    return picture


def refused(data: bytes, limits: Limits) -> Reason:
    with pytest.raises(MediaError) as caught:
        open_bytes(data, "name", limits=limits)
    return caught.value.reason
