"""What one run learned, for another to begin from: fine-tuning.

Networks that know a near kind of pictures need few of the new kind: portraits begin from faces
(Karras et al. 2020, "Training generative adversarial networks with limited data"; Mo et al. 2020,
"Freeze the discriminator", whose freezing is not done here). The optimisers, the strength of the
augmentation and the count of images begin anew.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unmask.card import load_card, part_of
from unmask.errors import WeightsError
from unmask.generate.checkpoint import State, read
from unmask.generate.game import Game
from unmask.packing import unpacked

Tensors = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Networks to begin from. A weight file has no generator but the average: it is both."""

    name: str  # of the file
    sha256: str
    generator: Tensors = field(repr=False)
    average: Tensors = field(repr=False)
    critic: Tensors = field(repr=False)

    def fit(self, game: Game) -> None:
        """Fill the networks of an untrained game. Raises WeightsError where they are others."""
        fill(game, self.generator, self.critic, self.name)

    def fill(self, state: State) -> None:
        """Begin a run. Raises WeightsError where the networks are others."""
        self.fit(state.game)
        state.average.load_state_dict(self.average)


def read_start(path: Path) -> Start:
    """The networks of a run's last.pt, or of a weight file with its card. Raises WeightsError."""
    if path.suffix == ".pt":
        held = read(path)
        generator, critic = (part_of(held["game"], part) for part in ("generator", "critic"))
        average = held["average"]
    else:
        load_card(path)  # which raises where the file is not the one that it describes
        generator, critic = read_weights(path)
        average = generator
    return Start(
        name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        generator=generator,
        average=average,
        critic=critic,
    )


def read_weights(path: Path) -> tuple[Tensors, Tensors]:
    """The averaged generator's state and the critic's, of a weight file. Raises WeightsError."""
    try:
        held = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"The weights {path.name} cannot be read.") from error
    tensors = unpacked(held)
    return part_of(tensors, "generator"), part_of(tensors, "critic")


def fill(game: Game, generator: Tensors, critic: Tensors, name: str) -> None:
    """Set a game's networks. Raises WeightsError, with the file's name, where they are others."""
    try:
        game.generator.load_state_dict(generator)
        game.critic.load_state_dict(critic)
    except RuntimeError as error:
        raise WeightsError(f"{name} holds another game or profile.") from error
