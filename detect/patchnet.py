"""The network of the first image detector: an EfficientNet that judges every patch.

The logits of the patches are the heatmap (Chai et al. 2020, "What makes fake images detectable?").
The trunk is EfficientNet-Lite0 (Tan and Le 2019); a patch is judged by its features at stride 16,
where up-sampling leaves its traces, and by those at stride 32 around it, which see shapes. Pictures
enter at their own resolution, because resizing removes the traces.
"""

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 16  # pixels between two patch logits
CHANNELS = 112 + 320  # of the trunk at stride 16 and at stride 32


class PatchNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/16, W/16); above 0 means synthetic."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        whole = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        self.stem = nn.Sequential(whole.conv_stem, whole.bn1)
        self.blocks = whole.blocks
        self.drop = nn.Dropout2d(0.2)
        self.head = nn.Conv2d(CHANNELS, 1, kernel_size=1)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 432, H/16, W/16)."""
        near: Tensor = self.stem((images - self.mean) / self.std)
        for block in self.blocks[:5]:
            near = block(near)  # (B, 112, H/16, W/16)
        far = near
        for block in self.blocks[5:]:
            far = block(far)  # (B, 320, H/32, W/32)
        around = F.interpolate(far, size=near.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([near, around], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.drop(self.features(images)))
        return logits[:, 0]


def load_backbone(net: PatchNet, state: dict[str, Tensor]) -> None:
    """Start the trunk from ImageNet weights in timm's or the original EfficientNet-Lite's names.

    Raises KeyError where the weights are of another architecture.
    """
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    if "conv_stem.weight" not in state:
        # The original port stores the same tensors in the same order under other names.
        ours = [k for k in reference if "num_batches_tracked" not in k]
        theirs = [k for k in state if "num_batches_tracked" not in k]
        if [reference[k].shape for k in ours] != [state[k].shape for k in theirs]:
            raise KeyError("these are no EfficientNet-Lite0 weights")
        state = {mine: state[k] for mine, k in zip(ours, theirs, strict=True)}
    renamed = {
        k.replace("conv_stem.", "stem.0.").replace("bn1.", "stem.1.", 1)
        if k.startswith(("conv_stem.", "bn1."))
        else k: v
        for k, v in state.items()
    }
    wanted = {k for k in net.state_dict() if k.startswith(("stem", "blocks"))}
    kept = {k: renamed[k] for k in wanted if k in renamed}
    missing = {k for k in wanted - set(kept) if "num_batches_tracked" not in k}
    if missing:
        raise KeyError(f"the backbone lacks {sorted(missing)[:3]}")
    net.load_state_dict(kept, strict=False)
