"""Whose voice it is: the speaker embeddings of Resemblyzer, for measuring conversions.

Resemblyzer (Jemine 2019) is GE2E (Wan et al. 2018, "Generalized end-to-end loss for speaker
verification"): three LSTM layers over 40 mel bands, trained on thousands of speakers of English.
Its package brings the weights; its own code wants librosa and webrtcvad, which nothing else here
needs, so that the network and its mel bands are built here from its description: `pip install
--no-deps resemblyzer==0.1.4`.
"""

import importlib.util
import pickle
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import RATE
from unmask.errors import UnmaskError

_FFT, _HOP, _MELS = 400, 160, 40  # 25 ms, 10 ms
_WINDOW, _STEP = 160, 77  # frames that are heard at once, and from one window to the next
_LEVEL = 10 ** (-30 / 20)  # RMS


class EmbeddingError(UnmaskError):
    """Resemblyzer's weights are not installed, or are others."""


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MELS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mels: Tensor) -> Tensor:
        """(N, frames, 40) -> (N, 256) of unit length."""
        _, (hidden, _) = self.lstm(mels)
        return F.normalize(F.relu(self.linear(hidden[-1])), dim=1)


@torch.inference_mode()
def embedding(wave: Wave) -> NDArray[np.float32]:
    """(N,) at 16 kHz -> (256,) of unit length: the mean over windows of 1.6 s. EmbeddingError."""
    level = np.sqrt(np.mean(np.square(wave, dtype=float)))
    even = wave * max(1.0, _LEVEL / max(float(level), 1e-9))  # raised, never lowered
    spectrum = torch.stft(
        torch.from_numpy(np.asarray(even, np.float32)), _FFT, _HOP, window=torch.hann_window(_FFT),
        pad_mode="constant", return_complex=True,
    )  # fmt: skip
    mels = (_slaney() @ spectrum.abs().square()).T
    mels = F.pad(mels, (0, 0, 0, max(0, _WINDOW - len(mels))))
    starts = range(0, len(mels) - _WINDOW + 1, _STEP)
    found = _encoder()(torch.stack([mels[i : i + _WINDOW] for i in starts])).mean(0)
    return np.asarray(F.normalize(found, dim=0).numpy())


def centre(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 256) -> (256,) of unit length: a speaker."""
    mean = embeddings.mean(0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


@lru_cache(maxsize=1)
def _encoder() -> _Encoder:
    found = importlib.util.find_spec("resemblyzer")
    if found is None or found.origin is None:
        raise EmbeddingError(
            "Voices are compared by Resemblyzer: pip install --no-deps resemblyzer==0.1.4"
        )
    net = _Encoder()
    try:
        path = Path(found.origin).with_name("pretrained.pt")
        held = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        net.load_state_dict({k: v for k, v in held.items() if k.startswith(("lstm", "linear"))})
    except (OSError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise EmbeddingError("Resemblyzer's weights are not those of 0.1.4.") from error
    return net.eval()


@lru_cache(maxsize=1)
def _slaney() -> Tensor:
    """(40, 201) triangles of one area on Slaney's scale (1998): even to 1 kHz, then logarithmic."""
    step = np.log(6.4) / 27
    top = 15 + np.log(RATE / 2 / 1000) / step
    mels = np.linspace(0, top, _MELS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    hertz = np.fft.rfftfreq(_FFT, 1 / RATE)
    rise = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rise, fall))
    even = triangles * (2 / (edges[2:] - edges[:-2]))[:, None]
    return torch.from_numpy(even.astype(np.float32))
