"""SmolLM2-135M on the processor; imported only where a text is scored with it.

The network is transformers' Llama. Its own reader of GGUF files takes half a minute for these
weights; the library gguf hands out the same numbers in two seconds.
"""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from unmask.detect.text.language_model import TokenScores

CHUNK = 64  # tokens whose distribution over the vocabulary is held at once
LONGEST = 1024  # tokens of a passage that are read
# Names of tensors in the file -> in transformers' Llama.
_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip


class SmolLM:
    """SmolLM2-135M-Instruct."""

    name = "SmolLM2-135M"

    def __init__(self, file: Path) -> None:
        reader = gguf.GGUFReader(file)
        self._tokenizer = _tokenizer(reader)
        self._tokenizer.enable_truncation(LONGEST)
        self._model = _model(reader).to(_fast_type()).eval()

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
        ids: Any = torch.tensor([found.ids], dtype=torch.long)
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


def _tokenizer(reader: Any) -> Tokenizer:
    """Byte-level pairs (Sennrich et al. 2016), every digit apart, as SmolLM was trained with."""
    words = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(pair.split(" ")) for pair in reader.fields["tokenizer.ggml.merges"].contents()]
    vocabulary = {word: place for place, word in enumerate(words)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _model(reader: Any) -> Any:
    def of(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    heads, key_heads = int(of("attention.head_count")), int(of("attention.head_count_kv"))
    config = LlamaConfig(
        vocab_size=int(of("vocab_size")), hidden_size=int(of("embedding_length")),
        intermediate_size=int(of("feed_forward_length")), num_hidden_layers=int(of("block_count")),
        num_attention_heads=heads, num_key_value_heads=key_heads, tie_word_embeddings=True,
        max_position_embeddings=int(of("context_length")), rope_theta=float(of("rope.freq_base")),
        rms_norm_eps=float(of("attention.layer_norm_rms_epsilon")),
    )  # fmt: skip
    state = dict(_tensors(reader, heads, key_heads))
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    # Buffers are no weights: on the meta device they would stay without values.
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config)
    model.load_state_dict(
        state | {"lm_head.weight": state["model.embed_tokens.weight"]}, assign=True
    )
    return model


def _tensors(reader: Any, heads: int, key_heads: int) -> Any:
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        parts = tensor.name.split(".")
        if parts[0] == "blk":
            if parts[2] in {"attn_q", "attn_k"}:
                values = _unturned(values, heads if parts[2] == "attn_q" else key_heads)
            name = f"model.layers.{parts[1]}.{_NAMES[parts[2]]}.weight"
        else:
            name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}[parts[0]]
            name += ".weight"
        yield name, torch.from_numpy(np.array(values, np.float32))


def _unturned(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """GGUF pairs neighbouring rows for the rotary embedding, transformers the two halves."""
    rows, width = values.shape
    return values.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def _fast_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it in hardware, float32 elsewhere."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
