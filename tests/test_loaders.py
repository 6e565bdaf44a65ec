"""Data sets load in the conventions that they are published in, or say why not."""

import json
from pathlib import Path

import pytest
from trees import grow, refused

from unmask.datasets.loaders import CONVENTIONS, DatasetReason, describe, load
from unmask.datasets.loaders_tree import thin
from unmask.datasets.manifest import CORPORA, Sample, Split


def by_name(root: Path, samples: list[Sample]) -> dict[str, Sample]:
    return {s.path.relative_to(root).as_posix(): s for s in samples}


def test_forensynths(tmp_path: Path) -> None:
    root = grow(
        tmp_path,
        (
            "test/progan/airplane/0_real/00001.png",
            "test/progan/airplane/1_fake/00002.PNG",
            "test/progan/train/1_fake/00003.png",
            "test/cyclegan/horse/0_real/n02_1_real.png",
            "test/cyclegan/horse/1_fake/n02_1_fake.png",
            "test/crn/0_real/1.jpg",
            "test/crn/1_fake/1.jpg",
            "val/train/0_real/9.png",
            "val/train/1_fake/9.png",
            "test/crn/0_real/.hidden.jpg",
            "test/crn/0_real/.DS_Store",
            "test/crn/0_real/notes.txt",
            "test/crn/readme.png",
        ),
    )
    found = by_name(root, load(str(root)))
    assert len(found) == 9
    assert describe(found.values()) == {
        "forensynths/crn": {"camera": 1, "crn": 1},
        "forensynths/cyclegan": {"camera": 1, "cyclegan": 1},
        "forensynths/progan": {"camera": 2, "progan": 3},
    }
    real = found["test/cyclegan/horse/0_real/n02_1_real.png"]
    fake = found["test/cyclegan/horse/1_fake/n02_1_fake.png"]
    assert (real.fake, fake.fake) == (False, True)
    assert real.source == fake.source
    assert found["test/progan/train/1_fake/00003.png"].split is Split.TEST  # trains, not training
    assert found["val/train/1_fake/9.png"].split is Split.VALIDATION
    assert found["val/train/1_fake/9.png"].generator == "progan"
    assert list(found) == sorted(found)


def test_a_generator_of_forensynths_on_its_own_keeps_its_name(tmp_path: Path) -> None:
    root = grow(
        tmp_path / "train" / "progan", ("cat/0_real/1.png", "train/1_fake/1.png", "x/1_fake/1.png")
    )
    found = load(str(root))
    assert {s.generator for s in found} == {"camera", "progan"}
    assert {s.split for s in found} == {Split.TRAIN}
    assert len({s.source for s in found}) == 3
    (tmp_path / "train").rename(tmp_path / "test")
    assert {s.split for s in load(str(tmp_path / "test" / "progan"))} == {Split.TEST}


def test_genimage(tmp_path: Path) -> None:
    root = grow(
        tmp_path,
        (
            "Midjourney/train/ai/0_mid_1.png",
            "Midjourney/train/nature/n01440764_10026.JPEG",
            "Midjourney/val/ai/0_mid_2.png",
            "Midjourney/val/nature/ILSVRC2012_val_00000001.JPEG",
            "stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/val/ai/0_sdv4_1.png",
            "stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/val/nature/ILSVRC2012_val_00000001.JPEG",
        ),
    )
    found = by_name(root, load(str(root)))
    assert {s.generator for s in found.values()} == {
        "camera",
        "Midjourney",
        "stable_diffusion_v_1_4",
    }
    assert found["Midjourney/train/ai/0_mid_1.png"].split is Split.TRAIN
    assert found["Midjourney/val/ai/0_mid_2.png"].split is Split.TEST
    twice = [s.source for n, s in found.items() if n.endswith("00000001.JPEG")]
    assert len(twice) == 2
    assert len(set(twice)) == 1
    one = load(f"GenImage:{root / 'Midjourney'}")
    assert {s.generator for s in one} == {"camera", "Midjourney"}
    assert {s.generator for s in load(str(root / "Midjourney/val"))} == {"camera", "Midjourney"}


FF = (
    "original_sequences/youtube/c23/videos/000.mp4",
    "original_sequences/youtube/c23/videos/003.mp4",
    "original_sequences/youtube/c40/videos/000.mp4",
    "original_sequences/actors/c23/videos/01__exit_phone_room.mp4",
    "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
    "manipulated_sequences/NeuralTextures/c23/videos/003_000.mp4",
    "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4",
    "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4",
    "manipulated_sequences/FaceSwap/c23/frames/000_003/0001.png",
    "manipulated_sequences/FaceSwap/c23/masks/000_003/0001.png",
)


