"""Measure a trained game of texts, beside the floor that held-out texts set and single tokens."""

from collections.abc import Mapping, Sequence
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
    trained: TrainedText,
    lessons: Lessons,
    *,
    count: int = 500,
    temperature: float = 1.0,
    others: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> MeasuredTexts:
    """Compare `count` texts with held-out ones, half of which are the references.

    The other half of the held-out texts are measured in the same way ("held_out"): what real texts
    score; and tokens drawn one by one, by their frequency ("unigrams"): what no order at all does.
    `others` are texts of other models by name, as tokens, of which the first `count` are measured.
    """
    known = len(lessons.vocabulary)
    end = lessons.vocabulary.numbers.get(END)

    def filled(tokens: torch.Tensor) -> Tokens:
        values = np.asarray(tokens.cpu().numpy(), np.int64)
        return values if end is None else np.where(values == end, FILL, values)

    half = len(lessons.held_out) // 2
    references, real = filled(lessons.held_out[:half]), filled(lessons.held_out[half:])
    training = filled(lessons.training)
    made = sampled(trained, count, FIRST_SEED, temperature)
    sets = {
        "samples": filled(made),
        "held_out": real[:count],
        "unigrams": _shuffled(training, len(made)),
    } | {
        name: filled(lessons.vocabulary.encode(texts[:count], trained.entry.length))
        for name, texts in (others or {}).items()
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
    ours, floor = found["samples"], found["held_out"]
    bleu = ", ".join(
        f"BLEU-{n} {ours['bleu'][n][0]:.3f} [{ours['bleu'][n][1]:.3f}, {ours['bleu'][n][2]:.3f}]"
        f" (held-out {floor['bleu'][n][0]:.3f})"
        for n in ours["bleu"]
    )
    summary = (
        f"{bleu}; Self-BLEU-2 {ours['self_bleu']['2']:.3f} (held-out"
        f" {floor['self_bleu']['2']:.3f});"
        f" longest copied {ours['longest_copy']} tokens (held-out {floor['longest_copy']});"
        f" n = {count}, temperature {temperature:g}"
    )
    return MeasuredTexts(summary=summary, results={"summary": summary, **found})


def _shuffled(training: Tokens, count: int) -> Tokens:
    """As many texts, as long as the training texts, of tokens of any of them."""
    found = np.resize(training, (count, training.shape[1]))
    inside = found != FILL
    tokens = np.random.default_rng(FIRST_SEED).permutation(training[training != FILL])
    found[inside] = np.resize(tokens, np.count_nonzero(inside))
    return found


def brief(quality: Mapping[str, Any]) -> str:
    """One line on one set of texts of `MeasuredTexts.results`."""
    bleu = ", ".join(
        f"BLEU-{n} {value:.3f} [{low:.3f}, {high:.3f}]"
        for n, (value, low, high) in quality["bleu"].items()
    )
    return (
        f"{bleu}; Self-BLEU-2 {quality['self_bleu']['2']:.3f}; longest copied"
        f" {quality['longest_copy']} tokens; n = {quality['n']}"
    )


def _auc(real: np.ndarray, fake: np.ndarray) -> float:
    """The probability that a real text has the higher logit."""
    ranks = np.searchsorted(np.sort(fake), real, side="left")
    upper = np.searchsorted(np.sort(fake), real, side="right")
    return float((ranks + upper).mean() / (2 * len(fake)))
