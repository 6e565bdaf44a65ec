"""Texts in containers by which cameras, editors, sites and encoders can be told."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Maker(StrEnum):
    """Who packed the file."""

    CAMERA = "camera or phone"
    EDITOR = "editing program"
    PLATFORM = "site or messenger"
    ENCODER = "encoder"
    GENERATOR = "AI generator"


@dataclass(frozen=True)
class Sign:
    """A text that a known maker writes."""

    maker: Maker
    name: str
    said: str


_SIGNS: tuple[tuple[Maker, str, str], ...] = (
    (Maker.GENERATOR, "ComfyUI", r'"class_type"|VHS_VideoCombine'),
    (Maker.GENERATOR, "China's AI label", r'"?Label"?\s*:\s*"?[123]"?.*ContentProducer'),
    (Maker.GENERATOR, "Suno", r"^(?:made with )?suno(?:[ ,;/v\d.]|$)"),
    (Maker.GENERATOR, "Udio", r"^(?:made with )?udio(?:[ ,;/v\d.]|$)"),
    (Maker.GENERATOR, "a speech synthesiser", r"^(?:(?:made|generated) (?:with|by) )?"
     r"(?:eleven ?labs|play\.?ht|murf|resemble ai|respeecher|speechify|wellsaid|coqui|piper-tts"
     r"|espeak|flite|festival speech|balabolka|naturalreader)\b"),
    (Maker.EDITOR, "Adobe", r"adobe (?:premiere|after eff|media encoder)|premiere (?:pro|rush)"),
    (Maker.EDITOR, "CapCut", r"capcut|jianying|lemon ?video|lvcc|com\.lemon"),
    (Maker.EDITOR, "DaVinci Resolve", r"davinci|blackmagic design"),
    (Maker.EDITOR, "Apple's editors", r"imovie|final cut|apple\.finalcut"),
    (Maker.EDITOR, "InShot", r"inshot"),
    (Maker.EDITOR, "KineMaster", r"kinemaster"),
    (Maker.EDITOR, "Filmora", r"filmora|wondershare"),
    (Maker.EDITOR, "Vegas", r"vegas pro|sony vegas|magix"),
    (Maker.EDITOR, "Shotcut or Kdenlive", r"shotcut|kdenlive|\bmlt\b"),
    (Maker.EDITOR, "Audacity", r"audacity"),
    (Maker.EDITOR, "Adobe Audition", r"adobe audition"),
    (Maker.EDITOR, "REAPER", r"^reaper"),
    (Maker.EDITOR, "Pro Tools", r"pro ?tools"),
    (Maker.EDITOR, "Apple's sound editors", r"logic pro|garageband"),
    (Maker.EDITOR, "Ableton Live", r"ableton"),
    (Maker.EDITOR, "FL Studio", r"fl studio"),
    (Maker.EDITOR, "iZotope RX", r"izotope"),
    (Maker.EDITOR, "ocenaudio", r"ocenaudio"),
    (Maker.EDITOR, "Wavelab or Cubase", r"wavelab|cubase|nuendo"),
    (Maker.CAMERA, "a Zoom recorder", r"^zoom (?:handy )?|^zoom [hf]\d"),
    (Maker.CAMERA, "a Tascam recorder", r"^tascam"),
    (Maker.CAMERA, "a Sound Devices recorder", r"^sound dev|^sounddev"),
    (Maker.CAMERA, "an Olympus recorder", r"^olympus"),
    (Maker.CAMERA, "Apple's Voice Memos", r"com\.apple\.voicememos"),
    (Maker.CAMERA, "GoPro", r"gopro"),
    (Maker.CAMERA, "DJI", r"\bdji\b"),
    (Maker.CAMERA, "Canon", r"^canon|\bCNTH\b"),
    (Maker.CAMERA, "Sony", r"\bXAVC\b|^sony"),
    (Maker.CAMERA, "Nikon", r"^nikon|\bNCDT\b"),
    (Maker.CAMERA, "Panasonic", r"^panasonic"),
    (Maker.CAMERA, "Samsung", r"^samsung|\bSM-[A-Z]\d{3}"),
    (Maker.PLATFORM, "Google (YouTube, Photos or Drive)", r"produced by google"),
    (Maker.PLATFORM, "X (Twitter)", r"twitter"),
    (Maker.PLATFORM, "TikTok", r"vid:v[0-9a-z]{8,}|bytedance|tiktok"),
    (Maker.PLATFORM, "Facebook or Instagram", r"facebook|instagram"),
    (Maker.PLATFORM, "WhatsApp", r"whatsapp"),
    (Maker.PLATFORM, "Vimeo", r"vimeo"),
    (Maker.PLATFORM, "Bilibili", r"bilibili"),
    (Maker.ENCODER, "HandBrake", r"handbrake"),
    (Maker.ENCODER, "FFmpeg", r"\bLav[fc](?:\d|$)|^x26[45]|\blibx26"),
    (Maker.ENCODER, "GPAC", r"gpac|mp4box"),
    (Maker.ENCODER, "MKVToolNix", r"mkvmerge|libebml"),
    (Maker.ENCODER, "LAME", r"^lame"),
    (Maker.ENCODER, "libVorbis", r"xiph\.org libvorbis|^aotuv"),
    (Maker.ENCODER, "libopus", r"^libopus"),
    (Maker.ENCODER, "libFLAC", r"reference libflac"),
    (Maker.ENCODER, "libsndfile", r"libsndfile"),
    (Maker.ENCODER, "SoX", r"^sox\b|processed by sox"),
    (Maker.ENCODER, "L-SMASH", r"l-smash"),
    (Maker.ENCODER, "Apple", r"core media|apple sound media|^mainconcept"),
)  # fmt: skip
_COMPILED = tuple((m, n, re.compile(p, re.IGNORECASE | re.DOTALL)) for m, n, p in _SIGNS)


def signs_of(texts: list[str]) -> list[Sign]:
    """Known makers named in tags, track names and encoder settings, each once."""
    found: dict[str, Sign] = {}
    for text in texts:
        for maker, name, pattern in _COMPILED:
            if pattern.search(text[:4000]):
                found.setdefault(name, Sign(maker, name, text[:120]))
    return list(found.values())
