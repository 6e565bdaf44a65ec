"""SeqGAN's discriminator as one more expert: does it add to the fusion?

The critic of the game of speeches learned to tell presidents' sentences from its own generator's.
It reads any English text in stretches of 24 tokens. Whether it joins the fusion is decided on
validation documents alone; the test documents are there to be told of.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from unmask.detect.results import figure, table
from unmask.detect.text.evaluate import auc, difference, refitted
from unmask.detect.text.features import MODES, SMOLLM
from unmask.detect.text.train import Scored
from unmask.generate.text.scoring import score
from unmask.generate.text.trained import TrainedText, load_text

GAME = "speech"
CRITIC = "critic"
WORDS = 150  # of the documents that are learned from and told of


@cache
def _trained() -> TrainedText:
    return load_text(GAME)


def with_critic(scored: Sequence[Scored]) -> list[Scored]:
    """The documents with the critic's mean logit among their features; what it cannot read has 0.

    Higher: more like a person to it.
    """
    return [
        replace(
            one,
            features={
                **one.features, f"{CRITIC}.logit": score(_trained(), one.document.text) or 0.0,
            },
        )
        for one in scored
    ]  # fmt: skip


def page(
    train: Sequence[Scored], held: Sequence[Scored], test: Sequence[Scored], strength: float
) -> list[str]:
    """AUC by the critic alone, by the fusion, and with both, on validation and test documents.

    All of them are fitted anew on the training documents of 150 words.
    """
    learned = with_critic([one for one in train if len(one.document.text.split()) == WORDS])
    groups = MODES[SMOLLM]
    rows = []
    for name, cell in (
        ("validation", with_critic(held)),
        ("test, unseen family", with_critic(test)),
    ):
        alone = refitted(learned, cell, (CRITIC,), strength)
        whole = refitted(learned, cell, groups, strength)
        both = refitted(learned, cell, (*groups, CRITIC), strength)
        gain = difference(cell, both, whole)
        rows.append(
            [
                name, str(len(cell)), figure(auc(cell, alone)), figure(auc(cell, whole)),
                figure(auc(cell, both)), f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]",
            ]
        )  # fmt: skip
    head = ["documents of 150 words", "n", "critic alone", "fusion", "fusion and critic", "gain"]
    return ["## SeqGAN's discriminator as an expert", "", *table(head, rows)]
