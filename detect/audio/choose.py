"""Compare networks on the validation split: which run, which front ends, one or several together.

    python -m unmask.detect.audio.choose --data speech --candidate old=runs/4/last.pt:constant_q \
      --candidate new=runs/5/last.pt:constant_q --candidate both=runs/5/last.pt:constant_q+fine

Prints AUC with 95% intervals for each family that trained no network, and how far each candidate is
ahead of the first, paired by source. The test split is not read.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import read_speech
from unmask.detect.audio.audio_card import describe
from unmask.detect.audio.fit import nets_of
from unmask.detect.audio.inference import AudioDetector, pool
from unmask.detect.audio.onnx_ear import quickened
from unmask.detect.audio.range import SpeechRange
from unmask.detect.audio.results import ahead, by_family
from unmask.detect.audio.scoring import Score, Table, gather, thinned
from unmask.detect.evaluation.resampling import AUC
from unmask.sound import Samples

ENCODINGS = ("clean", "mp3:64", "phone")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Networks whose logits are averaged."""

    title: str
    runs: tuple[Path, ...]
    front_ends: tuple[str, ...]


def parsed(text: str) -> Candidate:
    """TITLE=RUN,RUN:FRONT+FRONT; a front end is that of the last run that has it.

    Raises ValueError.
    """
    title, _, rest = text.partition("=")
    runs, _, names = rest.rpartition(":")
    if not (title and runs and names):
        raise ValueError(f"{text!r} is not TITLE=RUN:FRONT+FRONT")
    places = tuple(Path(run) for run in runs.split(","))
    return Candidate(title=title, runs=places, front_ends=tuple(names.split("+")))


def scorer(candidate: Candidate) -> Score:
    """(N,) at 16 kHz -> the candidate's score. Raises WeightsError."""
    blank = SpeechRange(mean=np.zeros(0), precision=np.zeros((0, 0)), distances=np.zeros(0))
    nets = quickened(nets_of(candidate.runs, candidate.front_ends))
    detector = AudioDetector(nets, describe({}), blank)

    def score(wave: Samples) -> float:
        return pool(np.mean(list(detector.frames(wave).values()), 0))

    return score


def report(tables: Mapping[str, Table]) -> str:
    """The tables as text: a row a family and candidate, then how far each is ahead of the first."""
    first = next(iter(tables))
    encodings = tables[first].encodings
    lines = ["family candidate " + " ".join(encodings)]
    for family, rows in by_family(tables, AUC).items():
        lines += [
            f"{family} | {title} | " + " | ".join(_cell(row[e]) for e in encodings)
            for title, row in rows.items()
        ]
    for title, row in ahead(tables, of=first).items():
        lines.append(f"{title} less {first} | " + " | ".join(_cell(row[e]) for e in encodings))
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    value, low, high = values
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--candidate", type=parsed, action="append", required=True)
    parser.add_argument("--most", type=int, default=40, help="recordings of a family or corpus")
    parser.add_argument("--encoding", action="append", help="may be repeated")
    args = parser.parse_args(arguments)
    chosen = thinned(read_speech(args.data), Split.VALIDATION, args.most)
    scorers = {one.title: scorer(one) for one in args.candidate}
    tables = gather(scorers, chosen, tuple(args.encoding or ENCODINGS))
    sys.stdout.write(report(tables) + "\n")


if __name__ == "__main__":
    main()
