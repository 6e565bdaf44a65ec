"""Critics as experts of the audio detector, and what is kept of recordings on the way."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_manifest import Utterance, write_speech
from unmask.datasets.speech_signal import to_pcm
from unmask.detect.audio import critics, published, results_page
from unmask.detect.audio.critic_features import (
    note_features,
    note_look,
    told,
    voice_features,
    voice_look,
    windows,
)
from unmask.detect.audio.critics import (
    EVERY,
    Heard,
    chosen_penalty,
    compared,
    crossed,
    fitted,
    folds,
)
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.kept_looks import as_tables, looked
from unmask.detect.audio.published import compared as compared_with_peers
from unmask.detect.audio.results import ALL, OURS
from unmask.detect.evaluation.figures import auc
from unmask.generate.audio.note_nets import NoteCritic, NoteSize
from unmask.generate.audio.spectra import Spectra
from unmask.generate.audio.voice_nets import VoiceCritic, VoiceSize

SMALL = NoteSize(
    spectra=Spectra(rate=RATE, bins=64, frames=32), lowest=40, highest=44, width=2, most=4
)


def utterance(number: int, family: str, split: Split, path: Path = Path("x.wav")) -> Utterance:
    """Copies of one speaker's recording; six speakers."""
    return Utterance(
        path=path, fake=family != "real", family=family,
        generator=CAMERA if family == "real" else f"{family}:x", engine="copy-synthesis",
        source=f"toy/{split}/{number}", corpus=f"toy{number % 2}", speaker=f"{split}-{number % 6}",
        language="en", split=split, band=RATE, seconds=1.0, licence="CC0",
        sha256=f"{number}-{family}-{split}",
    )  # fmt: skip


def heard(split: Split, families: tuple[str, ...], seen: float) -> Heard:
    """A detector that is right three times in four, and critics of notes that see `seen`
    deviations of what is fake; those of voices are noise."""
    data = [utterance(n, family, split) for n in range(60) for family in ("real", *families)]
    rng = np.random.default_rng(len(families))
    fake = np.array([u.fake for u in data], float)[:, None, None]
    noise = rng.normal(size=(len(data), 2, 12))
    notes = noise[:, :, :6] + seen * fake * np.array([1, 0, 0, 0, 0, 0])
    scores = fake + rng.normal(size=(len(data), 2, 1))
    return Heard(
        utterances=tuple(data), encodings=("clean", "phone"),
        values={"notes": notes, "voices": noise[:, :, 6:], OURS: scores},
    )  # fmt: skip


@pytest.mark.parametrize(("seen", "helps"), [(1.5, True), (0.0, False)])
def test_a_critic_that_sees_fakes_joins_and_noise_does_not(seen: float, helps: bool) -> None:
    train = heard(Split.TRAIN, ("world", "sinusoidal", "griffin-lim", "phase-vocoder"), seen)
    found = compared(train, heard(Split.VALIDATION, ("lpc", "flite", "vits"), seen))
    gain = found["fused"]["notes critic"]
    assert found["joins"] == {"notes critic": helps, "voice critics": False, "both": helps}
    assert (gain[EVERY]["gain"][1] > 0.03) is helps
    assert gain["clean"]["auc"][0] > 0.6
    alone = found["alone"][ALL]["notes critic"]["phone"][0]
    assert alone > 0.8 if helps else 0.4 < alone < 0.6


def test_nobody_is_judged_by_what_knows_him() -> None:
    data = heard(Split.TRAIN, ("world", "sinusoidal", "griffin-lim", "phase-vocoder"), 0).utterances
    seen = np.zeros(len(data), int)
    for fit, judge in folds(data):
        seen += judge
        known = [u for u, kept in zip(data, fit, strict=True) if kept]
        for one in (u for u, kept in zip(data, judge, strict=True) if kept):
            key = "family" if one.fake else "speaker"
            assert getattr(one, key) not in {getattr(u, key) for u in known}
    assert (seen == 1).all()


def test_a_fusion_learns_nothing_from_the_family_it_judges() -> None:
    data = heard(Split.VALIDATION, ("lpc", "flite"), 0).utterances
    values = np.random.default_rng(0).normal(size=(len(data), 1, 2))
    flite = np.array([u.family == "flite" for u in data])
    values[flite, 0, 1] += 9  # a trace of this family alone
    judged = flite | np.array([not u.fake for u in data])
    knowing = fitted(values, data).logit(values[:, 0])
    assert auc(flite[judged], knowing[judged]) > 0.95
    assert auc(flite[judged], crossed(values, data)[judged, 0]) < 0.75


