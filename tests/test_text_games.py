"""Games of texts from folders to weights: corpora, vocabulary, training, writing, marks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unmask.card import load_card
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest_file import read_manifest
from unmask.errors import WeightsError
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.marking import text_marker
from unmask.forensics.signing import Identity
from unmask.forensics.trust import TrustLists
from unmask.generate.command import main
from unmask.generate.text import trained as trained_module
from unmask.generate.text.bleu import FILL
from unmask.generate.text.corpora import CorpusError, read_captions, read_quatrains, read_speeches
from unmask.generate.text.evaluating import _shuffled
from unmask.generate.text.games import TEXTS, write_quatrain
from unmask.generate.text.learning import prepare
from unmask.generate.text.measures import assess_texts, longest_copies
from unmask.generate.text.outputs import Written, keep_corpus
from unmask.generate.text.scoring import score, stretches
from unmask.generate.text.trained import load_text
from unmask.generate.text.vocabulary import (
    END,
    RARE,
    PromptError,
    Vocabulary,
    make_vocabulary,
    read_vocabulary,
)
from unmask.generate.text.words import split_words, written
from unmask.generate.text.writing import Asked, sampled, write
from unmask.media import open_media
from unmask.scan import scan
from unmask.verdict import Origin

SIGNS = "春風江水月花山雲夜人天來去不見明白日"
SPEECH = (
    "My fellow Americans, the state of our union is strong. We will work for jobs, and we will"
    " not rest. America is a nation of workers; our children know it. Our work goes on!"
)


def poem(rng: np.random.Generator, line: int) -> list[str]:
    return ["".join(rng.choice(list(SIGNS), line)) for _ in range(4)]


@pytest.fixture(scope="module")
def quatrains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the package chinese-poetry has it."""
    folder = tmp_path_factory.mktemp("poetry")
    rng = np.random.default_rng(1)
    poems = []
    for i in range(300):
        a, b, c, d = poem(rng, 5)
        poems.append({"author": f"poet {i % 40}", "paragraphs": [f"{a}，{b}。", f"{c}，{d}。"]})
    poems.append({"author": "poet 1", "paragraphs": ["春風，江水。"]})
    (folder / "quantangshi").mkdir()
    (folder / "quantangshi" / "poet.tang.0.json").write_text(json.dumps(poems))
    (folder / "rank").mkdir()
    (folder / "rank" / "poet.tang.0.json").write_text("[{}]")
    return folder


@pytest.fixture(scope="module")
def speeches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speeches")
    for i in range(25):
        own = " ".join(f"Year {i} of work goes on in America, and {k} jobs." for k in range(4))
        (folder / f"speech{i}.txt").write_text(f"{SPEECH} {own} " * 2)
    (folder / "1790_old.txt").write_text("Fellow-citizens of the Senate. " * 20)
    return folder


