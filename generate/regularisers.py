"""What keeps a critic from being certain, and so keeps a GAN from diverging."""

import torch
from torch import Tensor


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Mean squared length of the gradient of (B, ...) logits with respect to (B, C, H, W) images.

    On reals this is R1, on fakes R2 (Mescheder et al. 2018, "Which training methods for GANs do
    actually converge?"). `images` must require gradients, and `logits` come from them.
    """
    with torch.autocast(images.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
        return gradient.float().square().sum((1, 2, 3)).mean()


def lazily(penalty: Tensor, gamma: float, every: int) -> Tensor:
    """gamma / 2 of a penalty that is only asked for once in `every` steps (Karras et al. 2020)."""
    return penalty * (gamma / 2 * every)


def path_lengths(images: Tensor, styles: Tensor) -> Tensor:
    """(B,) how far (B, C, H, W) images move for a step in (B, L, W) styles.

    Measured along noise of the images' size (Karras et al. 2020, "Analyzing and improving the image
    quality of StyleGAN").
    """
    noise = torch.randn_like(images) / (images.shape[2] * images.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()
