"""The network of the first image detector: an EfficientNet that judges every patch.

The logits of the patches are the heatmap (Chai et al. 2020, "What makes fake images detectable?").
The trunk is an EfficientNet-Lite (Tan and Le 2019); a patch is judged by its features at stride 16,
where up-sampling leaves its traces, and by those at stride 32 around it, which see shapes. Pictures
enter at their own resolution, because resizing removes the traces.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.detect.lite import SIZES, stages, stem
from unmask.errors import WeightsError

STRIDE = 16  # pixels between two patch logits
CHANNELS = 112 + 320  # of Lite0's trunk at stride 16 and at stride 32
_NEAR, _FAR = 4, 6  # the stages that give them


class PatchNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/16, W/16); above 0 means synthetic."""

    mean: Tensor
    std: Tensor

    def __init__(self, drop_path: float = 0.0, size: str = "lite0") -> None:
        """`drop_path` is the chance to skip the deepest block in training (Huang et al. 2016)."""
        super().__init__()
        self.stem = stem()
        self.blocks = stages(size, drop_path)
        self.drop = nn.Dropout2d(0.2)
        self.near = SIZES[size].channels(_NEAR)
        self.head = nn.Conv2d(self.near + SIZES[size].channels(_FAR), 1, kernel_size=1)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H/16, W/16); C is 432 of Lite0's trunk."""
        near: Tensor = self.stem((images - self.mean) / self.std)
        for block in self.blocks[: _NEAR + 1]:
            near = block(near)  # (B, 112, H/16, W/16)
        far = near
        for block in self.blocks[_NEAR + 1 :]:
            far = block(far)  # (B, 320, H/32, W/32)
        around = F.interpolate(far, size=near.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([near, around], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.drop(self.features(images)))
        return logits[:, 0]


def load_backbone(net: PatchNet, state: dict[str, Tensor]) -> None:
    """Start the trunk from ImageNet weights in timm's or the original EfficientNet-Lite's names.

    Raises WeightsError where the weights are of another architecture.
    """
    ours = {
        k: v
        for k, v in net.state_dict().items()
        if k.startswith(("stem", "blocks")) and "num_batches_tracked" not in k
    }
    # The original port stores the same tensors in the same order under other names; what follows
    # them is its head.
    theirs = [v for k, v in state.items() if "num_batches_tracked" not in k][: len(ours)]
    if [v.shape for v in ours.values()] != [v.shape for v in theirs]:
        raise WeightsError("These are no weights of an EfficientNet-Lite of this size.")
    net.load_state_dict(dict(zip(ours, theirs, strict=True)), strict=False)
