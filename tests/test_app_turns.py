"""The page "Generate": sliders of named directions beside a generator's weights."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_app_generate import _apart, opened, press, text, untrained

from unmask.generate.directions import Direction
from unmask.generate.named_directions import Named, beside, write_named
from unmask.generate.stylegan2 import Generator
from unmask.generate.trained import load_trained

__all__ = ["_apart", "untrained"]  # fixtures of the page's other tests

MEANS = "smile as labelled by the folders calm | *smiling*, classifier 91.0% on 190 held-out."


@pytest.fixture
def weights(untrained: Callable[[str], Path], tmp_path: Path) -> Path:
    """An untrained generator of faces, with two named directions beside it."""
    path = tmp_path / "last.pt"
    path.write_bytes(untrained("faces").read_bytes())
    generator = load_trained("faces", path).game.generator
    assert isinstance(generator, Generator)
    width = generator.size.w
    found = {
        name: Named(
            direction=Direction(name=name, vector=torch.eye(width)[i]),
            sigma=2.0,
            facts={"means": MEANS if i == 0 else "", "sigma": 2.0},
        )
        for i, name in enumerate(("smile", "big_glasses"))
    }
    write_named(beside(path), found, generator, {"name": "faces"})
    return path


def test_each_named_direction_has_a_slider_with_its_honest_name(weights: Path) -> None:
    at = opened("faces", weights)
    smile, glasses = at.slider(key="named-smile"), at.slider(key="named-big_glasses")
    assert (smile.min, smile.max, smile.value) == (-3, 3, 0)
    assert smile.help.replace("\\", "") == MEANS
    assert "\\*smiling\\*" in smile.help  # a folder's name is no Markdown
    assert glasses.label.replace("\\", "") == "big_glasses"
    assert "Nothing was written down" in glasses.help
    assert at.slider(key="direction-0").label == "Direction 1"  # SeFa's stay beside them


def test_a_named_slider_turns_the_face_by_deviations(weights: Path) -> None:
    at = opened("faces", weights)
    at.text_input(key="seeds").set_value("1")
    plain = press(at, "make").session_state["made"][1][0]
    at.slider(key="named-smile").set_value(1.5)
    turned = press(at, "make").session_state["made"][1][0]
    assert turned.plain != plain.plain
    assert turned.settings == "seed 1, truncation 0.7, smile: +1.5"
    at.slider(key="direction-1").set_value(-4.0)
    assert (
        press(at, "make").session_state["made"][1][0].settings.endswith("smile: +1.5, SeFa 1: -4")
    )


def test_directions_of_another_generator_leave_the_page_without_them(weights: Path) -> None:
    path = beside(weights).with_suffix(".json")
    card = json.loads(path.read_text())
    card["generator"]["sha256"] = "0" * 64
    path.write_text(json.dumps(card))
    at = opened("faces", weights)
    page = text(at)
    assert page.count('role="alert"') == 1
    assert "another generator" in page
    assert not [one for one in at.slider if str(one.key).startswith("named-")]
    at.text_input(key="seeds").set_value("1")
    assert len(press(at, "make").session_state["made"][1]) == 1


def test_without_a_file_there_are_no_named_sliders(untrained: Callable[[str], Path]) -> None:
    at = opened("faces", untrained("faces"))
    assert not [one for one in at.slider if str(one.key).startswith("named-")]
    assert "labelled photographs" not in text(at)
    assert math.isclose(at.slider(key="direction-0").max, 10)
