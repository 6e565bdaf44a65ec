"""Plain text in UTF-8, UTF-16 or a legacy encoding."""

import codecs
import unicodedata

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
# In which people have written. With all of Python's hundred, short texts are taken for EBCDIC.
_LEGACY = [
    "cp1252", "latin_1", "gb18030", "cp932", "euc_jp", "big5", "cp949", "cp1250", "cp1251",
    "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
]  # fmt: skip
_SAMPLE = 2**18  # bytes that the guess is made from; it tries each encoding on them
_MARGIN = 0.08  # of disorder and of likeness to a language, 0 to 1: less tells nothing
_ODD = {"Cc", "Cn", "Co", "Cs"}  # controls, unassigned, private, surrogates: no text has many


def read_text(data: bytes, limits: Limits) -> str:
    """Decode by byte order mark, then UTF-8, then UTF-16, then a statistical guess.

    A character cut in half at the very end is left out. Raises MediaError: TOO_LARGE, CORRUPT.
    """
    if len(data) > limits.text_bytes:
        raise MediaError(Reason.TOO_LARGE, "The text is longer than unmask reads.")
    encoding = _marked(data) or bare_utf16(data[:_SAMPLE]) or "utf-8"
    try:
        return _decode(data, encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise MediaError(Reason.CORRUPT, f"The text is no valid {encoding}.") from error
    encoding = _guess(data)
    if not encoding:
        raise MediaError(Reason.CORRUPT, "The text is in no encoding that unmask recognises.")
    return data.decode(encoding, errors="replace")


def _guess(data: bytes) -> str:
    """The commonest of the encodings that do about as well as the best one, or ""."""
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE:  # a line's end is a character's end in all of them
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    matches = list(from_bytes(sample, cp_isolation=_LEGACY))
    least = min((m.chaos for m in matches), default=0.0)
    tidy = [m for m in matches if m.chaos <= least + _MARGIN]
    most = max((m.coherence for m in tidy), default=0.0)
    near = {name for m in tidy if m.coherence >= most - _MARGIN for name in m.could_be_from_charset}
    return next((name for name in _LEGACY if name in near), "")


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text in any encoding that `read_text` knows."""
    encoding = _marked(head) or bare_utf16(head)
    if encoding:
        return _readable(head.decode(encoding, errors="ignore"))
    if b"\0" in head:
        return False
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return control <= len(head) // 200


def bare_utf16(head: bytes) -> str:
    """The name of UTF-16's byte order in a text without a mark, or "".

    Western text has zeros in every second place and none in the others.
    """
    even, odd = head[: len(head) & ~1 : 2], head[1::2]
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > 0.7 * len(zeros) and 0 not in others:
            return name if _readable(head.decode(name, errors="ignore")) else ""
    return ""


def _readable(text: str) -> bool:
    odd = sum(unicodedata.category(c) in _ODD and c not in "\t\n\r\f" for c in text)
    return odd <= len(text) // 100


def _marked(data: bytes) -> str:
    return next((name for mark, name in _MARKS if data.startswith(mark)), "")


def _decode(data: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    return decoder.decode(data)  # not final: an incomplete character waits for more, and is left
