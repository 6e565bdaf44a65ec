"""Options that several commands of `unmask generate` take."""

from pathlib import Path
from typing import Annotated

import typer

from unmask.generate.corpora import SplitRule

Weights = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="a run's last.pt, or a weight file"),
]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False,
        help="begin from another run's last.pt (a copy, while that run goes on) or a weight file"
        " of the same networks: fine-tuning",
    ),
]  # fmt: skip
Cache = Annotated[Path | None, typer.Option(file_okay=False, help="keeps decoded pictures")]
ProfileName = Annotated[str, typer.Option(help="tiny: on two cores; full: one GPU")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps")]
Unmarked = Annotated[
    bool,
    typer.Option(help="write an unmarked corpus of pairs into a folder, for detectors alone"),
]
CorpusSplit = Annotated[
    SplitRule, typer.Option(help="of the corpus: the photograph's own, drawn by its name, or one")
]
CorpusLicence = Annotated[str, typer.Option("--licence", help="of the originals, for the corpus")]
FaceModel = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="YuNet's file of OpenCV's model zoo"),
]
