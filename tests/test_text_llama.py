"""The decoder computes what its formulas say, on weights of a small one drawn at random."""

import torch
from torch import Tensor

from unmask.detect.text.llama import Llama, LlamaShape

WIDTH, HEADS, KEY_HEADS, FEED, WORDS = 16, 4, 2, 24, 30
SHAPE = LlamaShape(layers=2, heads=HEADS, key_heads=KEY_HEADS, rope_base=1e4, epsilon=1e-5)


def tensors() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    sizes = {
        "attn_norm": (WIDTH,), "attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH),
        "attn_v": (WIDTH // 2, WIDTH), "attn_output": (WIDTH, WIDTH), "ffn_norm": (WIDTH,),
        "ffn_gate": (FEED, WIDTH), "ffn_up": (FEED, WIDTH), "ffn_down": (WIDTH, FEED),
    }  # fmt: skip
    named = {f"blk.{n}.{part}.weight": size for n in range(2) for part, size in sizes.items()}
    named |= {"token_embd.weight": (WORDS, WIDTH), "output_norm.weight": (WIDTH,)}
    return {name: torch.randn(size, generator=rng) * 0.5 for name, size in named.items()}


def normed(x: Tensor, weight: Tensor) -> Tensor:
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight


def turned(vector: Tensor, place: int) -> Tensor:
    """One head at one place: pairs of neighbours are complex numbers that turn."""
    pairs = torch.view_as_complex(vector.view(-1, 2))
    speeds = 1e4 ** -(torch.arange(len(pairs)) / len(pairs))
    return torch.view_as_real(pairs * torch.exp(1j * place * speeds)).flatten()


def by_hand(ids: list[int], held: dict[str, Tensor]) -> Tensor:
    """The last token's hidden state, head by head and place by place."""
    x = held["token_embd.weight"][ids]
    size = WIDTH // HEADS
    for number in range(2):
        w = {k.split(".")[2]: v for k, v in held.items() if k.startswith(f"blk.{number}.")}
        level = normed(x, w["attn_norm"])
        q, k, v = (level @ w[f"attn_{part}"].T for part in "qkv")
        read = torch.zeros(len(ids), WIDTH)
        for head in range(HEADS):
            mine = slice(head * size, (head + 1) * size)
            group = head // (HEADS // KEY_HEADS)
            theirs = slice(group * size, (group + 1) * size)
            for at in range(len(ids)):
                query = turned(q[at, mine], at)
                keys = [turned(k[then, theirs], then) for then in range(at + 1)]
                weights = (torch.stack(keys) @ query / size**0.5).softmax(0)
                read[at, mine] = weights @ v[: at + 1, theirs]
        x = x + read @ w["attn_output"].T
        level = normed(x, w["ffn_norm"])
        gate = level @ w["ffn_gate"].T
        x = x + (gate * gate.sigmoid() * (level @ w["ffn_up"].T)) @ w["ffn_down"].T
    return normed(x, held["output_norm.weight"])[-1]


def test_hidden_states_are_those_of_the_formulas_and_ignore_what_comes_after() -> None:
    held = tensors()
    model = Llama(SHAPE, held)
    ids = [3, 1, 29, 7, 7, 0]
    found = model.hidden(torch.tensor(ids))
    for length in (1, 4, 6):
        expected = by_hand(ids[:length], held)
        assert torch.allclose(found[length - 1], expected, atol=1e-4)
    assert torch.allclose(model.logits(found), found @ held["token_embd.weight"].T, atol=1e-5)
