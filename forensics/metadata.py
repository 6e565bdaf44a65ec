"""EXIF, XMP, IPTC, text chunks and tags: what a file says of its origin, and where it disagrees.

Whatever is read here is plain text that anybody can write: claims carry the basis METADATA, and
the absence of metadata says nothing, since most sites strip it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind, NotApplicable
from unmask.forensics.editors import Program, Role, recognise
from unmask.forensics.fields import Field, read_fields, value_of
from unmask.forensics.iptc_source_types import DIGITAL_SOURCE_TYPES, source_types
from unmask.media import Media
from unmask.registry import analyser

MAX_SHOWN = 300  # characters of one value in the facts
MAX_SHOWN_FIELDS = 400

# Fields that name the program which wrote the file: never captions, titles or keywords.
_PROGRAM_FIELDS = re.compile(
    r"^(Software|ProcessingSoftware|HostComputer|PreviewApplicationName|OriginatingProgram|Writer"
    r"|software|creator_tool|encoder|encoded_by|writing_application|com\.apple\.quicktime\.software"
    r"|(?:.*/)?xmp:CreatorTool|(?:.*/)?stEvt:softwareAgent|(?:.*/)?pdf:Producer"
    r"|(?:.*/)?creatorAtom:\w*[aA]pplicationCode|stream \d+/encoder|exif:Software)$"
)
_CONVERTER_COMMENT = re.compile(
    r"^(CREATOR: gd|File written by Adobe|LEAD Technologies|Lavc)", re.I
)
_DATES = (
    ("taken", "EXIF", "DateTimeOriginal"),
    ("digitised", "EXIF", "DateTimeDigitized"),
    ("saved", "EXIF", "DateTime"),
    ("XMP created", "XMP", "xmp:CreateDate"),
    ("XMP modified", "XMP", "xmp:ModifyDate"),
)
_DAY = timedelta(hours=26)  # zones differ by up to 26 hours, and EXIF often omits its own


def programs(fields: Iterable[Field]) -> list[Program]:
    """Known programs that fields naming the writing software name, each once."""
    found: dict[str, Program] = {}
    for field in fields:
        named = _PROGRAM_FIELDS.match(field.name)
        if not named and not (field.group == "comment" and _CONVERTER_COMMENT.match(field.value)):
            continue
        text = field.value.removeprefix("File written by ").rstrip("\0\xa8 ")
        if program := recognise(text):
            found.setdefault(program.name, program)
    if any(f.group == "segment" and f.name == "Ducky" for f in fields):
        name = "Adobe Photoshop (Save for Web)"
        found.setdefault(name, Program(name, Role.EDITOR, "APP12 Ducky segment"))
    # "Adobe Photoshop" beside "Adobe Photoshop CS" is the same program, said with less.
    return [p for n, p in found.items() if not any(m != n and m.startswith(n) for m in found)]


def camera(fields: tuple[Field, ...]) -> str:
    """Maker and model of a camera, where exposure data stands with them; "" otherwise."""
    make = value_of(fields, "EXIF", "Make")
    model = value_of(fields, "EXIF", "Model")
    exposed = sum(
        bool(value_of(fields, "EXIF", name))
        for name in (
            "ExposureTime",
            "FNumber",
            "ISOSpeedRatings",
            "FocalLength",
            "DateTimeOriginal",
        )
    )
    if make and model and len(make + model) < 120 and exposed >= 2:
        return model if model.lower().startswith(make.lower().split()[0]) else f"{make} {model}"
    make = value_of(fields, "container", "com.apple.quicktime.make", "com.android.manufacturer")
    model = value_of(fields, "container", "com.apple.quicktime.model", "com.android.model")
    return f"{make} {model}".strip() if make and model else ""


def parse_date(text: str) -> datetime | None:
    """An EXIF or XMP date, naive, zone dropped; None where it is no date."""
    match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?", text)
    if not match or match[1] == "0000":
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def date_conflicts(fields: tuple[Field, ...], now: datetime) -> list[str]:
    """Sentences on dates that cannot all be true."""
    dates = {
        label: date
        for label, group, name in _DATES
        if (date := parse_date(value_of(fields, group, name)))
    }
    found = [f"The date “{k}” ({v:%Y-%m-%d}) lies in the future." for k, v in dates.items()
             if v > now + _DAY]  # fmt: skip
    for early, late in (("taken", "saved"), ("XMP created", "XMP modified")):
        if early in dates and late in dates and dates[late] < dates[early] - _DAY:
            found.append(
                f"It says that it was {late.split()[-1]} on {dates[late]:%Y-%m-%d}, "
                f"before it was {early.split()[-1]} on {dates[early]:%Y-%m-%d}."
            )
    gps = parse_date(value_of(fields, "GPS", "GPSDateStamp"))
    if gps and "taken" in dates and abs(gps - dates["taken"]) > timedelta(days=2):
        found.append(
            f"The satellites' date ({gps:%Y-%m-%d}) and the camera's ({dates['taken']:%Y-%m-%d}) "
            "differ."
        )
    return found


def size_conflict(fields: tuple[Field, ...], width: int, height: int) -> str:
    """A sentence where EXIF's picture size is not that of the picture, else ""."""
    try:
        stated = (
            int(value_of(fields, "EXIF", "ExifImageWidth")),
            int(value_of(fields, "EXIF", "ExifImageHeight")),
        )
    except ValueError:
        return ""
    if min(stated) < 1 or sorted(stated) == sorted((width, height)):
        return ""
    ratios = max(stated) / min(stated), max(width, height) / min(width, height)
    how = "resized" if abs(ratios[0] - ratios[1]) < 0.02 * ratios[0] else "cropped or replaced"
    return (
        f"EXIF speaks of {stated[0]} × {stated[1]} pixels, the picture has {width} × {height}: "
        f"it was {how} after EXIF was written."
    )


