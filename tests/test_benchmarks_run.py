"""Evaluations of texts and speech end to end on small trees in the published formats."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner
from voices import voice

from unmask.cli import cli
from unmask.datasets.loaders_tree import DatasetError
from unmask.detect.benchmarks.items import Medium
from unmask.detect.benchmarks.kinds import medium_of
from unmask.detect.benchmarks.run import BenchmarkConfig, benchmark, parse_verifier
from unmask.detect.benchmarks.speech import parse_encodings
from unmask.detect.benchmarks.texts import parse_words
from unmask.detect.evaluation.selection import EvaluationError
from unmask.media import of_sound

HEAD = "id,source_id,model,decoding,repetition_penalty,attack,domain,title,prompt,generation\n"
PERSON = "the cat sat on a mat and looked at birds"
MACHINE = "as a model I can say that the delve is a tapestry"
DETECTOR = """
from pathlib import Path
CALLS, STOP = 0, None

def score(text):
    global CALLS
    CALLS += 1
    if CALLS == STOP:
        raise KeyboardInterrupt
    if "broken" in text:
        raise ValueError("a broken text")
    return {"score": float("delve" in text), "llr": 3.0 if "delve" in text else -3.0,
            "abstained": "unsure" in text, "reason": "it says so"}

def by_path(path: Path):
    assert path.suffix == ".txt"
    return score(path.read_text())

def level(samples):
    return float(abs(samples[1:] - samples[:-1]).mean())
"""


def raid(root: Path, number: int = 25) -> Path:
    """RAID's table: people and two models in two domains, one attack, two ways of decoding."""
    rows = []
    for n in range(number):
        for domain in ("news", "recipes"):
            rows.append(f"human,,,none,{domain},{PERSON} {domain} {n}")
            for drawn in ("greedy", "sampling"):
                rows.append(f"gpt4,{drawn},no,none,{domain},{MACHINE} {domain} {n}")
        rows.append(f"gpt4,greedy,yes,misspelling,news,as a modle I can say {n}")
    lines = []
    for i, row in enumerate(rows):
        model, drawn, penalty, attack, domain, text = row.split(",")
        source = text.rpartition(" ")[2]
        lines.append(f"{i},{source},{model},{drawn},{penalty},{attack},{domain},T,P,{text}\n")
    root.mkdir(parents=True, exist_ok=True)
    (root / "extra.csv").write_text(HEAD + "".join(lines))
    return root


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toybench.py").write_text(DETECTOR)
    monkeypatch.delitem(sys.modules, "toybench", raising=False)
    return "toy=toybench:score"


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, words)])


def test_raids_tables_from_the_command(tmp_path: Path, toy: str) -> None:
    data, out = raid(tmp_path / "data"), tmp_path / "out"
    outside = f"{sys.executable} {tmp_path / 'outside.py'}"
    (tmp_path / "outside.py").write_text(
        "import sys, toybench\nfor line in sys.stdin:\n"
        "    print(toybench.score(open(line.strip()).read())['score'])\n"
    )
    given = ("--detector", toy, "--detector", f"outside={outside}", "--draws", 50)
    done = call(*given, "--data", f"raid:{data}", "--no-cache", "--out", out)
    assert done.exit_code == 0, done.output
    assert "machines' texts" in done.output
    found = json.loads((out / "evaluation.json").read_text())
    assert (found["schema_version"], found["medium"]) == (1, "texts")
    rows = {(r["row"]["detector"], r["by"], r["row"]["generator"]): r["row"] for r in found["rows"]}
    assert {by for _, by, _ in rows} == {"pooled", "generator", "domain", "decoding", "attack"}
    for detector in ("toy", "outside"):
        assert rows[detector, "pooled", "pooled"]["auc"]["value"] == 1.0
        attacked = rows[detector, "attack", "misspelling"]
        assert (attacked["n_real"], attacked["n_fake"]) == (50, 25)
        assert attacked["auc"]["value"] == 0.5
    fixed = {(r["detector"], r["by"], r["group"]): r["tpr"]["value"] for r in found["fixed_fpr"]}
    assert fixed["toy", "pooled", "pooled"] == 1.0
    assert fixed["toy", "attack", "misspelling"] == 0.0
    assert {d["domain"] for d in found["domain_thresholds"]} == {"raid/news", "raid/recipes"}
    assert {a["n"] for a in found["alarms"]} == {25}
    assert {d["detector"] for d in found["decisions"]} == {"toy"}  # the other gives no ratio
    assert all(p["difference"]["value"] == 0 for p in found["paired"])
    assert {"pooled", "generator gpt4", "domain news"} < {p["generator"] for p in found["paired"]}
    assert "Found at 5% false alarms" in (out / "evaluation.md").read_text()
    page = (out / "evaluation.html").read_text()
    assert "<script" not in page
    assert "misspelling" in page
    plots = {"auc-01-whole.png", "det-01-whole.png", "reliability-01-whole.png"}
    assert {path.name for path in out.glob("*.png")} == plots
    assert page.count("data:image/png") == 2 * len(plots)  # by day and by night


