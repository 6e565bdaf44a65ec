"""The certificate that this machine's user marks generated files with: made once, kept, renewed.

Nobody but the user has a reason to trust it. It says "one unmask made this", and a change of the
file after that shows; `local_roots` are the anchors that make its user's own files "trusted".
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from unmask.errors import SigningError
from unmask.forensics.certificates import load_chain, load_key, make_test_certificates
from unmask.forensics.signing import Identity

# Without a time stamp, for which a server would have to be asked, the marks hold no longer than
# the certificate does: so it holds long.
DAYS = 3650
_MARGIN = timedelta(days=1)  # before the end: a long run must not outlive its certificate


def config_folder(
    environment: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> Path:
    """Where a user's settings of unmask are kept: $UNMASK_HOME, else the platform's folder.

    Raises SigningError where the user has no home.
    """
    if chosen := environment.get("UNMASK_HOME"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError as error:
        raise SigningError("There is no home folder; set UNMASK_HOME to a folder.") from error
    if platform == "win32":
        base = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        named = Path(environment.get("XDG_CONFIG_HOME") or "")
        base = named if named.is_absolute() else home / ".config"  # as the XDG standard asks
    return base / "unmask"


def local_identity(folder: Path | None = None, now: datetime | None = None) -> Identity:
    """The certificates and key in `folder` (default: in the user's settings), made where missing.

    Each identity is a folder named after the day on which it ends. It gets its name only once it
    is complete, so that processes which begin together agree. Those that ended stay: files
    were signed with them. Raises SigningError where they are damaged or cannot be written.
    """
    folder, now = folder or config_folder() / "identities", now or datetime.now(UTC)
    for one in reversed(_kept(folder)):
        found, start, end = _read(one)
        if start <= now < end - _MARGIN:
            return found
    return _read(_make(folder))[0]


def local_roots(folder: Path | None = None) -> tuple[Path, ...]:
    """PEM files of the roots of all local identities, to name as anchors; none are made."""
    kept = _kept(folder or config_folder() / "identities")
    return tuple(one / "root.pem" for one in kept if (one / "root.pem").is_file())


def _kept(folder: Path) -> list[Path]:
    """Finished identities, the one that ends last at the end."""
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SigningError(f"The local certificates cannot be read: {error}") from error


def _read(one: Path) -> tuple[Identity, datetime, datetime]:
    """(identity, first and last moment of its signer's certificate)."""
    try:
        pem, secret = (one / "chain.pem").read_bytes(), (one / "key.pem").read_bytes()
        leaf = x509.load_pem_x509_certificates(pem)[0]
        # Checked as of its own first moment: whether it is too old is no damage.
        load_chain(pem, load_key(secret), leaf.not_valid_before_utc)
    except (OSError, ValueError, SigningError) as error:
        raise SigningError(
            f"The local certificate in {one} is damaged: {error} "
            "Remove that folder, and the next marking makes another."
        ) from error
    identity = Identity(certificates=pem, key=secret)
    return identity, leaf.not_valid_before_utc, leaf.not_valid_after_utc


def _make(folder: Path) -> Path:
    """A new identity; of several processes at once, the first to finish makes it for all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))  # of mode 0700
    except OSError as error:
        raise SigningError(f"The local certificate cannot be written: {error}") from error
    try:
        make_test_certificates(unfinished, days=DAYS)
        target = folder / f"{_read(unfinished)[2]:%Y-%m-%d}"
        try:
            unfinished.rename(target)
        except OSError as error:
            if not target.is_dir():
                raise SigningError(f"{target} cannot be written: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target
