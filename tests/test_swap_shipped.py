"""The swap that ships: its two people, as our generator makes them, become each other."""

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from unmask.generate.attribute_reader import AttributeConfig
from unmask.generate.changing import Kinds, measure
from unmask.generate.command_faces import mixed_with, named_of, nets_of, turned
from unmask.generate.controls import styles_of
from unmask.generate.pictures import to_pixels
from unmask.generate.trained import load_trained

PEOPLE = {"a": (111, ("gender=-2",)), "b": (78, ())}


@torch.inference_mode()
def faces_of(person: str, seeds: Iterable[int]) -> NDArray[np.uint8]:
    """(N, 64, 64, 3), cut where a detector of faces cuts most of them."""
    trained = load_trained("faces")
    generator, _ = nets_of(trained)
    seed, words = PEOPLE[person]
    styles = styles_of(generator, list(seeds), 0.5)
    styles = mixed_with(generator, styles, (f"{seed}=middle", f"{seed}=fine"), 0.5)
    faces = generator.synthesis(turned(generator, styles, words, named_of(trained)), "fixed")
    cut = F.interpolate(faces[:, :, 16:63, 8:55], size=64, mode="bilinear", align_corners=False)
    return to_pixels(cut)


def test_each_is_read_as_the_other() -> None:
    """Seeds from 3000 on were in no training."""
    sets = {
        part: {person: faces_of(person, seeds) for person in PEOPLE}
        for part, seeds in {"train": range(200), "held_out": range(3000, 3040)}.items()
    }
    kinds = Kinds(**sets, names={person: person for person in PEOPLE})
    _, found = measure(load_trained("swap"), kinds, AttributeConfig(images=6_000))
    for into, least in (("a", 0.9), ("b", 0.6)):
        changed = found["changed"][into]
        assert changed["real"]["value"] > 0.9 > 0.1 > changed["untouched"]["value"]
        assert changed["read"]["value"] > least
        assert changed["frechet"] < changed["frechet_untouched"] / 2