def test_the_penalty_that_generalises_is_chosen() -> None:
    """Two columns that say little together, and many that tell the speakers of this split."""
    data = heard(Split.TRAIN, ("world", "sinusoidal", "griffin-lim"), 0).utterances
    rng = np.random.default_rng(0)
    fake = np.array([u.fake for u in data], float)[:, None, None]
    of_speaker = {u.speaker: rng.normal(size=40) for u in data}
    voice = np.array([of_speaker[u.speaker] for u in data])[:, None]
    clear = rng.normal(size=(len(data), 1, 1)) + 4 * fake
    assert chosen_penalty(clear, data) in critics.PENALTIES
    noise = np.concatenate([rng.normal(size=(len(data), 1, 1)) + fake, 5 * voice], axis=2)
    weak, strong = (
        chosen_penalty(np.concatenate([noise, rng.normal(size=(len(data), 1, n))], 2), data)
        for n in (1, 150)
    )
    assert strong <= weak < critics.PENALTIES[-1]


@pytest.mark.parametrize(("count", "starts"), [(5, [0]), (8, [0]), (16, [0, 8]), (17, [0, 8, 9])])
def test_windows_reach_the_end(count: int, starts: list[int]) -> None:
    assert windows(count, 8) == starts


def test_what_is_told_by_hand() -> None:
    opinions = torch.tensor([[1.0, 3.0], [4.0, 4.0]])
    assert told(opinions, torch.tensor([[0.0, 2.0], [1.0, 4.0]])) == [3.0, 1.0, 2.0, 4.0, 0.5, 3.0]


def test_the_critic_of_notes_sees_a_second_at_a_time() -> None:
    torch.manual_seed(0)
    critic = NoteCritic(SMALL).eval()
    wave = np.random.default_rng(0).normal(0, 0.05, 2 * SMALL.spectra.samples).astype(np.float32)
    both = note_features(critic, SMALL.spectra, wave)
    halves = [note_features(critic, SMALL.spectra, w) for w in np.split(wave, 2)]
    assert both[0] == pytest.approx(np.mean([h[0] for h in halves]), abs=1e-5)
    assert both[2:4] == pytest.approx(sorted(h[0] for h in halves), abs=1e-5)
    assert both[4:] == pytest.approx(np.mean([h[4:] for h in halves], axis=0), abs=1e-5)
    assert len(note_features(critic, SMALL.spectra, wave[:100])) == len(both)


def test_each_critic_of_voices_speaks_in_turn() -> None:
    torch.manual_seed(0)
    size = VoiceSize(width=2, deep=2, flat=2, blocks=1, kernel=3, critic=2, fold=True)
    pair = [(VoiceCritic(size).eval(), (torch.zeros(80, 1), torch.ones(80, 1))) for _ in range(2)]
    wave = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    both = voice_features(pair, 64, wave)
    assert both == pytest.approx(
        voice_features(pair[:1], 64, wave) + voice_features(pair[1:], 64, wave)
    )
    assert len(voice_features(pair, 64, wave[:800])) == len(both)  # shorter than a window


def test_shipped_critics_listen() -> None:
    wave = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    for look, count in ((note_look(), 4 + 64), (voice_look(), 4 * (4 + 32))):
        found = look(wave)
        assert len(found) == count
        assert np.isfinite(found).all()
        assert found == look(wave)


@pytest.fixture
def files(tmp_path: Path) -> list[Utterance]:
    """Noise and smooth noise, of a second, in all three splits."""
    found = []
    made = {
        Split.TRAIN: ["world", "sinusoidal"],
        Split.VALIDATION: ["lpc", "flite"],
        Split.TEST: ["codec2"],
    }
    for split, families in made.items():
        for number in range(8):
            noise = np.random.default_rng(number).normal(0, 0.05, RATE).astype(np.float32)
            smooth = np.convolve(noise, np.ones(4, np.float32) / 2, mode="same")
            for name in ("real", *families):
                wave = noise if name == "real" else smooth.astype(np.float32)
                path = tmp_path / f"{split.value}-{number}-{name}.wav"
                path.write_bytes(to_pcm(wave))
                found.append(utterance(number, name, split, path))
    write_speech(found, tmp_path / "manifest.csv")
    return found


