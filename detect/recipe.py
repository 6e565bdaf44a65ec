"""How a network of the image detector, or a peer of it, is built and trained."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from unmask.detect.encodings import Chain

# What a picture meets on its way to us: also half or double the size, and compressed hard.
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network's own part in a training; the pairs that it learns from are the same for all."""

    name: str
    build: Callable[[], nn.Module]  # untrained; (B, 3, H, W) in [0, 1] -> patch logits (B, h, w)
    paper: str
    crop: int = 128  # pixels a side; a multiple of 8
    batch: int = 32  # half photographs, half fakes
    lr: float = 6e-4  # the largest, of AdamW
    weight_decay: float = 0.02
    top: float = 0.0  # part of the patches that count again in a picture's logit
    pretrained: bool = False  # starts from ImageNet's EfficientNet-Lite0; its head learns faster
    chain: Chain = CHAIN
    published: str = ""  # a paper's own figure and data: not comparable with what is measured here
    note: str = ""  # what differs from the paper
