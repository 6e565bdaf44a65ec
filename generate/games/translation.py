"""Pictures of one kind into another, without pairs: CycleGAN (2017), and CUT (2020) beside it.

a is the first folder of the data, b the second: men and women, horses and zebras.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.unpaired import download, read_domains
from unmask.generate.entry import PHOTOGRAPHS, Entry, Profile, Task
from unmask.generate.examples import Examples, TwoDomains
from unmask.generate.game import Batch, Batches, Game, Stats
from unmask.generate.image_pool import FixedExamples, ImagePool
from unmask.generate.objectives import critic_squares, generator_squares
from unmask.generate.resnet_translator import (
    PatchCritic,
    PatchHead,
    ResNetTranslator,
    patch_contrast,
)
from unmask.generate.training import Schedule, TrainConfig, TrainingError

PATCHES = 256  # places of a picture that CUT compares


class TranslationGame(Game):
    """What both games share: pictures of two domains, and a few of them that are always shown.

    These are the first of the run, unless `show` sets others. They and the pools of past fakes lie
    in the checkpoint of a run, so that it goes on exactly, and not in the networks' weights.
    """

    generator: nn.ModuleDict
    critic: nn.ModuleDict

    def __init__(
        self, generator: nn.ModuleDict, critic: nn.ModuleDict, *, side: int, shown: int
    ) -> None:
        """`side` in pixels; `shown` pictures of each domain."""
        super().__init__()
        self.generator, self.critic, self.side = generator, critic, side
        self.shown = FixedExamples(shown, side)

    def show(self, a: Tensor, b: Tensor) -> None:
        """Set the pictures (N, 3, side, side) in [-1, 1] of which previews are made."""
        self.shown.replace(a, b)

    def _pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The pictures of both domains. Raises TrainingError where they are of another size."""
        if not {"a", "b"} <= batch.keys():
            raise TrainingError(f"Two domains, a and b, are needed; there is {', '.join(batch)}.")
        for images in (batch["a"], batch["b"]):
            if images.shape[1:] != (3, self.side, self.side):
                raise TrainingError(
                    f"This game takes pictures of {(3, self.side, self.side)},"
                    f" not of {tuple(images.shape[1:])}."
                )
        return batch["a"], batch["b"]


class CycleGame(TranslationGame):
    """There and back again: what became a zebra must become the same horse (Zhu et al. 2017,
    "Unpaired image-to-image translation using cycle-consistent adversarial networks").
    """

    def __init__(
        self,
        generator: nn.ModuleDict,
        critic: nn.ModuleDict,
        *,
        side: int,
        cycle: float = 10.0,
        identity: float = 0.5,
        pool: int = 50,
    ) -> None:
        """Networks "ab" and "ba", "a" and "b". `cycle` weighs the way back, `identity`, a part of
        it, that zebras stay as they are; `pool` past fakes of each kind are kept.
        """
        super().__init__(generator, critic, side=side, shown=6)
        self.cycle, self.identity = cycle, identity
        self.pools = nn.ModuleDict({"a": ImagePool(pool, side), "b": ImagePool(pool, side)})

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Reals at 1, fakes of this step and of earlier ones at 0."""
        a, b = self._pair(batch)
        self.shown.offer(a, b)
        with torch.no_grad():
            fakes = {"a": self.generator["ba"](b), "b": self.generator["ab"](a)}
        loss, stats = a.new_zeros(()), Stats()
        for name, real in (("a", a), ("b", b)):
            fake = self.pools[name](fakes[name])
            real_logits, fake_logits = (self.critic[name](x).float() for x in (real, fake))
            loss = loss + critic_squares(real_logits, fake_logits)
            stats |= {f"real_{name}": real_logits.mean(), f"fake_{name}": fake_logits.mean()}
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Fakes at 1, the way back where it began, and what is of the kind already unchanged."""
        a, b = self._pair(batch)
        ab, ba = self.generator["ab"], self.generator["ba"]
        fake_a, fake_b = ba(b), ab(a)
        logits = [self.critic[name](fake).float() for name, fake in (("a", fake_a), ("b", fake_b))]
        adversarial = generator_squares(logits[0]) + generator_squares(logits[1])
        cycle = F.l1_loss(ba(fake_b), a) + F.l1_loss(ab(fake_a), b)
        loss = adversarial + self.cycle * cycle
        stats = {"adversarial": adversarial / 2, "cycle": cycle / 2}  # of one direction
        if self.identity:
            identity = F.l1_loss(ab(b), b) + F.l1_loss(ba(a), a)
            loss = loss + self.cycle * self.identity * identity
            stats["identity"] = identity / 2
        return loss, stats

    def preview(self, generator: nn.Module) -> Tensor:
        """(36, 3, side, side): rows of a, as b, back again; b, as a, back again."""
        ab, ba = generator.get_submodule("ab"), generator.get_submodule("ba")
        a, b = self.shown.a, self.shown.b
        as_b, as_a = ab(a), ba(b)
        return torch.stack([a, as_b, ba(as_b), b, as_a, ab(as_a)], 1).flatten(0, 1)


