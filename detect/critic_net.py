"""What a GAN's own critic knows: its gradient as a picture, and what it sees on the way.

LGrad (Tan et al. 2023, "Learning on gradients: generalized artifacts representation for GAN-
generated images detection") turns a picture into the gradient of a trained critic, in which the
scene fades and the traces stay, and lets a network judge that. Here the network is that of
`patchnet`, and the critic's own activations stand beside its features.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.detect.patchnet import CHANNELS, PatchNet
from unmask.generate.games.faces import TINY
from unmask.generate.stylegan2 import Critic
from unmask.generate.trained import load_trained

STRIDE = 16  # pixels between two patch logits
DEVIATIONS = 3.0  # of a gradient, that reach from grey to black and to white


class CriticNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/16, W/16); above 0 means synthetic.

    H and W are multiples of 16. The critic is frozen; it looks at windows of the side that it was
    trained for, at the picture's own resolution, each by itself.
    """

    def __init__(self, critic: Critic, *, side: int = TINY.side, drop_path: float = 0.0) -> None:
        """`side` is what the critic takes, a multiple of 16 pixels."""
        super().__init__()
        self.side = side
        self.critic = critic.requires_grad_(False)
        self.trunk = PatchNet(drop_path)
        self.trunk.head = nn.Identity()  # type: ignore[assignment]  # only its features are taken
        self.cells = side // STRIDE
        seen = sum(m.shape[1] for m in critic.maps(torch.zeros(1, 3, side, side)))
        self.norm = nn.BatchNorm2d(seen)
        self.drop = nn.Dropout2d(0.2)
        self.head = nn.Conv2d(CHANNELS + seen, 1, kernel_size=1)

    def look(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) in [-1, 1] -> gradients (N, 3, S, S), activations (N, C, S/16, S/16)."""
        # A scan runs in inference mode, in which nothing has a gradient.
        with torch.inference_mode(False), torch.enable_grad():
            x = windows.detach().clone().requires_grad_()
            maps = self.critic.maps(x)
            # The plane that compares the pictures of a batch is left empty: each stands alone.
            ending = self.critic.ending(F.pad(maps[-1], (0, 0, 0, 0, 0, 1)))
            (gradient,) = torch.autograd.grad(self.critic.leave(ending).sum(), x)
        seen = [F.adaptive_avg_pool2d(m.detach(), self.cells) for m in maps]
        return gradient.detach(), torch.cat(seen, 1)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        spare = [-n % self.side for n in (height, width)]
        padded = F.pad(images, (0, spare[1], 0, spare[0]), mode="replicate")
        windows = _split(padded, self.side)
        gradient, seen = self.look(windows * 2 - 1)
        deviation = gradient.std((1, 2, 3), keepdim=True).clamp_min(1e-12)
        grey = (0.5 + gradient / deviation / (2 * DEVIATIONS)).clamp(0, 1)
        rows, columns = (n // self.side for n in padded.shape[2:])
        near = self.trunk.features(_joined(grey, rows, columns))
        beside = self.norm(_joined(seen, rows, columns))
        logits = self.head(self.drop(torch.cat([near, beside], 1)))
        return cast(Tensor, logits[:, 0, : height // STRIDE, : width // STRIDE])


def _split(images: Tensor, side: int) -> Tensor:
    """(B, C, r * side, c * side) -> (B * r * c, C, side, side), row by row."""
    b, channels, height, width = images.shape
    cells = images.view(b, channels, height // side, side, width // side, side)
    return cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, side, side)


def _joined(windows: Tensor, rows: int, columns: int) -> Tensor:
    """What `_split` took apart: (B * r * c, C, s, s) -> (B, C, r * s, c * s)."""
    _, channels, side, _ = windows.shape
    cells = windows.view(-1, rows, columns, channels, side, side)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, rows * side, columns * side)


def blank() -> CriticNet:
    """Untrained, to be filled with a state."""
    return CriticNet(Critic(TINY))


def of_faces() -> CriticNet:
    """To be trained, around the critic of the faces that are shipped.

    Raises WeightsError where none are.
    """
    return CriticNet(cast(Critic, load_trained("faces").game.critic), drop_path=0.1)
