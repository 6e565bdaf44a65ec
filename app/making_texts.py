"""What the page "Generate" writes: a poem or a piece of a speech, with its provenance beside it."""

from unmask.app.generating import Made
from unmask.generate.text.outputs import TextMark, Written
from unmask.generate.text.trained import TrainedText
from unmask.generate.text.writing import Asked, write


def written(trained: TrainedText, asked: Asked, mark: TextMark) -> Made:
    """One text. Raises PromptError, OptionError."""
    settings = f"seed {asked.seed}, temperature {asked.temperature:g}"
    settings += f", prompt {asked.prompt}" if asked.prompt else ""
    name = f"{trained.entry.name}-{asked.seed:06d}"
    data = Written(name=name, text=write(trained, asked), settings=settings).data
    beside = {f"{name}{end}": found for end, found in mark(data, settings).items()}
    return Made(
        name=name, settings=settings, marked=data, plain=data, mime="text/plain", beside=beside
    )
