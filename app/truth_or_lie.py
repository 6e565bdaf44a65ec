"""Truth or lie: a picture, a guess, and then what the critic and the checker say of it."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from PIL import Image

from unmask.app.examining import Options, examine
from unmask.app.generating import belief, grey, picture, told, upload
from unmask.app.page_html import alert, heading, show, table
from unmask.app.uploads import example_files
from unmask.datasets.picture_arrays import square
from unmask.errors import UnmaskError
from unmask.generate.game import Sampling
from unmask.generate.pictures import Pixels, png, to_pixels
from unmask.generate.trained import Trained

_EXAMPLE = "astronaut.jpg"  # stands for a real picture until the visitor brings some
_SEED_BITS = 40  # so many that nobody can try them all beside the page
_SHOWN = 256  # pixels a side on the page


@dataclass(frozen=True, kw_only=True)
class Round:
    """One picture. What it is lies here, in the session, and not on the page before the guess."""

    game: object  # what it was drawn for: another game or other pictures begin anew
    generated: bool
    pixels: Pixels  # (S, S, 3)
    where: str  # it comes from: told after the guess
    guess: bool | None = None  # that it is generated

    @property
    def right(self) -> bool:
        """Whether the guess is."""
        return self.guess == self.generated


@dataclass(frozen=True, kw_only=True)
class Score:
    """Guesses so far."""

    right: int = 0
    wrong: int = 0


def truth_or_lie(trained: Trained) -> None:
    """The game, for one whose pictures come out of noise."""
    heading(
        "Truth or lie",
        "Half of the pictures come out of the generator, half are real ones cut to the same size. "
        "Which is this?",
    )
    files = st.file_uploader(
        "Real pictures of your own",
        accept_multiple_files=True,
        key="reals",
        help="The more they resemble what the game makes, the harder it gets: for digits, "
        "photographs of white handwriting on black. Without any, a photograph that comes with "
        "unmask stands for all of them, which is easily told.",
    )
    reals = [file.getvalue() for file in files] or _examples()
    if not reals:
        alert("Not played", "Bring a real picture first.")
        return
    try:
        _play(trained, reals)
    except UnmaskError as error:
        alert("Not played", str(error))


def _examples() -> list[bytes]:
    return [path.read_bytes() for path in example_files() if path.name == _EXAMPLE]


def _play(trained: Trained, reals: Sequence[bytes]) -> None:
    now = _round(trained, reals)
    # Without marks, which would give the answer away; a PNG of the same kind for both.
    st.image(png(now.pixels), width=_SHOWN, alt="The picture to judge")
    if now.guess is None:
        with st.container(horizontal=True):
            st.button("It is real", key="guess-real", on_click=_guess, args=(False,))
            st.button("It is generated", key="guess-generated", on_click=_guess, args=(True,))
    else:
        _reveal(trained, now)
        st.button("Next picture", key="next", on_click=_next)
    score = _score()
    show(table([("Right", str(score.right)), ("Wrong", str(score.wrong))], "Your score"))


def _round(trained: Trained, reals: Sequence[bytes]) -> Round:
    digests = tuple(hashlib.sha256(data).hexdigest() for data in reals)
    game = (trained.entry.name, trained.profile, id(trained), digests)
    kept: Round | None = st.session_state.get("round")
    if kept is None or kept.game != game:
        kept = draw(trained, reals, game)
        st.session_state["round"] = kept
    return kept


def draw(trained: Trained, reals: Sequence[bytes], game: object) -> Round:
    """A round, by chance that no seed of the page decides. Raises MediaError."""
    # All are cut, whichever is shown: how long a round takes says nothing, and a file that is no
    # picture is named at once.
    side = trained.entry.profiles[trained.profile].side
    cut = [as_real(data, side, colourless=grey(trained)) for data in reals]
    seed = secrets.randbits(_SEED_BITS)
    fake = to_pixels(trained.game.sample(Sampling(seeds=(seed,), labels=_label(trained))))[0]
    if secrets.randbelow(2):
        return Round(game=game, generated=True, pixels=fake, where=f"the generator, seed {seed}")
    at = secrets.randbelow(len(cut))
    return Round(
        game=game, generated=False, pixels=cut[at], where=f"real picture {at + 1} of {len(cut)}"
    )


def _label(trained: Trained) -> tuple[int, ...] | None:
    """Any digit, where digits are asked for: one seed alone would always be a nought."""
    return (secrets.randbelow(10),) if trained.entry.name == "digits" else None


def as_real(data: bytes, side: int, *, colourless: bool) -> Pixels:
    """The middle square of a picture as (side, side, 3), as the game's are. Raises MediaError."""
    cut = Image.fromarray(square(Image.fromarray(picture(data, "a real picture").pixels), side))
    return np.asarray(cut.convert("L").convert("RGB") if colourless else cut, np.uint8)


def _score() -> Score:
    score: Score = st.session_state.get("score", Score())
    return score


def _guess(generated: bool) -> None:
    now: Round | None = st.session_state.get("round")
    if now is None or now.guess is not None:  # a second press counts no second time
        return
    now = replace(now, guess=generated)
    score = _score()
    st.session_state["round"] = now
    st.session_state["score"] = (
        replace(score, right=score.right + 1)
        if now.right
        else replace(score, wrong=score.wrong + 1)
    )


def _next() -> None:
    st.session_state.pop("round", None)


def _reveal(trained: Trained, now: Round) -> None:
    kind = "generated" if now.generated else "real"
    with st.spinner("The checker looks at it."):
        data = png(now.pixels)
        answer = examine(upload(data, "picture.png"), Options())
    rows = [
        ("Your guess", f"{'✓ right' if now.right else '✗ wrong'}: it is {kind}"),
        ("It comes from", now.where),
        ("Critic", belief(trained, now.pixels).words),
        *told(answer),
    ]
    show(table(rows, "The answer"))
