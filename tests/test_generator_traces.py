"""Traces of generators: each planted form is named; words in captions never are."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from unmask.evidence import Basis, ClaimKind, Finding
from unmask.forensics.comfyui import read_graph
from unmask.forensics.fields import Field
from unmask.forensics.generator_traces import find_traces, generator_traces, label_in_bytes
from unmask.forensics.generators import named_generator
from unmask.forensics.stealth import read_bits
from unmask.media import open_bytes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SETTINGS = (
    "a harbour at dawn\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: realVis, "
)
UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
PROMPT = {
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "sd3_medium.safetensors"},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox"}},
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}},
}


def noise(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    shape = (size[1], size[0], len(mode))
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8), mode)


def png(texts: dict[str, str], image: Image.Image | None = None) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value)
    out = io.BytesIO()
    (image or noise()).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def look(data: bytes) -> Finding:
    return generator_traces(open_bytes(data, "x"))


def xmp(body: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


PLANTED: list[tuple[str, dict[str, str]]] = [
    ("Stable Diffusion web UI (AUTOMATIC1111)", {"parameters": SETTINGS + "Version: v1.9.3"}),
    ("Stable Diffusion web UI Forge", {"parameters": SETTINGS + "Version: f2.0.1v1.10.1"}),
    ("ComfyUI", {"prompt": json.dumps(PROMPT)}),
    ("ComfyUI", {"prompt": '{"1": {"class_type": "KSampler"}}'}),
    ("ComfyUI", {"workflow": '{"nodes": [{"type": "KSampler"}], "links": []}'}),
    ("InvokeAI", {"invokeai_metadata": '{"positive_prompt": "x", "model": {"name": "sdxl"}}'}),
    ("InvokeAI", {"Dream": '"a cat" -s 50 -S 1234 -W 512'}),
    ("NovelAI", {"Software": "NovelAI", "Source": "Stable Diffusion F1022D28"}),
    ("NovelAI", {"Comment": '{"steps": 28, "sampler": "k_euler", "seed": 1, "uc": "bad"}'}),
    ("Fooocus", {"parameters": '{"base_model": "jugger", "sharpness": 2, "prompt": "x"}'}),
    ("SwarmUI", {"parameters": '{"sui_image_params": {"prompt": "x", "model": "flux"}}'}),
    ("Easy Diffusion", {"p": '{"prompt": "x", "use_stable_diffusion_model": "sd"}'}),
    ("Draw Things", {"XML:com.adobe.xmp": xmp(
        '<exif:UserComment>{"c": "x", "uc": "", "steps": 8, "sampler": "D"}</exif:UserComment>')}),
    ("Midjourney", {"Description": f"a fox --ar 3:2 --v 6.0 Job ID: {UUID}"}),
    ("Google AI", {"XML:com.adobe.xmp": xmp(
        "<photoshop:Credit>Made with Google AI</photoshop:Credit>")}),
    ("Adobe Firefly", {"XML:com.adobe.xmp": xmp(
        "<xmp:CreatorTool>Adobe Firefly</xmp:CreatorTool>")}),
    ("Reve", {"Software": "reve.com"}),
    ("OpenAI", {"Software": "DALL·E 3"}),
    ("Leonardo.Ai", {"Software": "Leonardo.Ai"}),
    ("doubao", {"XML:com.adobe.xmp": xmp(
        '<TC260:AIGC>{"Label":"1","ContentProducer":"doubao"}</TC260:AIGC>')}),
    ("svc", {"AIGC": '{"Label":"2","ContentProducer":"svc"}'}),
    ("Some Model 3", {"XML:com.adobe.xmp": xmp(
        "<Iptc4xmpExt:AISystemUsed>Some Model 3</Iptc4xmpExt:AISystemUsed>")}),
]  # fmt: skip


@pytest.mark.parametrize(("generator", "texts"), PLANTED)
def test_planted_traces_are_named(generator: str, texts: dict[str, str]) -> None:
    found = look(png(texts))
    assert generator in [t["generator"] for t in found.facts["traces"]]
    assert {(c.kind, c.basis) for c in found.claims} == {(ClaimKind.SYNTHETIC, Basis.METADATA)}
    assert found.llr is None
    json.dumps(found.facts)


def test_model_and_prompt_are_shown() -> None:
    trace = look(png({"prompt": json.dumps(PROMPT)})).facts["traces"][0]
    assert (trace["model"], trace["prompt"]) == ("sd3_medium.safetensors", "a red fox")
    web = look(png({"parameters": SETTINGS + "Version: v1.9.3"}))
    assert web.facts["traces"][0]["model"] == "realVis"
    assert web.facts["traces"][0]["prompt"] == "a harbour at dawn"
    assert web.facts["settings"]["samplers"][0]["steps"] == "20"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Description", "A photograph of the Midjourney office; DALL-E and Stable Diffusion"),
        ("Title", "Midjourney"),
        ("Comment", "Made with Google AI"),
        ("Description", "Steps: 4 to the harbour, Sampler of wines"),
        ("Software", "Midjourney fan page exporter for Lightroom"),
        ("Author", "Pika"),
        ("Software", "Adobe Photoshop 25.0"),
        ("prompt", '{"a": 1}'),
        ("workflow", '{"nodes": 3}'),
        ("Description", f"Job ID: {UUID} was closed"),
        ("AIGC", '{"Label": "0"}'),
    ],
)
def test_words_alone_never_fire(name: str, value: str) -> None:
    found = look(png({name: value}))
    assert found.claims == ()
    assert found.summary.startswith("No trace")
    assert found.llr is None


def test_edited_with_is_a_partial_claim() -> None:
    assert named_generator(Field("IPTC", "Credit", "Edited with Google AI")) == ("Google AI", True)
    found = look(png({"XML:com.adobe.xmp": xmp(
        "<photoshop:Credit>Edited with Google AI</photoshop:Credit>")}))  # fmt: skip
    assert [c.kind for c in found.claims] == [ClaimKind.AI_EDITED]


def test_a_graph_without_a_sampler_is_not_called_synthetic() -> None:
    graph = {"1": {"class_type": "LoadImage", "inputs": {}}, "2": {"class_type": "SaveImage"}}
    found = look(png({"prompt": json.dumps(graph)}))
    assert [c.kind for c in found.claims] == [ClaimKind.EDITED]
    assert found.facts["traces"][0]["details"]["starts_from_a_loaded_picture"]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_exif_carriers(kind: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + SETTINGS.encode("utf-16-be")
    exif[0x010F] = f"workflow:{json.dumps({'nodes': [{'type': 'KSampler'}], 'links': []})}"
    out = io.BytesIO()
    noise().save(out, kind, exif=exif)
    names = {t["generator"] for t in look(out.getvalue()).facts["traces"]}
    assert names == {"Stable Diffusion web UI (AUTOMATIC1111)", "ComfyUI"}


def test_makers_in_exif() -> None:
    assert find_traces([Field("EXIF", "Make", "Ideogram AI")])[0].generator == "Ideogram"
    signed = Field("EXIF", "ImageDescription", "Signature: " + "QUJD" * 20)
    assert find_traces([signed, Field("EXIF", "Artist", UUID)])[0].generator == "Grok"
    assert find_traces([signed, Field("EXIF", "Artist", "A. Person")]) == []
    canva = Field("XMP", "Attrib:ContainsAiGeneratedContent", "Yes")
    assert find_traces([canva])[0].kind is ClaimKind.AI_EDITED
    assert find_traces([Field("XMP", "Attrib:ContainsAiGeneratedContent", "No")]) == []


def hide(values: np.ndarray[Any, Any], magic: bytes, body: bytes) -> None:
    """Write into the lowest bits of (H, W, C), down the columns."""
    payload = magic + (len(body) * 8).to_bytes(4, "big") + body
    bits = np.unpackbits(np.frombuffer(payload, np.uint8))
    height, width, depth = values.shape
    flat = values.transpose(1, 0, 2).reshape(-1)
    flat[: len(bits)] = (flat[: len(bits)] & 0xFE) | bits
    values[:] = flat.reshape(width, height, depth).transpose(1, 0, 2)


@pytest.mark.parametrize("magic", ["pnginfo", "pngcomp", "rgbinfo", "rgbcomp"])
def test_stealth_info(magic: str) -> None:
    body = (SETTINGS + "Version: v1.9.3").encode()
    if magic.endswith("comp"):
        body = gzip.compress(body)
    mode = "RGBA" if magic.startswith("png") else "RGB"
    values = np.array(noise(mode, (96, 80)))
    hide(values[..., 3:] if mode == "RGBA" else values, b"stealth_" + magic.encode(), body)
    found = look(png({}, Image.fromarray(values, mode)))
    trace = found.facts["traces"][0]
    assert trace["prompt"] == "a harbour at dawn"
    assert magic in trace["where"]


def test_stealth_is_bounded_and_damage_is_told() -> None:
    values = np.zeros((40, 40, 1), np.uint8)
    hide(values, b"stealth_pngcomp", b"not gzip")
    assert read_bits(values) == ("stealth_pngcomp", "")
    bomb = np.zeros((400, 400, 1), np.uint8)
    hide(bomb, b"stealth_pngcomp", gzip.compress(b"0" * 8_000_000))
    assert len(read_bits(bomb)[1]) <= 2 * 1024**2
    assert read_bits(np.zeros((1, 1, 3), np.uint8)) == ("", "")


def test_label_in_a_box_of_a_clip() -> None:
    data = b"\0" * 50 + b"udtaAIGC\0\0" + b'{"Label":"1","ContentProducer":"kling"}' + b"\0" * 50
    assert json.loads(label_in_bytes(data))["ContentProducer"] == "kling"
    assert label_in_bytes(b"AIGC" * 3_000_000) == ""


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "\n" * 500_000, "{" + "x" * 10**6]
)
def test_hostile_text_is_survived(text: str) -> None:
    assert find_traces([Field("PNG text", "parameters", text)]) == []
    assert read_graph([1, 2]) is None


@pytest.mark.shared
def test_every_comfyui_output_is_recognised() -> None:
    files = sorted((SHARED / "comfyui_outputs").glob("*/*.png"))
    assert len(files) >= 6
    for file in files:
        found = look(file.read_bytes())
        assert [c.kind for c in found.claims] == [ClaimKind.SYNTHETIC], file.name
        trace = found.facts["traces"][0]
        assert trace["generator"] == "ComfyUI"
        assert trace["model"]
        assert trace["prompt"]


@pytest.mark.shared
def test_photographs_show_no_trace() -> None:
    files = sorted((SHARED / "photos_imagenet_sample").glob("*.JPEG"))
    files += sorted((SHARED / "faces_ffhq_vs_stylegan" / "real").glob("*.jpg"))[:200]
    assert len(files) > 350
    assert [f.name for f in files if look(f.read_bytes()).claims] == []