def claims_of(fields: tuple[Field, ...]) -> list[Claim]:
    """What the fields claim of the file's origin."""

    def claim(kind: ClaimKind, text: str) -> Claim:
        return Claim(kind=kind, basis=Basis.METADATA, text=text)

    claims = []
    for term in source_types(fields):
        kind, meaning = DIGITAL_SOURCE_TYPES[term]
        if kind:
            claims.append(claim(kind, f"Its IPTC digital source type says: {meaning} ({term})."))
    for program in programs(fields):
        if program.role in (Role.EDITOR, Role.DEVELOPER):
            text = f"It was saved by {program.name}, a program that changes pictures or clips."
            if program.role is Role.DEVELOPER:
                text = f"It was developed with {program.name}; photographers do so routinely."
            claims.append(claim(ClaimKind.EDITED, text))
        elif program.role is Role.ENHANCER:
            text = f"It was processed by {program.name}, which paints detail with AI."
            claims.append(claim(ClaimKind.AI_EDITED, text))
    if name := camera(fields):
        text = f"It names a camera, {name}; such text is easily forged or copied."
        claims.append(claim(ClaimKind.CAPTURED, text))
    return claims


def grouped(fields: tuple[Field, ...]) -> dict[str, dict[str, Any]]:
    """Fields by group for showing, values and number capped."""
    groups: dict[str, dict[str, Any]] = {}
    for field in fields[:MAX_SHOWN_FIELDS]:
        value = field.value
        short = value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…"
        known = groups.setdefault(field.group, {})
        if field.name not in known:
            known[field.name] = short
        elif isinstance(known[field.name], list):
            known[field.name].append(short)
        elif known[field.name] != short:
            known[field.name] = [known[field.name], short]
    return groups


@analyser(
    "metadata",
    Kind.IMAGE,
    Kind.VIDEO,
    Kind.AUDIO,
    title="Metadata",
    reads="EXIF, XMP, IPTC, PNG text, comments and container tags",
    look_for="a digital source type, editors, dates and sizes that contradict one another",
    ignore="missing metadata: most sites strip it. A camera's name: it is text that can be copied",
    paper="CIPA DC-008 (Exif 3.0, 2023); ISO 16684-1 (XMP, 2019); IPTC Photo Metadata 2023.2",
)
def metadata(media: Media) -> Finding | NotApplicable:
    """What the file says of its making, and what in it does not fit together."""
    fields = read_fields(media)
    if not any(f.group not in ("note", "segment") for f in fields):
        text = "The file carries no metadata; most sites strip it, so this says nothing."
        return NotApplicable(code="no_metadata", text=text)
    claims = claims_of(fields)
    conflicts = date_conflicts(fields, datetime.now(UTC).replace(tzinfo=None))
    resized = ""
    if media.kind is Kind.IMAGE:
        resized = size_conflict(fields, media.image_info.width, media.image_info.height)
    facts: dict[str, Any] = {
        "camera": camera(fields),
        "programs": [{"name": p.name, "role": p.role.value} for p in programs(fields)],
        "digital_source_types": source_types(fields),
        "has_gps": any(f.group == "GPS" and f.name == "GPSLatitude" for f in fields),
        "conflicts": [*conflicts, resized] if resized else conflicts,
        "fields": grouped(fields),
        "fields_found": len(fields),
    }
    origin = {ClaimKind.SYNTHETIC, ClaimKind.AI_EDITED}
    notable = bool(conflicts or resized) or any(c.kind in origin for c in claims)
    return Finding(
        summary=_summary(facts, claims), notable=notable, claims=tuple(claims), facts=facts
    )


def _summary(facts: dict[str, Any], claims: list[Claim]) -> str:
    said = [c.text for c in claims if c.kind in (ClaimKind.SYNTHETIC, ClaimKind.AI_EDITED)]
    if not said:
        said = [c.text for c in claims if c.kind is ClaimKind.CAPTURED][:1]
        editors = [p["name"] for p in facts["programs"] if p["role"] != Role.CONVERTER]
        said += [f"It passed through {', '.join(editors[:3])}."] if editors else []
    said += facts["conflicts"]
    if facts["has_gps"]:
        said.append("It says where it was taken.")
    if not said:
        return "The file carries metadata, but none that tells its origin."
    return " ".join(said[:4])
