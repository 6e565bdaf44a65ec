"""How a text is written, without any model: the counts of stylometry.

After Burrows 1987 (function words), Kestemont et al. and Fröhling and Zubiaga 2021 (features of
generated text). Only what survives copying counts: no line breaks, no kinds of quotation marks.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+")
_WINDOW = 40  # words: type-token ratios of texts of different lengths compare only within one
_FUNCTION = {
    "articles": "a an the",
    "pronouns": "i me my you your he him his she her it its we us our they them their",
    "prepositions": "of in to for with on at from by about into over after between through",
    "conjunctions": "and but or so because although while if that which who",
    "auxiliaries": "is are was were be been has have had do did will would can could may might",
    "negations": "not no never nothing none nor",
}
_GROUPS = {name: frozenset(words.split()) for name, words in _FUNCTION.items()}


def stylometry(text: str) -> Mapping[str, float]:
    """Of normalised text with at least one word. Raises ValueError without one."""
    found = [w.lower() for w in _WORD.findall(text)]
    if not found:
        raise ValueError("there is no word in the text")
    sentences = [len(_WORD.findall(s)) for s in _SENTENCE.split(text)]
    lengths = [n for n in sentences if n]
    sizes = [len(w) for w in found]
    number = len(found)
    return {
        "word_length": float(np.mean(sizes)),
        "word_length_spread": float(np.std(sizes)),
        "long_words": sum(n > 8 for n in sizes) / number,
        "types": type_token_ratio(found),
        "repeated_pairs": repeated(found, 2),
        "repeated_triples": repeated(found, 3),
        "sentence_length": float(np.log(np.mean(lengths))),
        "sentence_spread": float(np.std(lengths) / np.mean(lengths)),
        "commas": text.count(",") / number,
        "stops": text.count(".") / number,
        "brackets": (text.count("(") + text.count("[")) / number,
        "asked": (text.count("?") + text.count("!")) / number,
        "joints": (text.count(":") + text.count(";")) / number,
        "digits": sum(c.isdigit() for c in text) / len(text),
        "capitals": sum(c.isupper() for c in text) / len(text),
        **{name: sum(w in group for w in found) / number for name, group in _GROUPS.items()},
    }


def type_token_ratio(words: Sequence[str], window: int = _WINDOW) -> float:
    """Different words by words, the mean over windows (Covington and McFall 2010); (0, 1]."""
    if len(words) <= window:
        return len(set(words)) / len(words)
    counts = Counter(words[:window])
    total = len(counts)
    for old, new in zip(words, words[window:], strict=False):
        counts[new] += 1
        counts[old] -= 1
        if not counts[old]:
            del counts[old]
        total += len(counts)
    return total / (len(words) - window + 1) / window


def repeated(words: Sequence[str], length: int) -> float:
    """Share of sequences of words that were there before, in [0, 1)."""
    runs = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
