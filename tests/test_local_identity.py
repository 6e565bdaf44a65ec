"""The certificate that this machine marks with: made once, private, renewed."""

import hashlib
import io
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from unmask.errors import SigningError
from unmask.forensics.certificates import make_test_certificates
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.local_identity import DAYS, config_folder, local_identity, local_roots
from unmask.forensics.marking import (
    mark_made,
)
from unmask.forensics.trust import TrustLists


def test_the_local_identity_is_made_once_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path / "home"))
    assert local_roots() == ()
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 99, 199)).save(out, "PNG")
    data = mark_made(out.getvalue(), "image/png", generator="digits").data
    kept = tmp_path / "home" / "identities"
    (one,) = kept.iterdir()
    assert local_identity().key == (one / "key.pem").read_bytes()
    assert [p.name for p in kept.iterdir()] == [one.name]
    if os.name == "posix":
        assert stat.S_IMODE((one / "key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(one.stat().st_mode) == 0o700
    (root,) = local_roots()
    read = read_credentials(data, "image/png", lists=TrustLists(), user_anchors=[root])
    assert read.state is State.TRUSTED


def test_a_local_identity_that_ends_is_renewed_and_kept(tmp_path: Path) -> None:
    first = local_identity(tmp_path)
    last_days = datetime.now(UTC) + timedelta(days=DAYS - 2)
    assert local_identity(tmp_path, last_days) == first
    make_test_certificates(tmp_path / "2020-01-01", days=-1)  # ended as it began
    assert local_identity(tmp_path) == first
    (next(p for p in tmp_path.iterdir() if p.name != "2020-01-01") / "key.pem").rename(
        tmp_path / "stolen"
    )
    with pytest.raises(SigningError, match="Remove that folder"):
        local_identity(tmp_path)


def test_only_ended_identities_lead_to_a_new_one(tmp_path: Path) -> None:
    old = make_test_certificates(tmp_path / "2020-01-01", days=0)  # within a day of its end
    new = local_identity(tmp_path)
    assert new.key != old.key.read_bytes()
    assert local_identity(tmp_path) == new
    assert len(local_roots(tmp_path)) == 2


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SigningError):
        local_identity(tmp_path / "file")
    with pytest.raises(SigningError):
        local_identity(tmp_path / "file" / "below")


def test_processes_that_begin_together_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from unmask.forensics.local_identity import local_identity\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "one = local_identity(Path(sys.argv[1]))\n"
        "import hashlib; print(hashlib.sha256(one.certificates + one.key).hexdigest())"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for run in runs:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
    said = set()
    for run in runs:
        assert run.stdin
        run.stdin.write("\n")
        run.stdin.flush()
    for run in runs:
        said.add(run.communicate()[0].strip())
        assert run.returncode == 0
    one = local_identity(tmp_path)
    assert said == {hashlib.sha256(one.certificates + one.key).hexdigest()}
    assert len(list(tmp_path.iterdir())) == 1


def test_where_settings_are_kept() -> None:
    home = Path.home()
    assert config_folder({"UNMASK_HOME": "/x"}, "linux") == Path("/x")
    assert config_folder({"XDG_CONFIG_HOME": "/c"}, "linux") == Path("/c/unmask")
    assert config_folder({"XDG_CONFIG_HOME": "c"}, "linux") == home / ".config/unmask"
    assert config_folder({}, "linux") == home / ".config/unmask"
    assert config_folder({"APPDATA": "/roam"}, "win32") == Path("/roam/unmask")
    assert config_folder({}, "darwin") == home / "Library/Application Support/unmask"
