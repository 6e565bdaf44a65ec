"""The field's speech corpora load from made-up trees in their published formats."""

from pathlib import Path

import pytest
from trees import grow, refused

from unmask.datasets.loaders import DatasetReason, describe, load
from unmask.datasets.manifest import CAMERA, Split


def protocol(root: Path, name: str, *lines: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def la(tmp_path: Path) -> Path:
    """ASVspoof 2019 LA with a file of each class in two parts; the third is not downloaded."""
    folder = "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm"
    protocol(
        tmp_path,
        f"{folder}.train.trn.txt",
        "LA_0079 LA_T_1138215 - - bonafide",
        "LA_0079 LA_T_1271820 - A01 spoof",
    )
    protocol(tmp_path, f"{folder}.dev.trl.txt", "LA_0069 LA_D_1 - - bonafide")
    protocol(
        tmp_path,
        f"{folder}.eval.trl.txt",
        "LA_0039 LA_E_2834763 - A11 spoof",
        "LA_0014 LA_E_8877452 - - bonafide",
    )
    names = (
        "train/flac/LA_T_1138215",
        "train/flac/LA_T_1271820",
        "eval/flac/LA_E_2834763",
        "eval/flac/LA_E_8877452",
        "eval/flac/LA_E_9999999",  # audio that no protocol names is no sample
    )
    return grow(tmp_path, [f"ASVspoof2019_LA_{n}.flac" for n in names])


def test_asvspoof_2019(la: Path) -> None:
    found = {s.path.stem: s for s in load(str(la))}
    assert set(found) == {"LA_T_1138215", "LA_T_1271820", "LA_E_2834763", "LA_E_8877452"}
    fake = found["LA_E_2834763"]
    assert (fake.fake, fake.generator, fake.split) == (True, "A11", Split.TEST)
    assert fake.source == "asvspoof2019/LA_0039"
    real = found["LA_T_1138215"]
    assert (real.fake, real.generator, real.split) == (False, CAMERA, Split.TRAIN)
    assert real.source == found["LA_T_1271820"].source
    assert len(load(f"ASVspoof2019:{la}")) == 4


def test_a_recording_that_a_protocol_names_must_be_there(la: Path) -> None:
    (la / "ASVspoof2019_LA_train/flac/LA_T_1271820.flac").unlink()
    assert "line 2: LA_T_1271820" in refused(la, DatasetReason.MISSING_FILE)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("LA_0079 LA_T_1138215 - -", DatasetReason.BAD_TABLE),
        ("LA_0079 LA_T_1138215 - A01 spoofed", DatasetReason.BAD_LABEL),
        ("LA_0079 LA_T_1138215 - A01 spoof\nLA_0079 LA_T_1138215 - - bonafide", "duplicate"),
    ],
)
def test_broken_lines_are_told_by_number(la: Path, line: str, reason: str) -> None:
    protocol(la, "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt", line)
    assert "train.trn.txt, line " in refused(la, DatasetReason(reason))


def test_asvspoof_2021(tmp_path: Path) -> None:
    protocol(
        tmp_path,
        "keys/LA/CM/trial_metadata.txt",
        "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
        "LA_0020 LA_E_6866159 g722 loc_tx bonafide bonafide notrim progress",
        "LA_0021 LA_E_1 none none A08 spoof trim hidden",
    )
    protocol(
        tmp_path,
        "keys/DF/CM/trial_metadata.txt",
        "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim eval traditional_vocoder - - - -",
        "TEF2 DF_E_2000013 low_m4a vcc2020 - bonafide notrim eval bonafide - - - -",
    )
    grow(
        tmp_path,
        (
            "ASVspoof2021_LA_eval/flac/LA_E_9332881.flac",
            "ASVspoof2021_LA_eval/flac/LA_E_6866159.flac",
            "ASVspoof2021_DF_eval_part00/ASVspoof2021_DF_eval/flac/DF_E_2000011.flac",
            "ASVspoof2021_DF_eval_part01/ASVspoof2021_DF_eval/flac/DF_E_2000013.flac",
        ),
    )
    found = load(str(tmp_path))
    assert describe(found) == {
        "asvspoof2021/df": {CAMERA: 1, "A14": 1},
        "asvspoof2021/la": {CAMERA: 1, "A07": 1},
    }
    assert {s.path.stem: s.split for s in found}["LA_E_6866159"] is Split.VALIDATION
    assert {s.path.stem[-4:]: s.codec for s in found} == {
        "2881": "alaw", "6159": "g722", "0011": "nocodec", "0013": "low_m4a",
    }  # fmt: skip


def test_asvspoof_5(tmp_path: Path) -> None:
    protocol(
        tmp_path,
        "ASVspoof5_protocols/ASVspoof5.train.tsv",
        "T_4850 T_0000000000 F - - - AC3 A05 spoof -",
        "T_4850 T_0000000001 F - - - - bonafide bonafide -",
    )
    protocol(
        tmp_path,
        "ASVspoof5_protocols/ASVspoof5.eval.track_1.tsv",
        "E_0001 E_0000000000 M C07 2 0001 AC1 A17 spoof -",
    )
    grow(
        tmp_path,
        (
            "flac_T/T_0000000000.flac",
            "flac_T/T_0000000001.flac",
            "flac_E_eval/E_0000000000.flac",
        ),
    )
    found = {s.path.stem: s for s in load(str(tmp_path))}
    assert found["E_0000000000"].generator == "A17"
    assert (found["E_0000000000"].codec, found["T_0000000000"].codec) == ("C07", "none")
    assert found["E_0000000000"].split is Split.TEST
    assert found["T_0000000000"].split is Split.TRAIN
    assert found["T_0000000001"].source == "asvspoof5/T_4850"


def test_wavefake_pairs_by_utterance(tmp_path: Path) -> None:
    grow(
        tmp_path,
        (
            "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav",
            "generated_audio/ljspeech_hifiGAN/LJ001-0001_generated.wav",
            "generated_audio/jsut_parallel_wavegan/BASIC5000_0001_gen.wav",
            "LJSpeech-1.1/wavs/LJ001-0001.wav",
            "jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav",
        ),
    )
    found = load(str(tmp_path))
    assert describe(found) == {
        "wavefake": {CAMERA: 2, "hifiGAN": 1, "melgan": 1, "parallel_wavegan": 1}
    }
    assert sum(s.source == "wavefake/LJ001-0001" for s in found) == 3


def test_in_the_wild(tmp_path: Path) -> None:
    root = tmp_path / "release_in_the_wild"
    protocol(
        root, "meta.csv", "file,speaker,label", "0.wav,Alec Guinness,spoof", "1.wav,X,bona-fide"
    )
    grow(root, ("0.wav", "1.wav"))
    fake, real = load(str(root))
    assert (fake.fake, fake.source) == (True, "inthewild/Alec Guinness")
    assert (real.fake, real.split) == (False, Split.TEST)
    assert len(load(f"inthewild:{tmp_path}")) == 2
