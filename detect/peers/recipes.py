"""What to train of each peer, and what its paper says that it reached.

Every peer learns from the data and the random chain that ours learns from, in place of the
augmentation of its paper; crops and batches are such that a step takes about a second on one core.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from unmask.detect.peers.cnndetection import CNNDetection
from unmask.detect.peers.cooccurrence import CooccurrenceNet
from unmask.detect.peers.ferretnet import FerretNet
from unmask.detect.peers.ladeda import TinyLaDeDa
from unmask.detect.peers.npr import NPR
from unmask.detect.peers.safe import SAFE


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A network to be trained as ours is."""

    name: str
    build: Callable[[], nn.Module]  # untrained
    crop: int  # pixels a side
    batch: int  # half real, half generated
    lr: float  # of Adam
    paper: str
    published: str  # the paper's own figure and data: not comparable with what is measured here
    note: str  # what differs from the paper


_PEERS = (
    Peer(
        name="cnndetection",
        build=partial(CNNDetection, depth=18),
        crop=128,
        batch=16,
        lr=1e-3,
        paper="Wang et al. 2020",
        published="90.8% mean AP on 11 sets, blur and JPEG at 0.5, trained on ProGAN",
        note="ResNet-18 in place of 50, from scratch in place of ImageNet weights.",
    ),
    Peer(
        name="npr",
        build=NPR,
        crop=128,
        batch=16,
        lr=1e-3,
        paper="Tan et al. 2024",
        published="92.5% mean accuracy on 8 sets of ForenSynths, trained on ProGAN",
        note="Crops at native resolution in place of pictures resized to 256.",
    ),
    Peer(
        name="safe",
        build=SAFE,
        crop=128,
        batch=16,
        lr=1e-3,
        paper="Li et al. 2025",
        published="96.7% mean accuracy on 33 test sets, trained on ProGAN",
        note="No rotation and no masking of patches.",
    ),
    Peer(
        name="ferretnet",
        build=partial(FerretNet, dim=96),
        crop=112,
        batch=12,
        lr=1e-3,
        paper="Liang et al. 2025",
        published="97.1% mean accuracy on four sets of 22 generators, trained on ProGAN",
        note="Crops of 112 in place of 224 pixels.",
    ),
    Peer(
        name="tiny-ladeda",
        build=TinyLaDeDa,
        crop=256,
        batch=32,
        lr=3e-3,
        paper="Cavia et al. 2024",
        published="LaDeDa, its teacher: 93.7% mean AP on WildRF",
        note="Trained on labels; the paper distils it from the larger LaDeDa.",
    ),
    Peer(
        name="cooccurrence",
        build=CooccurrenceNet,
        crop=256,
        batch=16,
        lr=1e-3,
        paper="Barni et al. 2020",
        published="99.7% accuracy on StyleGAN2 faces, trained on them",
        note="A quarter of the channels, a final pooling of 8; logarithms of shares for counts.",
    ),
)
PEERS = {peer.name: peer for peer in _PEERS}