def test_what_was_kept_is_not_made_again(files: list[Utterance], tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    heard_of: list[int] = []

    def look(wave: np.ndarray) -> tuple[float, ...]:
        heard_of.append(1)
        return float(np.abs(np.diff(wave)).mean()), 1.0

    first = looked({"a": look}, files[:4], ("clean", "phone"), path)["a"]
    assert first.shape == (4, 2, 2)
    assert len(heard_of) == 8
    lines = path.read_text()
    path.write_text(lines[:-5])  # a stop in the middle of a line
    again = looked({"a": look, "b": look}, files[:5], ("clean", "phone"), path)
    assert len(heard_of) == 8 + (1 + 2) + 10
    assert np.array_equal(again["a"][:4], first)
    assert len(path.read_text().splitlines()) == 20

    looked({"a": look}, files[:1], ("clean",), path, {"a": "other weights"})
    assert len(heard_of) == 8 + (1 + 2) + 10 + 1
    looked({"a": look}, files[:1], ("clean",), path, {"a": "other weights"})
    assert len(heard_of) == 8 + (1 + 2) + 10 + 1


def test_a_peer_that_hears_everything_is_ahead_of_ours(
    files: list[Utterance], tmp_path: Path
) -> None:
    test = [u for u in files if u.split is Split.TEST]
    looks = {
        OURS: lambda wave: (float(wave[0]),),
        "AASIST": lambda wave: (-float(np.mean(np.diff(wave) ** 2)),),
    }
    values = looked(looks, test, published.ENCODINGS, tmp_path / "kept.jsonl")
    found = compared_with_peers(as_tables(values, test, published.ENCODINGS))
    assert found["auc"][ALL]["AASIST"]["clean"][0] == 1
    assert found["eer"][ALL]["AASIST"]["clean"][0] == 0
    assert found["ahead"]["AASIST"]["clean"][2] < 0
    assert (found["real"], found["fakes"]) == (8, 8)


def test_the_command_reads_no_test(
    files: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        critics, "looks",
        lambda: {
            name: lambda wave: (float(np.mean(np.diff(wave) ** 2)),) for name in ("notes", "voices")
        },
    )  # fmt: skip
    monkeypatch.setattr(critics, "ours", lambda _: lambda wave: (float(wave[0]),))
    for one in files:
        if one.split is Split.TEST:
            one.path.write_bytes(b"no sound")  # reading it would fail
    out = tmp_path / "critics.json"
    kept = tmp_path / "kept.jsonl"
    critics.main(["--data", str(tmp_path), "--kept", str(kept), "--out", str(out)])
    found = json.loads(out.read_text())
    assert found["validation"] == {"real": 8, "fake": 16}
    assert found["alone"][ALL]["both"]["clean"][0] == 1


def test_the_page_is_made_of_notes_and_reports() -> None:
    home = Path(results_page.__file__).parent
    page = (home / "RESULTS.md").read_text()
    notes, reports = (home / "results_notes.md").read_text(), results_page.read_reports(home)
    assert page == results_page.whole(notes, reports)
    value, low, high = reports["results"]["auc"][ALL][OURS]["clean"]
    assert f"| {ALL} | {OURS} | {value:.3f} [{low:.3f}, {high:.3f}]" in page


def test_sections_say_what_was_measured() -> None:
    train = heard(Split.TRAIN, ("world", "sinusoidal", "griffin-lim", "phase-vocoder"), 0)
    held = heard(Split.VALIDATION, ("lpc", "flite"), 0)
    found = compared(train, held)
    page = results_page.whole("# Notes", {"critics": found})
    value, low, high = found["fused"]["both"][EVERY]["gain"]
    assert f"{value:+.3f} [{low:+.3f}, {high:+.3f}] |" in page
    assert "60 real recordings and 240 fakes" in page
    assert "judged on 60 and 120" in page
    assert "## Test split" not in page
    tables = as_tables(
        {OURS: held.values[OURS], "AASIST": -held.values[OURS]}, held.utterances, held.encodings
    )
    peers = compared_with_peers(tables)
    value, low, high = peers["ahead"]["AASIST"]["phone"]
    assert value > 0.3
    assert f"{value:.3f} [{low:.3f}, {high:.3f}]" in results_page.published(peers)
