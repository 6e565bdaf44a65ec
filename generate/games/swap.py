"""The face swap: who is in the picture changes, pose and expression stay.

One encoder and two decoders (the programs of 2017), trained to straighten bent faces of two people.
After a warm-up each person's critic joins in. Faces are (B, 3, S, S) in [-1, 1], masks in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.datasets import face_tracks
from unmask.datasets.face_tracks import Counts, FaceSet
from unmask.errors import WeightsError
from unmask.generate.alignment import FaceDetector, crop_largest, ellipse_mask
from unmask.generate.checkpoint import learned
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.game import Batch, Batches, Game, Stats
from unmask.generate.objectives import critic_logistic, generator_logistic
from unmask.generate.regularisers import gradient_penalty, lazily
from unmask.generate.swap_nets import PEOPLE, PatchCritic, SwapNet, SwapSize
from unmask.generate.training import TrainConfig
from unmask.generate.warping import WarpOptions, example

SHOWN = 6  # faces of each person in a preview, as many as it has rows: sheets are square
TINY = SwapSize(side=64, encoder=(32, 64, 128, 256), dense=256, decoder=(96, 64, 32),
                critic=(32, 64, 128), residual=False)  # fmt: skip
FULL = SwapSize(side=128, encoder=(128, 256, 512, 1024), dense=1024, decoder=(512, 256, 128, 64),
                critic=(64, 128, 256, 512))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SwapWeights:
    """What each part of the loss weighs, and when the critics join in."""

    pixels: float = 1.0  # mean distance of levels in [0, 1]
    structure: float = 1.0  # DSSIM
    mask: float = 0.3
    adversary: float = 0.01
    background: float = 0.2  # of what lies outside of the mask, against 1 inside
    gamma: float = 1.0  # of R1, paid every `every` steps
    every: int = 4
    critic_from: int = 3_000  # steps before the critics learn
    adversary_from: int = 4_000  # steps before the generator hears them


def similarity_map(a: Tensor, b: Tensor) -> Tensor:
    """(B, C, H, W) in [0, 1] -> (B, C, H, W): SSIM around each pixel (Wang et al. 2004).

    A Gaussian window of 11 x 11 with a deviation of 1.5; the picture is mirrored at its rim.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = a.float(), b.float()
        both = torch.cat([a, b, a * a, b * b, a * b], 1)
        line = torch.exp(-(torch.arange(-5.0, 6.0, device=a.device) ** 2) / (2 * 1.5**2))
        window = (line / line.sum()).expand(both.shape[1], 1, 1, -1)
        padded = F.pad(both, (5, 5, 5, 5), "reflect")
        across = F.conv2d(padded, window, groups=both.shape[1])
        means = F.conv2d(across, window.transpose(2, 3), groups=both.shape[1])
        m_a, m_b, aa, bb, ab = means.chunk(5, 1)
        v_a, v_b, cov = aa - m_a * m_a, bb - m_b * m_b, ab - m_a * m_b
        c1, c2 = 0.01**2, 0.03**2
        alike = (2 * m_a * m_b + c1) * (2 * cov + c2)
        return alike / ((m_a * m_a + m_b * m_b + c1) * (v_a + v_b + c2))


def reconstruction(face: Tensor, target: Tensor, mask: Tensor, background: float) -> Stats:
    """{"pixels", "structure"}: how far faces are from their targets, mostly under the mask."""
    weight = background + (1 - background) * mask
    weight = weight / weight.mean()
    ours, theirs = (face.float() + 1) / 2, (target.float() + 1) / 2
    distance = ((ours - theirs).abs() * weight).mean()
    unlike = ((1 - similarity_map(ours, theirs)) / 2 * weight).mean()
    return {"pixels": distance, "structure": unlike}


