"""XMP packets (ISO 16684-1), parsed without entities, to a flat list of names and values."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

MAX_LEAVES = 3000

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://ns.google.com/photos/1.0/container/": "GContainer",
    "http://ns.adobe.com/xmp/1.0/DynamicMedia/": "xmpDM",
    "http://ns.adobe.com/creatorAtom/1.0/": "creatorAtom",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
}


def xmp_leaves(packet: bytes) -> list[tuple[str, str]]:
    """(prefix:Name, value) of each leaf, nested names joined by "/"; [] where it is damaged."""
    start, end = packet.find(b"<"), packet.rfind(b">")
    try:
        root = fromstring(packet[start : end + 1], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return []
    found: list[tuple[str, str]] = []
    for description in root.iter(f"{_RDF}Description"):
        _collect(description, "", found, 0)
        if len(found) >= MAX_LEAVES:
            break
    return list(dict.fromkeys(found))[:MAX_LEAVES]


def _collect(element: Element, path: str, found: list[tuple[str, str]], depth: int) -> None:
    if depth > 8 or len(found) >= MAX_LEAVES:
        return
    for key, value in element.attrib.items():
        if key == f"{_RDF}resource":
            found.append((path, value))
        elif not key.startswith((_RDF, "{http://www.w3.org/XML/")):
            found.append((_join(path, key), value))
    if path and element.text and element.text.strip():
        found.append((path, element.text.strip()))
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if child.tag.startswith(_RDF):  # containers and list items carry no meaning of their own
            if child.tag != f"{_RDF}Description" or path:
                _collect(child, path, found, depth + 1)
        else:
            _collect(child, _join(path, child.tag), found, depth + 1)


def _join(path: str, tag: str) -> str:
    space, _, name = tag.rpartition("}")
    space = space.removeprefix("{")
    prefix = _PREFIXES.get(space) or space.rstrip("/#").rpartition("/")[2][:24]
    short = f"{prefix}:{name}" if prefix else name
    return f"{path}/{short}" if path else short
