"""Hostile and odd clips and recordings."""

import struct

import numpy as np
from hostile_pieces import (
    FTYP,
    REPORT,
    Cases,
    box,
    clip,
    floats,
    humming,
    noise,
    patched,
    sound,
    wav,
)

from unmask.errors import Reason

CONTAINERS: Cases = {
    "ftyp-alone": ("a.mp4", lambda: FTYP, Reason.CORRUPT),
    "ftyp-then-noise": ("a.mp4", lambda: FTYP + noise(9000), Reason.CORRUPT),
    "moov-without-tracks": (
        "a.mp4", lambda: FTYP + box(b"moov", box(b"mvhd", bytes(100))), Reason.NO_STREAM,
    ),
    "moov-that-lies": ("a.mp4", lambda: FTYP + box(b"moov", noise(500), 2**32 - 1), None),
    "moov-in-moov": (
        "a.mp4",
        lambda: FTYP + b"".join(struct.pack(">I", 80_000 - 8 * i) + b"moov" for i in range(10_000)),
        None,
    ),
    "moov-of-noise": ("a.mov", lambda: box(b"moov", box(b"trak", noise(3000))), None),
    "film-elsewhere": (
        "a.mov",
        lambda: clip("mov", "mpeg4").replace(b"url \0\0\0\1", b"url \0\0\0\0"),
        None,
    ),
    "ebml-then-noise": ("a.mkv", lambda: b"\x1aE\xdf\xa3" + noise(5000), Reason.CORRUPT),
    "ebml-endless": ("a.webm", lambda: b"\x1aE\xdf\xa3\x01" + b"\xff" * 7 + bytes(999), None),
    "avi-then-noise": ("a.avi", lambda: b"RIFF\x88\x13\0\0AVI " + noise(5000), None),
    "avi-lists": ("a.avi", lambda: b"RIFF\xff\xff\xff\x7fAVI " + b"LIST\4\0\0\0hdrl" * 9000, None),
    "riff-of-nothing": ("a.wav", lambda: b"RIFF\4\0\0\0WAVE", None),
    "wav-of-no-channels": ("a.wav", lambda: wav(channels=0), None),
    "wav-of-no-rate": ("a.wav", lambda: wav(rate=0), None),
    "wav-of-7-bits": ("a.wav", lambda: wav(bits=7), None),
    "flac-then-noise": ("a.flac", lambda: b"fLaC" + noise(5000), None),
    "ogg-then-noise": ("a.ogg", lambda: b"OggS\0\2" + noise(5000), None),
    "id3-then-noise": ("a.mp3", lambda: b"ID3\3\0\0\0\0\x0f\x76" + noise(9000), None),
    "id3-without-end": ("a.mp3", lambda: b"ID3\4\0\x40\x7f\x7f\x7f\x7f" + noise(900), None),
    "mp3-sync-then-noise": ("a.mp3", lambda: b"\xff\xfb\x90\x64" + noise(9000), None),
    "webp-then-noise": (
        "a.webp", lambda: b"RIFF\x88\x13\0\0WEBPVP8 " + noise(5000), Reason.CORRUPT,
    ),
    "heic-then-noise": (
        "a.heic", lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + noise(3000), Reason.CORRUPT,
    ),
    "avif-then-noise": (
        "a.avif", lambda: box(b"ftyp", b"avif\0\0\0\0mif1avif") + noise(3000), Reason.CORRUPT,
    ),
    "tiff-then-noise": ("a.tiff", lambda: b"II*\0" + noise(3000), Reason.CORRUPT),
    "bigtiff-then-noise": ("a.tiff", lambda: b"II+\0\x08\0\0\0" + noise(3000), Reason.CORRUPT),
    "gif-then-noise": ("a.gif", lambda: b"GIF89a" + noise(3000), None),
    "bmp-then-noise": ("a.bmp", lambda: b"BM\0\0\0\0\0\0\0\0" + noise(3000), Reason.CORRUPT),
    "png-then-noise-alone": ("a.png", lambda: b"\x89PNG\r\n\x1a\n" + noise(3000), Reason.CORRUPT),
    "jpeg-then-noise": ("a.jpg", lambda: b"\xff\xd8\xff\xe0" + noise(3000), Reason.CORRUPT),
}  # fmt: skip

