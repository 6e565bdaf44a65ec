"""A network that learned to hear how good speech sounds, asked whether anybody said it.

Its ear and its first layers are those of DistillMOS (Stahl and Gamper 2025, "Distillation and
pruning for scalable self-supervised representation-based speech quality assessment"), a small
network that learned from XLS-R (Babu et al. 2022) how clean, coded, enhanced and synthetic speech
is rated. The ear stays as it was published, the layers are trained on: what was heard of many
voices and lines is not to be forgotten for the few of a corpus.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from unmask.errors import WeightsError

BINS = 161  # of the spectrum
_LAYERS = 4  # of the published seven
_WIDTH, _HEADS = 200, 8
_CHANNELS = (64, 64, 128, 256, 256, 256)
_BASE, _LONGEST = 768.0, 512  # of the codes of positions; tokens of 20 ms that have one
_CELL = 6  # tokens in a logit: 0.12 s
_TRANSFORMER = "transformer_pool_attn."
_NAMES = {  # theirs: ours
    "cnn.cnn.": "ear.",
    f"{_TRANSFORMER}norm_input.": "first_norm.",
    f"{_TRANSFORMER}transformer.norm.": "second_norm.",
    f"{_TRANSFORMER}transformer.linear_proj.": "join.",
    f"{_TRANSFORMER}transformer.transformer_encoder.layers.": "encoder.layers.",
}


class SpeechTransformer(nn.Module):
    """(B, 322, T) of `complex_spectrum` -> frame logits (B, T // 12); above 0 means synthetic."""

    positions: Tensor

    def __init__(self, drop: float = 0.1) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        bins, before = BINS, 2
        for number, after in enumerate(_CHANNELS):
            stride = (2 if number else 1, 2 if number == len(_CHANNELS) - 1 else 1)
            parts += [nn.Conv2d(before, after, 3, stride, padding=(0, 1)), nn.LeakyReLU(0.1)]
            bins, before = (bins - 3) // stride[0] + 1, after
        self.ear: nn.Module = nn.Sequential(*parts)
        # Theirs has the one after the other.
        self.first_norm = nn.BatchNorm1d(before * bins)
        self.second_norm = nn.BatchNorm1d(before * bins)
        self.join = nn.Linear(before * bins, _WIDTH)
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 2 * _WIDTH, dropout=drop, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Dropout(drop), nn.Linear(_WIDTH, 1))
        self.register_buffer("positions", _positions(), persistent=False)
        for part in self._kept:
            part.requires_grad_(False)

    @property
    def _kept(self) -> tuple[nn.Module, ...]:
        return self.ear, self.first_norm, self.second_norm, self.join

    def train(self, mode: bool = True) -> "SpeechTransformer":
        """What is kept as published stays in evaluation."""
        super().train(mode)
        for part in self._kept:
            part.eval()
        return self

    def forward(self, features: Tensor) -> Tensor:
        """(B, 322, T) -> (B, T // 12)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.join.weight.requires_grad):
            # Rows take turns: a bin's real part, its imaginary part.
            spectrum = features.reshape(len(features), BINS, 2, -1).transpose(1, 2)
            heard = self.second_norm(self.first_norm(self.ear(spectrum).flatten(1, 2)))
            tokens = self.join(heard.transpose(1, 2))  # (B, T / 2, 200)
        logits: Tensor = self.head(self.encoder(tokens + self.positions[: tokens.shape[1]]))
        cells = logits.shape[1] // _CELL
        return logits[:, : cells * _CELL, 0].reshape(len(logits), cells, _CELL).mean(2)


def _positions() -> Tensor:
    """(512, 200): sines and cosines as in Vaswani et al. 2017, of a slower base."""
    place = torch.arange(_LONGEST)[:, None]
    pace = torch.exp(torch.arange(0, _WIDTH, 2) * (-math.log(_BASE) / _WIDTH))
    code = torch.zeros(_LONGEST, _WIDTH)
    code[:, 0::2], code[:, 1::2] = torch.sin(place * pace), torch.cos(place * pace)
    return code


def published(checkpoint: Path) -> dict[str, Tensor]:
    """The weights of `distill_mos_v7.pt`, of the PyPI package distillmos, under our names.

    What lies above the fourth layer is left out. Raises WeightsError.
    """
    try:
        model = torch.load(checkpoint, weights_only=True, map_location="cpu")["model"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, UnpicklingError) as error:
        raise WeightsError(f"{checkpoint.name} holds no weights of DistillMOS.") from error
    return renamed(model)


def renamed(model: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published weights by our names, without those that this network has no place for."""
    found = {}
    for name, tensor in model.items():
        for theirs, ours in _NAMES.items():
            if name.startswith(theirs):
                found[ours + name.removeprefix(theirs)] = tensor
    return {k: v for k, v in found.items() if _layer(k) < _LAYERS}


def _layer(name: str) -> int:
    """The layer that a weight belongs to; -1 where to none."""
    parts = name.split(".")
    return int(parts[2]) if parts[0] == "encoder" else -1
