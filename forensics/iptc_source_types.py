"""IPTC's digital source type: how a file says that it came to be."""

from collections.abc import Iterable

from unmask.evidence import ClaimKind
from unmask.forensics.fields import Field

# IPTC NewsCodes, digitalsourcetype; None: a meaning that settles nothing about generation.
DIGITAL_SOURCE_TYPES: dict[str, tuple[ClaimKind | None, str]] = {
    "trainedAlgorithmicMedia": (ClaimKind.SYNTHETIC, "made by a trained AI model"),
    "algorithmicMedia": (None, "made by an algorithm without training"),
    "compositeWithTrainedAlgorithmicMedia": (
        ClaimKind.AI_EDITED,
        "edited or composed with the output of an AI model",
    ),
    "compositeSynthetic": (None, "composed with synthetic elements"),
    "algorithmicallyEnhanced": (ClaimKind.EDITED, "enhanced by an algorithm"),
    "minorHumanEdits": (ClaimKind.EDITED, "captured, then edited a little by a person"),
    "humanEdits": (ClaimKind.EDITED, "captured, then edited by a person"),
    "composite": (ClaimKind.EDITED, "composed of several elements"),
    "compositeCapture": (ClaimKind.CAPTURED, "composed of several captures"),
    "digitalCapture": (ClaimKind.CAPTURED, "captured by a digital camera or recorder"),
    "computationalCapture": (ClaimKind.CAPTURED, "captured by a camera that merges exposures"),
    "negativeFilm": (ClaimKind.CAPTURED, "scanned from a film negative"),
    "positiveFilm": (ClaimKind.CAPTURED, "scanned from a film positive"),
    "print": (ClaimKind.CAPTURED, "scanned from a print"),
    "digitalCreation": (None, "made by a person with digital tools"),
    "digitalArt": (None, "made by a person with digital tools"),
    "softwareImage": (None, "made by a person with software"),
    "screenCapture": (None, "captured from a screen"),
    "virtualRecording": (None, "recorded from a virtual world"),
    "dataDrivenMedia": (None, "drawn from data"),
}


def source_types(fields: Iterable[Field]) -> list[str]:
    """IPTC DigitalSourceType terms that the fields state, each once."""
    found = []
    for field in fields:
        if field.name.rpartition(":")[2].rpartition("/")[2] == "DigitalSourceType":
            term = field.value.strip().rstrip("/").rpartition("/")[2]
            found += [term] if term in DIGITAL_SOURCE_TYPES else []
    return list(dict.fromkeys(found))
