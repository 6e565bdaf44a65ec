"""unmask: is this picture, clip, recording or text synthetic or manipulated, and why?"""

__version__ = "0.1.0"
