"""Data sets of texts load in the conventions that they are published in, or say why not."""

import json
from pathlib import Path

import pytest

from unmask.datasets.loaders_text import load_texts, thin_texts
from unmask.datasets.loaders_text_corpora import untagged
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split

PROMPT = "One two three four"


def lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def refused(where: str) -> DatasetReason:
    with pytest.raises(DatasetError) as caught:
        load_texts(where)
    return caught.value.reason


def pairs(root: Path, number: int = 40) -> Path:
    for domain in ("news", "writing"):
        for model in ("small", "gpt-neox-20b"):
            found = {
                "original": [f"{PROMPT} human {domain} {i} and more" for i in range(number)],
                "sampled": [f"{PROMPT} by {model} {domain} {i} and on" for i in range(number)],
            }
            (root / f"{domain}_{model}.raw_data.json").write_text(json.dumps(found))
    return root


def test_pairs_lose_their_prompt_and_keep_unseen_ones_apart(tmp_path: Path) -> None:
    found = load_texts(str(pairs(tmp_path)))
    assert not any(word in s.text.split() for s in found for word in PROMPT.split())
    assert {s.text for s in found if s.source == "news/3" and not s.machine} == {"news 3 and more"}
    by_source: dict[str, set[Split]] = {}
    for s in found:
        by_source.setdefault(s.source, set()).add(s.split)
        if s.generator == "gpt-neox-20b" or s.domain == "writing":
            assert s.split is Split.TEST
    assert all(len(splits) == 1 for splits in by_source.values())
    assert {s.split for s in found if s.domain == "news" and s.generator == "small"} == set(Split)
    people = [s.source for s in found if not s.machine]
    assert len(people) == len(set(people)) == 80


def test_thinning_keeps_prompts_whole_and_is_always_the_same(tmp_path: Path) -> None:
    found = load_texts(str(pairs(tmp_path)))
    kept = thin_texts(found, 3, 1)
    again = thin_texts(list(reversed(found)), 3, 1)
    assert {s.text for s in kept} == {s.text for s in again}
    for source in {s.source for s in kept}:
        whole = [s for s in found if s.source == source]
        assert [s for s in kept if s.source == source] == whole
    writing = {s.source for s in kept if s.domain == "writing"}
    assert len(writing) == 3


def test_brown_loses_its_tags(tmp_path: Path) -> None:
    tagged = "``/`` Well/rb ,/, then/rb ''/'' he/pps said/vbd ;/. ;/. done/vbn ./."
    assert untagged(tagged) == '"Well , then" he said ; done .'
    for name in ("ca01", "ck02"):
        (tmp_path / name).write_text("word/nn " * 320)
    found = load_texts(str(tmp_path))
    assert {s.domain for s in found} == {"brown-press", "brown-fiction"}
    assert [len(s.text.split()) for s in found] == [150] * 4


def test_captions_are_joined(tmp_path: Path) -> None:
    (tmp_path / "image_coco.txt").write_text("a man on a horse.\n" * 33)
    (tmp_path / "generated_by_seqgan.txt").write_text("a horse on a man .\n" * 16)
    found = load_texts(str(tmp_path))
    assert [(s.generator, s.machine) for s in found] == [
        ("person", False), ("person", False), ("seqgan", True),
    ]  # fmt: skip
    assert found[2].text.startswith("a horse on a man. a horse")


def test_prose_is_asked_for_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "speeches"
    folder.mkdir()
    (folder / "one.txt").write_text("word " * 301)
    assert [s.domain for s in load_texts(f"prose:{folder}")] == ["speeches"] * 2
    assert refused(str(folder)) is DatasetReason.UNRECOGNISED


def test_hc3(tmp_path: Path) -> None:
    lines(
        tmp_path / "all.jsonl",
        {"question": "Why?", "human_answers": ["So.", "Thus."], "chatgpt_answers": ["As an AI"],
         "source": "finance"},
    )  # fmt: skip
    found = load_texts(str(tmp_path))
    assert [(s.text, s.generator, s.domain) for s in found] == [
        ("So.", "person", "finance"), ("Thus.", "person", "finance"),
        ("As an AI", "chatgpt", "finance"),
    ]  # fmt: skip
    assert len({s.source for s in found}) == 1


