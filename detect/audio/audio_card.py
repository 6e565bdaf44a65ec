"""The card of the audio detector: what it is, what it learned from, where it is weak."""

from collections.abc import Mapping, Sequence
from typing import Any

from unmask.card import Card

# The corpus grew meanwhile: 328, 747, 628 (without two leaks), 1,295, 1,570, 1,832 (with copies by
# gan-transposed-22k) and 2,002 utterances (by gan-transposed and gan-nearest, at two rates each).
COMMAND = """\
python -m unmask.datasets.speech --out speech
unmask train audio --data speech --front-end linear --front-end constant_q --steps 300 \
--bank 600 --out runs/0
unmask train audio --data speech --front-end linear --front-end constant_q --front-end lfcc \
--start runs/0/last.pt --lr 0.002 --steps 400 --bank 1200 --out runs/1  (stopped after 50)
unmask train audio --data speech --front-end constant_q --front-end lfcc \
--start runs/1/last.pt --lr 0.002 --steps 450 --bank 1500 --out runs/2  (stopped after 50)
unmask train audio --data speech --front-end constant_q --front-end lfcc \
--start runs/2/last.pt --lr 0.002 --steps 400 --bank 1200 --out runs/3
unmask train audio --data speech --front-end constant_q --front-end lfcc \
--start runs/3/last.pt --lr 0.002 --steps 600 --bank 1200 --out runs/4
unmask train audio --data speech --front-end constant_q --front-end fine \
--start runs/4/last.pt --lr 0.002 --steps 500 --bank 1200 --out runs/5
unmask train audio --data speech --front-end constant_q --front-end fine \
--start runs/5/last.pt --lr 0.0015 --steps 500 --bank 1200 --out runs/6
unmask train audio-fit --data speech --front-end constant_q --front-end fine --run runs/6/last.pt \
--out detect/weights/audio_detector.safetensors"""

WEAKNESSES = (
    "Good neural vocoders and engines escape it: HiFi-GAN, MelGAN and Kokoro are at chance or "
    "below (AUC 0.31, 0.48 and 0.37, n = 10 each), though it hears our own neural vocoders and, "
    "without having met it, a published VITS voice (0.98 on validation).",
    "Its first calibration called 17% of 110 real recordings of test corpora synthetic; its ratios "
    "are therefore bounded by how few families and corpora it was calibrated on, and alone they "
    "decide nothing at even odds.",
    "A stretch that is synthetic is found where the family is one that it hears, else never (test: "
    "8 of 20); a minute of twelve glued real voices showed a false one.",
    "It learned from small corpora of read speech in a few languages: spontaneous speech, "
    "children, singing, and several people at once were never measured.",
    "Noise suppression, auto-tune and voice changers leave traces like a vocoder's: a real "
    "voice behind them may be called synthetic.",
    "Telephone quality hides part of what it reads (AUC 0.79 instead of 0.85 on unseen families).",
    "A synthetic voice played over a loudspeaker and recorded again was never measured.",
)
# Reasons to hold back that are no figures of the validation data.
LIMITS = {
    "likeness": 0.01,  # share of real recordings at least as odd, below which it is out of range
    "least_speech": 2.0,  # seconds
    "least_bandwidth": 2500.0,  # Hz
    "view_spread": 3.0,  # of the ratios of a recording's views
    "region_evidence": 12.0,  # sum of half seconds' ratios, chosen on validation
}


def describe(fitted: Mapping[str, Any], families: Sequence[str] = ()) -> Card:
    """The card with `calibration` and `thresholds` as fitted; results come with an evaluation.

    `families` are those of the corpus that it learned from.
    """
    return Card(
        name="audio_detector",
        sha256="",
        task="Is this voice synthetic? Logit of 0.12 s of speech; above 0 leans to synthetic.",
        architecture="light CNNs with max-feature-map units, one on each front end of"
        " calibration.front_ends, their logits averaged: log power in bands of nearly constant Q,"
        " and each 31 Hz bin less its envelope (fine); a logit each 0.12 s; a recording's score"
        " lies midway between the mean and the mean of the highest quarter",
        papers=(
            "Lavrentyeva et al. 2019, STC antispoofing systems for the ASVspoof 2019 challenge",
            "Wu et al. 2018, A light CNN for deep face representation with noisy labels",
            "Wang and Yamagishi 2023, Spoofed training data by vocoders",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
            "Vovk et al. 2005, Algorithmic learning in a random world (thresholds)",
        ),
        data=(
            "LibriSpeech (CC BY 4.0) and speech of open-source packages, their own licences"
            " (datasets/speech_sources.py)",
            f"copies and synthetic speech of the families {', '.join(families)}",
        ),
        licence="Research and journalism use: trained on recordings under several licences",
        command=COMMAND,
        calibration=fitted.get("calibration", {}),
        thresholds={**LIMITS, **fitted.get("thresholds", {})},
        results={},
        weaknesses=WEAKNESSES,
    )
