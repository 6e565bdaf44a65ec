"""Peers of the audio detector, trained on the same recordings: LFCC with mixtures, LFCC with a CNN.

Both are the baselines of ASVspoof 2021 (Sahidullah et al. 2015; Wang and Yamagishi 2021), smaller
where the data are.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import draw_chain, encode
from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.frontends import RATE, lfcc
from unmask.detect.audio.pairs import at_level, read_wave
from unmask.sound import Samples

Floats = NDArray[np.float32]
COMPONENTS = 128  # the baseline's 512 are for a hundred times as many frames
_FRAMES = 40  # of a recording that a mixture is fitted to


def lfcc_frames(wave: Samples) -> Floats:
    """(T, 60) of (N,) at 16 kHz."""
    with torch.inference_mode():
        return lfcc(torch.from_numpy(np.ascontiguousarray(wave))[None])[0].numpy().T


class LfccGmm:
    """Two Gaussian mixtures with diagonal covariances: real speech, and synthetic speech."""

    def __init__(
        self, data: Sequence[Utterance], *, components: int = COMPONENTS, seed: int = 0
    ) -> None:
        """Fit to the TRAIN split, each recording through the training's random encodings.

        Raises ValueError where a class has too few frames for the components.
        """
        from sklearn.mixture import GaussianMixture

        frames: dict[bool, list[Floats]] = {False: [], True: []}
        for number, one in enumerate(u for u in data if u.split is Split.TRAIN):
            rng = np.random.default_rng([seed, number])
            wave = encode(at_level(read_wave(one.path)), RATE, draw_chain(rng), seed=number)
            every = lfcc_frames(wave)
            kept = rng.choice(len(every), min(_FRAMES, len(every)), replace=False)
            frames[one.fake].append(every[kept])
        self._models = {}
        for fake, parts in frames.items():
            if sum(map(len, parts)) < 10 * components:
                raise ValueError(f"too few recordings for {components} components")
            model = GaussianMixture(
                components, covariance_type="diag", max_iter=30, reg_covar=1e-3, random_state=seed,
                init_params="k-means++",
            )  # fmt: skip
            self._models[fake] = model.fit(np.concatenate(parts))

    def score(self, wave: Samples) -> float:
        """Mean log-likelihood ratio a frame; above 0 leans to synthetic."""
        frames = lfcc_frames(wave)
        return float(self._models[True].score(frames) - self._models[False].score(frames))
