"""The face swap: warps, SSIM, the game's learning and its exact resume, face sets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from test_alignment import face_at

from unmask.datasets import face_tracks
from unmask.datasets.face_tracks import AlignedFace, FaceSet, TrackOptions
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.errors import WeightsError
from unmask.generate.alignment import CANONICAL, align, ellipse_mask
from unmask.generate.checkpoint import read
from unmask.generate.games.swap import (
    ENTRIES,
    FULL,
    TINY,
    SwapGame,
    SwapWeights,
    TwoPeople,
    load_net,
    resized,
    similarity_map,
)
from unmask.generate.journal import read_log
from unmask.generate.swap_nets import Enlarging, SwapNet, SwapSize
from unmask.generate.training import TrainConfig, train
from unmask.generate.warping import WarpOptions, bent, example

SIDE = 32
SMALL = SwapSize(side=SIDE, encoder=(16, 32), dense=24, decoder=(16, 8), critic=(8, 16))
WEIGHTS = SwapWeights(critic_from=4, adversary_from=8)
CONFIG = TrainConfig(
    images=8 * 20, batch=8, lr_generator=2e-3, lr_critic=1e-3, betas=(0.5, 0.999),
    half_life=40, check_every=10,
)  # fmt: skip


def portrait(skin: tuple[int, int, int], smile: float) -> NDArray[np.uint8]:
    """A drawn face that looks ahead; `smile` opens its mouth by 0 to 1."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    picture = np.full((SIDE, SIDE, 3), 90.0)
    picture[np.hypot((x - 0.5) / 0.34, (y - 0.58) / 0.4) < 1] = skin
    for eye in CANONICAL[:2]:
        picture[np.hypot(x - eye[0], y - eye[1]) < 0.06] = 30
    picture[np.hypot((x - 0.5) / 0.12, (y - 0.727) / (0.02 + 0.07 * smile)) < 1] = (150, 20, 30)
    return gaussian_filter(picture, (0.5, 0.5, 0)).astype(np.uint8)


def face_set(skin: tuple[int, int, int], n: int = 6) -> FaceSet:
    landmarks = np.tile(CANONICAL * SIDE - 0.5, (n, 1, 1))
    return FaceSet(
        pixels=np.stack([portrait(skin, i / (n - 1)) for i in range(n)]),
        landmarks=landmarks,
        matrices=np.tile(np.eye(2, 3), (n, 1, 1)),
        times=np.arange(float(n)),
        sources=np.array(["drawn"] * n),
    )


PEOPLE = TwoPeople(
    a=face_set((220, 170, 140)), b=face_set((110, 150, 210)), options=WarpOptions(mirror=0)
)


def built(weights: SwapWeights = WEIGHTS) -> SwapGame:
    torch.manual_seed(4)
    return SwapGame(SMALL, weights)


def test_examples_are_what_the_generator_of_numbers_says() -> None:
    first, same, other = (PEOPLE(np.random.default_rng(s), 3) for s in (1, 1, 2))
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert not any(torch.equal(first[k], other[k]) for k in first)
    assert {k: tuple(v.shape) for k, v in first.items()} == {
        f"{p}{end}": (3, 1 if end == "_mask" else 3, SIDE, SIDE)
        for p in "ab" for end in ("_warped", "", "_mask")
    }  # fmt: skip
    assert all(v.min() >= (0 if "mask" in k else -1) and v.max() <= 1 for k, v in first.items())


def test_the_input_is_bent_and_the_target_is_not() -> None:
    still = WarpOptions(turn=0, zoom=0, shift=0, colour=0, light=0, mirror=0)
    face = portrait((220, 170, 140), 0.5)
    mask = ellipse_mask(CANONICAL * SIDE, SIDE)
    warped, target, same = example(face, mask, np.random.default_rng(3), still)
    assert np.allclose((target + 1) * 127.5, face, atol=1e-3)
    assert np.allclose(same, mask, atol=1e-6)
    assert 0.02 < np.abs(warped - target).mean() < 0.5
    unbent, target, _ = example(face, mask, np.random.default_rng(3), replace(still, bend=0))
    assert np.allclose(unbent, target, atol=1e-3)


