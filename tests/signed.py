"""Small media to sign, to harm and to read."""

import io
import wave
from typing import Any

import av
import numpy as np
from PIL import Image

from unmask.forensics.credentials import Credentials, read_credentials
from unmask.forensics.trust import TrustLists

NOBODY = TrustLists()


AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def picture(kind: str, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = np.random.default_rng(1).integers(-9000, 9000, 4000, dtype=np.int16)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def clip(container: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(2).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)
        for pixels in noise:
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return out.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "jpeg": ("image/jpeg", picture("JPEG")),
    "png": ("image/png", picture("PNG")),
    "webp": ("image/webp", picture("WEBP")),
    "tiff": ("image/tiff", picture("TIFF")),
    "gif": ("image/gif", picture("GIF")),
    "avif": ("image/avif", picture("AVIF")),
    "mp4": ("video/mp4", clip("mp4")),
    "mov": ("video/quicktime", clip("mov")),
    "avi": ("video/x-msvideo", clip("avi")),
    "wav": ("audio/wav", sound()),
}


def read(data: bytes, name: str = "jpeg", **choices: Any) -> Credentials:
    return read_credentials(data, FILES[name][0], lists=NOBODY, **choices)


def actions(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"label": "c2pa.actions.v2", "data": {"actions": steps}}