@pytest.mark.parametrize("place", ["", "splits/", "dataset/splits/"])
def test_faceforensics(tmp_path: Path, place: str) -> None:
    root = grow(tmp_path, FF)
    for name, pairs in (("train", [["000", "003"]]), ("val", [["720", "672"]]), ("test", [])):
        path = root / f"{place}{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(pairs))
    found = by_name(root, load(str(root)))
    assert len(found) == 8  # no masks
    assert describe(found.values()) == {
        "faceforensics/actors/c23": {"camera": 1, "DeepFakeDetection": 1},
        "faceforensics/youtube/c23": {
            "camera": 2,
            "Deepfakes": 1,
            "FaceSwap": 1,
            "NeuralTextures": 1,
        },
        "faceforensics/youtube/c40": {"camera": 1},
    }
    for fake, real in ((4, 0), (5, 1), (6, 3), (8, 0), (2, 0)):
        assert found[FF[fake]].source == found[FF[real]].source
    assert found[FF[0]].source != found[FF[1]].source
    assert {found[n].split for n in FF[:3]} == {Split.TRAIN}
    assert found[FF[4]].split is Split.TRAIN
    assert found[FF[6]].split is Split.TEST  # no published split


def test_faceforensics_with_broken_splits_or_without(tmp_path: Path) -> None:
    root = grow(tmp_path, FF)
    assert {s.split for s in load(str(root))} == {Split.TEST}
    (root / "train.json").write_text("[1, 2]")
    assert "train.json" in refused(root, DatasetReason.BAD_TABLE)


def test_celebdf(tmp_path: Path) -> None:
    names = (
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/id1_0000.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
        "Celeb-synthesis/id1_id0_0000.mp4",
        "YouTube-real/00170.mp4",
    )
    root = grow(tmp_path, names)
    assert {s.split for s in load(str(root))} == {Split.TEST}
    listed = root / "List_of_testing_videos.txt"
    listed.write_text("1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n\n")
    found = by_name(root, load(str(root)))
    assert {n for n, s in found.items() if s.split is Split.TEST} == {names[2], names[4]}
    assert {s.split for s in found.values()} == {Split.TEST, Split.TRAIN}
    assert {n for n, s in found.items() if s.fake} == {names[2], names[3]}
    assert found[names[2]].source == found[names[0]].source != found[names[1]].source
    assert found[names[3]].source == found[names[1]].source
    listed.write_text("1 YouTube-real/00170.mp4\nnonsense\n")
    assert "line 2" in refused(root, DatasetReason.BAD_TABLE)


def test_plain_folders(tmp_path: Path) -> None:
    a = grow(tmp_path / "a", ("real/1.jpg", "ai/1.jpg", "ai/2.webp"))
    assert describe(load(str(a))) == {"a": {"camera": 1, "unknown": 2}}
    assert len({s.source for s in load(str(a))}) == 2
    b = grow(tmp_path / "b", ("real/1.jpg", "sdxl/x/1.jpg", "flux/2.mp4"))
    assert describe(load(str(b))) == {"b": {"camera": 1, "flux": 1, "sdxl": 1}}
    c = grow(tmp_path / "c", ("val/real/1.heic", "val/fake/1.avif", "test/Fake/flux/1.gif"))
    assert [s.split for s in load(str(c))] == [Split.TEST, Split.VALIDATION, Split.VALIDATION]
    assert describe(load(str(c))) == {"c": {"camera": 1, "flux": 1, "unknown": 1}}
    d = grow(tmp_path / "d", ("LAION/real/1.jpg", "sdxl/fake/1.jpg", "dalle/fake/1.jpg"))
    assert describe(load(str(d))) == {
        "d/LAION": {"camera": 1},
        "d/dalle": {"dalle": 1},
        "d/sdxl": {"sdxl": 1},
    }
    e = grow(tmp_path / "e", ("real/1.jpg", "fake/1.jpg", "masks/1.png"))
    assert "masks" in refused(e, DatasetReason.AMBIGUOUS)


def test_a_folder_of_one_class_is_loaded_when_the_class_is_named(tmp_path: Path) -> None:
    root = grow(tmp_path / "phone", ("1.jpg", "b/1.HEIC", "b/notes.txt"))
    refused(root, DatasetReason.UNRECOGNISED)
    refused(f"real:{root}", DatasetReason.ONE_CLASS)
    real = load(f"real:{root}", both_classes=False)
    assert describe(real) == {"phone": {"camera": 2}}
    assert len({s.source for s in real}) == 2
    assert describe(load(f"fake:{root}", both_classes=False)) == {"phone": {"phone": 2}}


