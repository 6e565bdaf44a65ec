"""The networks of face-api on a package of small random ones, held against the original program."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unmask.datasets.face_networks import (
    EXPRESSIONS,
    age_network,
    expression_network,
    read_arrays,
)
from unmask.datasets.photographs_archive import ArchiveError

# What @vladmandic/face-api 1.7.15 says of `faces()` with the weights of `package()`, run by node on
# its TensorFlow.js for processors.
THEIR_EXPRESSIONS = (
    (0.048054, 0.194531, 0.403209, 0.123701, 0.156498, 0.052355, 0.021652),
    (0.048031, 0.194973, 0.400625, 0.123773, 0.157821, 0.052934, 0.021843),
    (0.048799, 0.192663, 0.399370, 0.124679, 0.159242, 0.053081, 0.022165),
)
THEIR_AGES = (0.3739704, 0.5219376, 0.6585820)
THEIR_MEN = (0.8881323, 0.9263777, 0.9527972)
WIDTHS = (4, 6, 8, 10)  # channels of the dense blocks, and of the Xception with one more


def shapes_of_expressions() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    before = 3
    for i, width in enumerate(WIDTHS):
        for j in range(4):
            if i == j == 0:
                found["dense0/conv0/filters"] = (3, 3, 3, width)
            else:
                found |= separable(f"dense{i}/conv{j}", before, width)
            found[f"dense{i}/conv{j}/bias"] = (width,)
            before = width
    return found | {"fc/weights": (before, len(EXPRESSIONS)), "fc/bias": (len(EXPRESSIONS),)}


def separable(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}/depthwise_filter": (3, 3, before, 1),
        f"{name}/pointwise_filter": (1, 1, before, after),
        f"{name}/bias": (after,),
    }


def shapes_of_ages() -> dict[str, tuple[int, ...]]:
    a, b, c, d = WIDTHS
    last = 12
    found = {"entry_flow/conv_in/filters": (3, 3, 3, a), "entry_flow/conv_in/bias": (a,)}
    blocks = (
        ("entry_flow/reduction_block_0", a, b), ("entry_flow/reduction_block_1", b, c),
        ("exit_flow/reduction_block", c, d),
    )  # fmt: skip
    for name, before, after in blocks:
        found |= separable(f"{name}/separable_conv0", before, after)
        found |= separable(f"{name}/separable_conv1", after, after)
        found[f"{name}/expansion_conv/filters"] = (1, 1, before, after)
        found[f"{name}/expansion_conv/bias"] = (after,)
    for i in range(2):
        for j in range(3):
            found |= separable(f"middle_flow/main_block_{i}/separable_conv{j}", c, c)
    found |= separable("exit_flow/separable_conv", d, last)
    return found | {
        "fc/age/weights": (last, 1), "fc/age/bias": (1,),
        "fc/gender/weights": (last, 2), "fc/gender/bias": (2,),
    }  # fmt: skip


def model(shapes: dict[str, tuple[int, ...]], seed: int) -> tuple[str, bytes]:
    """Manifest and bytes: what is no bias is packed to eight bits."""
    rng = np.random.default_rng(seed)
    listed, data = [], b""
    for name, shape in shapes.items():
        one: dict[str, object] = {"name": name, "shape": list(shape), "dtype": "float32"}
        if name.endswith("bias"):
            data += (rng.integers(-50, 50, shape) / 100).astype("<f4").tobytes()
        else:
            one["quantization"] = {"dtype": "uint8", "scale": 0.0045, "min": -0.56}
            data += rng.integers(256, size=shape, dtype=np.uint8).tobytes()
        listed.append(one)
    return json.dumps([{"weights": listed, "paths": ["model.bin"]}]), data


def package(path: Path, *, spoil: bool = False) -> Path:
    """An archive as npm's, with both models; spoilt ones have a byte too many."""
    with tarfile.open(path, "w:gz") as tar:
        for name, shapes in (
            ("face_expression_model", shapes_of_expressions()),
            ("age_gender_model", shapes_of_ages()),
        ):
            manifest, data = model(shapes, len(name))
            for file, content in (
                (f"{name}-weights_manifest.json", manifest.encode()),
                (f"{name}.bin", data + b"\0" * spoil),
            ):
                info = tarfile.TarInfo(f"package/model/{file}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def faces(count: int = 3) -> NDArray[np.uint8]:
    """(N, 112, 112, 3): waves, the same everywhere."""
    y, x, c = np.mgrid[:112, :112, :3]
    waves = [np.sin(x * (n + 1) / 17 + c) + np.cos(y * (n + 2) / 23 - c) for n in range(count)]
    return np.uint8(np.round((np.stack(waves) + 2) * 63))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(tmp_path_factory.mktemp("face-api") / "face-api.tgz")


def test_the_networks_answer_as_the_original_program_does(archive: Path) -> None:
    np.testing.assert_allclose(
        expression_network(archive).answers(faces()), THEIR_EXPRESSIONS, atol=1e-5
    )
    age, man = age_network(archive).answers(faces()).T
    np.testing.assert_allclose(age, THEIR_AGES, rtol=1e-5)
    np.testing.assert_allclose(man, THEIR_MEN, atol=1e-5)


def test_faces_of_any_size_are_read_alike(archive: Path) -> None:
    network = expression_network(archive)
    twice = faces().repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(network.answers(twice), network.answers(faces()), atol=1e-3)


def test_packed_arrays_have_their_scale_and_offset(archive: Path) -> None:
    arrays = read_arrays(archive, "face_expression_model")
    over_pixels = arrays["dense0/conv1/depthwise_filter"].numpy()
    assert over_pixels.shape == (4, 1, 3, 3)  # (in, 1, height, width)
    steps = (over_pixels + 0.56) / 0.0045
    np.testing.assert_allclose(steps, steps.round(), atol=1e-3)
    assert arrays["dense0/conv0/filters"].shape == (4, 3, 3, 3)
    assert arrays["fc/bias"].shape == (7,)


def test_a_package_without_the_model_or_with_a_damaged_one_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError, match="no other_model"):
        read_arrays(archive, "other_model")
    with pytest.raises(ArchiveError, match="no age_gender_model"):
        age_network(package(tmp_path / "spoilt.tgz", spoil=True))
    exchanged = tmp_path / "exchanged.tgz"
    with tarfile.open(archive) as before, tarfile.open(exchanged, "w:gz") as after:
        for member in (m for m in before.getmembers() if "expression" in m.name):
            data = before.extractfile(member)
            member.name = member.name.replace("face_expression_model", "age_gender_model")
            after.addfile(member, data)
    with pytest.raises(ArchiveError, match="another network"):
        age_network(exchanged)
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(archive.read_bytes()[:500])
    with pytest.raises(ArchiveError):
        age_network(broken)
