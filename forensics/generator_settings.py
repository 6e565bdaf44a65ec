"""Structures that AI generators write into metadata, each recognised by its own shape.

A rule takes one field and returns a trace or None. None of them looks for a word in free text.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from unmask.evidence import ClaimKind
from unmask.forensics.comfyui import read_graph
from unmask.forensics.fields import Field

MAX_PROMPT = 1000  # characters of each prompt kept in the details
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_WEBUI = re.compile(r"(?:^|\n)[ \t]*Steps: \d+, (?:[^\n]*?)(?:Sampler|Seed|CFG scale|Size): ")
_GB_LABELS = {"1": "generated", "2": "possibly generated", "3": "suspected to be generated"}


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One trace of a generator."""

    generator: str
    where: str  # group and field
    rule: str  # why it counts
    kind: ClaimKind = ClaimKind.SYNTHETIC
    model: str = ""
    prompt: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def _where(one: Field) -> str:
    return f"{one.group} {one.name}"


def _last(one: Field) -> str:
    return re.split(r"[:/]", one.name)[-1]


def _webui(one: Field) -> Trace | None:
    """Settings as AUTOMATIC1111's web UI and its kin write them."""
    if not (start := _WEBUI.search(one.value)):
        return None
    text, settings = one.value[: start.start()], one.value[start.start() :].strip()
    pairs = dict(re.findall(r"([A-Z][\w ]{1,30}): (\"[^\"]*\"|[^,\n]+)", settings[:20_000]))
    version = pairs.get("Version", "")
    name = "Stable Diffusion web UI (AUTOMATIC1111)"
    if re.match(r"f\d", version):
        name = "Stable Diffusion web UI Forge"
    elif "Civitai resources" in settings or "Civitai metadata" in settings:
        name = "Civitai"
    elif version.startswith("ComfyUI"):
        name = "ComfyUI"
    elif "Fooocus" in version:
        name = "Fooocus"
    return Trace(
        generator=name,
        where=_where(one),
        rule="generation settings (steps, sampler, seed) in the web UI's own format",
        model=pairs.get("Model", ""),
        prompt=text.partition("Negative prompt:")[0].strip(),
        details=dict(list(pairs.items())[:40]),
    )


