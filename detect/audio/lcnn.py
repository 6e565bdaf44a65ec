"""A light convolutional network that gives a logit for each sixth of a second of speech.

Max-feature-map units (Wu et al. 2018, "A light CNN for deep face representation with noisy
labels") as in the LCNN of Lavrentyeva et al. 2019 ("STC antispoofing systems for the ASVspoof 2019
challenge"), narrower, and read out frame by frame so that a part that is fake shows as such.
"""

import torch
from torch import Tensor, nn

TOP = 0.25  # part of the frames that counts again in the logit of a recording


def pooled(frames: Tensor, top: float = TOP) -> Tensor:
    """(B, T) frame logits -> (B,): midway between the mean of all and the mean of the highest part.

    The mean alone would drown a short insertion; the highest alone would follow one odd frame.
    """
    count = max(1, round(top * frames.shape[1]))
    return (frames.mean(1) + frames.topk(count, dim=1).values.mean(1)) / 2


class MaxFeatureMap(nn.Module):
    """The larger of two halves of the channels: half as many come out, without any threshold."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2 C, ...) -> (B, C, ...)."""
        first, second = x.chunk(2, dim=1)
        return torch.maximum(first, second)


def _mfm(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, 2 * outputs, size, stride=stride, padding=size // 2)
    return nn.Sequential(conv, MaxFeatureMap())


class Lcnn(nn.Module):
    """(B, rows, T) of a front end -> frame logits (B, T // reduction); above 0 means synthetic."""

    def __init__(self, rows: int, *, pools: int = 4, width: int = 16, drop: float = 0.25) -> None:
        """`pools` halvings of time and frequency, two to four."""
        super().__init__()
        self.reduction = 2**pools
        self.scale = nn.BatchNorm1d(rows)
        widths = (width, width * 3 // 2, width * 2, width * 2)
        # A strided convolution in place of the paper's pooled one: half the time, learns as fast.
        layers: list[nn.Module] = [_mfm(1, widths[0], 5, stride=2)]
        before = widths[0]
        for number, after in enumerate(widths[1:], start=2):
            layers += [
                nn.BatchNorm2d(before), _mfm(before, before, 1),
                nn.BatchNorm2d(before), _mfm(before, after, 3),
            ]  # fmt: skip
            # Frequencies are halved once more after the last halving of time.
            layers.append(nn.MaxPool2d(2) if number <= pools else nn.MaxPool2d((2, 1)))
            before = after
        self.body = nn.Sequential(*layers)
        flat = before * (
            (rows + 1) // 2 // 2 ** (len(widths) - 1)
        )  # where in frequency something is, matters
        self.join = nn.Sequential(
            nn.Dropout1d(drop),
            nn.Conv1d(flat, 4 * width, 3, padding=1), MaxFeatureMap(), nn.BatchNorm1d(2 * width),
            nn.Conv1d(2 * width, 4 * width, 3, padding=1), MaxFeatureMap(),
            nn.BatchNorm1d(2 * width), nn.Dropout(drop),
        )  # fmt: skip
        self.head = nn.Conv1d(2 * width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, rows, T) -> (B, T // reduction)."""
        # (B, C, rows / 16, T / reduction)
        maps = self.body(self.scale(features)[:, None, :, : features.shape[2] // 8 * 8])
        joined: Tensor = self.join(maps.flatten(1, 2))
        logits: Tensor = self.head(joined)[:, 0]
        return logits
