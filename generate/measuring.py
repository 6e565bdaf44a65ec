"""What is measured of a trained game, by what it does."""

from pathlib import Path

from unmask.generate import changing, evaluating
from unmask.generate.audio import composing, sounding, voices_measured
from unmask.generate.entry import Task
from unmask.generate.evaluating import Measured
from unmask.generate.game import OptionError
from unmask.generate.trained import Trained

LEAST = 100  # samples; fewer say nothing of a distribution


def measure(
    trained: Trained, data: Path, *, held_out: Path | None, cache: Path | None, count: int
) -> Measured:
    """Compare what it makes with `data`, which it was trained on, and with what it never saw.

    Pictures out of noise need a folder of others, `held_out`; the other games left a part of their
    data out by themselves. Raises OptionError, and what reading the data raises.
    """
    task = trained.entry.task
    if count < LEAST and task is not Task.CONVERT:
        raise OptionError(f"{trained.entry.name} is measured by {LEAST} samples at least.")
    if task is Task.SAMPLE:
        real, other = evaluating.pictures_of(trained, data, held_out, cache)
        return evaluating.measure(trained, real, other, count=count)
    if held_out:
        raise OptionError(
            f"{trained.entry.name} left a part of its data out by itself: no --held-out."
        )
    if task is Task.SOUND:
        return sounding.measure(trained, sounding.examples_of(trained, data, cache), count=count)
    if task is Task.MUSIC:
        return composing.measure_music(trained, data, count=count)
    if task is Task.CONVERT:
        return voices_measured.measure(trained, data, count=count)
    summary, results = changing.measure(trained, changing.kinds_of(trained, data, cache))
    return Measured(summary=summary, results=results)
