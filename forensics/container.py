"""How a clip or recording was packed, and by which program.

Cameras, editors, encoders and sites each write their own order of boxes, brands, track names and
tags; Yang et al. (2020) tell editing programs and platforms apart from these alone. All of it is
changed by any re-encoding, and re-encoding is what every site does: it is no sign of deceit.
"""

import re
from typing import Any

from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind
from unmask.forensics.atoms import brands, created, edit_lists, handlers, read_boxes, user_texts
from unmask.forensics.audio.sound_tags import makers_said, sound_facts
from unmask.forensics.carriers import decode
from unmask.forensics.container_signs import Maker, Sign, signs_of
from unmask.media import Media
from unmask.registry import analyser

_WINDOW = 4 * 1024**2  # bytes at the start searched for encoder settings
_ISO = {"mp4", "mov", "m4a"}
_X26 = re.compile(
    rb"(x264 - core \d+[^\0]{0,200}?|x265 \(build \d+\)[^\0]{0,300}?)options: ([ -~]{10,2000})"
)
_TOOL = re.compile(rb"(Lav[fc]\d+\.\d+\.\d+|HandBrake [\d.]+|libebml v[\d.]+|mkvmerge v[\d.]+)")
_FREE_TEXT = re.compile(
    r"(?:^|/)(title|artist|album|description|synopsis|lyrics|genre|copyright)$", re.I
)


def encoder_settings(data: bytes) -> dict[str, str]:
    """x264's or x265's own note with its settings, and tool names, in the first 4 MB."""
    head = data[:_WINDOW]
    found: dict[str, str] = {}
    if match := _X26.search(head):
        found["encoder"] = decode(match[1]).strip(" -")[:120]
        found["options"] = decode(match[2])[:1500]
    if tools := _TOOL.findall(head):
        found["tools"] = ", ".join(dict.fromkeys(decode(t) for t in tools[:20]))
    return found


def iso_facts(data: bytes) -> dict[str, Any]:
    """Order of boxes, brands, track names, edit lists, times and user data of an ISO file."""
    boxes = read_boxes(data)
    top = [box.name for box in boxes if box.depth == 0]
    order = [name for i, name in enumerate(top) if i == 0 or name != top[i - 1]]
    moov, mdat = (order.index(n) if n in order else None for n in ("moov", "mdat"))
    return {
        "brands": brands(data, boxes),
        "order": order[:40],
        "index_before_media": moov < mdat if moov is not None and mdat is not None else None,
        "fragmented": "moof" in order,
        "handlers": handlers(data, boxes),
        "edit_lists": edit_lists(data, boxes),
        "times": created(data, boxes),
        "user_data": dict(list(user_texts(data, boxes))[:40]),
        "tree": [box.path for box in boxes[:200]],
        "boxes": len(boxes),
        "overruns": any(
            box.depth == 0 and box.end == len(data) and _states_more(data, box.start, box.end)
            for box in boxes
        ),
    }


def _states_more(data: bytes, start: int, end: int) -> bool:
    stated = int.from_bytes(data[start - 8 : start - 4], "big")
    return stated > 1 and start - 8 + stated > end


def riff_software(data: bytes) -> str:
    """The ISFT entry of an AVI or WAV file's INFO list, or ""."""
    at = data[:_WINDOW].find(b"ISFT")
    size = int.from_bytes(data[at + 4 : at + 8], "little") if at >= 0 else 0
    return decode(data[at + 8 : at + 8 + size]) if 0 < size < 200 else ""


def matroska_apps(data: bytes) -> list[str]:
    """MuxingApp (0x4D80) and WritingApp (0x5741) of a Matroska file."""
    found = []
    head = data[:65536]
    for identity in (b"\x4d\x80", b"\x57\x41"):
        at = head.find(identity)
        size = head[at + 2] & 0x7F if 0 <= at < len(head) - 3 and head[at + 2] & 0x80 else 0
        text = decode(head[at + 3 : at + 3 + size])
        found += [text] if size and text.isprintable() else []
    return found