def test_a_bend_is_no_move_of_the_whole() -> None:
    y, x = np.mgrid[:64, :64]
    away = bent(64, np.random.default_rng(0), WarpOptions(bend=0.05)) - np.stack([x, y], 2)
    assert np.abs(away).max() > 2
    assert np.abs(away[::16, ::16].mean((0, 1))).max() < 1.0


def test_mask_and_face_move_together() -> None:
    face = np.zeros((SIDE, SIDE, 3), np.uint8)
    face[8:20, 10:18] = 255
    mask = (face[..., 0] / 255).astype(np.float32)
    options = WarpOptions(colour=0, light=0, mirror=1)
    _, target, moved = example(face, mask, np.random.default_rng(5), options)
    assert np.allclose((target[..., 0] + 1) / 2, moved, atol=1e-5)
    assert not np.allclose(moved, mask, atol=0.1)


def test_structural_similarity_agrees_with_another_way() -> None:
    rng = np.random.default_rng(6)
    a = gaussian_filter(rng.random((40, 40)), 1)
    b = np.clip(a + rng.normal(0, 0.05, a.shape), 0, 1)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, 1.5, mode="mirror", radius=5))

    cov = mean(a * b) - mean(a) * mean(b)
    spread = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    wanted = (2 * mean(a) * mean(b) + 1e-4) * (2 * cov + 9e-4)
    wanted /= (mean(a) ** 2 + mean(b) ** 2 + 1e-4) * (spread + 9e-4)
    first, second = (torch.from_numpy(v).float()[None, None] for v in (a, b))
    assert np.allclose(similarity_map(first, second)[0, 0].numpy(), wanted, atol=1e-3)
    assert torch.allclose(similarity_map(first, first), torch.ones(1), atol=1e-4)


@pytest.mark.parametrize("size", [SMALL, TINY, replace(SMALL, enlarging=Enlarging.NEAREST)])
def test_a_decoder_ends_at_the_side_of_the_face(size: SwapSize) -> None:
    face, mask = SwapNet(size)(torch.zeros(2, 3, size.side, size.side), "b")
    assert face.shape == (2, 3, size.side, size.side)
    assert mask.shape == (2, 1, size.side, size.side)
    with pytest.raises(ValueError, match="up to it"):
        replace(size, decoder=(8,))


def test_both_profiles_are_of_the_size_they_say() -> None:
    (entry,) = ENTRIES
    assert {name: p.side for name, p in entry.profiles.items()} == {
        "tiny": TINY.side,
        "full": FULL.side,
    }


def test_the_swap_is_learned(tmp_path: Path) -> None:
    """After a while b's decoder paints b's skin with a's mouth: that is a face swap."""
    game = built(replace(WEIGHTS, critic_from=60, adversary_from=70))
    train(game, PEOPLE, replace(CONFIG, images=8 * 100), tmp_path)
    rows = read_log(tmp_path / "log.jsonl")
    for name in ("pixels_a", "structure_b", "mask_a"):
        assert rows[-1][name] < 0.6 * rows[0][name]
    assert "adversary_a" in rows[-1]
    assert "adversary_a" not in rows[0]
    net = load_net(tmp_path / "last.pt", SMALL)
    with torch.no_grad():
        a = torch.from_numpy(PEOPLE.a.pixels[[0, -1]]).permute(0, 3, 1, 2) / 127.5 - 1
        as_b = net(a, "b")[0]
    cheek = as_b[:, :, 17, 9]  # red against blue
    assert (cheek[:, 2] > cheek[:, 0]).all()
    inside = as_b[:, 0, 22:27, 15:17].mean((1, 2)) - as_b[:, 2, 22:27, 15:17].mean((1, 2))
    assert inside[1] > inside[0] + 0.1  # an open mouth is red
    with pytest.raises(WeightsError, match="of this size"):
        load_net(tmp_path / "last.pt", TINY)


