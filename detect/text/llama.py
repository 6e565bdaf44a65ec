"""A Llama decoder (Touvron et al. 2023) for reading: every token's hidden state, no generation.

transformers has the same network; importing it takes longer than reading a page with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class LlamaShape:
    """What the weights alone do not say."""

    layers: int
    heads: int
    key_heads: int  # each serves heads / key_heads of the queries (Ainslie et al. 2023)
    rope_base: float
    epsilon: float  # of the RMS norms


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layer:
    attention_norm: Tensor
    queries_keys_values: Tensor
    output: Tensor
    feed_norm: Tensor
    gate_up: Tensor
    down: Tensor


class Llama:
    """A decoder with tied embeddings, from tensors by the names of GGUF."""

    def __init__(self, shape: LlamaShape, tensors: Mapping[str, Tensor]) -> None:
        self._shape = shape
        self._embedding = tensors["token_embd.weight"]
        self._norm = tensors["output_norm.weight"]
        self._layers = [_layer(tensors, f"blk.{number}.") for number in range(shape.layers)]

    def hidden(self, ids: Tensor) -> Tensor:
        """(n,) tokens -> (n, width), each knowing those before it."""
        x = F.embedding(ids, self._embedding)
        width = self._layers[0].output.shape[1] // self._shape.heads
        cos, sin = _turns(len(ids), width, self._shape.rope_base)
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        for layer in self._layers:
            x = x + F.linear(self._attended(x, layer, cos, sin), layer.output)
            gate, up = F.linear(self._normed(x, layer.feed_norm), layer.gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return self._normed(x, self._norm)

    def logits(self, hidden: Tensor) -> Tensor:
        """(n, width) -> (n, V) over the vocabulary."""
        return F.linear(hidden, self._embedding)

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self._shape.epsilon)

    def _attended(self, x: Tensor, layer: _Layer, cos: Tensor, sin: Tensor) -> Tensor:
        heads, key_heads = self._shape.heads, self._shape.key_heads
        found = F.linear(self._normed(x, layer.attention_norm), layer.queries_keys_values)
        found = found.view(len(x), heads + 2 * key_heads, -1).transpose(0, 1)  # (heads, n, d)
        turned = _turned(found[: heads + key_heads], cos, sin)
        keys = turned[heads:].repeat_interleave(heads // key_heads, 0)
        values = found[heads + key_heads :].repeat_interleave(heads // key_heads, 0)
        # On the processor only a batch of four dimensions is done without holding (n, n).
        read = F.scaled_dot_product_attention(
            turned[None, :heads], keys[None], values[None], is_causal=True
        )
        return read[0].transpose(0, 1).flatten(1)


def _layer(tensors: Mapping[str, Tensor], name: str) -> _Layer:
    def of(*parts: str) -> Tensor:
        found = [tensors[f"{name}{part}.weight"] for part in parts]
        return torch.cat(found) if len(found) > 1 else found[0]

    return _Layer(
        attention_norm=of("attn_norm"),
        queries_keys_values=of("attn_q", "attn_k", "attn_v"),
        output=of("attn_output"),
        feed_norm=of("ffn_norm"),
        gate_up=of("ffn_gate", "ffn_up"),
        down=of("ffn_down"),
    )


def _turns(count: int, width: int, base: float) -> tuple[Tensor, Tensor]:
    """cos and sin, (count, width / 2) each, of rotary embeddings (Su et al. 2021)."""
    speeds = base ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(count, dtype=torch.float64)[:, None] * speeds
    return angles.cos(), angles.sin()


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(heads, n, d): neighbouring values are the pairs that turn, as GGUF stores them."""
    first, second = x[..., 0::2], x[..., 1::2]
    return torch.stack((first * cos - second * sin, first * sin + second * cos), -1).flatten(-2)
