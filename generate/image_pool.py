"""Pictures that a game keeps from step to step: past fakes, and the examples that it shows.

Both lie in buffers, so that a checkpoint holds them and a run goes on exactly. They belong to the
game, not to its networks: weights that are taken out of a checkpoint hold no picture.
"""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Fakes of earlier steps, mixed among those of today.

    A critic that meets only the newest fakes forgets what it knew of earlier ones, and the two
    players run in circles (Shrivastava et al. 2017, "Learning from simulated and unsupervised
    images through adversarial training").
    """

    images: Tensor
    held: Tensor

    def __init__(self, size: int, side: int, channels: int = 3) -> None:
        """Room for `size` pictures of `side` x `side` pixels; with 0 every fake is of today."""
        super().__init__()
        self.register_buffer("images", torch.zeros(size, channels, side, side))
        self.register_buffer("held", torch.tensor(0))

    @torch.no_grad()
    def forward(self, new: Tensor) -> Tensor:
        """(B, C, H, W) -> the same: each picture, or an older one in whose place it goes.

        Until the pool is full each comes back itself; from then on half of them do. The draws are
        from torch's random numbers on the CPU.
        """
        size, mixed = len(self.images), new.detach().to(self.images.dtype, copy=True)
        held = int(self.held)
        filling = min(len(mixed), size - held)
        self.images[held : held + filling] = mixed[:filling]
        self.held += filling
        if size == 0:
            return mixed
        for i in range(filling, len(mixed)):
            if torch.rand(()) < 0.5:
                place = int(torch.randint(size, ()))
                older = self.images[place].clone()
                self.images[place] = mixed[i]
                mixed[i] = older
        return mixed


class FixedExamples(nn.Module):
    """A few real pictures of two domains, whose translations show how far a run has come."""

    a: Tensor
    b: Tensor
    held: Tensor

    def __init__(self, size: int, side: int, channels: int = 3) -> None:
        """Room for `size` pictures of each domain, grey until they come."""
        super().__init__()
        self.register_buffer("a", torch.zeros(size, channels, side, side))
        self.register_buffer("b", torch.zeros(size, channels, side, side))
        self.register_buffer("held", torch.tensor(0))

    @torch.no_grad()
    def offer(self, a: Tensor, b: Tensor) -> None:
        """Keep pictures (B, C, H, W) in [-1, 1] while there is room: the first to come stay."""
        held = int(self.held)
        count = min(len(self.a) - held, len(a), len(b))
        self.a[held : held + count] = a[:count]
        self.b[held : held + count] = b[:count]
        self.held += count

    @torch.no_grad()
    def replace(self, a: Tensor, b: Tensor) -> None:
        """Show these in place of all before, as many as there is room for."""
        self.held.zero_()
        self.a.zero_()
        self.b.zero_()
        self.offer(a, b)