class CutGame(TranslationGame):
    """One way only: a place of the zebra must tell which place of the horse it was (Park et al.
    2020, CUT). The heads that compare are part of the generator, and learn with it.
    """

    def __init__(
        self,
        translator: ResNetTranslator,
        critic: nn.Module,
        *,
        side: int,
        contrast: float = 1.0,
        identity: bool = True,
        flips: bool = False,
    ) -> None:
        """`contrast` weighs PatchNCE; `identity`: zebras keep their places too; `flips`: half the
        steps turn the horse before translation and its places back after it. FastCUT is 10, False
        and True.
        """
        heads = nn.ModuleList(PatchHead(n) for n in translator.channels)
        generator = nn.ModuleDict({"ab": translator, "heads": heads})
        super().__init__(generator, nn.ModuleDict({"b": critic}), side=side, shown=4)
        self.contrast, self.identity, self.flips = contrast, identity, flips

    @property
    def translator(self) -> ResNetTranslator:
        """Of the one way that there is."""
        return cast(ResNetTranslator, self.generator["ab"])

    @property
    def heads(self) -> nn.ModuleList:
        """One for each layer that is compared."""
        return cast(nn.ModuleList, self.generator["heads"])

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Reals at 1, fakes at 0."""
        a, b = self._pair(batch)
        self.shown.offer(a, b)
        with torch.no_grad():
            fake = self.generator["ab"](a)
        real_logits, fake_logits = (self.critic["b"](x).float() for x in (b, fake))
        stats = {"real_b": real_logits.mean(), "fake_b": fake_logits.mean()}
        return critic_squares(real_logits, fake_logits), stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Fakes at 1, every place known again."""
        a, b = self._pair(batch)
        ab = self.generator["ab"]
        turned = self.flips and bool(torch.rand(()) < 0.5)
        fake = ab(a.flip(3) if turned else a)
        adversarial = generator_squares(self.critic["b"](fake).float())
        contrast = self.compared(fake, a, turned=turned)
        stats = {"adversarial": adversarial, "contrast": contrast}
        if self.identity:
            stats["identity"] = self.compared(ab(b), b)
            contrast = (contrast + stats["identity"]) / 2
        return adversarial + self.contrast * contrast, stats

    def compared(self, fake: Tensor, real: Tensor, *, turned: bool = False) -> Tensor:
        """PatchNCE between a picture and what became of it, the mean over the layers."""
        translator, heads = self.translator, self.heads
        queries: Sequence[Tensor] = translator.features(fake)
        keys: Sequence[Tensor] = translator.features(real)
        total = real.new_zeros(())
        for head, query, key in zip(heads, queries, keys, strict=True):
            places = torch.randperm(query.shape[2] * query.shape[3])[:PATCHES].to(query.device)
            known = head(key, places).detach()  # the fake is to fit the real, not the reverse
            total = total + patch_contrast(head(query.flip(3) if turned else query, places), known)
        return total / len(queries)

    def preview(self, generator: nn.Module) -> Tensor:
        """(16, 3, side, side): rows of a, as b; b, and what it is taken for."""
        ab, a, b = generator.get_submodule("ab"), self.shown.a, self.shown.b
        return torch.stack([a, ab(a), b, ab(b)], 1).flatten(0, 1)


def cycle_gan(
    side: int, width: int, blocks: int, *, strides: int = 3, cycle: float = 10.0,
    identity: float = 0.5,
) -> CycleGame:  # fmt: skip
    """CycleGAN with critics of `strides` strides; weights of the way back and of the identity."""
    generator = {way: ResNetTranslator(width, blocks) for way in ("ab", "ba")}
    critic = {domain: PatchCritic(width, strides) for domain in ("a", "b")}
    return CycleGame(
        nn.ModuleDict(generator), nn.ModuleDict(critic), side=side, cycle=cycle, identity=identity
    )


