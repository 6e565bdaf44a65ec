"""Training the audio detector: pairs that differ in nothing but the voice, and a planted trace."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_manifest import Utterance
from unmask.datasets.speech_signal import to_pcm
from unmask.detect.audio.fit import build, modest, nets_of
from unmask.detect.audio.frontends import HOP, RATE
from unmask.detect.audio.inference import load_audio_detector
from unmask.detect.audio.pairs import (
    Mixture,
    PairStream,
    Pool,
    cut,
    filtered,
    make_pair,
    pasted,
    read_wave,
)
from unmask.detect.audio.train import TrainConfig, loss_of, masked, train
from unmask.detect.calibration import Calibration
from unmask.detect.train import averaged
from unmask.errors import WeightsError


def voice(seed: int, seconds: float = 3.0) -> np.ndarray:
    """Noise whose colour and loudness wander, as those of speech do."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    loudness = np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.02, 0.2, 12))
    noise = filtered(rng.normal(size=n).astype(np.float32), rng.normal(0, 4, 6))
    return (noise * loudness).astype(np.float32)


def buzzing(wave: np.ndarray) -> np.ndarray:
    """The planted trace: a comb of 500 Hz, as a vocoder's frames may leave."""
    made = wave.copy()
    made[32:] += 0.9 * wave[:-32]
    return made * np.float32(np.sqrt(np.mean(wave**2) / np.mean(made**2)))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    folder = tmp_path_factory.mktemp("speech")
    found = []
    for number in range(24):
        wave = voice(number)
        split = Split.TRAIN if number < 16 else Split.VALIDATION
        for family, sound in (("real", wave), ("world", buzzing(wave))):
            path = folder / f"{number}-{family}.wav"
            path.write_bytes(to_pcm(sound))
            found.append(
                Utterance(
                    path=path, fake=family != "real", family=family,
                    generator=CAMERA if family == "real" else f"{family}:comb",
                    engine="copy-synthesis", source=f"toy/{number}", corpus="toy",
                    speaker=str(number), language="en", split=split, band=16000, seconds=3.0,
                    licence="CC0", sha256="",
                )
            )  # fmt: skip
    return found


def test_a_pair_is_one_recording_at_one_place(corpus: list[Utterance]) -> None:
    plain = Mixture(partial=0, pasted=0, tilt=0, encoded=0)
    pair = make_pair(Pool(corpus), plain, np.random.default_rng(0))
    assert pair.own
    assert pair.labels.mean(1).tolist() == [0, 1]
    real, fake = (one.float() for one in pair.waves)
    made = torch.from_numpy(buzzing(real.numpy()))
    # The fake is the trace over this very crop, but for the level.
    assert float(torch.corrcoef(torch.stack([made[99:], fake[99:]]))[0, 1]) > 0.999


def test_both_of_a_pair_have_one_level_and_length(corpus: list[Utterance]) -> None:
    stream = iter(PairStream(Pool(corpus), Mixture(), seed=1))
    for _ in range(10):
        waves, labels, _ = next(stream)
        assert waves.shape[1] == labels.shape[1] * HOP
        assert torch.isfinite(waves).all()
        assert float(waves.abs().max()) <= 1


def test_pairs_depend_on_seed_and_number_alone(corpus: list[Utterance]) -> None:
    pool = Pool(corpus)
    one, other = (iter(PairStream(pool, Mixture(), seed=4, start=s)) for s in (0, 2))
    first = [next(one)[0] for _ in range(3)]
    assert torch.equal(first[2], next(other)[0])
    again = iter(PairStream(pool, Mixture(), seed=4, bank=2))
    pairs = [next(again)[0] for _ in range(4)]
    kept = {tuple(p.flatten()[:50].tolist()) for p in pairs}
    assert len(kept) == 2


def test_what_is_pasted_is_where_it_says() -> None:
    into, other = np.zeros(9600, np.float32) + 0.1, np.zeros(9600, np.float32) - 0.1
    mixed, part = pasted(into, other, np.random.default_rng(0))
    assert 0.25 <= part.mean() <= 0.75
    inside, outside = np.flatnonzero(part)[100:-100], np.flatnonzero(part == 0)
    assert (mixed[inside] < 0).all()
    edges = np.flatnonzero(np.diff(part))
    far = outside[(np.abs(outside[:, None] - edges).min(1) > 80)]
    far = far[(far > 80) & (far < 9500)]
    assert (mixed[far] > 0).all()


