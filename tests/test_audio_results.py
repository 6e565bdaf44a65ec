"""Measuring the audio detector: the tables on a small corpus, insertions, leak probes, mixtures."""

from pathlib import Path

import numpy as np
import pytest

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_manifest import Utterance
from unmask.datasets.speech_signal import to_pcm
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.leaks import PROBES, leaks, without_quiet
from unmask.detect.audio.localisation import insertions, real_minutes
from unmask.detect.audio.pairs import at_level, read_wave
from unmask.detect.audio.peers import LfccGmm
from unmask.detect.audio.results import ALL, OURS, ahead, by_family, without_pauses
from unmask.detect.audio.scoring import Table, encoded, gather, group_weights, thinned
from unmask.detect.evaluation.resampling import AUC, EER
from unmask.sound import Samples


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """Noise, and low-passed noise as two families of fakes: 12 sources in TRAIN, 24 in TEST."""
    folder = tmp_path_factory.mktemp("speech")
    found = []
    for number in range(36):
        rng = np.random.default_rng(number)
        noise = rng.normal(0, 0.05, 2 * RATE).astype(np.float32)
        smooth = np.convolve(noise, np.ones(4, np.float32) / 2, mode="same").astype(np.float32)
        split = Split.TRAIN if number < 12 else Split.TEST
        for family, wave in (("real", noise), ("world", smooth), ("lpc", smooth[::-1].copy())):
            path = folder / f"{number}-{family}.wav"
            path.write_bytes(to_pcm(wave))
            found.append(
                Utterance(
                    path=path, fake=family != "real", family=family,
                    generator=CAMERA if family == "real" else f"{family}:x",
                    engine="copy-synthesis", source=f"toy/{number}", corpus="toy",
                    speaker=str(number), language="en", split=split, band=RATE, seconds=2.0,
                    licence="CC0", sha256="",
                )
            )  # fmt: skip
    return found


def smoothness(wave: np.ndarray) -> float:
    return -float(np.mean(np.diff(wave) ** 2) / np.mean(wave**2))


def test_thinning_keeps_the_recordings_that_fakes_were_made_of(corpus: list[Utterance]) -> None:
    few = thinned(corpus, Split.TEST, 5)
    assert sum(u.fake for u in few) == 10
    assert {u.source for u in few if u.fake} <= {u.source for u in few if not u.fake}
    assert all(u.split is Split.TEST for u in few)


def test_both_classes_meet_the_same_noise(corpus: list[Utterance]) -> None:
    real, fake = corpus[0], corpus[1]
    clean, noisy = list(encoded(real, ["clean", "noise:10"]))
    clean2, noisy2 = list(encoded(fake, ["clean", "noise:10"]))
    assert np.corrcoef(noisy - clean, noisy2 - clean2)[0, 1] > 0.999


def test_every_group_weighs_alike(corpus: list[Utterance]) -> None:
    weights = group_weights(corpus)
    for family in ("real", "world", "lpc"):
        at = [u.family == family for u in corpus]
        assert weights[at].sum() == pytest.approx(1)


def test_tables_of_a_perfect_and_of_a_blind_detector(corpus: list[Utterance]) -> None:
    chosen = thinned(corpus, Split.TEST, 8)
    blind = np.random.default_rng(0)
    tables = gather(
        {OURS: smoothness, "blind": lambda _: float(blind.normal())},
        chosen,
        ["clean", "gain:-6"],
    )
    found = by_family(tables, AUC)
    assert set(found) == {ALL, "world", "lpc"}
    assert found["world"][OURS]["clean"][0] == 1
    assert found["world"][OURS]["clean"][1] < 1  # no certainty from a few recordings
    low, high = found[ALL]["blind"]["clean"][1:]
    assert low < 0.5 < high
    assert by_family(tables, EER)["lpc"][OURS]["gain:-6"][0] == 0
    assert ahead(tables)["blind"]["clean"][1] > 0


def test_a_table_of_one_family_keeps_all_reals(corpus: list[Utterance]) -> None:
    table = Table(utterances=tuple(corpus), encodings=("clean",), values=np.zeros((108, 1)))
    part = table.of_family("lpc")
    assert len(part.utterances) == 72
    assert part.fake.sum() == 36


