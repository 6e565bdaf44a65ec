"""SmolLM2-135M on the processor; imported only where a text is scored with it.

The library gguf hands out the numbers of its 4-bit weights; transformers, which also reads them,
takes half a minute for that and ten seconds to be imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from unmask.detect.text.language_model import TokenScores
from unmask.detect.text.llama import Llama, LlamaShape

CHUNK = 64  # tokens whose logits over the vocabulary are held at once
ROWS = 8  # of them, whose distributions are: what fits a processor's cache
LONGEST = 1024  # tokens of a passage that are read


class _Reader(gguf.GGUFReader):  # type: ignore[misc]  # untyped here
    """Reads the hundred thousand words of the tokenizer through a plain array.

    Slices of the library's memory map cost four times as much. Where it stops calling `_get`, this
    is only slow again.
    """

    data: Any

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
        if isinstance(self.data, np.memmap):
            self.data = np.asarray(self.data)
        return super()._get(offset, dtype, count, override_order)


class SmolLM:
    """SmolLM2-135M-Instruct."""

    name = "SmolLM2-135M"

    def __init__(self, file: Path) -> None:
        reader = _Reader(file)
        self._tokenizer = _tokenizer(reader)
        self._tokenizer.enable_truncation(LONGEST)
        self._model = Llama(_shape(reader), dict(_tensors(reader)))

    @torch.inference_mode()
    def score(self, text: str) -> TokenScores:
        """Of a passage of normalised text; what is beyond 1,024 tokens is left out."""
        found = self._tokenizer.encode(text)
        places = np.array(found.offsets, np.int32).reshape(-1, 2)[1:]
        if len(places) == 0:
            nothing = np.zeros(0, np.float32)
            return TokenScores(
                starts=places[:, 0], ends=places[:, 1], log_prob=nothing,
                rank=nothing.astype(np.int32), entropy=nothing, variance=nothing,
            )  # fmt: skip
        ids = torch.tensor(found.ids)
        parts = [
            _of_logits(logits.float(), target)
            for h, targets in zip(
                torch.split(self._model.hidden(ids)[:-1], CHUNK),
                torch.split(ids[1:], CHUNK),
                strict=True,
            )
            for logits, target in zip(
                torch.split(self._model.logits(h), ROWS), torch.split(targets, ROWS), strict=True
            )
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


def _tokenizer(reader: Any) -> Tokenizer:
    """Byte-level pairs (Sennrich et al. 2016), every digit apart, as SmolLM was trained with."""
    pairs = (pair.partition(" ") for pair in _texts(reader, "tokenizer.ggml.merges"))
    merges = [(first, second) for first, _, second in pairs]
    vocabulary = {word: at for at, word in enumerate(_texts(reader, "tokenizer.ggml.tokens"))}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _texts(reader: Any, name: str) -> list[str]:
    field = reader.fields[name]
    return [field.parts[at].tobytes().decode() for at in field.data]


def _shape(reader: Any) -> LlamaShape:
    def of(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    return LlamaShape(
        layers=int(of("block_count")),
        heads=int(of("attention.head_count")),
        key_heads=int(of("attention.head_count_kv")),
        rope_base=float(of("rope.freq_base")),
        epsilon=float(of("attention.layer_norm_rms_epsilon")),
    )


def _tensors(reader: Any) -> Iterator[tuple[str, torch.Tensor]]:
    kind = _fast_type()
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        yield tensor.name, torch.tensor(values, dtype=kind)


def _fast_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it in hardware, float32 elsewhere."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
