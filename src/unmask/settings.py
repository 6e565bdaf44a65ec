"""What a user chooses for a run. Analysers take a Media alone, so these travel beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from unmask.media.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices of a run; the defaults open nothing and go nowhere."""

    prior: float = 0.5  # P(synthetic) before looking at the file, in (0, 1)
    user_anchors: tuple[Path, ...] = ()  # PEM files of C2PA roots that the user trusts
    allow_network: bool = False  # fetch C2PA manifests that a file names by address
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    analyser_seconds: float = 60.0  # wall clock for one analyser
    limits: Limits = field(default=DEFAULT_LIMITS)


_current: ContextVar[Settings | None] = ContextVar("unmask_settings", default=None)


def current() -> Settings:
    """The settings in force, or the defaults."""
    return _current.get() or Settings()


@contextmanager
def use(settings: Settings) -> Iterator[None]:
    """Put `settings` in force inside the block."""
    token = _current.set(settings)
    try:
        yield
    finally:
        _current.reset(token)