def _json_of(text: str) -> Any:
    text = re.sub(r"^(?:workflow|prompt):(?=\{)", "", text.strip(), flags=re.IGNORECASE)
    if not text.startswith("{"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
    except RecursionError:  # thousands of brackets are an attack, not settings
        return None


def _json_rules(one: Field) -> Trace | None:
    data = _json_of(one.value)
    if not isinstance(data, dict):
        return None
    for read in (_comfyui, _invokeai, _fooocus, _novelai, _swarmui, _draw_things, _easy, _gb45438):
        if trace := read(data, one):
            return trace
    return None


def _comfyui(data: dict[str, Any], one: Field) -> Trace | None:
    if not (graph := read_graph(data)):
        return None
    rule = "a ComfyUI graph with a node that draws a picture from a model"
    if not graph.samples:
        rule = "a ComfyUI graph, without a node known to draw a picture"
    return Trace(
        generator="ComfyUI",
        where=_where(one),
        rule=rule,
        kind=ClaimKind.SYNTHETIC if graph.samples else ClaimKind.EDITED,
        model=", ".join(graph.models[:4]),
        prompt=graph.prompts[0] if graph.prompts else "",
        details={
            "nodes": list(graph.nodes[:60]),
            "models": list(graph.models[:20]),
            "prompts": [p[:MAX_PROMPT] for p in graph.prompts[:8]],
            "starts_from_a_loaded_picture": graph.loads,
        },
    )


def _invokeai(data: dict[str, Any], one: Field) -> Trace | None:
    name = _last(one).lower()
    legacy = "invoke" in str(data.get("app_id", "")).lower()
    if not name.startswith("invokeai_") and not (name == "sd-metadata" and legacy):
        return None
    model = data.get("model") or data.get("model_weights") or ""
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name") or ""
    image = data.get("image")
    prompt = data.get("positive_prompt") or (image.get("prompt") if isinstance(image, dict) else "")
    if isinstance(prompt, list):
        prompt = " ".join(str(p.get("prompt", "")) for p in prompt if isinstance(p, dict))
    return Trace(
        generator="InvokeAI", where=_where(one), rule="InvokeAI's own metadata",
        model=str(model), prompt=str(prompt or ""),
    )  # fmt: skip


def _fooocus(data: dict[str, Any], one: Field) -> Trace | None:
    if not isinstance(data.get("base_model"), str) or not {"sharpness", "performance"} & set(data):
        return None
    return Trace(
        generator="Fooocus", where=_where(one), rule="Fooocus's settings",
        model=data["base_model"], prompt=str(data.get("prompt", "")),
    )  # fmt: skip


def _novelai(data: dict[str, Any], one: Field) -> Trace | None:
    if not {"uc", "sampler", "steps", "seed"} <= set(data) or "c" in data:
        return None
    return Trace(
        generator="NovelAI", where=_where(one), rule="NovelAI's settings",
        prompt=str(data.get("prompt", "")),
    )  # fmt: skip


def _swarmui(data: dict[str, Any], one: Field) -> Trace | None:
    inner = data.get("sui_image_params")
    if not isinstance(inner, dict):
        return None
    return Trace(
        generator="SwarmUI", where=_where(one), rule="SwarmUI's settings",
        model=str(inner.get("model", "")), prompt=str(inner.get("prompt", "")),
    )  # fmt: skip


def _draw_things(data: dict[str, Any], one: Field) -> Trace | None:
    if not {"c", "uc", "steps", "sampler"} <= set(data):
        return None
    return Trace(
        generator="Draw Things", where=_where(one), rule="Draw Things' settings",
        model=str(data.get("model", "")), prompt=str(data["c"]),
    )  # fmt: skip


def _easy(data: dict[str, Any], one: Field) -> Trace | None:
    if not {"prompt", "use_stable_diffusion_model"} <= set(data):
        return None
    return Trace(
        generator="Easy Diffusion", where=_where(one), rule="Easy Diffusion's settings",
        model=str(data["use_stable_diffusion_model"]), prompt=str(data["prompt"]),
    )  # fmt: skip


def _gb45438(data: dict[str, Any], one: Field) -> Trace | None:
    inner = data.get("AIGC", data)
    if isinstance(inner, str):
        inner = _json_of(inner)
    named = _last(one).upper() == "AIGC" or "AIGC" in data
    if not named or not isinstance(inner, dict):
        return None
    label = str(inner.get("Label", "")).strip()
    if label not in _GB_LABELS:
        return None
    producer = str(inner.get("ContentProducer", ""))
    return Trace(
        generator=producer or "a service under China's labelling rule",
        where=_where(one),
        rule=f"China's AI label (GB 45438-2025), value {label}: {_GB_LABELS[label]}",
        details={str(k): str(v)[:300] for k, v in list(inner.items())[:12]},
    )


def _dream(one: Field) -> Trace | None:
    """The command line of InvokeAI's forerunner."""
    match = re.match(r'"?(.{1,4000}?)"? -s ?\d+ (?:.*)-S ?\d+', one.value[:8000], re.DOTALL)
    if one.group != "PNG text" or one.name != "Dream" or not match:
        return None
    return Trace(
        generator="InvokeAI", where=_where(one), rule="a Dream command line", prompt=match[1]
    )


def _midjourney(one: Field) -> Trace | None:
    """Prompt and job number, as Midjourney's downloads carry them in the description."""
    job = re.search(rf"\bJob ID: ({_UUID})\s*$", one.value)
    if not job or _last(one).lower() not in ("description", "imagedescription", "caption"):
        return None
    prompt = one.value[: job.start()].strip()
    version = re.search(r"--(?:v|niji) ?([\d.]+)", prompt)
    return Trace(
        generator="Midjourney", where=_where(one), rule="a description that ends in its job number",
        model=f"version {version[1]}" if version else "", prompt=prompt, details={"job": job[1]},
    )  # fmt: skip


def _canva(one: Field) -> Trace | None:
    if _last(one) != "ContainsAiGeneratedContent" or one.value.strip().lower() not in (
        "yes",
        "true",
    ):
        return None
    return Trace(
        generator="Canva", where=_where(one), rule="Canva's flag for AI-generated content",
        kind=ClaimKind.AI_EDITED,
    )  # fmt: skip


def _ai_system(one: Field) -> Trace | None:
    """IPTC Photo Metadata 2025.1: the system that made the picture."""
    if _last(one) != "AISystemUsed" or not one.value.strip():
        return None
    return Trace(
        generator=one.value.strip()[:80],
        where=_where(one),
        rule="IPTC's field for the AI system used",
    )


_RULES: tuple[Callable[[Field], Trace | None], ...] = (
    _json_rules,
    _webui,
    _dream,
    _midjourney,
    _canva,
    _ai_system,
)


def settings_trace(one: Field) -> Trace | None:
    """The generator whose structure this field holds, or None."""
    return next((trace for rule in _RULES if (trace := rule(one))), None)


def grok_trace(fields: list[Field]) -> Trace | None:
    """xAI's pair: a signature in EXIF's description and a UUID for an artist; neither alone."""
    exif = {f.name: f.value.strip() for f in fields if f.group == "EXIF"}
    signed = re.fullmatch(r"Signature: [A-Za-z0-9+/=_-]{40,}", exif.get("ImageDescription", ""))
    if not signed or not re.fullmatch(_UUID, exif.get("Artist", ""), re.IGNORECASE):
        return None
    return Trace(
        generator="Grok",
        where="EXIF ImageDescription, Artist",
        rule="xAI's signature with a UUID for an artist",
    )
