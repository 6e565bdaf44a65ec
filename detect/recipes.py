"""The networks that `unmask train detector` trains: ours, and those they are compared with."""

from dataclasses import replace

from unmask.detect.critic_net import of_faces
from unmask.detect.encodings import Chain
from unmask.detect.patchnet import PatchNet
from unmask.detect.peers.recipes import PEERS
from unmask.detect.recipe import Recipe
from unmask.detect.residual_net import TOP, ResidualNet

# The specialist: whole faces, so that it sees their shapes, through a milder chain.
STYLEGAN = Recipe(
    name="stylegan",
    build=lambda: PatchNet(drop_path=0.1),
    paper="Chai et al. 2020; Tan and Le 2019; Wang et al. 2020",
    crop=224,
    batch=24,
    lr=3e-4,
    pretrained=True,
    chain=Chain(scale=(0.8, 1.4)),
)
OURS = {
    "patchnet": Recipe(
        name="patchnet",
        build=lambda: PatchNet(drop_path=0.1),
        paper="Chai et al. 2020; Tan and Le 2019",
        pretrained=True,
    ),
    "patchnet-lite2": Recipe(
        name="patchnet-lite2",
        build=lambda: PatchNet(drop_path=0.15, size="lite2"),
        paper="Chai et al. 2020; Tan and Le 2019",
        pretrained=True,
    ),
    "stylegan": STYLEGAN,
    # Another: wider and deeper, of weights that began elsewhere.
    "stylegan-lite2": replace(
        STYLEGAN,
        name="stylegan-lite2",
        build=lambda: PatchNet(drop_path=0.15, size="lite2"),
        lr=6e-4,
    ),
    "critic": Recipe(
        name="critic",
        build=of_faces,
        paper="Tan et al. 2023 (LGrad); Karras et al. 2020",
        pretrained=True,
    ),
    "residual": Recipe(
        name="residual",
        build=lambda: ResidualNet(drop=0.1),
        paper="Tan et al. 2024; Liang et al. 2025; Chai et al. 2020",
        lr=2e-3,
        top=TOP,
    ),
}
RECIPES = OURS | PEERS
