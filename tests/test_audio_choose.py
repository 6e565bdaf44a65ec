"""Comparing networks on validation: what is named, what is paired, and that no test is read."""

from pathlib import Path

import numpy as np
import pytest

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_manifest import MANIFEST, Utterance, write_speech
from unmask.datasets.speech_signal import RATE, to_pcm
from unmask.detect.audio.choose import main, parsed, report
from unmask.detect.audio.scoring import gather
from unmask.detect.audio.train import TrainConfig, train
from unmask.errors import WeightsError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """Noise against dull noise."""
    folder = tmp_path_factory.mktemp("speech")
    found = []
    for number in range(24):
        rng = np.random.default_rng(number)
        noise = rng.normal(0, 0.05, RATE).astype(np.float32)
        dull = np.convolve(noise, np.ones(4, np.float32) / 2, mode="same").astype(np.float32)
        split = list(Split)[number % 3]
        for family, wave in (("real", noise), ("lpc", dull)):
            path = folder / f"{number}-{family}.wav"
            path.write_bytes(to_pcm(wave))
            found.append(
                Utterance(
                    path=path,
                    fake=family != "real",
                    family=family,
                    generator=CAMERA if family == "real" else f"{family}:x",
                    engine="copy-synthesis",
                    source=f"toy/{number}",
                    corpus="toy",
                    speaker=str(number),
                    language="en",
                    split=split,
                    band=RATE,
                    seconds=1.0,
                    licence="CC0",
                    sha256="",
                )
            )
    write_speech(found, folder / MANIFEST)
    return found


def test_a_candidate_is_named_by_its_run_and_front_ends() -> None:
    one = parsed("new=runs/5/last.pt:constant_q+fine")
    assert (one.title, one.runs) == ("new", (Path("runs/5/last.pt"),))
    assert parsed("new=a.pt,b.pt:fine").runs == (Path("a.pt"), Path("b.pt"))
    assert one.front_ends == ("constant_q", "fine")
    for text in ("runs/5/last.pt", "new=runs/5/last.pt", "=a:b", "new=:fine"):
        with pytest.raises(ValueError, match="TITLE"):
            parsed(text)


def test_the_better_one_is_ahead(corpus: list[Utterance]) -> None:
    kept = [u for u in corpus if u.split is Split.VALIDATION]

    def dullness(wave: np.ndarray) -> float:
        return float(-np.square(np.diff(wave)).mean() / np.square(wave).mean())

    tables = gather({"blind": lambda wave: len(wave) % 2, "ear": dullness}, kept, ("clean",))
    lines = report(tables).splitlines()
    assert "lpc | ear | 1.000" in "\n".join(lines)
    value, low = (float(v.strip("[,")) for v in lines[-1].split("| ")[1].split()[:2])
    assert lines[-1].startswith("ear less blind")
    assert value == 0.5
    assert low > 0.1


def test_the_command_reads_runs_and_no_test(
    corpus: list[Utterance], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = TrainConfig(
        front_ends=("constant_q", "fine"), steps=1, pairs=2, bank=0, check_every=1, half=False
    )
    run = train(corpus, tmp_path / "run", config)
    for one in corpus:
        if one.split is Split.TEST:
            one.path.write_bytes(b"none")
    args = ["--data", str(corpus[0].path.parent), "--encoding", "clean"]
    first, both = f"a={run}:fine", f"b={run}:constant_q+fine"
    main([*args, "--candidate", first, "--candidate", both])
    said = capsys.readouterr().out
    assert "all families | a |" in said
    assert "b less a" in said
    with pytest.raises(WeightsError):
        main([*args, "--candidate", f"c={run}:lfcc"])
