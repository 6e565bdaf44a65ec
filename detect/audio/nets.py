"""The networks of the audio detector by front end, and what they say of a batch of recordings."""

from collections.abc import Sequence

from torch import Tensor, nn

from unmask.detect.audio.frontends import FRONT_ENDS, HOP
from unmask.detect.audio.lcnn import Lcnn
from unmask.detect.audio.speech_transformer import SpeechTransformer
from unmask.errors import WeightsError

POOLS = 3  # halvings of time: a logit each 8 frames
WIDTH = 32  # channels of the first layer of the light CNNs
STEP = 2**POOLS * HOP  # samples between two logits: 0.12 s


class Nets(nn.ModuleDict):
    """One network for each front end, by its name."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises WeightsError where a name is no front end's."""
        if unknown := set(names) - FRONT_ENDS.keys():
            raise WeightsError(f"The front ends are {', '.join(FRONT_ENDS)}, not {min(unknown)}.")
        super().__init__({name: _net(name) for name in names})

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """(B, rows, T) of each front end -> its frame logits (B, T // 8)."""
        return {name: net(features[name]) for name, net in self.items()}


def _net(name: str) -> nn.Module:
    if name == "complex":
        return SpeechTransformer()
    return Lcnn(FRONT_ENDS[name].rows, pools=POOLS, width=WIDTH)


def features_of(names: Sequence[str], waves: Tensor) -> dict[str, Tensor]:
    """What each front end makes of (B, N)."""
    return {name: FRONT_ENDS[name].features(waves) for name in names}