def test_our_research_folder_keeps_its_own_splits(tmp_path: Path) -> None:
    names = [
        f"{pattern.replace('*', 'x')}{i}.png"
        for corpus in CORPORA[:3]
        for pattern in (corpus.real, corpus.fake)
        for i in range(20)
        if pattern
    ]
    found = load(str(grow(tmp_path, names)))
    assert describe(found) == {
        "ffhq_vs_stylegan": {"camera": 20, "stylegan-ffhq": 20},
        "forensynths_stylegan": {"camera": 20, "stylegan-other": 20},
        "photographs": {"camera": 20},
    }
    assert {s.split for s in found if s.corpus == "forensynths_stylegan"} == {Split.TRAIN}
    one = load(str(tmp_path / "faces_ffhq_vs_stylegan"))  # not as a plain folder: its splits count
    assert one == [s for s in found if s.corpus == "ffhq_vs_stylegan"]
    assert {s.split for s in one} > {Split.TRAIN}


def test_a_folder_that_is_only_called_like_ours_is_read_as_it_lies(tmp_path: Path) -> None:
    grow(tmp_path, ["comfyui_outputs/real/a.png", "comfyui_outputs/fake/b.png"])
    found = load(str(tmp_path / "comfyui_outputs"))
    assert {s.path.parent.name: s.fake for s in found} == {"real": False, "fake": True}


def frames(clip: str, *, label: str, folder: str) -> dict[str, object]:
    return {clip: {"label": label, "frames": [f"{folder}\\{clip}\\{i:03}.png" for i in (0, 1)]}}


def test_deepfakebench(tmp_path: Path) -> None:
    ff = "FaceForensics++\\original_sequences\\youtube\\c23\\frames"
    df = "FaceForensics++\\manipulated_sequences\\Deepfakes\\c23\\frames"
    fs = "/home/author/rgb/FaceForensics++/manipulated_sequences/FaceSwap/c23/frames"
    real = {
        "train": {"c23": frames("000", label="FF-real", folder=ff)},
        "test": {
            "c23": frames("000", label="FF-real", folder=ff),
            "c40": frames("000", label="FF-real", folder=ff.replace("c23", "c40")),  # not here
        },
    }
    fakes = {
        "FF-DF": {"test": {"c23": frames("000_003", label="FF-DF", folder=df)}},
        "FF-FS": {"val": {"c23": frames("000_003", label="FF-FS", folder=fs)}},
    }
    lists = tmp_path / "preprocessing" / "dataset_json"
    lists.mkdir(parents=True)
    for name, fake in fakes.items():
        (lists / f"{name}.json").write_text(json.dumps({name: {"FF-real": real, name: fake}}))
    absent = {"DFDC": {"DFDC_Real": {"test": frames("abc", label="DFDC_Real", folder="DFDC")}}}
    (lists / "DFDC.json").write_text(json.dumps(absent))
    tree = [f.replace("\\", "/").removeprefix("/home/author/rgb/") for f in (ff, df, fs)]
    clips = ("000", "000_003", "000_003")
    named = [f"{t}/{c}/{i:03}.png" for t, c in zip(tree, clips, strict=True) for i in (0, 1)]
    data = grow(tmp_path / "datasets" / "rgb", named)
    # FaceSwap's frames, absolute on the author's machine, are found by the ends of their paths.
    found = by_name(data, load(str(tmp_path)))
    assert set(found) == set(named)
    assert describe(found.values()) == {
        "deepfakebench/FaceForensics++/c23": {"camera": 2, "FF-DF": 2, "FF-FS": 2}
    }
    assert len({s.source for s in found.values()}) == 1
    assert found[named[0]].split is Split.TEST  # also under train: tested weighs more
    assert found[named[4]].split is Split.VALIDATION
    assert len(load(str(lists / "FF-DF.json"))) == 4
    assert "datasets/rgb" in refused(lists / "DFDC.json", DatasetReason.MISSING_FILE)
    (data / named[0]).unlink()
    assert named[0] in refused(tmp_path, DatasetReason.MISSING_FILE)


def test_deepfakebench_lists_that_contradict_each_other(tmp_path: Path) -> None:
    grow(tmp_path, ("X/a/000.png", "X/a/001.png"))
    labels = {n: {"test": frames("a", label=n, folder="X")} for n in ("X_Real", "X_Fake")}
    (tmp_path / "X.json").write_text(json.dumps({"X": labels}))
    assert "calls" in refused(tmp_path, DatasetReason.BAD_LABEL)
    (tmp_path / "X.json").write_text('{"X": {"X_Real": {"test": 3}}}')
    refused(tmp_path, DatasetReason.BAD_TABLE)


