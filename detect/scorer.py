"""The image detector as a callable, for evaluations: the score alone, without the views of a scan.

    unmask evaluate --detector image_detector=unmask.detect.scorer:ImageDetector --data ...

A scan looks at four more views of a picture to find reasons to hold back; they cost four times as
much and never change the score.
"""

from unmask.detect.encodings import Pixels
from unmask.detect.inference import WEIGHTS, load_detector


class ImageDetector:
    """The shipped detector on the processor."""

    weights = WEIGHTS

    def __init__(self) -> None:
        """Raises WeightsError where the weights are missing or are not those of their card."""
        self._detector = load_detector("cpu")

    def __call__(self, pixels: Pixels) -> dict[str, float]:
        """(H, W, 3) -> fused logit and calibrated ratio."""
        score = self._detector.score(pixels).score
        return {"score": score, "llr": float(self._detector.calibration["image"].llr(score))}
