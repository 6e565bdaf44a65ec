"""The learned audio detector. Importing this package registers it."""

from unmask.detect.audio import audio_detector

__all__ = ["audio_detector"]