@pytest.fixture(scope="module")
def run(quatrains: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps."""
    out = tmp_path_factory.mktemp("runs") / "quatrains-5"
    assert call("train", "quatrains-5", "--data", quatrains, "--out", out, "--mle-steps", 6,
                "--catch-steps", 2, "--rounds", 2, "--batch", 4, "--check-every", 5,
                "--quiet") == 0  # fmt: skip
    return out


def call(*words: object, identity: Identity | None = None) -> int:
    """The exit code."""
    marks = (lambda game: text_marker(game, identity)) if identity else None
    try:
        main([str(w) for w in words], None, marks)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_quatrains_of_both_sources_are_read(quatrains: Path, tmp_path: Path) -> None:
    found = read_quatrains(quatrains, 5)
    assert found.sources == 40
    assert 0 < len(found.held_out) < len(found.training)
    assert {len(text) for text in found.training} == {20}
    assert not set(found.training) & set(found.held_out)
    rng = np.random.default_rng(2)
    for part in ("qtrain7", "qvalid7"):
        rows = ["\t".join(" ".join(x) for x in poem(rng, 7)) for _ in range(9)]
        (tmp_path / part).write_text("\n".join(rows) + "\n", encoding="utf-8")
    other = read_quatrains(tmp_path, 7)
    assert (len(other.training), len(other.held_out)) == (9, 9)
    with pytest.raises(CorpusError):
        read_quatrains(tmp_path / "nothing", 5)


def test_speeches_are_windows_that_begin_with_sentences(speeches: Path, tmp_path: Path) -> None:
    found = read_speeches(speeches, 8)
    assert found.sources == 25  # 1790 is left out
    assert {len(text) for text in found.training} == {8}
    firsts = {text[0] for text in found.training}
    assert firsts <= {"my", "we", "America", "our", "year"}
    with pytest.raises(CorpusError):
        read_speeches(tmp_path, 8)


def test_captions_are_lines(tmp_path: Path) -> None:
    rows = [f"A man number {i} rides a bike." for i in range(40)]
    (tmp_path / "image_coco.txt").write_text("\n".join(rows))
    found = read_captions(tmp_path, 20)
    assert found.training[0] == ("a", "man", "number", "1", "rides", "a", "bike", ".")
    lessons = prepare(TEXTS["captions"], found)
    last = lessons.vocabulary.numbers[END]
    assert (lessons.training[:, 8:] == last).all()
    assert (lessons.training == lessons.vocabulary.numbers[RARE]).any()


def test_words_come_back_as_they_were_written() -> None:
    assert written(split_words(SPEECH)) == SPEECH
    text = "I paid $3.5 million, or 12%. Don't -- we can't!"
    assert split_words(text)[:5] == ["I", "paid", "$", "3.5", "million"]
    assert written(split_words(text)) == text


def test_a_vocabulary_keeps_the_frequent_and_comes_back(tmp_path: Path) -> None:
    made = make_vocabulary("x", [list("aabbc"), list("ab")], most=4, special=(RARE, END))
    assert made.tokens == (RARE, END, "a", "b")
    assert made.encode([list("abz")], 5).tolist() == [[2, 3, 0, 1, 1]]
    assert made.decode([2, 3, 1, 2]) == ["a", "b"]
    made.save(tmp_path / "v.json")
    assert read_vocabulary(tmp_path / "v.json") == made
    with pytest.raises(PromptError, match="z"):
        made.prompt(list("az"))
    for text in ("{", "[]", '{"game": "x", "tokens": [1]}'):
        (tmp_path / "v.json").write_text(text)
        with pytest.raises(WeightsError):
            read_vocabulary(tmp_path / "v.json")


def test_poems_have_lines() -> None:
    assert write_quatrain(tuple("春風江水月" * 4)) == "春風江水月，\n春風江水月。\n" * 1 + (
        "春風江水月，\n春風江水月。"
    )


def test_tokens_by_frequency_are_as_many_as_the_texts_they_stand_for() -> None:
    training = np.array([[1, 2, 3], [4, FILL, FILL], [5, 6, FILL]])
    found = _shuffled(training, 7)
    assert ((found == FILL) == np.resize(training == FILL, (7, 3))).all()
    assert sorted(found[:3][found[:3] != FILL]) == [1, 2, 3, 4, 5, 6]
    assert found[:3].tolist() != training.tolist()


def test_copies_are_found_as_a_naive_search_finds_them() -> None:
    rng = np.random.default_rng(0)
    made, training = rng.integers(5, size=(12, 9)), rng.integers(5, size=(30, 9))
    made[0] = training[4]

    def naive(row: list[int]) -> int:
        inside = [t.tolist() for t in training]
        return max(
            n for n in range(10) for at in range(10 - n)
            if any(row[at : at + n] == t[k : k + n] for t in inside for k in range(10 - n))
        )  # fmt: skip

    found = longest_copies(made, training, 5)
    assert found.tolist() == [naive(row.tolist()) for row in made]
    quality = assess_texts(made, training[:9], training, vocabulary=5)
    assert quality.longest_copy == 9
    assert quality.whole_copies == 1


def test_a_run_has_previews_and_is_measured(
    run: Path, quatrains: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    previews = sorted((run / "previews").iterdir())
    assert [p.name for p in previews] == ["0000005.txt", "0000010.txt"]
    assert previews[0].read_text().count("。") == 16
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("\n".join(["春風江水月" * 4] * 12) + "\n\n", encoding="utf-8")
    words = ("evaluate", "quatrains-5", "--data", quatrains, "--weights", run / "last.pt")
    assert call(*words, "--count", 20, "--beside", theirs) == 0
    ours, others = capsys.readouterr().out.strip().rsplit("\ntheirs: ", 1)
    assert "BLEU-2" in ours
    assert "Self-BLEU-2 1.000" in others
    assert others.endswith("n = 12")
    theirs.write_text("\n", encoding="utf-8")
    assert call(*words, "--beside", theirs) == 2


def test_poems_are_printed_and_marked_beside(
    run: Path, tmp_path: Path, identity: Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("poem", "--prompt", "春風", "--weights", run / "last.pt", "--seed", 7)
    assert call(*words, "--out", tmp_path / "a.txt", identity=identity) == 0
    said = capsys.readouterr().out
    text = (tmp_path / "a.txt").read_bytes()
    assert text.decode().startswith("春風")
    assert text.decode().splitlines()[0] in said
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["DigitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert facts["made"] == "seed 7, temperature 0.8, prompt 春風"
    manifest = (tmp_path / "a.c2pa").read_bytes()
    read = read_credentials(text, "text/plain", sidecar=manifest, lists=TrustLists())
    assert read.state not in (State.ABSENT, State.INVALID)
    changed = read_credentials(text + b"x", "text/plain", sidecar=manifest, lists=TrustLists())
    assert changed.state is State.INVALID
    assert scan(open_media(tmp_path / "a.txt"), ["c2pa"]).verdict.origin is Origin.SYNTHETIC
    (tmp_path / "a.txt").write_bytes(text + b"x")  # no longer the text that was signed
    assert scan(open_media(tmp_path / "a.txt"), ["c2pa"]).verdict.origin is Origin.INCONCLUSIVE
    assert call(*words, "--out", tmp_path / "a.txt", identity=identity) == 2  # nothing overwritten
    assert call(*words, "--out", tmp_path / "b", "--count", 2, identity=identity) == 0
    names = sorted(p.name for p in (tmp_path / "b").iterdir())
    assert names == [
        f"quatrains-5-{n:06d}.{end}" for n in (7, 8) for end in ("c2pa", "json", "txt")
    ]
    assert (tmp_path / "b" / "quatrains-5-000007.txt").read_bytes() == text


def test_unmarked_poems_leave_into_a_corpus_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("poem", "--weights", run / "last.pt", "--count", 3, "--unmarked")
    assert call(*words) == 2
    assert call(*words, "--out", tmp_path / "corpus", "--split", "validation") == 0
    assert call(*words, "--out", tmp_path / "corpus", "--seed", 2, "--split", "validation") == 0
    assert "2 written, 1 there already" in " ".join(capsys.readouterr().out.split())
    samples = read_manifest(tmp_path / "corpus" / "manifest.csv")
    assert len(samples) == 5
    assert {(s.fake, s.generator, s.split.value) for s in samples} == {
        (True, "unmask-quatrains-5", "validation")
    }
    assert len((tmp_path / "corpus" / "about.jsonl").read_text().splitlines()) == 5
    assert call(*words[:-1]) == 2  # neither marked nor in a corpus
    trained = load_text("quatrains-5", run / "last.pt")
    other = Written(name="quatrains-5-000000", text="春", settings="")
    with pytest.raises(DatasetError, match="another text"):
        keep_corpus(trained, [other], tmp_path / "corpus", samples[0].split)


@pytest.mark.parametrize(
    "words",
    [
        ("poem", "--prompt", "春風Z"),
        ("poem", "--prompt", "春風江水月" * 4),
        ("poem", "--seven"),
        ("train", "--data", "nowhere", "--out", "x", "quatrains-5"),
        ("oracle", "--out", "x", "--profile", "huge"),
    ],
    ids=lambda words: " ".join(words),
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    words: tuple[str, ...], run: Path, identity: Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--weights", run / "last.pt") if words[0] == "poem" else ()
    assert call(*words, *more, identity=identity) == 2
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said


def test_the_same_seed_writes_the_same_and_prompts_stay(run: Path) -> None:
    trained = load_text("quatrains-5", run / "last.pt")
    one = write(trained, Asked(seed=1, prompt="明月"))
    assert one == write(trained, Asked(seed=1, prompt="明月"))
    assert one != write(trained, Asked(seed=2, prompt="明月"))
    assert one.startswith("明月")
    assert sampled(trained, 3, 1).shape == (3, 20)


def test_quatrains_of_seven_characters_ship() -> None:
    lines = write(load_text("quatrains-7"), Asked(seed=0, prompt="春風")).split()
    assert lines[0].startswith("春風")
    assert [len(line) for line in lines] == [8, 8, 8, 8]  # with its comma or full stop


def test_captions_that_ship_are_written_from_a_prompt_on(
    tmp_path: Path, identity: Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("caption", "--prompt", "A man", "--count", 12, "--out", tmp_path / "made")
    assert call(*words, identity=identity) == 0
    made = [p.read_text().strip() for p in sorted((tmp_path / "made").glob("*.txt"))]
    assert len(set(made)) > 8
    assert all(text.startswith("A man ") and len(text.split()) <= 20 for text in made)
    assert made[0] in capsys.readouterr().out
    text = write(load_text("captions"), Asked(seed=3, temperature=0.2))
    assert RARE not in text
    assert END not in text


def test_speech_goes_on_to_the_end_of_a_sentence(speeches: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert call("train", "speech", "--data", speeches, "--out", out, "--mle-steps", 150,
                "--catch-steps", 0, "--rounds", 0, "--batch", 8, "--quiet") == 0  # fmt: skip
    trained = load_text("speech", out / "last.pt")
    text = write(trained, Asked(prompt="My fellow", words=30, temperature=0.3))
    assert text.startswith("My fellow Americans")
    assert 25 <= len(text.split()) <= 60
    assert text[-1] in ".?!"
    assert RARE not in text


def test_what_is_exported_is_loaded_by_its_card(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    trained = load_text("quatrains-5", run / "last.pt")
    target = tmp_path / "quatrains-5.safetensors"
    trained_module.export_text(
        trained, target, data=("signs",), licence="none", command="unmask generate train ...",
        results={"summary": "BLEU 0"}, weaknesses=("all",),
    )  # fmt: skip
    monkeypatch.setattr(trained_module, "WEIGHTS", tmp_path)
    again = load_text("quatrains-5")
    assert again.card == load_card(target)
    assert again.seen == trained.seen == (6 + 2 * 2) * 4 * 20
    for one, two in zip(trained.game.parameters(), again.game.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-3)
    assert call("list") == 0
    said = capsys.readouterr().out
    for line in ("learned from  signs", "tokens seen   800", "measured      BLEU 0"):
        assert line in said
    with pytest.raises(WeightsError, match="No weights of speech"):
        load_text("speech")
    Vocabulary(game="quatrains-5", tokens=("春",)).save(trained_module.vocabulary_path(target))
    with pytest.raises(WeightsError, match="another vocabulary"):
        load_text("quatrains-5")


def test_the_critic_scores_texts_of_its_corpus_alone(run: Path) -> None:
    trained = load_text("quatrains-5", run / "last.pt")
    text = write_quatrain(tuple("春風江水月" * 4))
    assert stretches(trained, text).shape == (1, 20)
    assert isinstance(score(trained, text), float)
    assert score(trained, text + text) == pytest.approx(score(trained, text), abs=1e-5)
    assert score(trained, "春風") is None
    assert score(trained, "plain English words" * 9) is None


def test_a_run_on_another_corpus_is_not_gone_on_with(run: Path, tmp_path: Path) -> None:
    for part in ("qtrain5", "qvalid5"):
        rows = ["\t".join(" ".join(x) for x in poem(np.random.default_rng(i), 5)) for i in range(9)]
        extra = "\t".join(["东 东 东 东 东"] * 4)
        (tmp_path / part).write_text("\n".join([*rows, extra, extra]) + "\n", encoding="utf-8")
    (tmp_path / "qvalid5").write_text(
        "\t".join(["月 花 山 雲 夜"] * 4) + "\n" + "\t".join(["月 花 山 雲 人"] * 4) + "\n",
        encoding="utf-8",
    )
    assert call("train", "quatrains-5", "--data", tmp_path, "--out", run, "--quiet") == 2


@pytest.mark.shared
def test_the_research_corpora_are_read(shared: Path) -> None:
    folder = shared / "text_seqgan_corpora"
    assert len(read_quatrains(folder / "chinese_quatrains", 5).training) > 10_000
    assert len(read_captions(folder / "coco_captions", 20).training) > 8_000