def test_raid(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(
        "id,adv_source_id,source_id,model,decoding,repetition_penalty,attack,domain,title,prompt,"
        "generation\n1,1,1,human,,,none,news,T,,By a person\n"
        "2,2,1,gpt4,greedy,no,none,news,T,P,By a model\n"
        "3,2,1,gpt4,greedy,no,homoglyph,news,T,P,By а model\n"
    )
    found = load_texts(str(tmp_path))
    assert [s.generator for s in found] == ["person", "gpt4", "gpt4+homoglyph"]
    assert {(s.split, s.source) for s in found} == {(Split.TRAIN, "1")}
    (tmp_path / "train.csv").write_text("id,generation\n1,text\n")
    assert refused(f"raid:{tmp_path}") is DatasetReason.BAD_TABLE


def test_m4(tmp_path: Path) -> None:
    for model in ("chatGPT", "davinci"):
        lines(
            tmp_path / f"arxiv_{model}.jsonl",
            {"prompt": "P", "human_text": "By a person", "machine_text": f"By {model}",
             "model": model, "source": "arxiv", "source_ID": 7},
        )  # fmt: skip
    found = load_texts(str(tmp_path))
    assert [s.generator for s in found] == ["person", "chatGPT", "davinci"]
    assert {s.source for s in found} == {"arxiv/7"}


def test_detectrl(tmp_path: Path) -> None:
    rows = [
        {"text": "By a person", "label": "human", "data_type": "xsum", "llm_type": "Claude"},
        {"text": "By a model", "label": "llm", "data_type": "xsum", "llm_type": "Claude"},
    ]
    (tmp_path / "multi_domains_xsum_train.json").write_text(json.dumps(rows))
    (tmp_path / "notes.json").write_text("{}")
    found = load_texts(str(tmp_path))
    assert [(s.generator, s.split) for s in found] == [
        ("person", Split.TRAIN), ("Claude", Split.TRAIN),
    ]  # fmt: skip
    rows[0]["label"] = "maybe"
    (tmp_path / "multi_domains_xsum_train.json").write_text(json.dumps(rows))
    assert refused(str(tmp_path)) is DatasetReason.BAD_LABEL


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    assert refused(str(tmp_path / "absent")) is DatasetReason.NOT_FOUND
    assert refused(f"hc:{tmp_path / 'absent'}") is DatasetReason.NOT_FOUND
    (tmp_path / "all.jsonl").write_text('{"human_answers": "x", "chatgpt_answers": []}\n')
    assert refused(str(tmp_path)) is DatasetReason.BAD_TABLE
    (tmp_path / "all.jsonl").write_text('{"human_answers": [], "chatgpt_answers": [')
    assert refused(str(tmp_path)) is DatasetReason.BAD_TABLE
    (tmp_path / "x_y.raw_data.json").write_text("[]")
    assert refused(str(tmp_path)) is DatasetReason.AMBIGUOUS
    assert refused(f"pairs:{tmp_path}") is DatasetReason.BAD_TABLE


LETTER = """From: a@b.example
Subject: Re: [List] The bridge
Content-Type: text/plain; charset=utf-8

Somebody wrote:
> What was quoted here is not his own.
{words}
See http://example.org/ for more.
--
His signature"""


def test_mail_is_what_its_writer_added_and_a_thread_stays_together(tmp_path: Path) -> None:
    (tmp_path / "easy-ham-1").mkdir()
    for number in range(3):
        words = " ".join(f"word{number}" for _ in range(60))
        (tmp_path / "easy-ham-1" / f"{number}.txt").write_text(LETTER.format(words=words))
    found = load_texts(str(tmp_path))
    assert [set(s.text.split()) for s in found] == [{f"word{n}"} for n in range(3)]
    assert {s.source for s in found} == {"mail/the bridge"}
    assert all(s.split is not Split.TRAIN and s.domain == "mail" for s in found)


def test_articles_of_the_bbc_never_train(tmp_path: Path) -> None:
    for section in ("business", "entertainment", "politics", "sports", "tech"):
        (tmp_path / section).mkdir()
        for number in range(6):
            (tmp_path / section / f"{number:03d}.txt").write_text(f"Title\n\n{'on and ' * 160}")
    found = load_texts(str(tmp_path))
    assert len(found) == 5 * 6 * 2
    assert {s.split for s in found} == {Split.VALIDATION, Split.TEST}
    assert all(len(s.text.split()) == 150 for s in found)
    by_source: dict[str, set[Split]] = {}
    for s in found:
        by_source.setdefault(s.source, set()).add(s.split)
    assert len(by_source) == 30
    assert all(len(splits) == 1 for splits in by_source.values())


def test_unseen_prose_tests_alone_and_words_go_on_across_hard_lines(tmp_path: Path) -> None:
    folder = tmp_path / "talks" / "data"
    folder.mkdir(parents=True)
    text = " ".join(f"number{i % 7}" for i in range(400))
    wrapped = "\n".join(text[at : at + 100] for at in range(0, len(text), 100))
    (folder / "one.txt").write_text(wrapped)
    (folder / "data.txt").write_text(wrapped)  # the whole beside its parts
    found = load_texts(f"unseen:{folder}")
    assert {(s.domain, s.split) for s in found} == {("talks", Split.TEST)}
    assert {w for s in found for w in s.text.split()} == {f"number{i}" for i in range(7)}
    assert len(found) == 2