def test_a_stopped_run_goes_on_and_failures_are_told(tmp_path: Path, toy: str) -> None:
    data = raid(tmp_path / "data", 10)
    with (data / "extra.csv").open("a") as file:
        file.write(
            "900,7,gpt4,greedy,no,none,news,T,P,a broken text\n901,8,human,,,none,news,T,P,\n"
        )
        file.write("902,9,human,,,none,news,T,P,I am unsure of that\n")
    import toybench  # type: ignore[import-not-found]

    toybench.STOP = 12
    given = ("--detector", toy, "--data", data, "--draws", 20, "--cache", tmp_path / "kept")
    stopped = call(*given)
    assert stopped.exit_code == 130
    assert "call it again" in stopped.output
    toybench.STOP, toybench.CALLS = None, 0
    done = call(*given, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert toybench.CALLS == 10 * 7 + 2 - 11  # one text is empty, and eleven were kept
    found = json.loads((tmp_path / "out/evaluation.json").read_text())
    reasons = sorted(found["failures"]["toy"].values())
    assert reasons == ["The text is empty. (whole)", "ValueError: a broken text (whole)"]
    assert any("1 of 22 real and 1 of 51 fakes have no score" in w for w in found["warnings"])
    (people,) = (a for a in found["abstentions"] if not a["fake"])
    assert (people["inconclusive"], people["reasons"]) == (1, {"it says so": 1})


def m4(root: Path) -> None:
    """M4's files, named by domain and model; people's texts stand again beside each model's."""
    for source in ("arxiv", "reddit"):
        for model in ("chatGPT", "davinci"):
            rows = [
                {"prompt": "P", "human_text": f"{PERSON} {source} {n}", "model": model,
                 "machine_text": f"{MACHINE} {model} {source} {n}", "source": source,
                 "source_ID": n}
                for n in range(8)
            ]  # fmt: skip
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (root / f"{source}_{model}.jsonl").write_text(text)


def detectrl(root: Path) -> None:
    """DetectRL's lists, a file for each domain."""
    for domain in ("xsum", "yelp"):
        rows = [
            {"text": f"{text} {domain} {model} {n}", "label": label, "data_type": domain,
             "llm_type": model}
            for n in range(8)
            for model in ("Claude", "PaLM")
            for label, text in (("human", PERSON), ("llm", MACHINE))
        ]  # fmt: skip
        (root / f"multi_domains_{domain}_test.json").write_text(json.dumps(rows))


@pytest.mark.parametrize(
    ("lay", "generators", "domains", "people"),
    [
        (m4, {"chatGPT", "davinci"}, {"arxiv", "reddit"}, 16),
        (detectrl, {"Claude", "PaLM"}, {"xsum", "yelp"}, 32),
    ],
)
def test_m4s_and_detectrls_tables_from_the_command(
    tmp_path: Path, toy: str, lay: Callable[[Path], None], generators: set[str],
    domains: set[str], people: int,
) -> None:  # fmt: skip
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    lay(data)
    done = call("--detector", toy, "--data", data, "--draws", 20, "--no-cache", "--out", out)
    assert done.exit_code == 0, done.output
    found = json.loads((out / "evaluation.json").read_text())
    by: dict[str, set[str]] = {}
    for entry in found["rows"]:
        row = entry["row"]
        assert row["auc"]["value"] == 1.0
        by.setdefault(entry["by"], set()).add(row["generator"].rpartition("/")[2])
    assert by["generator"] == generators
    assert by["domain"] == domains
    pooled = next(e["row"] for e in found["rows"] if e["by"] == "pooled")
    assert (pooled["n_real"], pooled["n_fake"]) == (people, 32)
    assert {a["n"] for a in found["alarms"]} == {people // 2}


def test_documents_of_a_length_and_paths(tmp_path: Path, toy: str) -> None:
    del toy
    lines = [
        {"question": "Q", "human_answers": [f"{PERSON} {n} " * 8],
         "chatgpt_answers": [f"{MACHINE} {n} " * 8], "source": "medicine"}
        for n in range(12)
    ]  # fmt: skip
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    config = BenchmarkConfig(
        medium=Medium.TEXTS, detectors=("toybench:by_path",), data=(f"hc3:{tmp_path}",),
        words=("50,80",), draws=20, limit=6,
    )  # fmt: skip
    found = benchmark(config)
    assert list(found.data) == ["50 words", "80 words"]
    assert found.data["50 words"] == {"hc3": {"people": 6, "chatgpt": 6}}
    assert [r.row.auc.value for r in found.rows if r.row.auc] == [1.0] * 4
    assert found.speed[0].n == 24


def wav(path: Path, seed: int, *, bright: bool = False) -> None:
    wave = voice(0.6, seed=seed)
    wave = np.asarray(
        wave + 0.02 * bright * np.sign(np.sin(np.arange(len(wave)) * 2.0)), np.float32
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(of_sound(wave, 16_000, path.name).data)


def asvspoof(root: Path) -> Path:
    """ASVspoof 2019 LA, evaluation part, of three recordings of each class and a broken one."""
    lines = []
    for n in range(3):
        for name, key, attack in (("R", "bonafide", "-"), ("S", "spoof", f"A{7 + n % 2:02d}")):
            lines.append(f"LA_{n:04d} LA_E_{name}{n} - {attack} {key}\n")
            folder = root / "ASVspoof2019_LA_eval/flac"
            wav(folder / f"LA_E_{name}{n}.flac", n, bright=key == "spoof")
    lines.append("LA_0009 LA_E_X - A07 spoof\n")
    (root / "ASVspoof2019_LA_eval/flac/LA_E_X.flac").write_bytes(b"RIFF\0\0\0\0WAVEnonsense")
    (root / "ASVspoof2019.LA.cm.eval.trl.txt").write_text("".join(lines))
    return root


def test_speech_by_attack_and_encoding(tmp_path: Path, toy: str) -> None:
    del toy
    data, out = asvspoof(tmp_path / "la"), tmp_path / "out"
    given = ("--detector", "toybench:level", "--data", f"asvspoof2019:{data}", "--draws", 30)
    more = ("--encode", "clean,noise", "--asv", "0.1,0.02,0.4", "--threshold")
    done = call(*given, *more, "toybench:level=0.02", "--no-cache", "--out", out)
    assert done.exit_code == 0, done.output
    found = json.loads((out / "evaluation.json").read_text())
    assert list(found["data"]) == ["clean", "noise:20"]
    rows = {(r["row"]["perturbation"], r["row"]["generator"]): r for r in found["rows"]}
    assert {name for _, name in rows} == {"pooled", "A07", "A08"}
    clean = rows["clean", "pooled"]
    assert (clean["row"]["n_real"], clean["row"]["n_fake"]) == (3, 3)
    assert clean["row"]["auc"]["value"] == 1.0
    assert clean["row"]["eer"]["value"] == 0.0
    assert (clean["min_tdcf"]["value"], clean["min_dcf"]["value"]) == (0.0, 0.0)
    assert clean["act_dcf"] is None
    assert found["asv"] == {"miss": 0.1, "false_alarm": 0.02, "spoof_miss": 0.4, "stated": True}
    assert "stated by --asv" in (out / "evaluation.md").read_text()
    assert [Path(name).name for name in found["failures"]["toybench:level"]] == ["LA_E_X.flac"]
    assert found["speed"][0]["n"] == 12
    drawn = {"conditions.png", "auc-01-clean.png", "auc-02-noise-20.png"}
    assert {*drawn, "det-01-clean.png", "det-02-noise-20.png"} == {
        path.name for path in out.glob("*.png")
    }
    assert {c["condition"] for c in found["curves"]} == {"clean", "noise:20"}


def test_speech_by_codec(tmp_path: Path, toy: str) -> None:
    del toy
    lines = []
    for n in range(8):
        name, key = f"LA_E_{n}", ("bonafide", "spoof")[n % 2]
        lines.append(f"LA_{n} {name} {('alaw', 'none')[n // 4]} x A07 {key} notrim eval\n")
        wav(tmp_path / f"ASVspoof2021_LA_eval/flac/{name}.flac", n, bright=key == "spoof")
    (tmp_path / "trial_metadata.txt").write_text("".join(lines))
    out, words = tmp_path / "out", ("--encode", "clean", "--draws", 30, "--no-cache")
    data = ("--data", f"asvspoof2021:{tmp_path}")
    done = call("--detector", "toybench:level", *data, *words, "--out", out)
    assert done.exit_code == 0, done.output
    found = json.loads((out / "evaluation.json").read_text())
    rows = {r["row"]["generator"]: r["row"] for r in found["rows"] if r["by"] == "codec"}
    assert {name: (r["n_real"], r["n_fake"]) for name, r in rows.items()} == {
        "alaw": (2, 2), "none": (2, 2),
    }  # fmt: skip
    assert "By codec" in (out / "evaluation.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--perturb", "jpeg:70"), "--perturb is for pictures, and the data are texts"),
        (("--encode", "clean"), "--encode is for speech"),
        (("--words", "10"), "--words '10'"),
        (("--words", "many"), "--words 'many'"),
        (("--split", "tset"), "no split 'tset'"),
        (("--threshold", "tony=1"), "stated for 'tony'"),
        (("--detector", "image_detector"), "does not read texts"),
        (("--data", "hc4:nowhere"), "did you mean 'hc3'"),
    ],
)
@pytest.mark.usefixtures("toy")
def test_wrong_calls_end_with_2(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    data = raid(tmp_path / "data", 2)
    done = call("--detector", "toybench:score", "--data", data, "--no-cache", *words)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


def test_kinds_are_never_mixed(tmp_path: Path) -> None:
    texts = raid(tmp_path / "texts", 1)
    for name in ("real", "fake"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "a.png").write_bytes(name.encode())
    (tmp_path / "sound.wav").write_bytes(b"a")
    manifest = tmp_path / "all.csv"
    manifest.write_text("path,label\nsound.wav,real\npictures/real/a.png,real\n")
    alone = tmp_path / "sounds.csv"
    alone.write_text("path,label\nsound.wav,real\n")
    assert medium_of([str(texts)]) is Medium.TEXTS
    assert medium_of([str(tmp_path / "pictures")]) is Medium.PICTURES
    assert medium_of([str(alone)]) is Medium.SPEECH
    with pytest.raises(EvaluationError, match="one kind of data"):
        medium_of([str(texts), str(alone)])
    with pytest.raises(EvaluationError, match="1 recordings and 1 other files"):
        medium_of([str(manifest)])
    with pytest.raises(DatasetError, match="no such file"):
        medium_of([str(tmp_path / "absent")])


def test_a_folder_of_texts_and_pictures_is_asked_about(tmp_path: Path) -> None:
    raid(tmp_path, 1)
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name.encode())
    with pytest.raises(EvaluationError, match="texts and more: say raid:"):
        medium_of([str(tmp_path)])
    assert medium_of([f"raid:{tmp_path}"]) is Medium.TEXTS
    assert medium_of([f"folders:{tmp_path}"]) is Medium.PICTURES


def test_options_are_read_as_written() -> None:
    assert parse_words(("whole,50", "100,50")) == (None, 50, 100)
    assert parse_encodings(("clean,mp3,phone+opus",)) == ("clean", "mp3:64", "phone+opus:24")
    assert parse_encodings(("standard",))[0] == "clean"
    with pytest.raises(EvaluationError, match="no encoding"):
        parse_encodings(("mp4",))
    for wrong in ("0.1,0.2", "a,b,c", "0.1,0.2,7", "0,0,1"):
        with pytest.raises(EvaluationError, match="--asv"):
            parse_verifier(wrong)
