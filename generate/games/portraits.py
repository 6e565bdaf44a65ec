"""Portraits that nobody sat for, in the manner of the Portrait of Edmond de Belamy (2018).

Obvious trained a DCGAN (Radford et al. 2016) on 15,000 portraits of the 14th to the 20th century.
Here the game of faces is played on paintings, from its own beginning or from trained faces:

    unmask generate train portraits --data PAINTED --start FACES/last.pt --out runs/portraits
"""

from collections.abc import Mapping
from dataclasses import replace

from unmask.generate.entry import Entry, Profile
from unmask.generate.games import faces

_FACES = faces.ENTRIES[0]
_NEEDS = (
    "a folder of portraits whose use you are free to, paintings of the public domain above all, a"
    " hundred and more; of each the middle square is taken. Where there are none, photographs of"
    " faces are painted over (Kuwahara filter, curved strokes, old palettes): python -m"
    " unmask.datasets.painterly --data FACES --out PAINTED --side 64. Those are no paintings, and"
    " the weights' card says so. From trained faces of the same profile few pictures suffice:"
    " --start FACES/last.pt"
)


def _profiles(costs: Mapping[str, tuple[int, str]]) -> dict[str, Profile]:
    """Those of faces, so that their weights fit, with other counts of images and costs."""
    return {
        name: replace(
            _FACES.profiles[name],
            config=replace(_FACES.profiles[name].config, images=images),
            cost=cost,
        )
        for name, (images, cost) in costs.items()
    }


ENTRIES = (
    Entry(
        name="portraits",
        title="Painted portraits by a StyleGAN2",
        task=_FACES.task,
        papers=(
            *_FACES.papers,
            "Radford et al. 2016, Unsupervised representation learning with deep convolutional"
            " generative adversarial networks",
            "Hertzmann 1998, Painterly rendering with curved brush strokes of multiple sizes",
            "Kyprianidis et al. 2009, Image and video abstraction by anisotropic Kuwahara"
            " filtering",
        ),
        decoder=_FACES.decoder,
        needs=_NEEDS,
        load=_FACES.load,
        profiles=_profiles(
            {
                "tiny": (
                    100_000,
                    "50 minutes of one core from trained faces (estimate from 35 images a second)",
                ),
                "full": (500_000, "45 minutes on one GPU from trained faces (estimate)"),
                "full-256": (1_000_000, "5 hours on one GPU from trained faces (estimate)"),
            }
        ),
    ),
)
