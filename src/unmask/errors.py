"""The errors that unmask raises on purpose. Anything else is a bug in unmask."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a file could not be read. The values are stable: scripts match on them."""

    NOT_FOUND = "not_found"  # no such file, or a folder where a file was expected
    UNREADABLE = "unreadable"  # the operating system refused to hand it over
    EMPTY = "empty"
    UNSUPPORTED = "unsupported"  # a kind that unmask does not open
    CORRUPT = "corrupt"  # truncated or damaged
    TOO_LARGE = "too_large"  # bytes, pixels or duration over the limit
    TOO_SLOW = "too_slow"  # decoding passed the time limit
    NO_STREAM = "no_stream"  # a container without a picture or a sound in it


class UnmaskError(Exception):
    """Base of every error that unmask raises on purpose."""


class MediaError(UnmaskError):
    """A file that unmask cannot examine: `reason` for programs, the message for people."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownAnalyserError(UnmaskError):
    """A name that no analyser carries; the message says which one may have been meant."""


class WeightsError(UnmaskError):
    """A weight file that is missing, or that is not the one its card describes."""


class SigningError(UnmaskError):
    """A file that could not be signed: wrong format, or an unusable certificate."""


class OutputError(UnmaskError):
    """A report cannot be written where it was to go."""
