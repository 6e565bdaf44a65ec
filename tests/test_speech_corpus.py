"""A corpus of speech is built from any folder: paired, split, resumed; its rules are checked."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from voices import RATE, voice

from unmask.datasets.loaders import describe, load
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.datasets.speech import Built, Options, build, report
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine, spoken_text
from unmask.datasets.speech_manifest import FAMILIES, Utterance, faults, read_speech, write_speech
from unmask.datasets.speech_published import published
from unmask.datasets.speech_signal import NARROW, WIDE, decoded
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_sources import SOURCES, Source
from unmask.datasets.speech_vocoders import COPYING, GAN_COPYING, PUBLISHED_COPYING, Vocoder


def put(path: Path, wave: Wave, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    wavfile.write(out, rate, np.round(wave * 32767).astype(np.int16))
    path.write_bytes(out.getvalue())


def who(name: str) -> tuple[str, Split] | None:
    """`train-anna-1.wav`: the split and the speaker are in the name."""
    split, speaker, _ = name.split("-")
    return (speaker, Split(split)) if split in list(Split) else None


SOURCE = Source(
    name="made",
    language="en",
    band=WIDE,
    licence="CC0",
    minutes=1.0,
    where="made_speech",
    glob="*.wav",
    who=who,
)
BLURRED = tuple(
    Vocoder(family=family, setting="blurred", vocode=lambda wave: np.convolve(wave, [0.5, 0.5])[1:])
    for family in (*COPYING, *GAN_COPYING, *PUBLISHED_COPYING)
)


def say(text: str, name: str, rng: np.random.Generator) -> tuple[Wave, int]:
    del text
    return voice(6.0, pitch=200 if name == "high" else 90, seed=int(rng.integers(9))), RATE


ENGINE = Engine(name="flite", voices={"en": ("high", "low")}, licence="free", say=say)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for i, split in enumerate(Split):
        for n in range(2):
            name = f"{split}-speaker{i}-{n}.wav"
            put(
                root / "made_speech" / name, voice(4.2 + n / 4, pitch=100 + 30 * i, seed=10 * i + n)
            )
    put(root / "made_speech" / "other-nobody-0.wav", voice(5))
    (root / "made_speech" / "train-broken-0.wav").write_bytes(b"RIFF?")
    return root


def made(out: Path, data: Path | None, spoken: int = 4) -> Built:
    return build(
        out, out, data, Options(spoken=spoken), sources=[SOURCE], engines=[ENGINE], vocoders=BLURRED
    )


@pytest.fixture(scope="module")
def corpus(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    assert made(out, data).skipped == {}
    return out


def test_a_corpus_has_its_pairs_and_breaks_no_rule(corpus: Path) -> None:
    every = read_speech(corpus)
    assert faults(every) == []
    real = {u.source: u for u in every if not u.fake}
    assert len(real) == 6
    assert {u.split for u in real.values()} == set(Split)
    copies = [u for u in every if u.engine == "copy-synthesis"]
    for copy in copies:
        original = real[copy.source]
        assert (copy.split, copy.speaker) == (original.split, original.speaker)
        assert (copy.band, copy.seconds) == (original.band, original.seconds)
        assert FAMILIES[copy.family] is copy.split
        (a, rate), (b, _) = (decoded(u.path.read_bytes(), "") for u in (copy, original))
        assert (len(a), rate) == (len(b), RATE)
        assert np.corrcoef(a, b)[0, 1] > 0.8  # aligned
        assert copy.sha256 != original.sha256
    # Two families that copy wide speech may train, two may validate, one may test. A GAN of ours
    # may train, two published ones train, one validates.
    counts = {s: sum(c.split is s for c in copies) for s in Split}
    assert counts == {Split.TRAIN: 10, Split.VALIDATION: 6, Split.TEST: 2}
    for families, wanted in ((GAN_COPYING, (2, 0, 0)), (PUBLISHED_COPYING, (4, 2, 0))):
        gans = [sum(c.split is s and c.family in families for c in copies) for s in Split]
        assert gans == list(wanted)
    spoken = [u for u in every if u.engine == "text-to-speech"]
    assert {u.speaker for u in spoken} == {"flite-high", "flite-low"}
    assert {u.split for u in spoken} == {Split.VALIDATION}
    assert any(line.split()[:3] == ["train", "real", "2"] for line in report(every))


def test_the_ordinary_loader_reads_it_too(corpus: Path) -> None:
    found = load(str(corpus))
    assert len(found) == len(read_speech(corpus))
    assert describe(found)["made"]["camera"] == 6


def test_a_stopped_build_goes_on(corpus: Path, data: Path, tmp_path: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in corpus.rglob("*.wav")}
    manifest = (corpus / "manifest.csv").read_bytes()
    made(corpus, data)
    assert {p.name: p.stat().st_mtime_ns for p in corpus.rglob("*.wav")} == before
    assert (corpus / "manifest.csv").read_bytes() == manifest

    again = tmp_path / "again"
    made(again, data)
    lost = sorted(again.rglob("*.wav"))[0]
    lost.unlink()
    with (again / "about.jsonl").open("a") as about:
        about.write('{"path": "real/half')  # killed while it wrote
    made(again, data)
    assert lost.is_file()
    assert (again / "manifest.csv").read_bytes() == manifest


def test_what_cannot_be_had_is_left_out_and_named(data: Path, tmp_path: Path) -> None:
    def mute(text: str, name: str, rng: np.random.Generator) -> tuple[Wave, int]:
        raise MissingEngineError(f"no flite says {text!r} as {name} by {rng}")

    def fails(wave: Wave) -> Wave:
        raise MissingEngineError(f"no library for {len(wave)} samples")

    built = build(
        tmp_path / "out",
        tmp_path,
        data,
        Options(),
        sources=[SOURCE, dataclasses.replace(SOURCE, name="absent", where="not_there")],
        engines=[dataclasses.replace(ENGINE, say=mute)],
        vocoders=[Vocoder(family="lpc", setting="1", vocode=fails)],
    )
    assert set(built.skipped) == {"absent", "flite", "lpc"}
    assert not any(u.fake for u in built.utterances)
    with pytest.raises(DatasetError) as caught:
        made(tmp_path / "empty", None)
    assert caught.value.reason is DatasetReason.EMPTY


def test_words_are_joined_to_utterances(tmp_path: Path) -> None:
    for n in range(24):
        put(tmp_path / "words" / f"train-anna-{n}.wav", voice(0.5, seed=n), RATE)
    source = dataclasses.replace(SOURCE, where="words", joined=True, band=NARROW)
    options = Options(spoken=0)
    built = build(
        tmp_path / "out", tmp_path, tmp_path, options, sources=[source], engines=[], vocoders=[]
    )
    assert 2 <= len(built.utterances) <= 4
    assert all(3 <= u.seconds <= 8 and u.band == NARROW for u in built.utterances)


def test_published_fakes_join_their_originals(tmp_path: Path) -> None:
    folder = tmp_path / "speech_hifigan_demo"
    for name in (
        "ss/real/ss_gt_1.wav",
        "ss/fake_HGAN_V1/ss_hgan_v1_1.wav",
        "ss/fake_MG/ss_mg_1.wav",
    ):
        put(folder / name, voice(5.0, seed=len(name)), 22_050)
    put(tmp_path / "speech_cyclegan_vc2/converted/S0913_to_other/B1.wav", voice(4))
    assert {(p.family, p.original) for p in published(tmp_path)} == {
        ("hifi-gan", "ss/real/ss_gt_1.wav"),
        ("melgan", "ss/real/ss_gt_1.wav"),
        ("cyclegan-vc2", "real/S0913/B1.wav"),
    }
    source = next(s for s in SOURCES if s.name == "hifigan-demo")
    built = build(
        tmp_path / "out",
        tmp_path,
        tmp_path,
        Options(spoken=0),
        sources=[source],
        engines=[],
        vocoders=BLURRED,
    )
    assert {u.family for u in built.utterances} == {"real", "hifi-gan", "melgan"}
    assert len({u.source for u in built.utterances}) == 1


def test_faults_are_found(corpus: Path) -> None:
    every = read_speech(corpus)
    copy = next(u for u in every if u.engine == "copy-synthesis" and u.split is Split.TRAIN)
    real = next(u for u in every if not u.fake and u.split is Split.TEST)

    def said(changed: Utterance, old: Utterance) -> str:
        return " ".join(faults([u for u in every if u is not old] + [changed]))

    assert "is in test" in said(dataclasses.replace(copy, split=Split.TEST), copy)
    assert "speaker" in said(dataclasses.replace(copy, split=Split.TEST), copy)
    assert "no real counterpart" in said(dataclasses.replace(copy, source="made/else"), copy)
    train = next(u for u in every if not u.fake and u.split is Split.TRAIN)
    dutch = [dataclasses.replace(u, language="nl") if u in (real, train) else u for u in every]
    assert "language nl" in " ".join(faults(dutch))


def test_a_broken_manifest_is_told_by_line(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "manifest.csv").read_text()
    for old, new in ((",band,", ",bandwidth,"), (",16000,", ",wide,")):
        path = tmp_path / "manifest.csv"
        for line in text.splitlines()[1:]:
            place = tmp_path / line.split(",")[0]
            place.parent.mkdir(exist_ok=True)
            place.touch()
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(DatasetError) as caught:
            read_speech(path)
        assert caught.value.reason is DatasetReason.BAD_TABLE
    with pytest.raises(DatasetError):
        write_speech([], tmp_path / "none.csv")


def test_engines_are_cut_to_the_length_that_was_asked_for() -> None:
    wave = spoken_text(ENGINE, "en", "low", 4.0, np.random.default_rng(0))
    assert 3.0 <= len(wave) / RATE <= 4.9


def test_sources_keep_speakers_and_languages_apart() -> None:
    for name, expected in {
        "118-121721-0000.flac": "librispeech-118",
        "0_jackson_3.wav": "fsdd-jackson",
    }.items():
        source = next(s for s in SOURCES if s.name == ("fsdd" if "jack" in name else "librispeech"))
        known = source.who(name)
        assert known is not None
        assert known[0] == expected
    czech = next(s for s in SOURCES if s.name == "fillets-cs")
    assert czech.who("a/sp-m-x.ogg") == ("fillets-cs-m", Split.VALIDATION)
    assert czech.who("a/sp-v-x.ogg") == ("fillets-cs-v", Split.TEST)
    assert czech.who("a/sp-hs-x.ogg") is None
    games = {s.name: s for s in SOURCES if s.name in {"ktuberling", "klettres"}}
    share = "usr/share"
    told = games["ktuberling"].who(f"{share}/ktuberling/sounds/da/Cap.ogg")
    assert told == ("kde-da", Split.TRAIN)
    assert told == games["klettres"].who(f"./{share}/klettres/da/alpha/a.ogg")
    greek = games["ktuberling"].who(f"{share}/ktuberling/sounds/el/Cap.ogg")
    assert greek == ("kde-el", Split.VALIDATION)
    for left_out in ("klettres/fr/alpha/a.ogg", "ktuberling/sounds/sr@latin/Cap.ogg"):
        assert games[left_out.split("/")[0]].who(f"{share}/{left_out}") is None
    italian = next(s for s in SOURCES if s.name == "asterisk-it")
    assert italian.who("sounds/it/silence/1.wav") is None


def test_about_names_every_file_once(corpus: Path) -> None:
    lines = [json.loads(line) for line in (corpus / "about.jsonl").read_text().splitlines()]
    assert len({row["path"] for row in lines}) == len(lines) == len(list(corpus.rglob("*.wav")))
