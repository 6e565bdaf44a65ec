"""How well a game changes pictures: planted kinds, and a translator that does it or does not."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from test_generate_command import call, plainly
from torch import Tensor, nn

from unmask.generate import changing
from unmask.generate.attribute_reader import AttributeConfig
from unmask.generate.catalogue import find
from unmask.generate.changing import Kinds, kinds_of, measure
from unmask.generate.distances import QualityError
from unmask.generate.game import OptionError
from unmask.generate.games.translation import cut, cycle_gan
from unmask.generate.trained import Trained, load_trained

SIDE = 64
CONFIG = AttributeConfig(images=1500, width=8)


class Brighter(nn.Module):
    """Adds so many levels of 255."""

    def __init__(self, levels: float) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, images: Tensor) -> Tensor:
        return images + self.levels / 127.5


def grey(n: int, level: int, seed: int) -> NDArray[np.uint8]:
    """Noise around a level, with a shade of its own for each picture."""
    rng = np.random.default_rng(seed)
    shade = level + rng.normal(0, 8, (n, 1, 1, 1))
    return np.clip(shade + rng.normal(0, 5, (n, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def kinds(held_out: int = 24) -> Kinds:
    return Kinds(
        train={"a": grey(60, 80, 1), "b": grey(60, 150, 2)},
        held_out={"a": grey(held_out, 80, 3), "b": grey(held_out, 150, 4)},
        names={"a": "dark", "b": "bright"},
    )


def translator(there: float, back: float) -> Trained:
    game = cycle_gan(SIDE, 4, 1)
    game.generator["ab"], game.generator["ba"] = Brighter(there), Brighter(back)
    game.generator["unused"] = nn.Linear(1, 1)  # the others have no weights to find the device by
    return Trained(
        entry=find("men-women"),
        profile="tiny",
        game=game,
        images=0,
        card=None,
        source=Path("last.pt"),
    )


def test_a_translator_that_does_it_is_told_from_one_that_does_nothing() -> None:
    summary, results = measure(translator(70, 0), kinds(), CONFIG)
    there, back = results["changed"]["b"], results["changed"]["a"]
    assert there["read"]["value"] == 1
    assert there["untouched"]["value"] == 0
    assert there["real"]["value"] == 1
    assert there["moved"] == pytest.approx(70, abs=0.1)
    assert there["frechet"] < there["frechet_untouched"] / 10
    assert back["read"]["value"] == back["untouched"]["value"] == 0
    assert back["frechet"] == back["frechet_untouched"] > 10 * back["frechet_real"]
    assert back["moved"] == 0
    assert "into bright: 100% [86%, 100%] of 24 read as such (untouched 0%" in summary
    assert results["summary"] == summary


def test_too_few_held_out_pictures_measure_nothing() -> None:
    with pytest.raises(QualityError, match="not 19"):
        measure(translator(70, 0), kinds(held_out=19), CONFIG)


def test_one_way_is_enough_and_digits_change_nothing() -> None:
    assert set(changing.ways_of(translator(1, 1))) == {"a", "b"}
    one_way = Trained(
        entry=find("cut-men-women"), profile="tiny", game=cut(SIDE, 4, 1), images=0, card=None,
        source=Path("last.pt"),
    )  # fmt: skip
    assert set(changing.ways_of(one_way)) == {"b"}
    with pytest.raises(OptionError, match="digits changes no pictures"):
        changing.ways_of(load_trained("digits"))


def test_the_command_measures_what_the_game_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "AttributeConfig", partial(AttributeConfig, images=640, width=4))
    for name, level in (("dark", 80), ("bright", 150)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i, pixels in enumerate(grey(168, level, level)):
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i:03}.png")
    data, run = tmp_path / "data", tmp_path / "run"
    assert call("train", "men-women", "--data", data, "--out", run, "--images", 4, "--quiet") == 0
    capsys.readouterr()
    words = ("evaluate", "men-women", "--data", data, "--weights", run / "last.pt")
    assert call(*words, mark=plainly) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "into bright:" in said
    assert "into dark:" in said
    assert "of 21 read as such" in said
    assert call(*words, "--held-out", data) == 2
    assert "no --held-out" in capsys.readouterr().err
    found = kinds_of(load_trained("men-women", run / "last.pt"), data, None)
    assert found.names == {"a": "bright", "b": "dark"}
    assert len(found.train["a"]) == 147
