"""Fakes that differ from their real photograph in a decoder's trace alone.

    python -m unmask.datasets.reconstruct --data DATA --out aligned --shipped

Lets each autoencoder of `decoders` reconstruct the photographs of its own split, and writes both as
PNG with a manifest: a family that only tests meets photographs that only test. The decoders come
with unmask (`--shipped`), or are trained first, on the photographs of the TRAIN split. A run that
was stopped goes on where it was.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from unmask.datasets.corpus import save_png, stem_for
from unmask.datasets.decoder_training import DecoderTraining, train, trained_steps
from unmask.datasets.decoder_weights import load_decoder, shipped_decoders
from unmask.datasets.decoders import SPECS, Autoencoder, DecoderSpec
from unmask.datasets.loaders import load
from unmask.datasets.loaders_tree import DatasetError, DatasetReason, thin
from unmask.datasets.manifest import CAMERA, Sample, Split, draw
from unmask.datasets.manifest_file import read_manifest, write_manifest
from unmask.datasets.pairs import decoded, middle, pair, psnr, reconstruct
from unmask.errors import WeightsError

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
WINDOW = 384  # pixels a side of what is kept of a photograph to train on
WINDOWS = 400
HELD_OUT = 24  # photographs that the error is measured on
LEAST = 64  # pixels a side, of a photograph that is worth it


@dataclass(frozen=True, kw_only=True)
class ReconstructConfig:
    """Options of a set of reconstructions, saved as JSON beside it."""

    side: int = 512  # at most so many pixels a side of the middle of each photograph
    own_quality: float = 1.0  # part of the fakes that go through JPEG as their real did
    limit: int | None = None  # photographs of each corpus and split
    # Of a split's photographs that each of its decoders gets, drawn by name; of TEST all. Where one
    # photograph has more fakes than another, its size and subject tell the classes apart.
    part: float = 1.0
    shares: tuple[float, float] | None = None  # train, validation: draw the splits anew
    shipped: bool = False  # the decoders that come with unmask, in place of training them
    training: DecoderTraining = field(default_factory=DecoderTraining)


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a decoder was and did: a line of decoders.json."""

    split: str
    parameters: int
    steps: int
    psnr: float | None  # dB, on validation photographs; None where there are none
    pictures: int


def photographs(
    data: Sequence[str], *, limit: int | None, shares: tuple[float, float] | None
) -> list[Sample]:
    """The photographs of data sets, as `loaders.load` names them; fakes are left out.

    `shares` draws the splits anew by the source, for folders that have none. Raises what `load`
    raises.
    """
    found = [s for where in data for s in load(where, both_classes=False)]
    found = [s for s in found if not s.fake]
    if shares:
        found = [replace(s, split=draw(s.source, shares)) for s in found]
    # Thinned last: it draws by the same hash, and would leave one split alone.
    return thin(found, limit)


def to_train_on(reals: Sequence[Sample]) -> list[Sample]:
    """Those of the TRAIN split. Raises DatasetError, EMPTY, where there are none."""
    found = [s for s in reals if s.split is Split.TRAIN]
    if not found:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"None of {len(reals)} photographs is of the split {Split.TRAIN}; give --shares to draw"
            " splits, or take the decoders that come with unmask: --shipped.",
        )
    return found


def make(
    data: Sequence[str],
    out: Path,
    specs: Sequence[DecoderSpec],
    config: ReconstructConfig,
    console: Console | None = None,
) -> list[Sample]:
    """Train, reconstruct and write below `out`; the samples of the manifest, reals first.

    Raises DatasetError: EMPTY (no photographs to train on, or none of any decoder's split),
    UNREADABLE (`out` was made with other options), and what `load` raises. WeightsError where a
    decoder does not come with unmask.
    """
    console = console or Console(quiet=True)
    reals = photographs(data, limit=config.limit, shares=config.shares)
    seen = [] if config.shipped else to_train_on(reals)
    _claim(out, config)
    windows = list(_windows(seen, config.training.seed))
    held_out = [s for s in reals if s.split is Split.VALIDATION][:HELD_OUT]
    written = read_manifest(out / "manifest.csv") if (out / "manifest.csv").is_file() else []
    for spec in specs:
        checkpoint = out / "decoders" / f"{spec.name}.pt"
        grown = not config.shipped and trained_steps(checkpoint) < config.training.steps
        if config.shipped:
            net = load_decoder(spec)
        else:
            net = train(spec, windows, config.training, checkpoint)
        part = 1.0 if spec.split is Split.TEST else config.part
        chosen = [
            s
            for s in reals
            if s.split is spec.split and _share(f"part {spec.name} {s.source}") < part
        ]
        made = list(_write(net, spec, chosen, out, config, again=grown))
        written = sorted({s.path: s for s in (*written, *made)}.values(), key=_order)
        if written:
            write_manifest(written, out / "manifest.csv")
        noted = Made(
            split=spec.split.value,
            parameters=sum(p.numel() for p in net.parameters()),
            steps=trained_steps(checkpoint),
            psnr=_error(net, held_out),
            pictures=sum(s.fake for s in made),
        )
        _note(out / "decoders.json", spec, noted)
        quality = "" if noted.psnr is None else f", {noted.psnr:.1f} dB"
        console.print(f"{spec.name}: {noted.pictures} pictures{quality}", markup=False)
    if not written:
        raise DatasetError(DatasetReason.EMPTY, "No photograph is of the split of a decoder.")
    return written


