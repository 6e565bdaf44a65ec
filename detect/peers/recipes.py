"""What to train of each peer, and what its paper says that it reached.

Every peer learns from the pairs that ours learns from, through our random chain in place of the
augmentation of its paper, but for CNNDetection, whose augmentation is its recipe. Crops and batches
are such that a step takes about a second on one core.
"""

from functools import partial

from unmask.detect.encodings import Chain
from unmask.detect.peers.cnndetection import CNNDetection
from unmask.detect.peers.cooccurrence import CooccurrenceNet
from unmask.detect.peers.ferretnet import FerretNet
from unmask.detect.peers.ladeda import TinyLaDeDa
from unmask.detect.peers.npr import NPR
from unmask.detect.peers.safe import SAFE
from unmask.detect.recipe import Recipe

_DECAY = 1e-4


# Wang et al. 2020, "Blur + JPEG (0.5)", on crops of the size that comes.
_WANG = Chain(
    resize=0, colour=0, noise=0, webp=0, twice=0, blur=0.5, blur_sigma=3.0, jpeg=0.5,
    jpeg_quality=(30, 100),
)  # fmt: skip
_PEERS = (
    Recipe(
        name="cnndetection",
        build=partial(CNNDetection, depth=18),
        crop=128,
        batch=16,
        lr=1e-3,
        weight_decay=_DECAY,
        paper="Wang et al. 2020",
        published="90.8% mean AP on 11 sets, blur and JPEG at 0.5, trained on ProGAN",
        chain=_WANG,
        note="ResNet-18 in place of 50, from scratch in place of ImageNet weights.",
    ),
    Recipe(
        name="npr",
        build=NPR,
        crop=128,
        batch=16,
        lr=1e-3,
        weight_decay=_DECAY,
        paper="Tan et al. 2024",
        published="92.5% mean accuracy on 8 sets of ForenSynths, trained on ProGAN",
        note="Crops at native resolution in place of pictures resized to 256.",
    ),
    Recipe(
        name="safe",
        build=SAFE,
        crop=128,
        batch=16,
        lr=1e-3,
        weight_decay=_DECAY,
        paper="Li et al. 2025",
        published="96.7% mean accuracy on 33 test sets, trained on ProGAN",
        note="No rotation and no masking of patches.",
    ),
    Recipe(
        name="ferretnet",
        build=partial(FerretNet, dim=96),
        crop=112,
        batch=12,
        lr=1e-3,
        weight_decay=_DECAY,
        paper="Liang et al. 2025",
        published="97.1% mean accuracy on four sets of 22 generators, trained on ProGAN",
        note="Crops of 112 in place of 224 pixels.",
    ),
    Recipe(
        name="tiny-ladeda",
        build=TinyLaDeDa,
        crop=256,
        batch=32,
        lr=3e-3,
        weight_decay=_DECAY,
        paper="Cavia et al. 2024",
        published="LaDeDa, its teacher: 93.7% mean AP on WildRF",
        note="Trained on labels; the paper distils it from the larger LaDeDa.",
    ),
    Recipe(
        name="cooccurrence",
        build=CooccurrenceNet,
        crop=256,
        batch=16,
        lr=1e-3,
        weight_decay=_DECAY,
        paper="Barni et al. 2020",
        published="99.7% accuracy on StyleGAN2 faces, trained on them",
        note="A quarter of the channels, a final pooling of 8; logarithms of shares for counts.",
    ),
)
PEERS = {peer.name: peer for peer in _PEERS}
