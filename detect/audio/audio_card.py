"""The card of the audio detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping, Sequence
from typing import Any

from unmask.card import Card

COMMAND = """\
python -m unmask.datasets.speech --out speech --data DATA
pip download --no-deps distillmos==0.9.1  (unpack it: distill_mos_v7.pt is in distillmos/weights)
unmask train audio --data speech --front-end constant_q --front-end fine --steps 1200 --bank 3000 \
--out runs/1  (runs 1 and 2 before KDE's volunteers joined the corpus)
unmask train audio --data speech --front-end constant_q --front-end fine --start runs/1/last.pt \
--lr 0.002 --steps 700 --bank 0 --seed 5 --out runs/2
unmask train audio --data speech --front-end constant_q --front-end fine --start runs/2/last.pt \
--lr 0.0015 --steps 350 --bank 0 --seed 7 --out runs/3  (runs 3 and 4 before Pico, Hibari and the \
universal HiFi-GAN joined, run 6 before Pico and Hibari)
unmask train audio --data speech --backbone distill_mos_v7.pt --front-end complex --lr 0.0004 \
--steps 600 --bank 0 --seed 3 --out runs/4
unmask train audio --data speech --front-end constant_q --front-end fine --start runs/3/last.pt \
--lr 0.0015 --steps 500 --bank 0 --seed 34 --out runs/5
unmask train audio --data speech --front-end complex --start runs/4/last.pt --lr 0.0004 \
--steps 600 --bank 0 --seed 31 --out runs/6
unmask train audio --data speech --front-end complex --start runs/6/last.pt --lr 0.0004 \
--steps 400 --bank 0 --seed 33 --out runs/7
unmask train audio-fit --data speech --run runs/5/last.pt --run runs/7/last.pt \
--front-end constant_q --front-end fine --front-end complex \
--out detect/weights/audio_detector.safetensors"""

WEAKNESSES = (
    "Good neural vocoders and engines may escape it: HiFi-GAN's demo is hardly told from "
    "recordings (AUC 0.60, n = 10; 0.49 by telephone, 0.32 in noise) though its authors' weights "
    "were learned from, and Kokoro is heard at 0.83 (n = 30) since an engine that learned from one "
    "of its voices was. One with no relative among those may do as Kokoro did before: 0.39.",
    "Unbounded, the calibration of the detector before called 3% to 8% of 107 real recordings of "
    "test corpora synthetic; ratios are therefore bounded, and alone they decide nothing at even "
    "odds. That it hears nothing says little.",
    "A synthetic stretch of ten seconds is found in 13 of 20 recordings of the test, of six by "
    "HiFi-GAN and Kokoro two, of four by CycleGAN-VC2 one. Of 20 real minutes 1 shows one.",
    "It learned from small corpora of read speech in a few languages: spontaneous speech, "
    "children, singing, and several people at once were never measured.",
    "Noise suppression, auto-tune and voice changers leave traces like a vocoder's: a real "
    "voice behind them may be called synthetic.",
    "What is spoken in a studio sounds more real to it than what people say at home.",
    "A synthetic voice played over a loudspeaker and recorded again was never measured.",
)
# Reasons to hold back that are no figures of the validation data.
LIMITS = {
    "likeness": 0.01,  # share of real recordings at least as odd, below which it is out of range
    "least_speech": 2.0,  # seconds
    "least_bandwidth": 2500.0,  # Hz
    "view_spread": 3.0,  # of the ratios of a recording's views
    # Of stretches, chosen on validation: a sum of half seconds' ratios, and a logit.
    "region_evidence": 25.0,
    "shared_level": -2.4,  # to which recordings' own levels are moved
}


def describe(fitted: Mapping[str, Any], families: Sequence[str] = ()) -> Card:
    """The card with `calibration` and `thresholds` as fitted; results come with an evaluation.

    `families` are those of the corpus that it learned from.
    """
    return Card(
        name="audio_detector",
        sha256="",
        task="Is this voice synthetic? Logit of 0.12 s of speech; above 0 leans to synthetic.",
        architecture="one network on each front end of calibration.front_ends, their logits"
        " averaged: light CNNs with max-feature-map units on log power in bands of nearly constant"
        " Q and on each 31 Hz bin less its envelope (fine), and the ear and four layers of"
        " DistillMOS on compressed spectra (complex), matrices in eight bits; a logit each 0.12 s;"
        " a recording's score lies midway between the mean and the mean of the highest quarter",
        papers=(
            "Lavrentyeva et al. 2019, STC antispoofing systems for the ASVspoof 2019 challenge",
            "Wu et al. 2018, A light CNN for deep face representation with noisy labels",
            "Stahl and Gamper 2025, Distillation and pruning for speech quality (DistillMOS)",
            "Wang and Yamagishi 2023, Spoofed training data by vocoders",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
            "Vovk et al. 2005, Algorithmic learning in a random world (thresholds)",
        ),
        data=(
            "LibriSpeech (CC BY 4.0) and speech of open-source packages, their own licences"
            " (datasets/speech_sources.py)",
            f"copies and synthetic speech of the families {', '.join(families)}",
            "DistillMOS as published (MIT): weights that the transformer begins at",
        ),
        licence="Research and journalism use: trained on recordings under several licences",
        command=COMMAND,
        calibration=fitted.get("calibration", {}),
        thresholds={**LIMITS, **fitted.get("thresholds", {})},
        results={},
        weaknesses=WEAKNESSES,
    )
