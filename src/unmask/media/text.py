"""Plain text in UTF-8, UTF-16 or a legacy encoding."""

import codecs

from charset_normalizer import from_bytes

from unmask.errors import MediaError, Reason
from unmask.media.limits import Limits

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(data: bytes, limits: Limits) -> str:
    """Decode by byte order mark, then UTF-8, then a statistical guess.

    Raises MediaError: TOO_LARGE, CORRUPT where no encoding fits.
    """
    if len(data) > limits.text_bytes:
        raise MediaError(Reason.TOO_LARGE, "The text is longer than unmask reads.")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise MediaError(Reason.CORRUPT, f"The text is no valid {encoding}.") from error
    best = from_bytes(data).best()
    if best is None:
        raise MediaError(Reason.CORRUPT, "The text is in no encoding that unmask recognises.")
    return str(best)
