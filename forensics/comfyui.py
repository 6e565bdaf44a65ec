"""Graphs that ComfyUI stores: the executed prompt (API format) and the editor's workflow."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MODEL_FILE = re.compile(r"\.(safetensors|ckpt|pt|pth|bin|gguf|sft)$", re.IGNORECASE)
_SAMPLES = re.compile(
    r"sampler|generat|txt2img|text.?to.?(image|video)|t2v|i2v|image.?to.?video", re.I
)
_HELPER = re.compile(r"VAE|CLIP|Lora|ControlNet|Upscale|Style|Embedding", re.IGNORECASE)
_LOADS = re.compile(r"^LoadImage|LoadVideo")


@dataclass(frozen=True)
class Graph:
    """What a stored graph tells."""

    nodes: tuple[str, ...]  # class of each node
    models: tuple[str, ...]  # checkpoint, diffusion model, LoRA ... file names
    prompts: tuple[str, ...]
    samples: bool  # a node that draws a picture from a model is among them
    loads: bool  # a picture or clip was read in


def read_graph(data: Any) -> Graph | None:
    """The graph in decoded JSON of either format, however small; None where it is none."""
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("prompt"), Mapping) and (inner := _from_prompt(data["prompt"])):
        return inner  # as video nodes write it: both formats under one roof
    if isinstance(data.get("workflow"), Mapping) and (inner := _from_workflow(data["workflow"])):
        return inner
    return _from_prompt(data) or _from_workflow(data)


def _from_prompt(data: Mapping[str, Any]) -> Graph | None:
    nodes = [n for n in data.values() if isinstance(n, Mapping) and _is_name(n.get("class_type"))]
    if not nodes:
        return None
    texts: list[tuple[str, str]] = []
    for node in nodes:
        inputs = node.get("inputs")
        for value in inputs.values() if isinstance(inputs, Mapping) else ():
            if isinstance(value, str):
                texts.append((node["class_type"], value))
    return _graph([node["class_type"] for node in nodes], texts)


def _from_workflow(data: Mapping[str, Any]) -> Graph | None:
    listed = data.get("nodes")
    if not isinstance(listed, list) or not {"links", "last_node_id", "last_link_id"} & set(data):
        return None
    nodes = [n for n in listed if isinstance(n, Mapping) and _is_name(n.get("type"))]
    texts: list[tuple[str, str]] = []
    for node in nodes:
        values = node.get("widgets_values")
        if isinstance(values, Mapping):
            values = list(values.values())
        for value in values if isinstance(values, list) else ():
            if isinstance(value, str):
                texts.append((node["type"], value))
    return _graph([node["type"] for node in nodes], texts) if nodes else None


def _graph(classes: list[str], texts: list[tuple[str, str]]) -> Graph:
    files = [(n, t) for n, t in texts if len(t) < 300 and _MODEL_FILE.search(t)]
    # The model that draws comes before those that only encode text or decode latents.
    files.sort(key=lambda file: bool(_HELPER.search(file[0])))
    models = [text for _, text in files]
    prompts = [text for name, text in texts if "TextEncode" in name and text not in models]
    return Graph(
        nodes=tuple(dict.fromkeys(classes)),
        models=tuple(dict.fromkeys(models)),
        prompts=tuple(dict.fromkeys(p.strip() for p in prompts if p.strip())),
        samples=any(_SAMPLES.search(name) for name in classes),
        loads=any(_LOADS.search(name) for name in classes),
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) < 200
