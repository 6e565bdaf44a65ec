"""Programs that name themselves in metadata, and what having met one means for a picture."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a program does to a file."""

    EDITOR = "editor"  # changes content
    DEVELOPER = "raw developer"  # tone, crop, and a little retouching
    ENHANCER = "AI enhancer"  # paints detail that was not there
    CONVERTER = "converter"  # re-encodes; says nothing of content
    PLATFORM = "platform"  # a site or messenger re-encoded it


@dataclass(frozen=True)
class Program:
    """A program that was recognised."""

    name: str
    role: Role
    said: str  # the text that named it


# Anchored at the start of a field that names the producing program, so that a caption cannot match.
_TABLE: tuple[tuple[Role, str], ...] = (
    (
        Role.ENHANCER,
        r"(?:FaceApp|Remini|Topaz|Gigapixel|Luminar Neo|Reface|Lensa|Meitu|BeautyPlus|Facetune"
        r"|YouCam|Evoto|Let's Enhance|Upscayl|waifu2x|Real-?ESRGAN)",
    ),
    (
        Role.DEVELOPER,
        r"(?:(?:Adobe )?(?:Photoshop )?Lightroom|(?:Adobe )?Camera Raw|Capture One|darktable"
        r"|RawTherapee|DxO|ON1|Silkypix|Digital Photo Professional|Capture NX|NX Studio"
        r"|ViewNX|Aperture \d|Phocus|Luminar)",
    ),
    (
        Role.EDITOR,
        r"(?:(?:Adobe )?(?:Photoshop|ImageReady|Fireworks|Illustrator|InDesign|Premiere)"
        r"|Adobe After Effects"
        r"|GIMP|Affinity|Pixelmator|Acorn|Snapseed|VSCO|PicsArt|Afterlight|Picasa|Photos? ?Editor"
        r"|Paint\.NET|paint\.net|Krita|Inkscape|Corel|Paint Shop|PaintShop|PhotoImpact|PhotoScape"
        r"|Photopea|Pixlr|Fotor|BeFunky|Polarr|Canva|Figma|Sketch \d|ACD ?See|ACD Systems|IrfanView"
        r"|XnView|Microsoft (?:Windows )?(?:Photo|Paint)|Windows (?:Photo|Live)|Photo Gallery"
        r"|Zoner|Movavi|DaVinci|Final Cut|iMovie|CapCut|Jianying|VN \d|InShot|KineMaster"
        r"|Filmora|Wondershare|Vegas|Avid|Kdenlive|Shotcut|OpenShot|Blender|Camtasia|VideoPad"
        r"|Apple Photos|Photos \d+\.\d+|Audacity|Adobe Audition|Pro Tools|Logic Pro|GarageBand"
        r"|REAPER|FL Studio|Ableton)",
    ),
    (
        Role.CONVERTER,
        r"(?:ImageMagick|GraphicsMagick|libvips|Pillow|PIL|Lavf|Lavc|FFmpeg|HandBrake|GPAC|MP4Box"
        r"|mkvmerge|libwebm|libebml|Shutterstock|IJG|JPEGmini|Exif ?Tool|Matplotlib|ezgif"
        r"|Ghostscript"
        r"|QuickTime \d|VirtualDub|MEncoder|OBS|XMP Core|gd-jpeg|Compressed by jpeg|CREATOR: gd)",
    ),
    (
        Role.PLATFORM,
        r"(?:Google$|ISO Media file produced by Google|Twitter|Facebook|Instagram|WhatsApp|Telegram"
        r"|TikTok|vid:v\w{8,}|Weibo|WeChat|Viber|Snapchat|Vimeo|YouTube)",
    ),
)
_COMPILED = tuple((role, re.compile(rf"\s*({pattern})", re.IGNORECASE)) for role, pattern in _TABLE)
_EMBEDDED = re.compile(r"(?:processed|saved|edited|created) (?:by|with|in|using) +(.{2,80})", re.I)


def recognise(text: str) -> Program | None:
    """The program that `text`, the value of a program field, begins with; None for others."""
    text = text[:400]
    if said := _EMBEDDED.match(text.strip()):
        text = said[1]
    for role, pattern in _COMPILED:
        if pattern.match(text):
            name = re.sub(r"[^\x20-\x7e]+", "", text).strip()[:80]  # Mac Roman's ® and the like
            return Program(name=name, role=role, said=text.strip())
    return None
