"""`unmask generate directions` on a generator whose styles move brightness and tilt, as planted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from test_generate_command import call, plainly
from torch import Tensor, nn

from unmask.errors import WeightsError
from unmask.generate.attribute_reader import AttributeConfig, read_two
from unmask.generate.catalogue import GAMES
from unmask.generate.checkpoint import State, save
from unmask.generate.directions import random_styles
from unmask.generate.game import OptionError
from unmask.generate.games.faces import FaceGame, Rules
from unmask.generate.named_directions import beside, digest, named, read_named
from unmask.generate.stylegan2 import Generator, Size
from unmask.generate.trained import load_trained

SIDE = 16
SIZE = Size(side=SIDE, base=256, most=16, z=16, w=16, mapping=2)
QUICK = ("--samples", 1500, "--faces", 40, "--images", 5000)
CARD = ("--source", "made in a test", "--licence", "CC0")


class Lit(nn.Module):
    """A synthesis of pictures that are bright along one direction and tilted along another."""

    def __init__(self) -> None:
        super().__init__()
        basis, _ = torch.linalg.qr(torch.randn(SIZE.w, 2))
        self.register_buffer("light", basis[:, 0])
        # Not at right angles to the light: what is found from labels must be made apart from it.
        self.register_buffer("tilt", nn.functional.normalize(basis.sum(1), dim=0))

    def forward(self, styles: Tensor, noise: str = "fixed") -> Tensor:  # noqa: ARG002
        w = styles.mean(1)
        ramp = torch.linspace(-1, 1, SIDE)[:, None].expand(SIDE, SIDE)
        bright, tilted = (w @ self.get_buffer(name) for name in ("light", "tilt"))
        planes = bright[:, None, None] + tilted[:, None, None] * ramp
        return (0.4 * planes)[:, None].expand(-1, 3, -1, -1)


def planted() -> FaceGame:
    game = FaceGame(SIZE, Rules(gamma=1.0))
    generator = game.generator
    generator.synthesis = Lit()
    with torch.no_grad():
        generator.mapping.mean.copy_(random_styles(generator, 2000, 5).mean(0))
    return game


@pytest.fixture(autouse=True, scope="module")
def _planted() -> Iterator[None]:
    """The game of faces, small, and with what is planted."""
    entry = GAMES["faces"]
    tiny = replace(entry.profiles["tiny"], build=planted, side=SIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GAMES, "faces", replace(entry, profiles={"tiny": tiny}))
        yield


def checkpoint(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    game = planted()
    optimisers = [torch.optim.Adam(net.parameters()) for net in (game.generator, game.critic)]
    state = State(
        game=game, average=game.generator,
        generator_optimiser=optimisers[0], critic_optimiser=optimisers[1],
    )  # fmt: skip
    save(path, state, GAMES["faces"].profiles["tiny"].config)
    return path


def pictures(
    folder: Path, light: tuple[float, float], tilt: tuple[float, float], seed: int
) -> Path:
    """60 noisy pictures whose light and tilt lie in ranges of levels."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-1, 1, SIDE)[:, None, None]
    for i in range(60):
        levels = rng.uniform(*light) + rng.uniform(*tilt) * ramp
        noisy = levels + rng.normal(0, 0.05, (SIDE, SIDE, 3))
        Image.fromarray(np.uint8((noisy.clip(-1, 1) + 1) * 127.5)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, four folders, and the directions found from them, the second apart."""
    root = tmp_path_factory.mktemp("faces")
    weights = checkpoint(root / "last.pt", 4)
    any_, low, high = (-0.6, 0.6), (-0.8, -0.1), (0.1, 0.8)
    for i, (name, light, tilt) in enumerate(
        [("dark", low, any_), ("bright", high, any_), ("down", any_, low), ("up", any_, high)]
    ):
        pictures(root / name, light, tilt, i)
    out = beside(weights)
    first = ("directions", "light", root / "dark", root / "bright", "--out", out)
    assert call(*first, "--weights", weights, *QUICK, *CARD) == 0
    vector = load_file(out)["light"]
    second = ("directions", "tilt", root / "down", root / "up", "--out", out)
    assert call(*second, "--weights", weights, *QUICK, *CARD, "--apart-from", "light") == 0
    assert torch.equal(load_file(out)["light"], vector)
    return root


def generator_at(weights: Path) -> Generator:
    generator = load_trained("faces", weights).game.generator
    assert isinstance(generator, Generator)
    return generator


def test_a_planted_attribute_is_found_and_rises_with_the_amount(place: Path) -> None:
    generator = generator_at(place / "last.pt")
    found = read_named(beside(place / "last.pt"), generator)
    assert list(found) == ["light", "tilt"]
    light = found["light"]
    assert float(light.direction.vector @ generator.synthesis.light) > 0.9
    styles = random_styles(generator, 4000, 77)
    assert light.sigma == pytest.approx(float((styles @ light.direction.vector).std()), rel=0.1)
    facts = light.facts
    assert facts["amounts"] == [-3, -2, -1, 0, 1, 2, 3]
    assert facts["monotonic"]
    assert (np.diff(facts["probability"]) > 0).all()
    assert facts["probability"][0] < 0.1
    assert facts["probability"][-1] > 0.9
    assert facts["rising"] > 0.95
    assert facts["correlation of place and score"] > 0.8
    assert (np.diff(facts["brightness"]) > 0).all()
    again = facts["identity"]["found again"]
    assert again[3] == 1
    assert min(again[0], again[-1]) < 1  # pictures all dark are no longer like themselves


def test_the_card_says_what_a_name_stands_for_and_not_where_folders_lay(place: Path) -> None:
    path = beside(place / "last.pt").with_suffix(".json")
    card = json.loads(path.read_text())
    light = card["directions"]["light"]
    assert light["means"].startswith("light as labelled by the folders dark | bright, classifier")
    assert "on 12 held-out pictures" in light["means"]
    assert "rising with every step" in light["means"]
    share = light["classifier"]["finder"]["both"]
    assert (share["n"], share["hits"]) == (12, round(share["value"] * 12))
    assert light["data"] == {
        "without": "dark", "having": "bright", "learned from": 108, "held out": 12,
        "source": "made in a test", "licence": "CC0",
    }  # fmt: skip
    assert (
        "generate directions tilt down up --apart-from light"
        in (card["directions"]["tilt"]["command"])
    )
    assert str(place) not in path.read_text()


def test_a_direction_apart_from_another_leaves_it_as_it_is(place: Path) -> None:
    generator = generator_at(place / "last.pt")
    found = read_named(beside(place / "last.pt"), generator)
    light, tilt = found["light"], found["tilt"]
    assert abs(float(light.direction.vector @ tilt.direction.vector)) < 1e-4
    assert tilt.facts["apart from"] == ["light"]
    other = tilt.facts["others"]["light"]
    assert abs(other["cosine"]) < 1e-4
    assert abs(other["correlation of styles"]) <= 1
    assert np.ptp(tilt.facts["brightness"]) < 0.5 * np.ptp(light.facts["brightness"])


def edited(place: Path, out: Path, *words: object) -> NDArray[np.int64]:
    weights = ("--weights", place / "last.pt")
    assert call("edit", *weights, "--out", out, *words, mark=plainly) == 0
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_edit_takes_the_name_in_deviations(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = [
        edited(place, tmp_path / f"{i}.png", "--turn", f"light={amount}").mean()
        for i, amount in enumerate((-3, -1, 0, 1.5, 3))
    ]
    assert (np.diff(levels) > 0).all()
    assert "as labelled by the folders dark | bright" in capsys.readouterr().out
    elsewhere = tmp_path / "elsewhere.safetensors"
    for path in (beside(place / "last.pt"), beside(place / "last.pt").with_suffix(".json")):
        elsewhere.with_suffix(path.suffix).write_bytes(path.read_bytes())
    same = edited(place, tmp_path / "same.png", "--turn", "light=3", "--directions", elsewhere)
    assert same.mean() == levels[-1]


def test_unknown_names_are_told_what_there_is(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    words = ("edit", "--weights", place / "last.pt", "--out", out, "--turn")
    assert call(*words, "ligth=1", mark=plainly) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "Did you mean 'light'?" in said
    assert "light, tilt" in said
    assert call(*words, "Light=1", mark=plainly) == 2
    assert "NAME=AMOUNT" in capsys.readouterr().err
    alone = tmp_path / "alone.pt"
    alone.write_bytes((place / "last.pt").read_bytes())
    assert call("edit", "--weights", alone, "--out", out, "--turn", "light=1", mark=plainly) == 2
    assert "no named directions here" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()
    with pytest.raises(OptionError, match="no direction 'smile'"):
        named({}, "smile")


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("light", "dark", "bright"), "--replace"),
        (("3", "dark", "bright"), "no name"),
        (("shade", "dark", "bright", "--apart-from", "lite"), "no direction 'lite'"),
        (("shade", "dark", "dark"), "same picture"),
        (("shade", "dark", "few"), "20 are needed"),
        (("shade", "dark", "none"), "no picture below"),
        (("shade", "up", "also-up"), "no better than chance"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_gets_no_direction_is_said_and_changes_nothing(
    place: Path, words: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, first in (("few", 3), ("none", 0)):
        (place / name).mkdir(exist_ok=True)
        for path in list((place / "bright").iterdir())[:first]:
            (place / name / path.name).write_bytes(path.read_bytes())
    if not (place / "also-up").exists():
        pictures(place / "also-up", (-0.6, 0.6), (0.1, 0.8), 9)
    out = beside(place / "last.pt")
    before = out.read_bytes(), out.with_suffix(".json").read_bytes()
    name, without, having, *rest = words
    code = call(
        "directions", name, place / without, place / having, *rest, "--out", out,
        "--weights", place / "last.pt", *QUICK, *CARD,
    )  # fmt: skip
    assert code == 2
    assert word in " ".join(capsys.readouterr().err.split())
    assert (out.read_bytes(), out.with_suffix(".json").read_bytes()) == before


def test_a_direction_can_be_found_anew(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.safetensors"
    for path in (beside(place / "last.pt"), beside(place / "last.pt").with_suffix(".json")):
        out.with_suffix(path.suffix).write_bytes(path.read_bytes())
    code = call(
        "directions", "tilt", place / "down", place / "up", "--replace", "--out", out,
        "--weights", place / "last.pt", *QUICK, *CARD,
    )  # fmt: skip
    assert code == 0
    found = read_named(out, generator_at(place / "last.pt"))
    assert found["tilt"].facts["apart from"] == []
    assert found["tilt"].facts["others"]["light"]["cosine"] > 0.3


def test_directions_of_another_generator_or_a_damaged_file_are_refused(
    place: Path, tmp_path: Path
) -> None:
    mine, other = generator_at(place / "last.pt"), generator_at(checkpoint(tmp_path / "o.pt", 8))
    assert digest(mine) != digest(other)
    path = beside(place / "last.pt")
    with pytest.raises(WeightsError, match="another generator"):
        read_named(path, other)
    copy = tmp_path / "copy.safetensors"
    card = json.loads(path.with_suffix(".json").read_text())
    copy.write_bytes(path.read_bytes())
    for broken in ([], {"directions": {}}, {**card, "sha256": "0"}):
        copy.with_suffix(".json").write_text(json.dumps(broken))
        with pytest.raises(WeightsError):
            read_named(copy, mine)
    for facts in ({}, {"sigma": -1}, {"sigma": "x"}, None):
        copy.with_suffix(".json").write_text(json.dumps({**card, "directions": {"light": facts}}))
        with pytest.raises(WeightsError, match="other directions"):
            read_named(copy, mine)
    copy.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        read_named(copy, mine)


def test_half_precision_keeps_the_digest(place: Path) -> None:
    generator = generator_at(place / "last.pt")
    before = digest(generator)
    state = {k: v.half().float() for k, v in generator.state_dict().items()}
    generator.load_state_dict(state)
    assert digest(generator) == before


def test_folders_are_split_by_picture_and_repeats_count_once(tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", (-0.8, 0), (0, 0.1), 1)
    other = pictures(tmp_path / "other", (0, 0.8), (0, 0.1), 2)
    (one / "copy.png").write_bytes((one / "0.png").read_bytes())
    found = read_two(one, other, SIDE, AttributeConfig(held_out=0.2))
    assert [len(part) for part in vars(found).values()] == [48, 48, 12, 12]
    kept = {face.tobytes() for face in found.without}
    assert not any(face.tobytes() in kept for face in found.without_held_out)
