"""`unmask generate entanglement`: what moves along with a planted attribute, and what does not."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_face_networks import package
from test_generate_command import call
from test_generate_directions import _planted, generator_at, place
from torch import Tensor

from unmask.generate.entanglement import FAR, entangled
from unmask.generate.game import OptionError
from unmask.generate.named_directions import beside, read_named

__all__ = ["_planted", "place"]  # fixtures of the directions' tests
QUICK = ("--images", 4000, "--faces", 40)


@pytest.fixture(scope="module")
def measured(place: Path) -> dict[str, dict[str, dict[str, float]]]:
    """What the card says, by direction and by what is read."""
    file = beside(place / "last.pt")
    before = load_file(file)
    archive = package(place / "face-api.tgz")
    code = call(
        "entanglement", file, "--folders", place / "nothing-here", "--folders", place,
        "--package", archive, "--weights", place / "last.pt", *QUICK,
    )  # fmt: skip
    assert code == 2  # there is no such folder
    code = call(
        "entanglement", file, "--folders", place, "--package", archive,
        "--weights", place / "last.pt", *QUICK,
    )  # fmt: skip
    assert code == 0
    assert all(torch.equal(vector, before[name]) for name, vector in load_file(file).items())
    card = json.loads(file.with_suffix(".json").read_text())
    read_named(file, generator_at(place / "last.pt"))  # still one file with its card
    told = {name: facts["entanglement"] for name, facts in card["directions"].items()}
    assert told["light"]["from"] == -FAR
    assert told["light"]["faces"] == 40
    assert card["directions"]["light"]["means"].startswith("light as labelled")
    return {name: one["read"] for name, one in told.items()}


def test_an_attribute_that_is_planted_into_another_is_seen_to_move_along(
    measured: dict[str, dict[str, dict[str, float]]],
) -> None:
    for name in ("light", "tilt"):
        own = measured[name][name]
        assert own["low"] > 0.4
        assert own["before"] < own["rest"] < own["after"]
    # The light lies at half a right angle to the tilt: along it both move. The direction of the
    # tilt was made apart from the light.
    assert measured["light"]["tilt"]["change"] > 0.3
    assert abs(measured["tilt"]["light"]["change"]) < 0.3
    assert measured["tilt"]["light"]["change"] < measured["light"]["tilt"]["change"]


def test_outside_networks_read_the_same_faces(
    measured: dict[str, dict[str, dict[str, float]]],
) -> None:
    for changes in measured.values():
        assert set(changes) == {
            "light", "tilt", "smiling (face-api)", "years (face-api)", "man (face-api)",
        }  # fmt: skip
        for one in changes.values():
            assert one["low"] <= one["change"] <= one["high"]


def test_a_change_has_the_interval_of_its_mean(place: Path) -> None:
    generator = generator_at(place / "last.pt")
    found = read_named(beside(place / "last.pt"), generator)

    def brightness(images: Tensor) -> dict[str, np.ndarray]:
        return {"bright": images.mean((1, 2, 3)).double().numpy()}

    one = entangled(generator, found, [brightness], faces=30)["light"]["bright"]
    assert one.change == pytest.approx(one.after - one.before)
    # Light moves every face by the same step: 0.4 x the way, along the planted direction.
    way = found["light"].sigma * float(found["light"].direction.vector @ generator.synthesis.light)
    assert one.change == pytest.approx(0.4 * 2 * FAR * way, rel=1e-3)
    assert one.high - one.low < 1e-4
    with pytest.raises(OptionError, match="Two faces"):
        entangled(generator, found, [brightness], faces=1)


def test_folders_that_lie_elsewhere_are_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = beside(place / "last.pt")
    before = file.with_suffix(".json").read_bytes()
    words = ("--folders", tmp_path, "--weights", place / "last.pt", *QUICK)
    assert call("entanglement", file, *words) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "light: its folders 'dark' and 'bright' lie in none of those" in said
    assert file.with_suffix(".json").read_bytes() == before