def _claim(out: Path, config: ReconstructConfig) -> None:
    """Note the options in `out`; more steps are the same options."""
    path = out / "options.json"
    options = json.loads(json.dumps(asdict(config)))
    if path.is_file():
        there = json.loads(path.read_text())
        there["training"]["steps"] = options["training"]["steps"]
        if there != options:
            raise DatasetError(
                DatasetReason.UNREADABLE, f"{out} was made with other options; write elsewhere."
            )
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(options, indent=1) + "\n")


def _windows(samples: Sequence[Sample], seed: int) -> Iterator[Pixels]:
    """A part of each of at most WINDOWS photographs, so that memory is bounded."""
    rng = np.random.default_rng(seed)
    for i in sorted(rng.permutation(len(samples))[:WINDOWS]):
        pixels = _picture(samples[i])
        if pixels is not None:
            top, left = (rng.integers(max(0, n - WINDOW) + 1) for n in pixels.shape[:2])
            yield pixels[top : top + WINDOW, left : left + WINDOW].copy()


def _write(
    net: Autoencoder,
    spec: DecoderSpec,
    reals: Sequence[Sample],
    out: Path,
    config: ReconstructConfig,
    *,
    again: bool,
) -> Iterator[Sample]:
    for sample in reals:
        name = f"{stem_for(Path(sample.source).name, sample.source)}.png"
        real_path, fake_path = out / CAMERA / name, out / spec.name / name
        if again or not (real_path.is_file() and fake_path.is_file()):
            if _picture(sample) is None:
                continue
            own_quality = _share(f"{spec.name} {sample.source}") < config.own_quality
            data = sample.path.read_bytes()
            real, fake = pair(net, data, side=config.side, own_quality=own_quality)
            save_png(real, real_path)
            save_png(fake, fake_path)
        yield replace(sample, path=real_path)
        yield replace(sample, path=fake_path, fake=True, generator=spec.name)


def _picture(sample: Sample) -> Pixels | None:
    """Its pixels as they are stored; None where they are damaged, far too many or too few."""
    try:
        pixels = decoded(sample.path.read_bytes())
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return pixels if min(pixels.shape[:2]) >= LEAST else None


def _error(net: Autoencoder, samples: Sequence[Sample]) -> float | None:
    found = [middle(p, 256) for p in map(_picture, samples) if p is not None]
    return float(np.mean([psnr(p, reconstruct(net, p)) for p in found])) if found else None


def _note(path: Path, spec: DecoderSpec, made: Made) -> None:
    notes = json.loads(path.read_text()) if path.is_file() else {}
    notes[spec.name] = asdict(made)
    path.write_text(json.dumps(notes, indent=1) + "\n")


def _order(sample: Sample) -> tuple[bool, str, str]:
    return sample.fake, sample.generator, sample.path.name


def _share(name: str) -> float:
    """Uniform in [0, 1), the same for a name at all times."""
    return int.from_bytes(_digest(name)[:4], "big") / 2**32


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="data sets with photographs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--decoders", nargs="+", choices=SPECS, metavar="NAME")
    parser.add_argument("--shipped", action="store_true", help="decoders that come with unmask")
    parser.add_argument("--steps", type=int, default=DecoderTraining.steps)
    parser.add_argument("--seed", type=int, default=DecoderTraining.seed)
    parser.add_argument("--side", type=int, default=ReconstructConfig.side)
    parser.add_argument("--own-quality", type=float, default=ReconstructConfig.own_quality)
    parser.add_argument("--limit", type=int)
    parser.add_argument(
        "--part", type=float, default=ReconstructConfig.part, help="of what trains or validates"
    )
    parser.add_argument("--shares", type=float, nargs=2, metavar=("TRAIN", "VALIDATION"))
    return parser.parse_args()


def main() -> None:
    """Command line."""
    given = _arguments()
    config = ReconstructConfig(
        side=given.side,
        own_quality=given.own_quality,
        limit=given.limit,
        part=given.part,
        shipped=given.shipped,
        shares=tuple(given.shares) if given.shares else None,
        training=DecoderTraining(steps=given.steps, seed=given.seed),
    )
    console = Console()
    try:
        names = given.decoders or (shipped_decoders() if given.shipped else SPECS)
        make(given.data, given.out, [SPECS[n] for n in names], config, console)
    except (DatasetError, WeightsError) as error:
        console.print(str(error), markup=False)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