def test_a_stopped_run_goes_on_to_the_very_numbers(tmp_path: Path) -> None:
    whole, parts = built(), built()
    train(whole, PEOPLE, CONFIG, tmp_path / "whole")
    train(built(), PEOPLE, replace(CONFIG, images=8 * 6), tmp_path / "parts")
    train(parts, PEOPLE, CONFIG, tmp_path / "parts")
    ours, theirs = whole.state_dict(), parts.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    first, second = (read(tmp_path / d / "last.pt")["average"] for d in ("whole", "parts"))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_the_critics_wait_and_previews_show_the_first_faces() -> None:
    game = built()
    before = [p.clone() for p in game.critic.parameters()]
    batch = PEOPLE(np.random.default_rng(7), 4)
    loss, _ = game.critic_loss(batch, 0)
    assert loss.item() == 0
    optimiser = torch.optim.Adam(game.critic.parameters(), 0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(before, game.critic.parameters(), strict=True))
    assert game.critic_loss(batch, 4)[0].item() > 0.1
    game.critic_loss(PEOPLE(np.random.default_rng(8), 4), 1)
    sheet = game.preview(game.generator)
    assert sheet.shape == (36, 3, SIDE, SIDE)
    assert torch.equal(sheet[:4], batch["a"])
    assert torch.equal(sheet[18:22], batch["b"])


def cropped(pixels: NDArray[np.uint8]) -> AlignedFace | None:
    """The face that is drawn at one place; none in a black picture."""
    return align(pixels, face_at(0, 20, (60, 50)), SIDE) if pixels.any() else None


def test_blurred_repeated_and_empty_pictures_are_dropped(
    tmp_path: Path, photograph: NDArray[np.uint8]
) -> None:
    pictures = [photograph[i * 20 :][:120, :160] for i in range(6)]
    pictures.insert(2, pictures[1])  # a repetition
    pictures.insert(4, np.zeros_like(pictures[0]))  # no face
    pictures.append(gaussian_filter(pictures[0][::-1], (6, 6, 0)))  # a blur
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    faces, counts = face_tracks.build([tmp_path], cropped)
    assert faces.times.tolist() == [0, 1, 3, 5, 6, 7]
    assert (counts.frames, counts.without_face, counts.repeated, counts.blurred) == (9, 1, 1, 1)
    assert counts.kept == len(faces.pixels) == 6
    few, _ = face_tracks.build([tmp_path], cropped, TrackOptions(most=2))
    assert few.times.tolist() == [0, 1]


def test_a_set_without_faces_or_sources_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refused:
        face_tracks.build([tmp_path], cropped)
    assert refused.value.reason is DatasetReason.EMPTY
    with pytest.raises(DatasetError) as refused:
        face_tracks.build([tmp_path / "absent.mp4"], cropped)
    assert refused.value.reason is DatasetReason.NOT_FOUND


def test_what_is_held_out_is_another_stretch_of_each_source() -> None:
    faces = face_set((1, 2, 3), 100)
    faces = replace(faces, sources=np.array(["x"] * 60 + ["y"] * 40), times=faces.times[::-1])
    train_on, rest = face_tracks.split(faces, held_out=0.2, gap=5)
    for name, n in (("x", 60), ("y", 40)):
        early, late = (s.times[s.sources == name] for s in (train_on, rest))
        assert (len(early), len(late)) == (n * 4 // 5 - 5, n // 5)
        assert early.max() + 5 < late.min()
    with pytest.raises(DatasetError):
        face_tracks.split(faces, held_out=0.9, gap=60)


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    faces = face_set((1, 2, 3))
    face_tracks.save(faces, tmp_path / "a.npz")
    again = face_tracks.load(tmp_path / "a.npz")
    assert all(np.array_equal(v, vars(again)[k]) for k, v in vars(faces).items())
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:500])
    with pytest.raises(DatasetError, match="no face set"):
        face_tracks.load(tmp_path / "b.npz")
    face_tracks.save(replace(faces, times=np.zeros(2)), tmp_path / "c.npz")
    with pytest.raises(DatasetError, match="no face set"):
        face_tracks.load(tmp_path / "c.npz")
    with pytest.raises(DatasetError, match="There is no"):
        ENTRIES[0].load(tmp_path / "absent", SIDE, None)


def test_a_smaller_set_aligns_as_the_larger_did(photograph: NDArray[np.uint8]) -> None:
    landmarks = face_at(10, 40, (150, 120))
    large, small = (align(photograph, landmarks, side) for side in (64, 32))
    one = FaceSet(
        pixels=large.pixels[None], landmarks=large.landmarks[None], matrices=large.matrix[None],
        times=np.zeros(1), sources=np.array(["x"]),
    )  # fmt: skip
    found = resized(one, 32)
    assert np.allclose(found.matrices[0], small.matrix)
    assert np.allclose(found.landmarks[0], small.landmarks)
    assert np.abs(found.pixels[0].astype(int) - small.pixels).mean() < 6