class SwapGame(Game):
    """The batches hold, for each person, the bent face, the face, and the mask of the face."""

    faces: Tensor
    filled: Tensor

    def __init__(self, size: SwapSize, weights: SwapWeights | None = None) -> None:
        super().__init__()
        self.weights = weights or SwapWeights()
        self.generator: SwapNet = SwapNet(size)
        self.critic: nn.ModuleDict = nn.ModuleDict(
            {person: PatchCritic(size.critic) for person in PEOPLE}
        )
        # Faces of "a", then of "b": the first that come, so that previews can be compared.
        self.register_buffer("faces", torch.zeros(2 * SHOWN, 3, size.side, size.side))
        self.register_buffer("filled", torch.tensor(False))

    def _remember(self, batch: Batch) -> None:
        if not self.filled:
            again = torch.arange(SHOWN, device=self.faces.device) % len(batch["a"])
            self.faces.copy_(torch.cat([batch[person][again] for person in PEOPLE]))
            self.filled.fill_(True)

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Of each person: reals above 0, reconstructions below, and flat critics at reals."""
        self._remember(batch)
        if step < self.weights.critic_from:  # nothing to learn yet: gradients of 0
            return sum(
                (p.sum() for p in self.critic.parameters()), self.faces.new_zeros(())
            ) * 0, {}
        total = self.faces.new_zeros(())
        stats: Stats = {}
        penalised = step % self.weights.every == 0
        for person in PEOPLE:
            with torch.no_grad():
                fake = torch.cat(self.generator(batch[f"{person}_warped"], person), 1)
            real = torch.cat([batch[person], batch[f"{person}_mask"]], 1).detach()
            real.requires_grad_(penalised)
            real_logits, fake_logits = self.critic[person](real), self.critic[person](fake)
            total = total + critic_logistic(real_logits, fake_logits)
            if penalised:
                penalty = gradient_penalty(real_logits.mean((1, 2, 3)), real)
                total = total + lazily(penalty, self.weights.gamma, self.weights.every)
                stats[f"penalty_{person}"] = penalty
            stats |= {f"real_{person}": real_logits.sign(), f"fake_{person}": fake_logits.sign()}
        return total, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Each person's faces straightened by the own decoder, and passed by the own critic."""
        weights = self.weights
        total = self.faces.new_zeros(())
        stats: Stats = {}
        for person in PEOPLE:
            target, mask = batch[person], batch[f"{person}_mask"]
            face, own = self.generator(batch[f"{person}_warped"], person)
            found = reconstruction(face, target, mask, weights.background)
            found["mask"] = (own.float() - mask).abs().mean()
            total = total + weights.pixels * found["pixels"] + weights.mask * found["mask"]
            total = total + weights.structure * found["structure"]
            if step >= weights.adversary_from:
                found["adversary"] = generator_logistic(
                    self.critic[person](torch.cat([face, own], 1))
                )
                total = total + weights.adversary * found["adversary"]
            stats |= {f"{name}_{person}": value for name, value in found.items()}
        return total, stats

    def preview(self, generator: nn.Module) -> Tensor:
        """(36, 3, S, S) in rows of 6: a, a as a, a as b; b, b as b, b as a."""
        a, b = self.faces.chunk(2)
        rows = [a, generator(a, "a")[0], generator(a, "b")[0]]
        rows += [b, generator(b, "b")[0], generator(b, "a")[0]]
        return torch.cat(rows)


