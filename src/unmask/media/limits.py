"""How much of a file unmask is willing to take in."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one file. The defaults suit a desk machine; a service may tighten them."""

    bytes: int = 2 * 1024**3
    pixels: int = 150_000_000  # of a still; one 8-bit RGB copy of it takes three bytes a pixel
    frame_pixels: int = 40_000_000  # of a video frame: 8K is 33 million
    duration: float = 4 * 3600.0  # seconds of video or audio
    audio_seconds: float = 600.0  # seconds of sound decoded from the start
    decode_seconds: float = 60.0  # wall clock for one clip or recording
    worker_bytes: int = 6 * 1024**3  # address space of the decoding worker
    frames: int = 16  # frames sampled from a clip
    frame_bytes: int = 256 * 1024**2  # of all sampled frames together
    text_bytes: int = 20 * 1024**2
    document_bytes: int = 256 * 1024**2  # of a PDF, or of all that a Word document unpacks to
    document_pages: int = 3000  # of a PDF
    audio_bytes: int = 512 * 1024**2  # of decoded sound, whatever rate and channels it claims
    jpeg_scans: int = 200  # progressive scans; a hostile file has thousands
    scanned_pixels: int = 3_000_000_000  # scans times pixels: what a JPEG costs to decode
    pages: int = 10_000  # of a TIFF, counted no further


DEFAULT_LIMITS = Limits()
