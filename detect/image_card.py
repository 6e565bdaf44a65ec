"""The card of the image detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping
from typing import Any

from unmask.card import Card
from unmask.datasets.manifest import CORPORA

COMMAND = """\
python -m unmask.datasets.photographs --out photographs
python -m unmask.datasets.reconstruct --data DATA photographs --out aligned --shipped --limit 160 \
--side 320 --part 0.3
for SEED in 1 2: unmask train detector --recipe patchnet --backbone efficientnet-lite0.pth \
--steps 2600 --seed SEED --out runs/SEED --data aligned --data DATA
python -m unmask.detect.likelihood_train --data DATA photographs --out runs/coder --steps 1700
for SEED in 1 2: unmask train detector --recipe patchnet --start MEAN --lr 2e-4 --steps 420 \
--unpaired 0.5 --seed SEED --out runs/more-SEED --data aligned --data DATA  (MEAN: of runs 1 and 2)
unmask train detector --recipe stylegan --backbone efficientnet-lite0.pth --lr 6e-4 --steps 1600 \
--unpaired 0.9 --seed 5 --out runs/whole-5 --data aligned --data DATA
for SEED in 8 9: unmask train detector --recipe stylegan --start runs/whole-5/last.pt --lr 4e-4 \
--steps 460 --unpaired 0.5 --seed SEED --out runs/whole-SEED --data aligned --data DATA
unmask train detector --recipe stylegan-lite2 --backbone efficientnet-lite2.pth --steps 1600 \
--unpaired 0.9 --seed 21 --check-every 100 --out runs/large-21 --data aligned --data DATA \
 (stopped after 1,000 steps)
unmask train detector --recipe stylegan-lite2 --start runs/large-21/last.pt --lr 4e-4 --steps 600 \
--unpaired 0.45 --seed 22 --out runs/large-22 --data aligned --data DATA
python -m unmask.detect.portrait_train --data DATA photographs --out portrait.safetensors
python -m unmask.detect.spectrum_train --data aligned --out runs/spectrum.safetensors
unmask train fusion --expert patchnet=runs/1/last.pt --expert patchnet=runs/2/last.pt \
--expert patchnet=runs/more-1/last.pt --expert patchnet=runs/more-2/last.pt \
--expert faces=runs/whole-5/last.pt --expert faces=runs/whole-8/last.pt \
--expert faces=runs/whole-9/last.pt \
--expert faces_lite2=runs/large-21/last.pt --expert faces_lite2=runs/large-22/last.pt \
--expert spectrum=runs/spectrum.safetensors \
--portrait portrait.safetensors \
--coder runs/coder/likelihood.safetensors --data aligned --data DATA --data photographs"""

WEAKNESSES = (
    "Trained on StyleGAN pictures and on small decoders' reconstructions: of other generators it"
    " sees what they share with these.",
    "Pictures at half size or smaller lose most of the traces.",
    "Faces of low resolution look synthetic to it: only ratios above the shipped threshold count,"
    " which 1 of 150 CelebA photographs of the test set exceeds, and 3 of 20 beside StarGAN's.",
    "At the shipped threshold it finds 66% of the test set's fakes, 72% of StyleGAN's faces.",
    "It misses today's image and video generators: it called none of 77 thumbnails by 22 of them"
    " synthetic (AUC 0.46), and none of 6 test files by Flux and Stable Diffusion 3.",
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
        task="Is this picture generated? Logit of two experts, of a face of four; above 0 leans to"
        " synthetic.",
        architecture="patchnet: EfficientNet-Lite0 to patch logits at stride 16, the mean of the"
        " weights of four runs, seen as it is, mirrored and upside down; spectrum: a network"
        " of one hidden layer on the logarithms of the cosine spectra of windows of 128 pixels, the"
        " mean of nine; of these two the surer is heard (a soft maximum), the spectrum up to a"
        " bound; faces: patchnet again, trained from ImageNet on StyleGAN's faces above all (the"
        " mean of a run and of two that went on from it); faces_lite2: EfficientNet-Lite2, trained"
        " likewise (the mean of a run and of one that went on from it with more reconstructions),"
        " both seen as it is and"
        " mirrored; where a small network sees that a face fills the picture, the mean of the two"
        " counts a third and patchnet the rest; pictures of up to 160 x 160 pixels are seen at"
        " double size too, enlarged ones at half, which counts three quarters, and both have a"
        " fusion of their"
        " own; large matrices of weights in eight bits; a lossless coder of photographs says what"
        " is out of range",
        papers=(
            "Chai et al. 2020, What makes fake images detectable?",
            "Tan and Le 2019, EfficientNet",
            "Frank et al. 2020, Leveraging frequency analysis for deep fake image recognition",
            "Chen et al. 2025, Dual Data Alignment",
            "Wortsman et al. 2022, Model soups; Robust fine-tuning of zero-shot models",
            "Cozzolino et al. 2024, ZED; Cao et al. 2020, SReC",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
            "Jacob et al. 2018, Quantization and training of neural networks",
            "Vovk et al. 2005, Algorithmic learning in a random world (thresholds)",
        ),
        data=(
            *(f"{c.name}: {c.licence}" for c in CORPORA if c.shares[0] > 0),
            "photographs of open-source packages (datasets/photographs.py), their own licences",
            "reconstructions of these by 20 decoders trained on them (datasets/reconstruct.py)",
            "ImageNet-pretrained EfficientNet-Lite0 and Lite2 (Apache-2.0)",
        ),
        licence="Research and journalism use: trained on non-commercial data (see `data`)",
        command=COMMAND,
        calibration=fitted.get("calibration", {}),
        thresholds={**LIMITS, **fitted.get("thresholds", {})},
        results={},
        weaknesses=WEAKNESSES,
    )
