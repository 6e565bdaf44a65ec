"""Learned detectors. Importing this package registers them."""

from unmask.detect import image_detector

__all__ = ["image_detector"]
