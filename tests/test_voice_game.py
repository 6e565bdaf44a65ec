"""MaskCycleGAN-VC: its networks, the mask, its losses, two planted voices, an exact resume."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from voices import voice

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.datasets.speech_signal import to_pcm
from unmask.datasets.voice_pair import read_pair
from unmask.errors import MediaError, WeightsError
from unmask.generate.audio.voice_examples import VoiceExamples
from unmask.generate.audio.voice_nets import Converter, VoiceCritic, VoiceSize
from unmask.generate.catalogue import find
from unmask.generate.checkpoint import learned, read
from unmask.generate.game import Batch
from unmask.generate.games.voices import VoiceGame, frame_mask
from unmask.generate.training import TrainConfig, TrainingError, train

SMALL = VoiceSize(
    mels=16, frames=32, width=4, deep=8, flat=16, blocks=1, kernel=3, critic=4, fold=True, adds=True
)
BRIGHT = 1.5
CONFIG = TrainConfig(images=24, batch=4, betas=(0.5, 0.999), check_every=3)


def small(seed: int = 0, size: VoiceSize = SMALL) -> VoiceGame:
    torch.manual_seed(seed)
    return VoiceGame(size, identity_steps=4)


def lively(seed: int = 0) -> VoiceGame:
    """Weights that leave it free to move away from the identity."""
    torch.manual_seed(seed)
    return VoiceGame(SMALL, cycle=1.0, identity_steps=0)


def drawn(rng: np.random.Generator, size: int) -> Batch:
    """Soft shapes, whose upper half is brighter in voice b."""
    a, b = (rng.normal(0, 0.4, (size, 4, 8)).repeat(4, 1).repeat(4, 2) for _ in range(2))
    b[:, 8:] += BRIGHT
    statistics = torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None].expand(size, 4, 16)
    return {
        "a": torch.from_numpy(a).float(), "b": torch.from_numpy(b).float(), "statistics": statistics
    }  # fmt: skip


def batch(count: int = 2) -> Batch:
    return drawn(np.random.default_rng(0), count)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("fold", [True, False])
def test_a_converter_takes_any_number_of_frames_and_begins_as_the_identity(fold: bool) -> None:
    size = replace(SMALL, fold=fold)
    net, critic = Converter(size), VoiceCritic(size)
    for frames in (16, 32, 100):
        mel = torch.randn(2, 16, frames)
        assert torch.equal(net(mel, torch.ones_like(mel)), mel)
        opinions = critic(mel)
        assert opinions.shape[:2] == (2, 1)
        assert opinions.shape[3] >= frames // 8
    as_published = Converter(replace(size, adds=False))
    made = as_published(mel, torch.ones_like(mel))
    assert made.shape == mel.shape
    assert not torch.allclose(made, mel, atol=0.1)


def test_a_mask_takes_out_frames_in_a_row_and_no_more_than_asked() -> None:
    like = torch.zeros(400, 16, 32)
    mask = frame_mask(like, 8)
    assert mask.shape == like.shape
    assert torch.equal(mask, mask[:, :1].expand_as(mask))  # whole frames
    frames = mask[:, 0]
    gone = 32 - frames.sum(1)
    assert sorted(set(gone.tolist())) == list(range(9))
    edges = (frames[:, 1:] != frames[:, :-1]).sum(1)
    assert edges.max() <= 2
    assert (frames.mean(0) < 1).all()  # every frame is taken out now and then
    assert torch.equal(frame_mask(like, 0), torch.ones_like(like))


def test_what_is_masked_is_never_seen() -> None:
    torch.manual_seed(1)
    net = Converter(SMALL)
    torch.nn.init.normal_(net.leave.weight)
    mel, mask = torch.randn(1, 16, 32), torch.ones(1, 16, 32)
    mask[..., 10:20] = 0
    other = torch.where(mask > 0, mel, torch.randn_like(mel))
    assert torch.equal(net(mel, mask), net(other, mask))


def test_the_losses_are_those_of_the_paper() -> None:
    game = small().eval()
    for critic in game.critic.values():
        last = critic.layers[-1]
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.constant_(last.bias, 0.25)
    game.most = 0  # nothing is masked: converters are the identity yet
    loss, stats = game.critic_loss(batch(), 0)
    assert loss.item() == pytest.approx(4 * 0.5 * (0.75**2 + 0.25**2), rel=1e-4)
    assert {"real_a", "fake_b", "fake_aba", "real_bab"} <= stats.keys()
    loss, stats = game.generator_loss(batch(), 0)
    assert loss.item() == pytest.approx(4 * 0.75**2, rel=1e-4)  # both adversarial losses
    assert stats["cycle"].item() == 0
    assert "identity" in stats
    assert "identity" not in game.generator_loss(batch(), 4)[1]
    game.most = 16
    torch.manual_seed(0)
    masked, stats = game.generator_loss(batch(), 4)
    assert masked.item() == pytest.approx(4 * 0.75**2 + 20 * stats["cycle"].item(), rel=1e-4)
    assert stats["cycle"].item() > 0


def test_the_second_critics_see_what_came_back_and_teach_both_converters() -> None:
    game = small()
    torch.nn.init.normal_(game.generator["ab"].leave.weight, 0, 0.1)
    game.critic_loss(batch(), 0)[0].backward()
    for name in ("a", "b", "aba", "bab"):
        assert any(p.grad is not None and p.grad.any() for p in game.critic[name].parameters())
    game.generator_loss(batch(), 9)[0].backward()
    for way in ("ab", "ba"):
        assert any(p.grad is not None and p.grad.any() for p in game.generator[way].parameters())


def test_the_voices_statistics_lie_in_the_generator_and_are_taken_once() -> None:
    game = small()
    game.critic_loss(batch(), 0)
    later = dict(batch())
    later["statistics"] = later["statistics"] + 5
    game.critic_loss(later, 1)
    mean, deviation = game.generator["statistics"].of("b")
    assert mean.shape == (16, 1)
    assert mean.unique().tolist() == [3.0]
    assert deviation.unique().tolist() == [4.0]
    assert game.preview(game.generator).shape == (24, 1, 16, 32)
    assert game.preview(game.generator).abs().max() <= 1


def brightness(mel: Tensor) -> float:
    """Of the upper half over the lower."""
    return float(mel[:, 8:].mean() - mel[:, :8].mean())


def test_a_planted_voice_is_learned(tmp_path: Path) -> None:
    game = lively()
    config = replace(CONFIG, images=4 * 80, lr_generator=4e-3, lr_critic=4e-3, half_life=16)
    train(game, drawn, config, tmp_path / "run")
    given = drawn(np.random.default_rng(99), 32)
    ones = torch.ones_like(given["a"])
    with torch.no_grad():
        brighter = game.generator["ab"](given["a"], ones)
        darker = game.generator["ba"](given["b"], ones)
    assert brightness(brighter) - brightness(given["a"]) > BRIGHT / 3
    assert brightness(given["b"]) - brightness(darker) > BRIGHT / 3


def test_a_stopped_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    whole = train(small(), drawn, CONFIG, tmp_path / "whole")
    train(small(), drawn, replace(CONFIG, images=12), tmp_path / "parts")
    parts = train(small(1), drawn, CONFIG, tmp_path / "parts")
    assert parts.step == whole.step == 6
    assert equal(read(whole.checkpoint)["game"], read(parts.checkpoint)["game"])
    assert equal(learned(whole.checkpoint)[0], learned(parts.checkpoint)[0])
    with pytest.raises(WeightsError, match="other options"):
        train(small(), drawn, replace(CONFIG, seed=5), tmp_path / "parts")


def test_other_examples_are_refused() -> None:
    game = small()
    with pytest.raises(TrainingError, match="Two voices"):
        game.critic_loss({"images": torch.zeros(2, 16, 32)}, 0)
    wrong = dict(batch())
    wrong["b"] = wrong["b"][..., :16]
    with pytest.raises(TrainingError, match="not of"):
        game.generator_loss(wrong, 0)


def written(folder: Path, names: tuple[str, ...] = ("anna", "ben")) -> Path:
    """A set of two voices with parts, and a line that both say."""
    for part, lines in (("train", 3), ("validation", 1), ("test", 2)):
        for name, pitch in zip(names, (220.0, 110.0), strict=False):
            home = folder / part / name
            home.mkdir(parents=True)
            for i in range(lines):
                wave = voice(1.0 + 0.2 * i, pitch=pitch, seed=i)
                label = "same" if i == 1 else f"{name}-{i}"
                (home / f"{label}.wav").write_bytes(to_pcm(wave))
    return folder


def test_two_voices_are_read_as_the_loop_draws_them(tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    examples = VoiceExamples.read(folder, 64, cache=tmp_path / "cache")
    again = VoiceExamples.read(folder, 64, cache=tmp_path / "cache")
    assert np.array_equal(examples.a.mel, again.a.mel)
    drawn = examples(np.random.default_rng(1), 40)
    assert drawn["a"].shape == drawn["b"].shape == (40, 80, 64)
    assert drawn["statistics"].shape == (40, 4, 80)
    assert abs(float(drawn["a"].mean())) < 0.3
    assert 0.6 < float(drawn["a"].std()) < 1.4
    same = again(np.random.default_rng(1), 40)
    assert torch.equal(drawn["a"], same["a"])
    game = find("voices").profiles["tiny"].build()
    loss, _ = game.critic_loss({k: v[:1] for k, v in drawn.items()}, 0)
    assert torch.isfinite(loss)


def test_parts_and_parallel_lines_are_told_apart(tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    pair = read_pair(folder, Split.TEST)
    assert pair.names == ("anna", "ben")
    assert (len(pair.a), len(pair.b)) == (2, 2)
    assert [p.stem for p, _ in pair.parallel] == ["same"]
    plain = folder / "train"
    parts = [read_pair(plain, Split.TRAIN).a]
    assert set(parts[0]) <= set((plain / "anna").iterdir())


def test_sets_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="voice_pair"):
        read_pair(tmp_path / "none", Split.TRAIN)
    three = tmp_path / "three"
    for name in ("a", "b", "c"):
        (three / name).mkdir(parents=True)
    with pytest.raises(DatasetError) as caught:
        read_pair(three, Split.TRAIN)
    assert caught.value.reason is DatasetReason.UNRECOGNISED
    (three / "c").rmdir()
    with pytest.raises(DatasetError) as caught:
        read_pair(three, Split.TRAIN)
    assert caught.value.reason is DatasetReason.EMPTY
    folder = written(tmp_path / "set")
    for path in (folder / "train" / "ben").iterdir():
        path.write_bytes(to_pcm(voice(0.3)))
    with pytest.raises(TrainingError, match=r"0\.64 s"):
        VoiceExamples.read(folder, 64)
    (folder / "train" / "ben" / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(MediaError):
        VoiceExamples.read(folder, 64)


def test_a_set_is_cut_by_level_and_lines_that_both_say_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unmask.datasets import voice_pair
    from unmask.datasets.speech_sources import Clip

    def line(level: str, name: str, seconds: float = 1.0) -> Clip:
        speaker = f"fillets-nl-{name.split('-')[1]}"
        data = to_pcm(voice(seconds)) if seconds else b""
        place = f"sound/{level}/nl/{name}.ogg"
        return Clip(name=place, data=data, speaker=speaker, language="nl", split=Split.TRAIN)

    levels = [f"level{n}" for n in range(8)] + ["turtle"]
    found = [line(level, f"x-{fish}-one") for level in levels for fish in "mv"]
    found += [line("turtle", "zel-m-tazelva"), line("turtle", "zel-v-tazelva")]
    found += [line("level0", "x-m-short", 0.4), line("level0", "x-v-empty", 0)]
    monkeypatch.setattr(voice_pair, "clips", lambda *_: found)
    counts = voice_pair.build(tmp_path / "none.deb", "nl", tmp_path / "set")
    assert sum(counts.values()) == 20  # neither the short one nor the empty one
    assert counts["train/large-fish"] == counts["train/small-fish"] == 7
    test = read_pair(tmp_path / "set", Split.TEST)
    assert test.names == ("large-fish", "small-fish")
    assert [a.stem for a, _ in test.parallel] == ["parallel-schildpad"]
    trained = {p.stem.split("-")[0] for p in read_pair(tmp_path / "set", Split.TRAIN).a}
    assert trained.isdisjoint(p.stem.split("-")[0] for p in test.a)