def test_mixtures_tell_what_differs(corpus: list[Utterance]) -> None:
    peer = LfccGmm(corpus, components=4)
    test = [u for u in corpus if u.split is Split.TEST][:12]
    scores = [peer.score(read_wave(u.path)) for u in test]
    fake = np.array([u.fake for u in test])
    assert np.min(np.array(scores)[fake]) > np.max(np.array(scores)[~fake])
    with pytest.raises(ValueError, match="too few"):
        LfccGmm(corpus, components=100)


def test_insertions_lie_where_they_say(corpus: list[Utterance]) -> None:
    made = insertions(corpus, Split.TEST, 4, seed=1)
    assert [one.family for one in made] == ["lpc", "world", "lpc", "world"]
    for one in made:
        assert len(one.wave) == 60 * RATE
        assert one.place.seconds == pytest.approx(10)
        first, last = (round(t * RATE) for t in one.place)
        inside, outside = one.wave[first + 99 : last - 99], one.wave[: max(first, 1)]
        if len(outside) > RATE:
            assert smoothness(inside) > smoothness(outside)
    with pytest.raises(ValueError, match="not both"):
        insertions([u for u in corpus if not u.fake], Split.TEST, 1, seed=0)


def test_real_minutes_hold_real_recordings_alone(corpus: list[Utterance]) -> None:
    made = real_minutes(corpus, Split.TEST, 2, seed=0)
    assert [len(one) for one in made] == [60 * RATE] * 2
    assert not np.array_equal(made[0], made[1])
    fakes = [u for u in corpus if u.fake]
    with pytest.raises(ValueError, match="no real recordings"):
        real_minutes(fakes, Split.TEST, 1, seed=0)
    first = at_level(read_wave(next(u.path for u in corpus if not u.fake)))
    assert np.isclose(np.sqrt(np.mean(made[0] ** 2)), np.sqrt(np.mean(first**2)), rtol=0.1)


def test_leak_probes_find_a_planted_leak(corpus: list[Utterance], tmp_path: Path) -> None:
    test = [u for u in corpus if u.split is Split.TEST and u.family in ("real", "world")]
    found = leaks(test)
    assert set(found) == set(PROBES)
    assert found["length"].low <= 0.5 <= found["length"].high
    planted = []
    for one in test:
        wave = read_wave(one.path)
        path = tmp_path / one.path.name
        path.write_bytes(to_pcm(np.pad(wave, (3200 * one.fake, 0))))
        planted.append(Utterance(**{**vars(one), "path": path}))
    assert leaks(planted)["silence"].low > 0.8
    assert leaks(planted, without_quiet)["silence"].low < 0.6  # what was planted is cut out


def test_what_is_quiet_is_cut_out() -> None:
    voice = np.sin(np.arange(RATE) / 5).astype(np.float32)
    pause = np.full(RATE // 2, 1e-4, np.float32)
    parts = [pause, voice, pause, voice]
    assert np.array_equal(without_quiet(np.concatenate(parts)), np.concatenate([voice, voice]))
    assert np.array_equal(without_quiet(np.zeros(RATE, np.float32)), np.zeros(RATE, np.float32))


def test_a_detector_of_pauses_hears_nothing_without_them(
    corpus: list[Utterance], tmp_path: Path
) -> None:
    planted = []
    for one in (u for u in corpus if u.split is Split.TEST and u.family in ("real", "world")):
        path = tmp_path / one.path.name
        path.write_bytes(to_pcm(np.pad(read_wave(one.path), (3200 * one.fake, 0))))
        planted.append(Utterance(**{**vars(one), "path": path}))

    def begins_late(wave: Samples) -> float:
        return float(np.argmax(np.abs(wave) > 0.01 * np.abs(wave).max()))

    heard = [begins_late(read_wave(one.path)) for one in planted]
    assert AUC.of([one.fake for one in planted], heard) > 0.9
    assert without_pauses(begins_late, planted)["auc"][ALL][0] < 0.6
