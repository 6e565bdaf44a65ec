"""Whether the sound was MP3 or AAC before, and whether it was cut since."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind, NotApplicable
from unmask.forensics.audio.filterbanks import AAC_KBD, AAC_SINE, ALL, MP3
from unmask.forensics.audio.frame_grid import SURE, Grid, length_of, loud_starts, search
from unmask.forensics.audio.grid_trace import Stretch, stretches
from unmask.forensics.audio.hearing import Sound, as_facts, heard
from unmask.forensics.audio.sound_tags import mp3_delay
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Samples, listed

LEAST = 1.0  # seconds
PLACES = {MP3.name: 3, AAC_SINE.name: 2, AAC_KBD.name: 2}  # looked at, spread over the recording
# Codecs that leave a grid of the family: Vorbis' and WMA's transform is AAC's but for the window.
ALIKE = {"MP3": ("mp3",), "AAC": ("aac", "vorbis", "wma", "opus")}
DECODER_DELAY = 529  # samples of an MP3 decoder, of which the last does not count: ISO 11172-3


@dataclass(frozen=True, kw_only=True)
class History:
    """What lossy encoders left in the samples."""

    grids: tuple[Grid, ...]  # of earlier encoders, the clearest first; one for each offset
    stretches: tuple[Stretch, ...]  # without the clearest grid


def own_offsets(form: str, data: bytes) -> dict[str, tuple[int, ...]]:
    """Offsets at which the own codec of a file of format `form` leaves its grid, by filterbank."""
    if form == "mp3":
        skipped = mp3_delay(data)
        offset = 1 if skipped is None else (1 - skipped - DECODER_DELAY) % MP3.hop
        return {MP3.name: (offset,)}
    return {}


def history(samples: Samples, rate: int, codec: str, own: dict[str, tuple[int, ...]]) -> History:
    """Grids of encoders before the file's own, in (samples,) as decoded."""
    # Where nobody knows how many samples came first, any grid may be the file's own.
    banks = [
        bank for bank in ALL if not (codec.startswith(ALIKE[bank.codec]) and bank.name not in own)
    ]
    found: dict[tuple[str, int], Grid] = {}
    for bank in banks:
        for start in loud_starts(samples, length_of(bank), PLACES[bank.name]):
            grid = search(bank, samples, start, but=own.get(bank.name, ()))
            key = (bank.codec, grid.offset)
            if grid.deviations >= SURE and grid.deviations > _known(found, key):
                found[key] = grid
    grids = sorted(found.values(), key=lambda g: -g.deviations)
    # A strong grid of one window shows faintly through the other window as well.
    kept = [g for g in grids if g.deviations > 0.15 * grids[0].deviations]
    parts = stretches(samples, rate, kept[0]) if kept else ()
    return History(grids=tuple(kept), stretches=parts)


def _known(found: dict[tuple[str, int], Grid], key: tuple[str, int]) -> float:
    return found[key].deviations if key in found else 0.0


@analyser(
    "earlier_compression",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Earlier compression of the sound",
    reads="the frequencies that an MP3 or AAC encoder rounded to zero, at every alignment",
    look_for="a lossless file that was MP3 or AAC; a stretch whose frames begin elsewhere",
    ignore="the trace itself: honest sound is converted often. Resampling wipes it out. "
    "Vorbis and WMA look like AAC",
    paper="Yang, Qu and Huang 2008, Detecting digital audio forgeries by checking frame offsets; "
    "Bianchi et al. 2014",
)
def earlier_compression(media: Media) -> Finding | NotApplicable:
    """Traces of encoders before the file's own, and where they break off."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    best, samples = _best(media, sound)
    cuts = [s for s in best.stretches if s.other and _beyond_doubt(s, best.grids[0])]
    return Finding(
        summary=_summary(best, sound, cuts),
        notable=bool(best.stretches) or (bool(best.grids) and sound.lossless),
        claims=_claims(cuts),
        facts={
            "grids": [_grid(g) for g in best.grids],
            "regions": as_facts([s.region for s in best.stretches]),
            "other_grids": [None if s.other is None else _grid(s.other) for s in best.stretches],
            "lossless": sound.lossless,
            "seconds_read": round(samples.size / sound.rate, 2),
        },
    )


def _beyond_doubt(stretch: Stretch, grid: Grid) -> bool:
    """Whether both grids are clear and the stretch is long: more than a list of findings needs."""
    other = stretch.other.deviations if stretch.other else 0.0
    return min(other, grid.deviations) >= 1.5 * SURE and stretch.region.seconds >= 2 * LEAST


def _best(media: Media, sound: Sound) -> tuple[History, Samples]:
    """The mean of the channels shows joint stereo, a channel alone the rest: the clearer counts."""
    own = own_offsets(media.format.name, media.data)
    best, samples = history(sound.samples, sound.rate, sound.codec, own), sound.samples
    wave = media.waveform
    if best.grids or wave is None or wave.shape[1] < 2:
        return best, samples
    first = np.ascontiguousarray(wave[:, 0])
    return history(first, sound.rate, sound.codec, own), first


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "codec": grid.bank.codec,
        "filterbank": grid.bank.name,
        "offset": grid.offset,
        "deviations": round(grid.deviations, 1),
        "share_of_zeros": round(grid.share, 4),
    }


def _claims(cuts: list[Stretch]) -> tuple[Claim, ...]:
    # Honest recordings are cut too: it is said, and it is no verdict.
    if not cuts:
        return ()
    text = (
        f"From {listed([s.region for s in cuts])} the frames of an earlier encoder begin at "
        "another place than in the rest: the recording was cut or put together after that encoding."
    )
    return (Claim(kind=ClaimKind.EDITED, basis=Basis.MEASURED, text=text),)


def _summary(found: History, sound: Sound, cuts: list[Stretch]) -> str:
    if not found.grids:
        return "No trace of an earlier MP3 or AAC encoder, which resampling would have erased."
    codecs = " and ".join(dict.fromkeys(g.bank.codec for g in found.grids))
    before = "though the file is lossless" if sound.lossless else "before its present encoding"
    parts = [f"The sound was {codecs} once, {before}."]
    if cuts:
        where = listed([s.region for s in cuts])
        parts.append(f"From {where} its frames begin elsewhere: it was cut since.")
    elif found.stretches:
        where = listed([s.region for s in found.stretches])
        parts.append(f"From {where} that trace is missing: perhaps a part from elsewhere.")
    return " ".join(parts)
