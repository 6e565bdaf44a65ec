"""Score a published peer on the test split as it came, beside the shipped detector.

    python -m unmask.detect.audio.published --data speech --aasist FOLDER --most 30 \
      --kept runs/published.jsonl --out detect/audio/published.json

AASIST and AASIST-L (Jung et al. 2022) were trained by their authors on ASVspoof 2019 LA; nothing is
fitted here. The shipped detector is scored on the same recordings, for the paired difference.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import read_speech
from unmask.detect.audio.aasist import Aasist, aasist_score, load_aasist
from unmask.detect.audio.inference import AudioDetector, load_audio_detector
from unmask.detect.audio.kept_looks import Look, as_tables, looked
from unmask.detect.audio.results import OURS, ahead, by_family
from unmask.detect.audio.scoring import Table, thinned
from unmask.detect.evaluation.resampling import AUC, EER

ENCODINGS = ("clean", "mp3:64", "phone")
NAMES = ("AASIST", "AASIST-L")


def ours(detector: AudioDetector) -> Look:
    """The shipped detector's score."""
    return lambda wave: (detector.score(wave).score,)


def _theirs(net: Aasist) -> Look:
    return lambda wave: (aasist_score(net, wave),)


def compared(tables: Mapping[str, Table]) -> dict[str, Any]:
    """AUC and EER of each family and of all, and how far ours is ahead in AUC, paired."""
    table = tables[OURS]
    return {
        "real": int((~table.fake).sum()),
        "fakes": int(table.fake.sum()),
        "encodings": list(table.encodings),
        "auc": by_family(tables, AUC),
        "eer": by_family(tables, EER),
        "ahead": ahead(tables),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--aasist", type=Path, required=True, help="folder of published weights")
    parser.add_argument("--name", choices=NAMES, action="append", help="may be repeated; both")
    parser.add_argument("--most", type=int, default=40, help="recordings of a family or corpus")
    parser.add_argument("--kept", type=Path, required=True, help="scores as they are made, *.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="report, *.json")
    args = parser.parse_args(arguments)
    chosen = thinned(read_speech(args.data), Split.TEST, args.most)
    detector = load_audio_detector("cpu")
    looks = {OURS: ours(detector)}
    looks |= {name: _theirs(load_aasist(args.aasist, name)) for name in args.name or NAMES}
    values = looked(looks, chosen, ENCODINGS, args.kept, {OURS: detector.card.sha256})
    found = compared(as_tables(values, chosen, ENCODINGS))
    args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