SOUNDS: Cases = {
    "wav-of-no-samples": ("a.wav", lambda: sound(humming(0)), None),
    "wav-of-one-sample": ("a.wav", lambda: sound(humming(1)), REPORT),
    "wav-of-two-samples": ("a.wav", lambda: sound(humming(2)), REPORT),
    "wav-of-20-ms": ("a.wav", lambda: sound(humming(320)), REPORT),
    "wav-cut-short": ("a.wav", lambda: sound(humming(64000))[:50_001], REPORT),
    "wav-that-states-4-GB": ("a.wav", lambda: sound(humming(32000), claimed=0xFFFFFFFF), REPORT),
    "wav-that-states-nothing": ("a.wav", lambda: sound(humming(32000), claimed=0), None),
    "wav-of-nan": ("a.wav", lambda: sound(floats(float("nan")), code=3), REPORT),
    "wav-of-infinities": ("a.wav", lambda: sound(floats(float("inf")), code=3), REPORT),
    "wav-of-huge-floats": ("a.wav", lambda: sound(floats(3e38), code=3), REPORT),
    "wav-of-nan-alone": (
        "a.wav", lambda: sound(np.full(48000, np.nan, "<f4"), code=3), REPORT,
    ),
    "wav-of-silence": ("a.wav", lambda: sound(np.zeros(160_000, "<i2")), REPORT),
    "wav-of-one-value": ("a.wav", lambda: sound(np.full(160_000, 3000, "<i2")), REPORT),
    "wav-of-one-click": ("a.wav", lambda: sound(np.eye(1, 320_000, 7, "<i2")[0] * 30000), REPORT),
    "wav-all-clipped": (
        "a.wav", lambda: sound(np.sign(humming(320_000)).astype("<i2") * 32767), REPORT,
    ),
    "wav-of-noise": ("a.wav", lambda: sound(np.frombuffer(noise(640_000), "<i2")), REPORT),
    "wav-of-8-bits": ("a.wav", lambda: sound(humming(160_000, "u1", 90)), REPORT),
    "wav-of-24-bits": (
        "a.wav", lambda: sound(humming(160_000, "<i4", 4e6), code=24), REPORT,
    ),
    "wav-of-96-kHz": ("a.wav", lambda: sound(humming(960_000), 96_000), REPORT),
    "wav-of-odd-rate": ("a.wav", lambda: sound(humming(640_000), 44_101), REPORT),
    "wav-of-1-Hz": ("a.wav", lambda: sound(humming(3000), 1), REPORT),
    "wav-of-32-channels": (
        "a.wav", lambda: sound(humming(32 * 40_000), channels=32), REPORT,
    ),
    "wav-of-8-channels": ("a.wav", lambda: sound(humming(8 * 20_000), channels=8), REPORT),
    "wav-of-opposite-channels": (
        "a.wav",
        lambda: sound(np.stack([humming(80_000), -humming(80_000)], 1), channels=2),
        REPORT,
    ),
    "wav-of-a-repeated-second": ("a.wav", lambda: sound(np.tile(humming(16000), 20)), REPORT),
    "wav-chunks-without-end": (
        "a.wav",
        lambda: sound(humming(32000)) + b"LIST\xff\xff\xff\xffINFO" + b"ISFT\0\0\0\0" * 9000,
        REPORT,
    ),
    "wav-list-that-lies": (
        "a.wav", lambda: sound(humming(32000)) + b"LIST\x14\0\0\0INFOISFT\xff\xff\0\0x", REPORT,
    ),
    "wav-bext-of-noise": (
        "a.wav",
        lambda: sound(humming(32000)) + b"bext" + struct.pack("<I", 700) + noise(700),
        REPORT,
    ),
    "mp3-then-noise": ("a.mp3", lambda: clip("mp3", audio="libmp3lame") + noise(9000), None),
    "mp3-with-noise-inside": (
        "a.mp3",
        lambda: (d := clip("mp3", audio="libmp3lame"))[:3000] + noise(999) + d[3000:],
        None,
    ),
    "mp3-xing-that-lies": (
        "a.mp3",
        lambda: patched(clip("mp3", audio="libmp3lame"), b"Info", 4, b"\xff" * 40),
        None,
    ),
    "ogg-with-noise-inside": (
        "a.ogg", lambda: (d := clip("ogg", audio="libopus"))[:900] + noise(999) + d[900:], None,
    ),
    "flac-with-noise-inside": (
        "a.flac", lambda: (d := clip("flac", audio="flac"))[:9000] + noise(99) + d[9000:], None,
    ),
    "film-with-noisy-sound": (
        "a.mp4", lambda: clip("mp4", "libx264", "aac")[:-9000] + noise(9000), None,
    ),
}  # fmt: skip
