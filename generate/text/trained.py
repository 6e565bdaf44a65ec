"""Games of texts that were trained: from a run to a weight file with its card, and back.

Beside the weights lies the vocabulary: NAME.vocabulary.json beside NAME.safetensors and its card,
vocabulary.json beside a run's last.pt.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.card import Card, load_card, part_of
from unmask.errors import WeightsError
from unmask.generate.checkpoint import read
from unmask.generate.starting import Tensors, read_weights
from unmask.generate.text.entry import TextEntry
from unmask.generate.text.games import TEXTS
from unmask.generate.text.seqgan import SeqGan
from unmask.generate.text.vocabulary import Vocabulary, read_vocabulary
from unmask.generate.trained import save_halved

WEIGHTS = Path(__file__).with_name("weights")
RUN_VOCABULARY = "vocabulary.json"


@dataclass(frozen=True, kw_only=True)
class TrainedText:
    """A game with what it learned."""

    entry: TextEntry
    profile: str
    game: SeqGan
    vocabulary: Vocabulary
    seen: int  # tokens of the corpus that it read, over and over
    card: Card | None  # of the weight file; a run's checkpoint has none


def shipped_text(name: str) -> Path | None:
    """The weights that come with unmask for a game, or None."""
    path = WEIGHTS / f"{name}.safetensors"
    return path if path.is_file() else None


def vocabulary_path(weights: Path) -> Path:
    """Where the vocabulary of a checkpoint or a weight file lies."""
    if weights.suffix == ".pt":
        return weights.with_name(RUN_VOCABULARY)
    return weights.with_suffix(".vocabulary.json")


def load_text(
    name: str, weights: Path | None = None, *, profile: str = "tiny", device: str = "cpu"
) -> TrainedText:
    """A game ready to write, from a weight file with its card or from a run's checkpoint (.pt).

    Without `weights`, the shipped ones. `profile` says which size a checkpoint is of; a card says
    it itself. Raises WeightsError where there are none, or others'.
    """
    entry = TEXTS[name]
    source = weights or shipped_text(name)
    if source is None:
        raise WeightsError(
            f"No weights of {name} come with unmask. Train it: unmask generate train {name}"
            " --data FOLDER --out RUN, then name RUN/last.pt by --weights."
        )
    vocabulary = read_vocabulary(vocabulary_path(source))
    if vocabulary.game != name:
        raise WeightsError(f"{source} is of the game {vocabulary.game}, not {name}.")
    card = None if source.suffix == ".pt" else load_card(source)
    if card is None:
        generator, critic, seen = _of_run(source, entry)
    else:
        if card.game.get("name") != name:
            raise WeightsError(f"{source.name} holds no {name} but {card.name}.")
        if card.game.get("vocabulary_sha256") != _digest(vocabulary_path(source)):
            raise WeightsError(f"{source.name} has another vocabulary beside it than its own.")
        generator, critic = read_weights(source)
        profile, seen = str(card.game["profile"]), int(card.game["tokens"])
    if profile not in entry.profiles:
        raise WeightsError(f"{name} has no profile {profile!r}.")
    game = entry.profiles[profile].build(len(vocabulary), entry.length)
    try:
        game.generator.load_state_dict(generator)
        game.critic.load_state_dict(critic)
    except RuntimeError as error:
        raise WeightsError(f"{source.name} holds another game or profile.") from error
    game.to(device).eval().requires_grad_(False)
    return TrainedText(
        entry=entry, profile=profile, game=game, vocabulary=vocabulary, seen=seen, card=card
    )


def _of_run(path: Path, entry: TextEntry) -> tuple[Tensors, Tensors, int]:
    held = read(path)
    options = held["options"]
    parts = part_of(held["game"], "generator"), part_of(held["game"], "critic")
    learning = min(held["step"], int(options.get("mle_steps", 0)))
    played = max(0, held["step"] - learning - int(options.get("catch_steps", 0)))
    batches = learning + played * int(options.get("mle_updates", 0))
    return *parts, batches * int(options["batch"]) * entry.length


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export_text(
    trained: TrainedText,
    target: Path,
    *,
    data: tuple[str, ...],
    licence: str,
    command: str,
    results: Mapping[str, Any],
    weaknesses: tuple[str, ...],
) -> Card:
    """Write weights in half precision, vocabulary and card. Raises WeightsError: do not fit."""
    save_halved(trained.game.state_dict(), target, trained.entry.name)
    trained.vocabulary.save(vocabulary_path(target))
    sizes = [sum(p.numel() for p in net.parameters()) for net in trained.game.children()]
    card = Card(
        name=trained.entry.name,
        sha256=_digest(target),
        task=trained.entry.title,
        architecture=f"SeqGan, profile {trained.profile}: LSTM generator of {sizes[0]:,}"
        f" parameters, convolutional critic of {sizes[1]:,}, {len(trained.vocabulary):,} tokens",
        papers=trained.entry.papers,
        data=data,
        licence=licence,
        command=command,
        calibration={},
        thresholds={},
        results=results,
        weaknesses=weaknesses,
        game={
            "name": trained.entry.name, "profile": trained.profile, "tokens": trained.seen,
            "vocabulary_sha256": _digest(vocabulary_path(target)),
        },
    )  # fmt: skip
    card.save(target.with_suffix(".json"))
    return card
