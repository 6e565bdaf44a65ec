"""Measure a trained game of texts, beside the floor that held-out texts set and single tokens."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from unmask.generate.text.bleu import FILL, Tokens
from unmask.generate.text.critic import score
from unmask.generate.text.learning import Lessons
from unmask.generate.text.measures import assess_texts
from unmask.generate.text.trained import TrainedText
from unmask.generate.text.vocabulary import END
from unmask.generate.text.writing import sampled

FIRST_SEED = 1_000_000  # of the texts that are measured


@dataclass(frozen=True, kw_only=True)
class MeasuredTexts:
    """What was found, for a card: one line, and everything."""

    summary: str
    results: dict[str, Any]


def measure_texts(
    trained: TrainedText, lessons: Lessons, *, count: int = 500, temperature: float = 1.0
) -> MeasuredTexts:
    """Compare `count` texts with held-out ones, half of which are the references.

    The other half of the held-out texts are measured in the same way ("held_out"): what real texts
    score; and tokens drawn one by one, by their frequency ("unigrams"): what no order at all does.
    """
    known = len(lessons.vocabulary)
    end = lessons.vocabulary.numbers.get(END)

    def filled(tokens: torch.Tensor) -> Tokens:
        values = np.asarray(tokens.cpu().numpy(), np.int64)
        return values if end is None else np.where(values == end, FILL, values)

    half = len(lessons.held_out) // 2
    references, others = filled(lessons.held_out[:half]), filled(lessons.held_out[half:])
    training = filled(lessons.training)
    made = sampled(trained, count, FIRST_SEED, temperature)
    rng = np.random.default_rng(FIRST_SEED)
    shuffled = rng.permutation(lessons.training.numpy().reshape(-1))[: made.numel()]
    sets = {
        "samples": filled(made),
        "held_out": others[:count],
        "unigrams": filled(torch.from_numpy(shuffled.reshape(made.shape))),
    }
    found: dict[str, Any] = {
        name: asdict(assess_texts(texts, references, training, vocabulary=known))
        for name, texts in sets.items()
    }
    with torch.no_grad():
        likely = trained.game.generator.log_likelihood(lessons.held_out)
    critic = trained.game.critic
    logits = [score(critic, part) for part in (lessons.held_out, made)]
    found |= {
        "temperature": temperature,
        "held_out_nll": -float(likely.mean()),
        "critic_auc": _auc(logits[0].numpy(), logits[1].numpy()),
        "references": half,
    }
    ours, real = found["samples"], found["held_out"]
    bleu = ", ".join(
        f"BLEU-{n} {ours['bleu'][n][0]:.3f} [{ours['bleu'][n][1]:.3f}, {ours['bleu'][n][2]:.3f}]"
        f" (held-out {real['bleu'][n][0]:.3f})"
        for n in ours["bleu"]
    )
    summary = (
        f"{bleu}; Self-BLEU-2 {ours['self_bleu']['2']:.3f} (held-out {real['self_bleu']['2']:.3f});"
        f" longest copied {ours['longest_copy']} tokens (held-out {real['longest_copy']});"
        f" n = {count}, temperature {temperature:g}"
    )
    return MeasuredTexts(summary=summary, results={"summary": summary, **found})


def _auc(real: np.ndarray, fake: np.ndarray) -> float:
    """The probability that a real text has the higher logit."""
    ranks = np.searchsorted(np.sort(fake), real, side="left")
    upper = np.searchsorted(np.sort(fake), real, side="right")
    return float((ranks + upper).mean() / (2 * len(fake)))
