"""What the page "Generate" makes: games loaded, pictures made and marked, and asked about."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import streamlit as st
import torch

from unmask.app.examining import Examined, Refused
from unmask.app.turning import Turns, faces
from unmask.app.uploads import Upload
from unmask.errors import MediaError, Reason
from unmask.evidence import Finding, Kind
from unmask.generate.digit_reader import load_reader
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.digits import DigitCritic
from unmask.generate.outputs import Generated, Mark
from unmask.generate.pictures import Pixels, png, to_tensor
from unmask.generate.sampling import numbers, samples
from unmask.generate.trained import Trained, load_trained
from unmask.generate.translate import face_square, kind_of, translate
from unmask.media import DEFAULT_LIMITS, Media, open_bytes
from unmask.report import labels

MOST = 24  # pictures at once on the page
# Whose findings stand beside the verdict.
DETECTORS = ("image_detector", "clip_detector", "audio_detector", "text_detector")
# Beside the picture that a critic is asked about: some critics look at how much a batch varies,
# and would take a picture alone for one of a generator that makes the same over and over.
_COMPANY = (1, 2, 3)  # seeds
_UNSURE = 0.5  # of a logit


class Form(StrEnum):
    """What a generator made."""

    PICTURE = "picture"
    CLIP = "clip"
    RECORDING = "recording"
    SCORE = "score"  # MIDI: nothing that the checker reads
    TEXT = "text"


_FORMS = {
    "image/png": (Form.PICTURE, "png"),
    "video/mp4": (Form.CLIP, "mp4"),
    "audio/wav": (Form.RECORDING, "wav"),
    "audio/midi": (Form.SCORE, "mid"),
    "text/plain": (Form.TEXT, "txt"),
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a generator made, twice."""

    name: str
    settings: str
    marked: bytes  # what is shown, handed out and checked
    plain: bytes  # without marks: it stays in the session, to be checked by its content alone
    mime: str = "image/png"
    drawn: bytes | None = None  # a picture (PNG) of what is only heard
    beside: Mapping[str, bytes] = field(default_factory=dict)  # marks that no file of it can hold

    @property
    def form(self) -> Form:
        """What it is."""
        return _FORMS[self.mime][0]

    @property
    def file_name(self) -> str:
        """As it is handed out, or inside the archive that is."""
        return f"{self.name}.{_FORMS[self.mime][1]}"

    def handed_out(self) -> tuple[bytes, str, str]:
        """(bytes, file name, MIME type): the marked file; an archive where marks lie beside it."""
        if not self.beside:
            return self.marked, self.file_name, self.mime
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in {self.file_name: self.marked, **self.beside}.items():
                archive.writestr(name, data)
        return out.getvalue(), f"{self.name}.zip", "application/zip"


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What a critic thinks of a picture."""

    logit: float  # above 0: real
    digit: int | None  # that the reader sees, where the critic asks for one

    @property
    def words(self) -> str:
        """A sentence."""
        kind = "real" if self.logit > 0 else "generated"
        side = "leans only a little to" if abs(self.logit) < _UNSURE else "takes it for"
        told = "" if self.digit is None else f", told that it shows the digit {self.digit},"
        return f"The critic{told} {side} {kind} (logit {self.logit:+.2f}; above 0 is real)."


def one_seed(text: str) -> int | None:
    """A seed as typed; None of an empty field. Raises OptionError."""
    if not text.strip():
        return None
    found = numbers(text)
    if len(found) != 1:
        raise OptionError("Styles are mixed with one other face: give a single seed.")
    return found[0]


def typed_path(text: str) -> Path | None:
    """A path as typed into a field; None of an empty one. Raises OptionError."""
    words = text.strip()
    if not words:
        return None
    if not words.isprintable():
        raise OptionError("The path holds characters that cannot be printed.")
    try:
        return Path(words).expanduser()
    except RuntimeError as error:  # the home of somebody who is not there
        raise OptionError(f"There is no folder {words}.") from error


def loaded(name: str, weights: Path | None, profile: str) -> Trained:
    """A game, of which the session keeps the last. Raises WeightsError, as `load_trained` does."""
    changed = weights.stat().st_mtime_ns if weights is not None and weights.is_file() else 0
    key = (name, weights, profile, changed)
    kept: tuple[object, Trained] | None = st.session_state.get("trained")
    if kept is None or kept[0] != key:
        kept = key, load_trained(name, weights, profile=profile)
        st.session_state["trained"] = kept
    return kept[1]


def make(trained: Trained, asked: Sampling, turns: Turns, mark: Mark) -> list[Made]:
    """A picture for each seed. Raises OptionError where the game cannot do as asked."""
    if len(asked.seeds) > MOST:
        raise OptionError(f"The page makes {MOST} pictures at once, not {len(asked.seeds)}.")
    found = faces(trained, asked, turns) if turns.any else samples(trained, asked)
    return marked(found, mark)


def marked(found: Iterable[Generated], mark: Mark) -> list[Made]:
    """Each picture with its marks, and without."""
    made = []
    for one in found:
        plain = png(one.pixels)
        data = mark(plain, "image/png", one.settings, one.original)
        made.append(Made(name=one.name, settings=one.settings, marked=data, plain=plain))
    return made


def translated(trained: Trained, data: bytes, *, to: str, face: bool, mark: Mark) -> Made:
    """A photograph as the other domain; `face` cuts out the middle square that the game knows.

    Raises MediaError where it is no picture, TranslationError for a way that is not there.
    """
    pixels = picture(data, "the photograph").pixels
    if face:
        pixels = face_square(pixels, trained.entry.profiles[trained.profile].side)
    made = Generated(
        name=f"{trained.entry.name}-{to}",
        pixels=translate(trained.game.generator, pixels, to=to),
        settings=f"to {kind_of(trained.entry, to)}",
        original=data,
    )
    return marked([made], mark)[0]


def picture(data: bytes, name: str) -> Media:
    """A still. Raises MediaError."""
    media = open_bytes(data, name, limits=DEFAULT_LIMITS)
    if media.kind is not Kind.IMAGE:
        raise MediaError(Reason.UNSUPPORTED, "This file is no picture.")
    return media


@torch.inference_mode()
def belief(trained: Trained, pixels: Pixels) -> Belief:
    """What the game's critic thinks of (S, S, 3), S being the side of the game's pictures.

    A critic that asks for the digit is told what the reader of digits sees, in real and generated
    pictures alike. The digit that it likes best itself would not do: for a real and a generated
    picture alike that is seldom the one shown. Raises OptionError for other sizes.
    """
    side = trained.entry.profiles[trained.profile].side
    if pixels.shape != (side, side, 3):
        raise OptionError(f"The critic looks at pictures of {side} pixels a side.")
    company = trained.game.sample(Sampling(seeds=_COMPANY)).cpu()
    image = to_tensor(pixels[None].copy())[:, : company.shape[1]]
    images = torch.cat([image, company])
    critic = trained.game.critic
    if not isinstance(critic, DigitCritic):
        return Belief(logit=float(critic(images)[0]), digit=None)
    digit = int(load_reader().read(image)[0])
    digits = torch.tensor([digit, *range(len(company))])  # without labels, samples come in turn
    return Belief(logit=float(critic(images, digits)[0]), digit=digit)


def grey(trained: Trained) -> bool:
    """Whether the game's pictures have no colour."""
    return trained.game.sample(Sampling(seeds=_COMPANY[:1])).shape[1] == 1


def upload(data: bytes, name: str) -> Upload:
    """A picture of the page, as if it had been uploaded."""
    return Upload(name=name, sha256=hashlib.sha256(data).hexdigest(), read=lambda: data)


def told(answer: Examined | Refused) -> list[tuple[str, str]]:
    """What the checker says, in rows: its verdict, and what the learned detector found."""
    if isinstance(answer, Refused):
        return [("Checker", f"{answer.title}. {answer.text}")]
    verdict = answer.report.verdict
    rows = [
        ("Verdict", f"{labels.SYMBOLS[verdict.origin]} {verdict.origin.value}"),
        ("In words", f"{verdict.headline}. {labels.likelihood(verdict, answer.report.kind)}."),
    ]
    for result in answer.report.results:
        if result.analyser.name in DETECTORS:
            outcome = result.outcome
            text = outcome.summary if isinstance(outcome, Finding) else outcome.text
            rows.append((result.analyser.title, text))
    return rows
