"""The networks that `unmask train detector` trains: ours, and those they are compared with.

All see the same pictures in the same order and for as many steps as fit the same time; a recipe
says what is a network's own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from unmask.detect.encodings import Chain
from unmask.detect.patchnet import PatchNet
from unmask.detect.peers.recipes import PEERS
from unmask.detect.residual_net import TOP, ResidualNet

# What a picture meets on its way to us, and more of it than before: half to double the size.
CHAIN = Chain(
    scale=(0.5, 2.0),
    jpeg=0.65,
    webp=0.15,
    jpeg_quality=(45, 99),
    webp_quality=(45, 99),
    blur=0.1,
    blur_sigma=1.5,
    noise=0.1,
)
# Wang et al. 2020, "Blur + JPEG (0.5)", on crops of the size that comes.
WANG = Chain(
    resize=0, colour=0, noise=0, webp=0, twice=0, blur=0.5, blur_sigma=3.0, jpeg=0.5,
    jpeg_quality=(30, 100),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is built and trained."""

    name: str
    build: Callable[[], nn.Module]  # (B, 3, H, W) in [0, 1] -> patch logits (B, h, w)
    paper: str
    crop: int = 128  # pixels a side; a multiple of 8
    batch: int = 32  # half photographs, half fakes
    lr: float = 6e-4  # the largest; a network that starts from ImageNet has a head three times that
    weight_decay: float = 0.02
    top: float = 0.0  # part of the patches that count again in a picture's logit
    pretrained: bool = False  # starts from ImageNet weights of EfficientNet-Lite0
    chain: Chain = field(default=CHAIN)


OURS = {
    "patchnet": Recipe(
        name="patchnet",
        build=lambda: PatchNet(drop_path=0.1),
        paper="Chai et al. 2020; Tan and Le 2019",
        pretrained=True,
    ),
    "residual": Recipe(
        name="residual",
        build=lambda: ResidualNet(drop=0.1),
        paper="Tan et al. 2024; Liang et al. 2025; Chai et al. 2020",
        lr=2e-3,
        top=TOP,
    ),
}
RECIPES = OURS | {
    name: Recipe(
        name=name,
        build=peer.build,
        paper=peer.paper,
        crop=peer.crop,
        batch=peer.batch,
        lr=peer.lr,
        weight_decay=1e-4,
        chain=WANG if name.startswith("cnndetection") else CHAIN,
    )
    for name, peer in PEERS.items()
}
