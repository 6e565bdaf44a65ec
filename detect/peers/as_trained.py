"""Peers retrained here, for `unmask evaluate --detector`.

    UNMASK_PEERS=runs/peers unmask evaluate --data ... \\
        --detector NPR=unmask.detect.peers.as_trained:npr

The folder holds `<peer>/last.pt` of `unmask train detector --recipe <peer>`; `durall.safetensors`
and `frank.safetensors` of `python -m unmask.detect.peers.linear_train`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import torch

from unmask.detect.encodings import Pixels
from unmask.detect.evaluation.answers import DetectorError
from unmask.detect.peers import linear
from unmask.detect.recipes import RECIPES
from unmask.detect.residual_net import pooled
from unmask.detect.train import averaged
from unmask.errors import WeightsError

FOLDER = "UNMASK_PEERS"
_LEAST = 64  # pixels a side that every network takes


def _file(name: str) -> Path:
    folder = os.environ.get(FOLDER)
    if not folder:
        raise DetectorError(f"Set {FOLDER} to the folder of the trained peers.")
    path = Path(folder, name)
    if not path.is_file():
        raise DetectorError(f"There is no {path}; train it first.")
    return path


class TrainedNet:
    """A network of a recipe, on the whole of a picture."""

    def __init__(self, name: str) -> None:
        """Raises DetectorError where it was not trained."""
        recipe = RECIPES[name]
        self.weights = _file(f"{name}/last.pt")
        self._net, self._top = recipe.build(), recipe.top
        try:
            self._net.load_state_dict(averaged(self.weights))
        except (WeightsError, RuntimeError) as error:
            raise DetectorError(f"{self.weights} is no checkpoint of {name}.") from error
        self._net.eval().to(memory_format=torch.channels_last)

    def __call__(self, pixels: Pixels) -> float:
        """(H, W, 3) -> logit; above 0 means synthetic."""
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        short = [max(0, _LEAST - side) for side in image.shape[2:]]
        if any(short):
            image = torch.nn.functional.pad(image, (0, short[1], 0, short[0]), mode="replicate")
        with torch.inference_mode():
            return float(pooled(self._net(image), self._top))


class TrainedLinear:
    """A spectrum and its classifier."""

    def __init__(self, name: str, features: Callable[[Pixels], linear.Floats]) -> None:
        """Raises DetectorError where it was not trained."""
        self.weights = _file(f"{name}.safetensors")
        self._features = features
        try:
            self._model = linear.load(self.weights)
        except WeightsError as error:
            raise DetectorError(str(error)) from error

    def __call__(self, pixels: Pixels) -> float:
        """(H, W, 3) -> score; above 0 means synthetic."""
        return float(self._model.decision_function(self._features(pixels)[None])[0])


def _net(name: str) -> type[TrainedNet]:
    """A class without arguments, as the evaluator makes its detectors."""

    class Peer(TrainedNet):
        def __init__(self) -> None:
            super().__init__(name)

    return Peer


class durall(TrainedLinear):  # noqa: N801  (named as a user writes it)
    """Durall et al. 2019."""

    def __init__(self) -> None:
        super().__init__("durall", linear.azimuthal)


class frank(TrainedLinear):  # noqa: N801
    """Frank et al. 2020."""

    def __init__(self) -> None:
        super().__init__("frank", linear.log_dct)


cnndetection, npr, safe, ferretnet = map(_net, ("cnndetection", "npr", "safe", "ferretnet"))
tiny_ladeda, cooccurrence = _net("tiny-ladeda"), _net("cooccurrence")
patchnet, residual = _net("patchnet"), _net("residual")  # ours, each alone
