"""Digital source types: the vocabulary that C2PA and IPTC share, in words a reader knows."""

from enum import StrEnum


class Says(StrEnum):
    """What credentials say of a file's origin."""

    AI_MADE = "ai_made"
    AI_EDITED = "ai_edited"  # partly made by AI
    COMPOSITE = "composite"  # of several sources; may contain AI
    CAPTURED = "captured"
    DIGITAL_CREATION = "digital_creation"  # drawn or computed, without a trained model
    UNKNOWN = "unknown"


_SAYS = {
    "trainedalgorithmicmedia": Says.AI_MADE,
    "trainedalgorithmicdata": Says.AI_MADE,
    "compositewithtrainedalgorithmicmedia": Says.AI_EDITED,
    "compositesynthetic": Says.COMPOSITE,
    "composite": Says.COMPOSITE,
    "screencapture": Says.COMPOSITE,  # a picture of anything
    "virtualrecording": Says.COMPOSITE,
    "digitalcapture": Says.CAPTURED,
    "computationalcapture": Says.CAPTURED,
    "compositecapture": Says.CAPTURED,  # stitched from captures
    "negativefilm": Says.CAPTURED,
    "positivefilm": Says.CAPTURED,
    "print": Says.CAPTURED,
    "digitalcreation": Says.DIGITAL_CREATION,
    "digitalart": Says.DIGITAL_CREATION,
    "softwareimage": Says.DIGITAL_CREATION,
    "algorithmicmedia": Says.DIGITAL_CREATION,
    "datadrivenmedia": Says.DIGITAL_CREATION,
}


def says_of(source_type: str) -> Says:
    """What a digital source type amounts to: an address, or its last part alone.

    IPTC NewsCodes `digitalsourcetype` (2025); C2PA specification 2.2, actions.
    """
    return _SAYS.get(source_type.rstrip("/").rpartition("/")[2].strip().lower(), Says.UNKNOWN)
