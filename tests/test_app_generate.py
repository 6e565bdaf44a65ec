"""The page "Generate": what it makes is marked, what it cannot do it says in a sentence."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import unmask.app
from unmask.app import generating, truth_or_lie
from unmask.datasets.picture_arrays import read_digits
from unmask.generate import trained as trained_module
from unmask.generate.catalogue import GAMES
from unmask.generate.checkpoint import State, save
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.digits import DigitCritic
from unmask.generate.pictures import to_pixels
from unmask.generate.text import trained as trained_text
from unmask.generate.trained import load_trained
from unmask.media import open_bytes
from unmask.scan import scan
from unmask.verdict import Origin

MAIN = str(Path(unmask.app.__file__).with_name("main.py"))
FAST = ("metadata", "c2pa")  # the analysers that read marks


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shipped weights, and signing certificates of this test alone."""
    monkeypatch.setattr(trained_module, "WEIGHTS", tmp_path / "none")
    monkeypatch.setattr(trained_text, "WEIGHTS", tmp_path / "none")


@pytest.fixture(autouse=True, scope="module")
def _identity(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNMASK_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of a DCGAN on noise."""
    from test_digits_game import idx

    from unmask.generate.command import main

    folder = tmp_path_factory.mktemp("mnist")
    rng = np.random.default_rng(0)
    (folder / "images-idx3-ubyte").write_bytes(
        idx(rng.integers(256, size=(16, 28, 28), dtype=np.uint8))
    )
    (folder / "labels-idx1-ubyte").write_bytes(idx(rng.integers(10, size=16, dtype=np.uint8)))
    out = tmp_path_factory.mktemp("runs") / "dcgan"
    words = ["train", "digits-dcgan", "--data", folder, "--out", out, "--images", 8,
             "--batch", 4, "--quiet"]  # fmt: skip
    with contextlib.suppress(SystemExit):  # as a command line ends
        main([str(word) for word in words], None)
    assert (out / "last.pt").is_file()
    return out


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A checkpoint of a game before its first step."""
    folder = tmp_path_factory.mktemp("untrained")

    def of(name: str) -> Path:
        path = folder / f"{name}.pt"
        if not path.is_file():
            torch.manual_seed(0)
            profile = GAMES[name].profiles["tiny"]
            game = profile.build()
            optimisers = [
                torch.optim.Adam(net.parameters()) for net in (game.generator, game.critic)
            ]
            state = State(
                game=game, average=game.generator,
                generator_optimiser=optimisers[0], critic_optimiser=optimisers[1],
            )  # fmt: skip
            save(path, state, profile.config)
        return path

    return of


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The bytes behind every download button, by its key."""
    seen: dict[str, bytes] = {}
    real = st.download_button

    def watched(label: str, data: Any, **rest: Any) -> Any:
        seen[rest["key"]] = data
        return real(label, data, **rest)

    monkeypatch.setattr(st, "download_button", watched)
    return seen


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker with the analysers alone that read marks, and the learned detector's refusal."""
    from unmask.app import examining

    names = (*FAST, "image_detector")
    monkeypatch.setattr(examining, "scan", lambda media, *_: scan(media, names))


def opened(game: str, weights: Path | None = None) -> AppTest:
    """The page with a game chosen, and the user's own weights."""
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.radio(key="page").set_value("Generate").run()
    at.selectbox(key="game").set_value(game).run()
    if weights is not None:
        at.text_input(key=f"weights-{game}").set_value(str(weights)).run()
    assert not at.exception
    return at


def text(at: AppTest) -> str:
    return "\n".join(element.proto.body for element in at.get("html"))


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception
    assert "This part could not be shown" not in text(at)
    return at


def origin(data: bytes) -> Origin:
    return scan(open_bytes(data, "picture.png"), FAST).verdict.origin


def jpeg(colour: tuple[int, int, int] = (200, 40, 90)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (90, 70), colour).save(out, "JPEG")
    return out.getvalue()


def test_a_game_without_weights_says_how_to_get_them() -> None:
    page = text(opened("digits-dcgan"))
    assert "No weights of this game come with unmask" in page
    assert "unmask generate train digits-dcgan" in page
    assert "Truth or lie" not in page


def test_the_first_page_stays_the_first() -> None:
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    assert at.radio(key="page").value == "Check"
    assert "From noise" not in text(at)
    at.radio(key="page").set_value("Generate").run()
    assert "From noise" in text(at)


def test_every_picture_that_can_be_downloaded_is_marked(
    run: Path, downloads: dict[str, bytes]
) -> None:
    at = opened("digits-dcgan", run / "last.pt")
    at.text_input(key="seeds").set_value("3,5")
    press(at, "make")
    assert set(downloads) == {"keep-0", "keep-1"}
    made = at.session_state["made"][1]
    for i, seed in enumerate((3, 5)):
        data = downloads[f"keep-{i}"]
        assert origin(data) is Origin.SYNTHETIC
        assert f"seed {seed}".encode() in data
        assert origin(made[i].plain) is not Origin.SYNTHETIC  # or the test above says nothing
        with Image.open(io.BytesIO(data)) as one, Image.open(io.BytesIO(made[i].plain)) as two:
            assert one.size == (32, 32)
            assert np.array_equal(one.convert("RGB"), two.convert("RGB"))
    assert not np.array_equal(*(np.asarray(Image.open(io.BytesIO(m.plain))) for m in made))


@pytest.mark.usefixtures("quick")
def test_the_checker_reads_the_marks_and_misses_them_in_pixels_alone(run: Path) -> None:
    at = opened("digits-dcgan", run / "last.pt")
    at.text_input(key="seeds").set_value("1")
    press(at, "make")
    page = text(press(at, "check-0"))
    assert "With its marks" in page
    assert "▲ synthetic" in page
    assert "Learned image detector" in page
    page = text(press(at, "check-plain-0"))
    assert "Without its marks" in page
    assert "▲ synthetic" not in page


@pytest.mark.parametrize(
    ("seeds", "word"), [("a-b", "no list of numbers"), ("0-24", "24 pictures at once")]
)
def test_bad_seeds_get_one_sentence(run: Path, seeds: str, word: str) -> None:
    at = opened("digits-dcgan", run / "last.pt")
    at.text_input(key="seeds").set_value(seeds)
    page = text(press(at, "make"))
    assert page.count('role="alert"') == 1
    assert word in page
    assert "Traceback" not in page
    assert "made" not in at.session_state


@pytest.mark.parametrize("path", ["/nowhere/last.pt", "/nowhere/x", "~nobody-here/x.pt", "a\x00b"])
def test_weights_that_are_not_there_get_one_sentence(path: str) -> None:
    at = opened("digits-dcgan", Path(path))
    assert text(at).count('role="alert"') == 1
    assert "Truth or lie" not in text(at)


def test_the_digit_that_is_asked_for_is_passed_on(
    untrained: Callable[[str], Path], downloads: dict[str, bytes]
) -> None:
    at = opened("digits", untrained("digits"))
    at.text_input(key="seeds").set_value("1,1")
    at.text_input(key="labels").set_value("4,7")
    press(at, "make")
    assert [m.name for m in at.session_state["made"][1]] == ["digits-000001-4", "digits-000001-7"]
    assert b"class 7" in downloads["keep-1"]
    at.text_input(key="labels").set_value("12")
    assert "Digits are 0 to 9" in text(press(at, "make"))


def test_faces_are_truncated_mixed_and_turned(untrained: Callable[[str], Path]) -> None:
    at = opened("faces", untrained("faces"))
    at.text_input(key="seeds").set_value("1")
    pictures = [press(at, "make").session_state["made"][1][0]]
    for change in (
        lambda: at.slider(key="direction-0").set_value(5.0),
        lambda: at.text_input(key="mix").set_value("9"),
        lambda: at.slider(key="truncation").set_value(0.2),
    ):
        change()
        pictures.append(press(at, "make").session_state["made"][1][0])
    assert len({one.plain for one in pictures}) == 4
    assert pictures[-1].settings == "seed 1, truncation 0.2, coarse layers of seed 9, SeFa 0: +5"
    at.text_input(key="mix").set_value("1-3")
    assert "a single seed" in text(press(at, "make"))


def test_a_photograph_is_translated_with_itself_as_parent(
    untrained: Callable[[str], Path], downloads: dict[str, bytes]
) -> None:
    at = opened("men-women", untrained("men-women"))
    assert "Bring a photograph first" in text(press(at, "translate-now"))
    at.file_uploader(key="photograph").set_value([("p.jpg", jpeg(), "image/jpeg")])
    press(at, "translate-now")
    data = downloads["keep-0"]
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert origin(data) in (Origin.SYNTHETIC, Origin.MANIPULATED)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (90, 70)
    at.file_uploader(key="photograph").set_value([("p.jpg", b"no picture", "image/jpeg")])
    assert text(press(at, "translate-now")).count('role="alert"') == 1


def test_the_film_of_a_run_is_shown_and_marked(run: Path, downloads: dict[str, bytes]) -> None:
    at = opened("digits-dcgan")
    assert "Name the folder" in text(press(at, "film-now"))
    at.text_input(key="run").set_value(str(run.parent))
    assert "holds no previews" in text(press(at, "film-now"))
    at.text_input(key="run").set_value(str(run))
    assert "data:image/webp;base64," in text(press(at, "film-now"))
    assert b"trainedAlgorithmicMedia" in downloads["keep-film"]


@pytest.mark.usefixtures("quick")
def test_guesses_are_counted_once_and_answered(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coin = iter((1, 0, 0, 1, 0, 0))  # generated; real, picture 0; generated
    monkeypatch.setattr(truth_or_lie.secrets, "randbelow", lambda _: next(coin))
    at = opened("digits-dcgan", run / "last.pt")
    before = text(at)
    assert "The critic" not in before
    assert "the generator, seed" not in before
    page = text(press(at, "guess-generated"))
    assert "✓ right: it is generated" in page
    assert "The critic" in page
    assert "Verdict" in page
    assert at.session_state["score"] == truth_or_lie.Score(right=1)
    at.run()  # another run of the page is no other guess
    assert at.session_state["score"] == truth_or_lie.Score(right=1)
    press(press(at, "next"), "guess-generated")
    assert "✗ wrong: it is real" in text(at)
    assert at.session_state["score"] == truth_or_lie.Score(right=1, wrong=1)
    press(press(at, "next"), "guess-real")
    assert at.session_state["score"] == truth_or_lie.Score(right=1, wrong=2)


def test_a_second_press_counts_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = np.zeros((4, 4, 3), np.uint8)
    now = truth_or_lie.Round(game=0, generated=True, pixels=blank, where="here")
    state: dict[str, Any] = {"round": now}
    monkeypatch.setattr("streamlit.session_state", state)
    truth_or_lie._guess(False)
    truth_or_lie._guess(True)
    assert state["score"] == truth_or_lie.Score(wrong=1)
    assert state["round"].guess is False


def test_real_pictures_are_cut_to_what_the_game_makes(run: Path) -> None:
    trained = load_trained("digits-dcgan", run / "last.pt")
    fake = to_pixels(trained.game.sample(Sampling(seeds=(4,))))[0]
    real = truth_or_lie.as_real(jpeg(), 32, colourless=generating.grey(trained))
    assert real.shape == fake.shape
    assert (real == real[..., :1]).all()
    assert (fake == fake[..., :1]).all()


def test_the_critic_is_told_the_digit_that_is_read(
    untrained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = load_trained("digits", untrained("digits"))
    pixels = to_pixels(trained.game.sample(Sampling(seeds=(4,), labels=(3,))))[0]
    critic = trained.game.critic
    assert isinstance(critic, DigitCritic)
    reader = SimpleNamespace(read=lambda images: torch.full((len(images),), 8))
    monkeypatch.setattr(generating, "load_reader", lambda: reader)
    with torch.no_grad():  # a critic that believes in 8 and in nothing else
        for parameter in (*critic.leave.parameters(), *critic.dense.parameters()):
            parameter.zero_()
        critic.dense.bias.fill_(1.0)
        critic.classes.weight.fill_(-1.0)
        critic.classes.weight[8] = 1.0
    found = generating.belief(trained, pixels)
    assert found.digit == 8
    assert found.logit == pytest.approx(critic.classes.embedding_dim**0.5)
    assert "told that it shows the digit 8, takes it for real" in found.words
    with pytest.raises(OptionError):
        generating.belief(trained, pixels[:16])


@pytest.mark.shared
def test_the_shipped_critic_tells_real_digits_from_generated_ones(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the shipped weights are meant
    trained = load_trained("digits")
    real = read_digits(shared / "mnist", 32).pixels[-100:]  # the last ones were not learned from
    fake = to_pixels(trained.game.sample(Sampling(seeds=tuple(range(1000, 1100)))))
    logits = [
        np.array([generating.belief(trained, one).logit for one in some])
        for some in (real.repeat(3, -1), fake)
    ]
    assert (logits[0][:, None] > logits[1][None]).mean() > 0.65  # 0.5: it knows nothing


def test_a_seed_alone_is_mixed_with() -> None:
    assert generating.one_seed(" ") is None
    assert generating.one_seed(" 12 ") == 12
    for wrong in ("1,2", "x", "-1"):
        with pytest.raises(OptionError):
            generating.one_seed(wrong)