def test_what_is_too_short_is_repeated_not_silenced() -> None:
    assert cut(np.arange(1, 4, dtype=np.float32), 0, 8).tolist() == [1, 2, 3, 1, 2, 3, 1, 2]


def test_a_filter_has_the_gain_it_is_asked_for() -> None:
    time = np.arange(RATE) / RATE
    low = np.sin(2 * np.pi * 200 * time).astype(np.float32)
    gained = filtered(low, [6, 6, 0, 0, 0, 0])
    assert np.std(gained) / np.std(low) == pytest.approx(10 ** (6 / 20), rel=0.01)


def test_masks_are_alike_in_a_pair() -> None:
    torch.manual_seed(0)
    features = torch.randn(8, 80, 100)
    changed = masked(features, 0.3) != features
    assert torch.equal(changed[0::2], changed[1::2])
    assert 0 < float(changed.float().mean()) < 0.6


def test_the_loss_falls_with_what_is_right() -> None:
    labels = torch.stack([torch.zeros(32), torch.ones(32)])
    own = torch.tensor([True])
    right = torch.stack([torch.full((4,), -3.0), torch.full((4,), 3.0)])
    assert loss_of(right, labels, own, 0.5) < loss_of(-right, labels, own, 0.5)
    # By hand: frames and recordings at ln(1 + e^-3), the pair at half of ln(1 + e^-6).
    wanted = 1.5 * np.log1p(np.exp(-3)) + 0.5 * np.log1p(np.exp(-6))
    assert float(loss_of(right, labels, own, 0.5)) == pytest.approx(wanted, rel=1e-4)


@pytest.fixture(scope="module")
def run(corpus: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    plain = Mixture(seconds=1.2, partial=0.2, encoded=0.1, pasted=0.1, tilt=2)
    config = TrainConfig(
        front_ends=("linear",), steps=30, pairs=8, bank=64, warmup=5, check_every=15, ema=0.9,
        half=False, mixture=plain,
    )  # fmt: skip
    return train(corpus, out, config)


def test_a_planted_trace_is_learned_in_seconds(run: Path) -> None:
    rows = [json.loads(line) for line in (run.parent / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [15, 30]
    assert rows[-1]["auc_mean"] > 0.9


def test_a_run_of_other_options_is_not_gone_on_with(run: Path, corpus: list[Utterance]) -> None:
    with pytest.raises(ValueError, match="other options"):
        train(corpus, run.parent, TrainConfig(front_ends=("linear",), steps=31))
    with pytest.raises(WeightsError, match="no network of lfcc"):
        train(corpus, run.parent / "new", TrainConfig(front_ends=("lfcc",)), start=run)


def test_fitting_writes_weights_that_load_and_tell(
    run: Path, corpus: list[Utterance], tmp_path: Path
) -> None:
    weights = tmp_path / "audio_detector.safetensors"
    card = build(corpus, [run], ("linear",), weights)
    assert card.calibration["n_real"] == card.calibration["n_fake"] == 8
    assert weights.stat().st_size < 1_000_000
    detector = load_audio_detector("cpu", weights)
    real, fake = detector.score(voice(99, 4.0)), detector.score(buzzing(voice(99, 4.0)))
    calibration = detector.calibration["recording"]
    assert calibration.llr(real.score) < 0 < calibration.llr(fake.score)
    assert averaged(run)["linear.head.bias"].dtype == torch.float32
    shipped, trained = nets_of([weights], ("linear",)), nets_of([run], ("linear",))
    for name, tensor in trained.state_dict().items():  # what ships is fitted anew as a run is
        assert torch.allclose(shipped.state_dict()[name], tensor, atol=1e-3), name


def test_a_class_or_a_file_that_is_missing_is_said(corpus: list[Utterance], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both real and synthetic"):
        Pool([u for u in corpus if u.fake])
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF and nothing more")
    with pytest.raises(ValueError, match="no sound"):
        read_wave(broken)


def test_no_number_of_groups_allows_certainty() -> None:
    sure = Calibration(slope=1.0, offset=0.0, miss=0.001, alarm=0.002)
    few = modest(sure, families=0, corpora=1)
    assert (few.miss, few.alarm) == pytest.approx((0.5, 0.25))
    many = modest(sure, families=99, corpora=99)
    assert (many.miss, many.alarm) == (0.3, 0.1)
    assert float(many.llr(1e6)) == pytest.approx(np.log(9))
    assert float(many.llr(-1e6)) == pytest.approx(np.log(3 / 7))
    unsure = Calibration(slope=1.0, offset=0.0, miss=0.4, alarm=0.2)
    assert modest(unsure, families=9, corpora=9) == unsure
