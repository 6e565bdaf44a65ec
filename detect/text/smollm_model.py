"""SmolLM2-135M by transformers; imported only where a text is scored with it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from unmask.detect.text.language_model import TokenScores

CHUNK = 64  # tokens whose distribution over the vocabulary is held at once
LONGEST = 1024  # tokens of a passage that are read


class SmolLM:
    """SmolLM2-135M-Instruct on the processor."""

    name = "SmolLM2-135M"

    def __init__(self, folder: Path, file: str) -> None:
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        logging.getLogger("transformers").setLevel(logging.ERROR)
        options: dict[str, Any] = {"gguf_file": file, "local_files_only": True}
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder), **options)
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(str(folder), **options)
        self._model: Any = model.to(_fast_type()).eval()

    @torch.inference_mode()
    def score(self, text: str) -> TokenScores:
        """Of a passage of normalised text; what is beyond 1,024 tokens is left out."""
        found = self._tokenizer(
            text, return_offsets_mapping=True, add_special_tokens=False,
            truncation=True, max_length=LONGEST,
        )  # fmt: skip
        ids = torch.tensor([found["input_ids"]], dtype=torch.long)
        places = np.array(found["offset_mapping"], np.int32).reshape(-1, 2)[1:]
        if len(places) == 0:
            return TokenScores(
                starts=places[:, 0], ends=places[:, 1], log_prob=np.zeros(0, np.float32),
                rank=np.zeros(0, np.int32), entropy=np.zeros(0, np.float32),
                variance=np.zeros(0, np.float32),
            )  # fmt: skip
        hidden = self._model.model(ids, use_cache=False).last_hidden_state[0, :-1]  # (n, width)
        parts = [
            _of_logits(self._model.lm_head(h).float(), target)
            for h, target in zip(hidden.split(CHUNK), ids[0, 1:].split(CHUNK), strict=True)
        ]
        log_prob, rank, entropy, variance = (
            torch.cat(column).numpy() for column in zip(*parts, strict=True)
        )
        return TokenScores(
            starts=places[:, 0], ends=places[:, 1], log_prob=log_prob,
            rank=rank.astype(np.int32), entropy=entropy, variance=variance,
        )  # fmt: skip


def _of_logits(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """(log_prob, rank, entropy, variance), each (n,), of logits (n, V) and what came (n,)."""
    own = logits.gather(1, target[:, None])
    rank = (logits > own).sum(1) + 1
    log_p = logits.log_softmax(1)
    p = log_p.exp()
    mean = torch.linalg.vecdot(p, log_p)
    square = torch.linalg.vecdot(p.mul_(log_p), log_p)
    own_log_p = log_p.gather(1, target[:, None])[:, 0]
    return own_log_p, rank, -mean, (square - mean * mean).clamp_min(0)


def _fast_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it in hardware, float32 elsewhere."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