def test_openfake_as_a_folder_with_metadata(tmp_path: Path) -> None:
    root = grow(tmp_path / "of", ("train/a.png", "test/b.png", "test/c.png"))
    head = "file_name,label,model,prompt\n"
    (root / "train/metadata.csv").write_text(head + 'a.png,real,laion,"a, b"\n')
    (root / "test/metadata.csv").write_text(head + "b.png,fake,flux.1-dev,x\nc.png,fake,sd-3.5,y\n")
    found = by_name(root, load(str(root)))
    assert {n: (s.generator, s.split) for n, s in found.items()} == {
        "train/a.png": ("camera", Split.TRAIN),
        "test/b.png": ("flux.1-dev", Split.TEST),
        "test/c.png": ("sd-3.5", Split.TEST),
    }
    (root / "test/b.png").unlink()
    assert "line 2: b.png" in refused(root, DatasetReason.MISSING_FILE)


def test_the_convention_can_be_named_and_is_asked_for_where_two_fit(tmp_path: Path) -> None:
    root = grow(tmp_path, ("x/0_real/1.png", "x/1_fake/1.png", *FF))
    message = refused(root, DatasetReason.AMBIGUOUS)
    assert "forensynths and faceforensics" in message
    assert len(load(f"CNNDetection:{root}")) == 2
    assert len(load(f"FaceForensics++:{root}")) == 8
    assert "did you mean 'genimage'" in refused(
        f"genimmage:{root}", DatasetReason.UNKNOWN_CONVENTION
    )


def test_what_cannot_be_loaded_says_what_was_expected(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", DatasetReason.NOT_FOUND)
    refused(f"folder:{tmp_path / 'nothing'}", DatasetReason.NOT_FOUND)
    message = refused(tmp_path, DatasetReason.UNRECOGNISED)
    assert all(f"{c.name}: {c.layout}" in message for c in CONVENTIONS)
    grow(tmp_path, ("real/notes.txt", "fake/.DS_Store"))
    assert "{real,fake}" in refused(tmp_path, DatasetReason.EMPTY)
    grow(tmp_path, ("real/1.jpg",))
    assert "there is no fake one" in refused(tmp_path, DatasetReason.ONE_CLASS)
    assert len(load(str(tmp_path), both_classes=False)) == 1


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    root = grow(tmp_path / "data", ("real/1.jpg", "fake/sdxl/1.jpg"))
    grow(tmp_path / "elsewhere", ("2.jpg",))
    (root / "real/again").symlink_to(root, target_is_directory=True)
    (root / "fake/sdxl/up").symlink_to(root / "fake", target_is_directory=True)
    (root / "fake/flux").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "real/broken.jpg").symlink_to(tmp_path / "gone.jpg")
    assert describe(load(str(root))) == {"data": {"camera": 1, "flux": 1, "sdxl": 1}}


def test_an_unreadable_folder_is_an_error_and_not_an_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = grow(tmp_path, ("real/1.jpg", "fake/1.jpg"))
    scandir = __import__("os").scandir

    def deny(path: Path) -> object:
        if Path(path).name == "fake":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", deny)
    assert "Permission denied" in refused(root, DatasetReason.UNREADABLE)


def test_a_limit_keeps_pairs_and_spreads_over_clips(tmp_path: Path) -> None:
    names = [f"{label}/{i:03}.jpg" for label in ("real", "fake/a", "fake/b") for i in range(200)]
    root = grow(tmp_path, names)
    found = load(str(root), limit=20)
    assert describe(found) == {root.name: {"camera": 20, "a": 20, "b": 20}}
    assert len({s.source for s in found}) == 20  # each photograph with both of its fakes
    assert found == load(str(root), limit=20)
    assert [s.path for s in found] == sorted(s.path for s in found)
    assert {s.source for s in found} < {s.source for s in load(str(root), limit=21)}


def test_thinning_in_passes_draws_what_one_pass_draws() -> None:
    made = [
        Sample(
            path=Path(f"{clip}/{frame}.png"),
            fake=True,
            generator="g",
            corpus="c",
            source=str(clip),
            split=Split.TEST,
        )
        for frame in range(60)
        for clip in range(60)
    ]
    few = thin(made, 90)  # 3,600 samples: more than is kept in memory at a time
    turns = [sum(s.source == str(clip) for s in few) for clip in range(60)]
    assert set(turns) == {1, 2}
    assert {s.path for s in few} == {s.path for s in thin(reversed(made), 90)}
    assert len(thin(made, 5000)) == 3600
    with pytest.raises(ValueError, match="limit"):
        thin(made, 0)
