"""A text or a recording as it is handed to a detector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from unmask.detect.benchmarks.items import Item
from unmask.detect.evaluation.cache import Key
from unmask.sound import Samples

RATE = 16_000  # Hz, of every recording that a detector is given


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """Either a text, or (N,) float32 samples in [-1, 1] of one channel at 16 kHz."""

    name: str
    text: str | None = None
    wave: Samples | None = None


class Maker(Protocol):
    """How items of one medium are made ready, and what they are called."""

    @property
    def one(self) -> str:
        """A noun for one of them."""

    @property
    def many(self) -> str:
        """The same for several."""

    @property
    def real(self) -> str:
        """For several real ones."""

    @property
    def fake(self) -> str:
        """For several fakes."""

    def sha256(self, item: Item) -> str:
        """Of what lies there. Raises MediaError."""

    def key(self, item: Item, condition: str) -> Key:
        """What scores are kept by. Raises MediaError."""

    def ready(self, item: Item, condition: str) -> Ready:
        """As a detector is given it. Raises MediaError."""

    def features(self, item: Item, condition: str) -> Mapping[str, list[float]]:
        """What leak probes may see. Raises MediaError."""

    def amount(self, item: Item) -> float:
        """How much there is of it, for the speed: texts, or seconds of sound."""

    def forget(self) -> None:
        """What was held of the items so far may go."""