def cut(
    side: int, width: int, blocks: int, *, strides: int = 3, fast: bool = False,
    contrast: float | None = None,
) -> CutGame:  # fmt: skip
    """CUT, or FastCUT, which leaves the identity out and halves the time.

    `contrast` is the weight of PatchNCE: 1, of FastCUT 10, where none is given.
    """
    nets = ResNetTranslator(width, blocks), PatchCritic(width, strides)
    weight = contrast or (10.0 if fast else 1.0)
    return CutGame(*nets, side=side, contrast=weight, identity=not fast, flips=fast)


def _load(folder: Path, side: int, cache: Path | None) -> Batches:
    found = read_domains(folder, side, cache=cache)
    a, b = (Examples(pictures=pictures, mirror=True) for pictures in (found.a, found.b))
    return TwoDomains(a=a, b=b)


_TINY = TrainConfig(
    images=24_000, batch=4, lr_generator=2e-4, lr_critic=2e-4, betas=(0.5, 0.999),
    schedule=Schedule.LINEAR, floor=0.0, half_life=1_000,
)  # fmt: skip
_FULL = replace(_TINY, images=200_000)
_CYCLE = {
    "tiny": Profile(
        build=lambda: cycle_gan(64, 16, 3, strides=2), config=_TINY, side=64,
        cost="40 minutes of one core (0.4 s a step)",
    ),
    # What lets a man become a woman: the paper's weights hold a face of 64 pixels where it is.
    "tiny-loose": Profile(
        build=lambda: cycle_gan(64, 16, 3, strides=2, cycle=3.0, identity=0.0), config=_TINY,
        side=64, cost="30 minutes of one core, after `tiny` (--start)",
    ),
    "full": Profile(
        build=lambda: cycle_gan(128, 64, 6), config=_FULL, side=128,
        cost="1 hour on one GPU (estimate)",
    ),
    "full-256": Profile(
        build=lambda: cycle_gan(256, 64, 9), config=replace(_FULL, batch=1), side=256,
        cost="8 hours on one GPU (estimate)",
    ),
}  # fmt: skip
_CUT = {
    "tiny": Profile(
        build=lambda: cut(64, 16, 3, strides=2, fast=True), config=_TINY, side=64,
        cost="22 minutes of one core (0.22 s a step)",
    ),
    # As for the CycleGAN: the paper's weight holds a small face where it is.
    "tiny-loose": Profile(
        build=lambda: cut(64, 16, 3, strides=2, fast=True, contrast=2.0), config=_TINY, side=64,
        cost="22 minutes of one core, after `tiny` (--start)",
    ),
    "full": Profile(
        build=lambda: cut(128, 64, 6), config=_FULL, side=128, cost="1 hour on one GPU (estimate)"
    ),
    "full-fast": Profile(
        build=lambda: cut(128, 64, 6, fast=True), config=_FULL, side=128,
        cost="30 minutes on one GPU (estimate)",
    ),
}  # fmt: skip
_ZHU = "Zhu et al. 2017, Unpaired image-to-image translation using cycle-consistent networks"
_PARK = "Park et al. 2020, Contrastive learning for unpaired image-to-image translation"
_FACES = "Two folders of aligned faces, such as men and women"
_PAINTINGS = (
    "Two folders, the paintings first by name: " + download("monet2photo") + ", or cezanne2photo,"
    " ukiyoe2photo and vangogh2photo likewise. For faces, photographs of other people than those"
    " that were painted go to SET/photographs, and the rest is painted over: python -m"
    " unmask.datasets.painterly --data FACES --out SET/paintings --side SIDE"
)

ENTRIES = tuple(
    Entry(
        name=name, title=title, task=Task.TRANSLATE, papers=papers, decoder="nearest + convolution",
        needs=needs, load=_load, profiles=profiles, kinds=kinds,
    )
    for name, title, kinds, papers, needs, profiles in (
        ("men-women", "Men <-> women", ("men", "women"), (_ZHU,), _FACES, _CYCLE),
        ("horse-zebra", "Horses <-> zebras", ("horses", "zebras"), (_ZHU,),
         download("horse2zebra"), _CYCLE),
        ("photo-painting", "Paintings <-> photographs", ("paintings", PHOTOGRAPHS), (_ZHU,),
         _PAINTINGS, _CYCLE),
        ("cut-men-women", "Men -> women by CUT", ("men", "women"), (_PARK, _ZHU), _FACES, _CUT),
    )
)  # fmt: skip
