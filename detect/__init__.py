"""Learned detectors. Importing this package registers them."""

from unmask.detect import image_detector
from unmask.detect.text import text_detector

__all__ = ["image_detector", "text_detector"]
