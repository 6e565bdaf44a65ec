"""What the things measured are called in tables."""

from dataclasses import dataclass

from unmask.detect.benchmarks.items import Medium


@dataclass(frozen=True, kw_only=True)
class Nouns:
    """Of one medium."""

    one: str
    many: str
    real: str
    fake: str
    condition: str  # what the conditions differ in
    amount: str  # that is scored in a second


TEXTS = Nouns(
    one="text",
    many="texts",
    real="people's texts",
    fake="machines' texts",
    condition="Length",
    amount="Texts per second",
)
SPEECH = Nouns(
    one="recording",
    many="recordings",
    real="real recordings",
    fake="synthetic recordings",
    condition="Encoding",
    amount="Seconds of sound per second",
)


def of(medium: str) -> Nouns:
    """The nouns of texts, else of speech."""
    return TEXTS if medium == Medium.TEXTS else SPEECH
