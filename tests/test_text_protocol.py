"""The oracle protocol from end to end, at a size of seconds."""

import json
from pathlib import Path

import pytest

from unmask.generate.checkpoint import read
from unmask.generate.text import protocol as protocol_module
from unmask.generate.text.oracle import OracleShape
from unmask.generate.text.protocol import Method, Protocol, floors, run, to_json
from unmask.generate.text.protocol_page import colder, page, pairs
from unmask.generate.text.relgan import RelGanConfig
from unmask.generate.text.seqgan import SeqGanConfig
from unmask.generate.training import TrainConfig

SMALL = Protocol(
    shape=OracleShape(vocabulary=50, length=6, training=400, held_out=80, embedding=8, hidden=8),
    config=SeqGanConfig(
        mle_steps=60, catch_steps=10, rounds=3, critic_updates=2, rollouts=2, batch=16,
        check_every=20,
    ),
    filters=((1, 8), (2, 8)),
    bleu_rounds=3,
    longer_steps=120,
    relgan=RelGanConfig(
        train=TrainConfig(images=16 * 6, batch=16, check_every=2), views=2, width=4, filters=8
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("oracle")
    list(run(SMALL, (1,), out))
    return out


def test_every_method_has_a_row_with_its_sweep(folder: Path) -> None:
    rows = list(run(SMALL, (1,), folder))
    assert [row["method"] for row in rows] == list(Method)
    for row in rows:
        assert [one["temperature"] for one in row["sweep"]] == [1.0, 0.9, 0.8, 0.7]
        assert row["nll_oracle"] == row["sweep"][0]["nll_oracle"]
    found = {row["method"]: row for row in rows}
    assert found["mle"]["nll_oracle"] < found["random"]["nll_oracle"]
    assert found["mle"]["test_nll"] < found["random"]["test_nll"]
    sweep = found["mle"]["sweep"]
    assert sweep[-1]["nll_oracle"] < sweep[0]["nll_oracle"]  # the measure that cold drawing fools
    (itself,) = floors(SMALL, (1,), folder)
    assert itself["test_nll"] < found["mle"]["test_nll"]


def test_rows_that_are_there_are_not_computed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, itself = list(run(SMALL, (1,), folder)), floors(SMALL, (1,), folder)
    monkeypatch.setattr(protocol_module, "make_oracle", None)
    assert list(run(SMALL, (1,), folder)) == before
    assert floors(SMALL, (1,), folder) == itself


def test_a_seed_gives_the_same_rows_again(folder: Path, tmp_path: Path) -> None:
    plain = [row | {"cpu_seconds": 0} for row in run(SMALL, (1,), folder)]
    assert [row | {"cpu_seconds": 0} for row in run(SMALL, (1,), tmp_path)] == plain


def test_the_page_holds_every_method_and_the_json_its_options(folder: Path) -> None:
    rows = list(run(SMALL, (1,), folder))
    lines = list(page(rows))
    for row in rows:
        assert any(
            line.startswith(f"| {row['method']} | {row['nll_oracle']:.3f} |") for line in lines
        )
    held = json.loads(to_json(SMALL, rows))
    assert held["protocol"]["shape"]["vocabulary"] == 50
    assert held["rows"] == rows


def test_relgan_goes_on_from_imitation_and_its_row_stands_beside_seqgan(folder: Path) -> None:
    rows = {row["method"]: row for row in run(SMALL, (1,), folder)}
    imitated, played = (
        read(folder / "seed-1" / name / "last.pt")["game"] for name in ("mle", "relgan")
    )
    assert rows["relgan"]["nll_oracle"] not in {rows[m]["nll_oracle"] for m in ("mle", "seqgan")}
    moved = (played["generator.output.bias"] - imitated["generator.output.bias"]).abs().max()
    assert 0 < moved < 0.1  # six small steps away
    assert any(line.startswith("| relgan | 1 | ") for line in page(list(rows.values())))


def planted(method: str, seed: int, nll: float, sweep: tuple[float, ...]) -> dict[str, object]:
    at = [{"nll_oracle": nll + d, "test_nll": 5 - d, "self_bleu_2": 0.0 - d / 10} for d in sweep]
    return {"method": method, "seed": seed, **at[0], "sweep": at}


def test_differences_are_paired_by_seed() -> None:
    rows = [planted("a", 1, 9.0, (0,)), planted("b", 1, 9.5, (0,)), planted("a", 2, 8.0, (0,))]
    assert list(pairs(rows, "b", "a"))[2:] == [
        "| seed 1 | +0.500 | +0.000 | +0.000 |",
        "| mean | +0.500 | +0.000 | +0.000 |",
    ]


def test_a_method_is_held_against_the_plain_one_drawn_as_cold() -> None:
    plain = planted("mle", 1, 9.0, (0, -0.4, -1))
    rows = [plain, planted("seqgan", 1, 8.4, (0,)), planted("seqgan", 2, 8.4, (0,))]
    assert list(colder(rows, ("seqgan",), "mle"))[2:] == [
        "| seqgan | 1 | 8.400 | 5.000 | 5.600 | 0.000 | 0.060 |"
    ]
    beyond = [plain, planted("seqgan", 1, 7.0, (0,))]
    assert list(colder(beyond, ("seqgan",), "mle"))[-1].count(" - |") == 2