def gather(media: Media) -> tuple[dict[str, Any], list[str]]:
    """(facts, texts that may name the maker) of a clip or recording."""
    meta = media.container
    facts: dict[str, Any] = {
        "container": meta.get("container", ""),
        "streams": [_without_tags(s) for s in meta.get("streams") or []],
        "packets": meta.get("packets") or {},
        "encoder": encoder_settings(media.data),
    }
    streams = enumerate(meta.get("streams") or [])
    tags = {str(k): str(v) for k, v in (meta.get("tags") or {}).items()}
    tags |= {
        f"stream {i}/{k}": str(v) for i, s in streams for k, v in (s.get("tags") or {}).items()
    }
    facts["tags"] = {k: v[:300] for k, v in list(tags.items())[:80]}
    texts = [v for k, v in tags.items() if not _FREE_TEXT.search(k)]
    texts += list(facts["encoder"].values())
    name = media.format.name
    if name in _ISO:
        facts["boxes"] = iso_facts(media.data)
        texts += facts["boxes"]["handlers"] + facts["boxes"]["brands"]
        texts += [v for k, v in facts["boxes"]["user_data"].items() if k not in ("©nam", "©des")]
    elif name in ("mkv", "webm"):
        facts["apps"] = matroska_apps(media.data)
        texts += facts["apps"]
    elif name in ("avi", "wav"):
        facts["software"] = riff_software(media.data)
        texts.append(facts["software"])
    if sound := sound_facts(media.data, name):
        facts["sound_headers"] = sound
        texts += makers_said(sound)
    return facts, texts


def _without_tags(stream: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in stream.items() if k != "tags"}


def device(tags: dict[str, str]) -> str:
    """Maker and model of the phone or camera that the tags name, or ""."""
    make = tags.get("com.apple.quicktime.make") or tags.get("com.android.manufacturer") or ""
    model = tags.get("com.apple.quicktime.model") or tags.get("com.android.model") or ""
    if not make and "com.android.version" in tags:
        make = "Android phone"
    return f"{make} {model}".strip()


@analyser(
    "container",
    Kind.VIDEO,
    Kind.AUDIO,
    title="Container and encoder",
    reads="boxes, brands, track names, tags and encoder settings of the file",
    look_for="an editor or generator by name; a camera's layout; who encoded it last",
    ignore="re-encoding in itself: every site does it. Tags can be copied from another file",
    paper="Yang et al. 2020, Efficient video integrity analysis; ISO/IEC 14496-12",
)
def container(media: Media) -> Finding:
    """Which program or device packed the file, as far as it says."""
    facts, texts = gather(media)
    signs = signs_of([t for t in texts if t])
    named = device(facts["tags"])
    facts["makers"] = [{"maker": s.maker.value, "name": s.name, "said": s.said} for s in signs]
    facts["device"] = named
    claims = _claims(signs, named)
    makers = {s.maker for s in signs}
    notable = bool(makers & {Maker.EDITOR, Maker.GENERATOR})
    summary = _summary(signs, named, facts)
    return Finding(summary=summary, notable=notable, claims=tuple(claims), facts=facts)


def _claims(signs: list[Sign], named: str) -> list[Claim]:
    claims = []
    for sign in signs:
        if sign.maker is Maker.EDITOR:
            text = f"The file says that it was exported from {sign.name}."
            claims.append(Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text=text))
    camera = named or next((s.name for s in signs if s.maker is Maker.CAMERA), "")
    if camera:
        text = f"The file names a recording device, {camera}; such tags are easily copied."
        claims.append(Claim(kind=ClaimKind.CAPTURED, basis=Basis.METADATA, text=text))
    return claims


def _summary(signs: list[Sign], named: str, facts: dict[str, Any]) -> str:
    def names(maker: Maker) -> str:
        return ", ".join(s.name for s in signs if s.maker is maker)

    parts = []
    if names(Maker.GENERATOR):
        parts.append(f"It carries the mark of {names(Maker.GENERATOR)}")
    if names(Maker.EDITOR):
        parts.append(f"exported from {names(Maker.EDITOR)}")
    if names(Maker.PLATFORM):
        parts.append(f"re-encoded by {names(Maker.PLATFORM)}")
    if names(Maker.ENCODER):
        parts.append(f"encoded or packed with {names(Maker.ENCODER)}")
    camera = named or names(Maker.CAMERA)
    parts.append(f"names the device {camera}" if camera else "no trace of a camera or recorder")
    text = "; ".join(parts)
    gap = facts["packets"].get("keyframe_intervals_equal")
    tail = " Its keyframes are evenly spaced." if gap else ""
    if facts.get("sound_headers", {}).get("overruns"):
        tail += " Its header states more sound than the file holds: it was cut short."
    return f"{text[0].upper()}{text[1:]}.{tail}"
