"""Published fakes with their originals, from the research folder: neural vocoders and conversion.

HiFi-GAN (Kong et al. 2020) and MelGAN (Kumar et al. 2019) from the demo page of HiFi-GAN, and
CycleGAN-VC2 (Kaneko et al. 2019), which converts the spectral envelope and synthesises by WORLD.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Published:
    """A fake that its authors published, and the recording that it was made from."""

    path: Path
    original: str  # as its source names it, below the source's folder
    family: str
    setting: str
    engine: str


def published(data: Path) -> Iterator[Published]:
    """All below the research folder, in the order of names; nothing where the folders are missing.

    The originals are the sources "hifigan-demo" and "cyclegan-vc2" of `speech_sources`.
    """
    for kind, (family, setting) in {
        "HGAN_V1": ("hifi-gan", "v1"),
        "MG": ("melgan", "universal"),
    }.items():
        for path in sorted((data / "speech_hifigan_demo").glob(f"?s/fake_{kind}/*.wav")):
            voices, name = path.parts[-3], path.name.replace(kind.lower(), "gt")
            yield Published(
                path=path,
                original=f"{voices}/real/{name}",
                family=family,
                setting=setting,
                engine="copy-synthesis",
            )
    folder = data / "speech_cyclegan_vc2" / "converted"
    for path in sorted(folder.glob("*_to_other/*.wav")):
        speaker = path.parent.name.removesuffix("_to_other")
        yield Published(
            path=path,
            original=f"real/{speaker}/{path.name}",
            family="cyclegan-vc2",
            setting="world",
            engine="voice-conversion",
        )
