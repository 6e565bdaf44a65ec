"""Marks and settings that AI generators leave in a file's metadata.

Two kinds of trace count: structures that only a generator writes (generator_settings.py), and
fields that name the maker (the rule stands in generators.py). A generator's name in a caption,
title or keyword is never a trace. All of it can be forged, and its absence proves nothing.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sd_parsers import Eagerness, ParserManager

from unmask.errors import MediaError
from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind
from unmask.forensics.fields import Field, read_fields
from unmask.forensics.generator_settings import MAX_PROMPT, Trace, grok_trace, settings_trace
from unmask.forensics.generators import named_generator
from unmask.forensics.stealth import stealth_text
from unmask.media import Media
from unmask.registry import analyser

_GB_RAW = re.compile(rb'AIGC[^{]{0,200}(\{[^{}]{0,200}"?Label"?[^{}]{0,2000}\})')
_RAW_WINDOW = 8 * 1024**2  # bytes at each end of a clip, where its metadata stands
_RAW_TRIES = 64
_SD_PARSERS = {"png", "jpeg", "webp"}


def find_traces(fields: Iterable[Field]) -> list[Trace]:
    """Every trace in the fields, at most one for each generator and place."""
    listed = list(fields)
    found: list[Trace] = []
    for one in listed:
        if trace := settings_trace(one):
            found.append(trace)
        elif maker := named_generator(one):
            found.append(_named(one, *maker))
    if grok := grok_trace(listed):
        found.append(grok)
    return list({(t.generator, t.where): t for t in found}.values())


def _named(one: Field, name: str, edited: bool) -> Trace:
    return Trace(
        generator=name,
        where=f"{one.group} {one.name}",
        rule=f"a field for the maker says “{one.value.strip()[:80]}”",
        kind=ClaimKind.AI_EDITED if edited else ClaimKind.SYNTHETIC,
        model=one.value.strip() if one.name == "Source" else "",
    )


def label_in_bytes(data: bytes) -> str:
    """JSON of China's AI label in an MP4 box that FFmpeg does not read; "" where there is none."""
    for window in (data[:_RAW_WINDOW], data[max(_RAW_WINDOW, len(data) - _RAW_WINDOW) :]):
        at = -1
        for _ in range(_RAW_TRIES):
            if (at := window.find(b"AIGC", at + 1)) < 0:
                break
            if match := _GB_RAW.match(window, at):
                return match[1].decode("utf-8", "replace")
    return ""


def hidden_fields(media: Media) -> list[Field]:
    """Fields that do not stand in plain sight: stealth PNG info, boxes of clips."""
    if media.kind is not Kind.IMAGE:
        label = label_in_bytes(media.data)
        return [Field("container", "AIGC", label)] if label else []
    magic, text = stealth_text(media)
    if not magic:
        return []
    group = f"hidden in the pixels ({magic})"
    fields = [Field(group, "parameters", text)]
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return fields
    if isinstance(decoded, dict):
        fields += [Field(group, str(k), v) for k, v in decoded.items() if isinstance(v, str)]
    return fields


def parsed_settings(media: Media) -> dict[str, Any]:
    """Model, prompts and sampler settings as sd-parsers reads them; {} where it reads none."""
    if media.kind is not Kind.IMAGE or media.format.name not in _SD_PARSERS:
        return {}
    try:
        with media.pillow() as image:
            info = ParserManager(eagerness=Eagerness.FAST).parse(image)
        if info is None:
            return {}
        return {
            "generator": str(info.generator.value),
            "models": [str(m.name) for m in info.models if m.name][:8],
            "prompts": [str(p)[:MAX_PROMPT] for p in info.prompts][:4],
            "negative_prompts": [str(p)[:MAX_PROMPT] for p in info.negative_prompts][:4],
            "samplers": [_sampler(s) for s in info.samplers][:4],
        }
    except MediaError:
        return {}
    except Exception:  # sd-parsers trusts its input: anything may follow from a forged graph
        return {}


def _sampler(sampler: Any) -> dict[str, str]:
    settings = {str(k): str(v)[:100] for k, v in list(sampler.parameters.items())[:20]}
    return {"name": str(sampler.name)[:100]} | settings


@analyser(
    "generator_traces",
    Kind.IMAGE,
    Kind.VIDEO,
    Kind.AUDIO,
    title="Traces of AI generators",
    reads="generation settings, makers' names and labels in metadata and hidden in pixels",
    look_for="a generator, its model and its prompt",
    ignore="absence: most sites strip metadata. Names in captions: they are not counted",
    paper="GB 45438-2025; IPTC Photo Metadata 2025.1; formats of the generators themselves",
)
def generator_traces(media: Media) -> Finding:
    """Which generators the file names or shows the settings of."""
    hidden = hidden_fields(media)
    traces = find_traces([*read_fields(media), *hidden])
    if hidden and not traces and hidden[0].group.startswith("hidden"):
        traces = [_unread_stealth(hidden[0])]
    if not traces:
        text = "No trace of an AI generator in the metadata, which proves nothing: sites strip it."
        return Finding(summary=text, facts={"traces": []})
    parsed = parsed_settings(media)
    traces = [_enriched(trace, parsed) for trace in traces]
    # One claim a generator: ComfyUI alone writes its graph twice.
    merged = {(t.generator, t.kind): t for t in reversed(traces)}.values()
    claims = [
        Claim(kind=t.kind, basis=Basis.METADATA, text=f"{_sentence(t)} Such text can be forged.")
        for t in merged
    ]
    facts = {"traces": [_shown(t) for t in traces], "settings": parsed}
    return Finding(summary=_summary(traces), notable=True, claims=tuple(claims), facts=facts)


def _unread_stealth(one: Field) -> Trace:
    rule = "the marker of hidden generator settings, whose content could not be read"
    return Trace(generator="a Stable Diffusion program", where=one.group, rule=rule)


def _enriched(trace: Trace, parsed: dict[str, Any]) -> Trace:
    """Fill in what sd-parsers knows better, where both speak of the same generator."""
    if not parsed or parsed["generator"].lower()[:5] not in trace.generator.lower():
        return trace
    model = trace.model or ", ".join(parsed["models"])
    prompt = trace.prompt or ", ".join(parsed["prompts"])
    return replace(trace, model=model, prompt=prompt)


def _shown(trace: Trace) -> dict[str, Any]:
    return {
        "generator": trace.generator,
        "where": trace.where,
        "rule": trace.rule,
        "says": trace.kind.value,
        "model": trace.model[:300],
        "prompt": trace.prompt[:MAX_PROMPT],
        "details": trace.details,
    }


def _sentence(trace: Trace) -> str:
    model = f" with the model {trace.model[:120]}" if trace.model else ""
    verb = {
        ClaimKind.SYNTHETIC: "made by",
        ClaimKind.AI_EDITED: "edited with",
    }.get(trace.kind, "passed through")
    return f"Its metadata say that it was {verb} {trace.generator}{model} ({trace.where})."


def _summary(traces: list[Trace]) -> str:
    first = max(
        traces, key=lambda t: (t.kind is ClaimKind.SYNTHETIC, bool(t.prompt), bool(t.model))
    )
    prompt = (
        f" The prompt begins: “{' '.join(first.prompt.split())[:140]}”." if first.prompt else ""
    )
    return f"{_sentence(first)}{prompt}"
