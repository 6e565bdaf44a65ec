"""Learned detectors. Importing this package registers them."""

from unmask.detect import audio, image_detector
from unmask.detect.text import text_detector

__all__ = ["audio", "image_detector", "text_detector"]