@dataclass(frozen=True, kw_only=True)
class TwoPeople:
    """Batches of bent faces out of two face sets of one side."""

    a: FaceSet
    b: FaceSet
    options: WarpOptions

    @cached_property
    def masks(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, S, S) of each person's faces."""
        a, b = (
            np.stack(
                [ellipse_mask(landmarks, faces.pixels.shape[1]) for landmarks in faces.landmarks]
            )
            for faces in (self.a, self.b)
        )
        return a, b

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"a_warped", "a"} (size, 3, S, S), {"a_mask"} (size, 1, S, S), and the same of "b"."""
        batch: dict[str, Tensor] = {}
        for person, faces, masks in zip(PEOPLE, (self.a, self.b), self.masks, strict=True):
            chosen = rng.integers(len(faces.pixels), size=size)
            made = [example(faces.pixels[i], masks[i], rng, self.options) for i in chosen]
            warped, target, mask = (np.stack(part) for part in zip(*made, strict=True))
            batch[f"{person}_warped"], batch[person] = _planes(warped), _planes(target)
            batch[f"{person}_mask"] = _planes(mask[..., None])
        return batch


def _planes(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(values).permute(0, 3, 1, 2)


def resized(faces: FaceSet, side: int) -> FaceSet:
    """The same faces at another size."""
    before = faces.pixels.shape[1]
    if before == side:
        return faces
    ratio = side / before
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    matrices = faces.matrices * ratio
    matrices[:, :, 2] += (ratio - 1) / 2  # pixel centres lie at whole numbers
    return FaceSet(
        pixels=np.stack([cv2.resize(p, (side, side), interpolation=how) for p in faces.pixels]),
        landmarks=(faces.landmarks + 0.5) * ratio - 0.5,
        matrices=matrices,
        times=faces.times,
        sources=faces.sources,
    )


def prepare(
    folder: Path, person: str, sources: Sequence[Path], detector: FaceDetector, side: int = 128
) -> Counts:
    """Write `person`.npz and, for the end of every source, held-out/`person`.npz into `folder`.

    Raises DatasetError and MediaError as `face_tracks.build` does.
    """
    crop = partial(crop_largest, detector=detector, side=side)
    faces, counts = face_tracks.build(sources, crop)
    train, held_out = face_tracks.split(faces)
    face_tracks.save(train, folder / f"{person}.npz")
    if len(held_out.pixels):
        face_tracks.save(held_out, folder / "held-out" / f"{person}.npz")
    return counts


def load_net(checkpoint: Path, size: SwapSize) -> SwapNet:
    """The averaged generator of a checkpoint, ready to swap. Raises WeightsError."""
    net = SwapNet(size)
    try:
        net.load_state_dict(learned(checkpoint)[0])
    except RuntimeError as error:
        raise WeightsError(f"{checkpoint} is no face swap of this size.") from error
    return net.eval().requires_grad_(False)


def _load(folder: Path, side: int, cache: Path | None) -> Batches:  # noqa: ARG001
    a, b = (resized(face_tracks.load(folder / f"{person}.npz"), side) for person in PEOPLE)
    return TwoPeople(a=a, b=b, options=WarpOptions())


ENTRIES = (
    Entry(
        name="swap",
        title="One person's face on another's head",
        task=Task.SWAP,
        decoder="sub-pixel convolution",
        papers=(
            "Perov et al. 2020, DeepFaceLab",
            "Isola et al. 2017, Image-to-image translation with conditional adversarial networks",
            "Wang et al. 2004, Image quality assessment: from error visibility to SSIM",
        ),
        needs="a.npz and b.npz, the face sets of two people: made from clips or photographs of each"
        " with a YuNet face detector (face_detection_yunet_*.onnx of OpenCV's model zoo)",
        load=_load,
        profiles={
            "tiny": Profile(
                build=lambda: SwapGame(TINY),
                config=TrainConfig(
                    images=64_000, batch=8, lr_generator=2e-4, lr_critic=2e-4,
                    betas=(0.5, 0.999),
                ),
                side=64,
                cost="an hour on one busy core (0.4 s a step, measured)",
            ),
            "full": Profile(
                build=lambda: SwapGame(
                    FULL, SwapWeights(critic_from=5_000, adversary_from=6_000)
                ),
                config=TrainConfig(
                    images=1_280_000, batch=64, lr_generator=1e-4, lr_critic=1e-4,
                    betas=(0.5, 0.999),
                ),
                side=128,
                cost="an hour on one GPU (estimate)",
            ),
        },
    ),
)  # fmt: skip
