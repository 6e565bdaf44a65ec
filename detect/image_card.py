"""The card of the image detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping
from typing import Any

from unmask.card import Card
from unmask.datasets.manifest import CORPORA

COMMAND = """\
python -m unmask.datasets.photographs --out photographs
for depth and steps in (1 600) (2 900) (3 1400) (4 1600): python -m unmask.datasets.reconstruct \
--data DATA photographs --out aligned --limit 160 --side 320 --part 0.3 --steps STEPS --decoders \
those of this depth, without bicubic-d3, bicubic-d4, transposed-k3-d4
unmask train detector --recipe patchnet --backbone efficientnet-lite0.pth --steps 1200 \
--out runs/gan --data DATA  (the shipped one: patchnet.safetensors of commit 899f754, four runs)
unmask train detector --recipe patchnet --start runs/gan/last.pt --lr 3e-4 --steps 800 \
--out runs/1 --data aligned --data DATA
unmask train detector --recipe patchnet --start runs/1/last.pt --lr 3e-4 --steps 1000 --seed 2 \
--out runs/patchnet --data aligned --data DATA
unmask train detector --recipe residual --steps 1600 --out runs/residual --data aligned --data DATA
python -m unmask.detect.likelihood_train --data DATA photographs --out runs/coder --steps 1700
unmask train fusion --gan runs/gan/last.pt --patchnet runs/patchnet/last.pt \
--residual runs/residual/last.pt --coder runs/coder/likelihood.safetensors \
--data aligned --data DATA --data photographs"""

WEAKNESSES = (
    "Trained on StyleGAN pictures and on small decoders' reconstructions: of other generators it"
    " sees what they share with these.",
    "Pictures at half size or smaller lose most of the traces.",
    "Faces of low resolution look synthetic to it: only ratios above the shipped threshold count.",
    "It misses Flux and Stable Diffusion 3 (0 of 6 test files).",
    "It learned from crops of 128 pixels: large scenes are judged by their texture alone.",
    "Local edits and face swaps smaller than a few hundred pixels escape it.",
)
# Reasons to hold back that are no figures of the validation data.
LIMITS = {
    "likeness": 0.01,  # share of photographs at least as odd, below which it is out of range
    "least_side": 96,  # pixels
    "least_quality": 40,  # of a JPEG
    "view_spread": 3.0,  # of the ratios of a picture's views
    "least_frames": 4,
}


def describe(fitted: Mapping[str, Any]) -> Card:
    """The card with `calibration` and `thresholds` as fitted; results come with an evaluation."""
    return Card(
        name="image_detector",
        sha256="",
        task="Is this picture generated? Fused logit of three experts; above 0 leans to synthetic.",
        architecture="gan and patchnet (each EfficientNet-Lite0 to patch logits at stride 16; gan"
        " learned StyleGAN alone, patchnet went on from it with reconstructions), residual (0.3M"
        " convolutions on median, neighbour, rich-model and wavelet residuals, stride 8), logistic"
        " fusion of their logits; a lossless coder of photographs says what is out"
        " of range",
        papers=(
            "Chai et al. 2020, What makes fake images detectable?",
            "Tan and Le 2019, EfficientNet",
            "Chen et al. 2025, Dual Data Alignment",
            "Tan et al. 2024, NPR; Liang et al. 2025, FerretNet; Li et al. 2025, SAFE",
            "Cozzolino et al. 2024, ZED; Cao et al. 2020, SReC",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
            "Vovk et al. 2005, Algorithmic learning in a random world (thresholds)",
        ),
        data=(
            *(f"{c.name}: {c.licence}" for c in CORPORA if c.shares[0] > 0),
            "photographs of open-source packages (datasets/photographs.py), their own licences",
            "reconstructions of these by 20 decoders trained on them (datasets/reconstruct.py)",
            "ImageNet-pretrained EfficientNet-Lite0 (Apache-2.0)",
        ),
        licence="Research and journalism use: trained on non-commercial data (see `data`)",
        command=COMMAND,
        calibration=fitted.get("calibration", {}),
        thresholds={**LIMITS, **fitted.get("thresholds", {})},
        results={},
        weaknesses=WEAKNESSES,
    )
