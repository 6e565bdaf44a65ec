"""Fetch a manifest from the address that a file names, without becoming its errand boy."""

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

from unmask.errors import UnmaskError

_TIMEOUT_S = 10.0
_MAX_BYTES = 32_000_000


class RemoteManifestError(UnmaskError):
    """A manifest that was not fetched: a refused address, or no answer."""


def fetch_manifest(url: str) -> bytes:
    """The bytes at an https address on the public internet; redirects are not followed.

    Raises RemoteManifestError.
    """
    parts = _parts(url)
    host, port = parts[0], parts[1]
    connection = _Pinned(host, port, public_address(host, port))
    try:
        connection.request("GET", parts[2], headers={"Accept": "application/c2pa"})
        response = connection.getresponse()
        content = response.read(_MAX_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RemoteManifestError(f"{host} did not answer: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise RemoteManifestError(f"{host} answered {response.status}.")
    if len(content) > _MAX_BYTES:
        raise RemoteManifestError(f"{host} sent more than {_MAX_BYTES} bytes.")
    return content


def public_address(host: str, port: int) -> str:
    """An address of `host`, all of whose addresses must be public. Raises RemoteManifestError.

    A file must not be able to make this machine call on its own network.
    """
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise RemoteManifestError(f"{host} cannot be found: {error}") from error
    addresses = sorted(str(address) for address in found)
    for address in addresses:
        if not ipaddress.ip_address(address.split("%")[0]).is_global:
            raise RemoteManifestError(f"{host} is not on the public internet.")
    if not addresses:
        raise RemoteManifestError(f"{host} has no address.")
    return addresses[0]


def _parts(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise RemoteManifestError(f"{url} is no address: {error}") from error
    if parts.scheme != "https" or not host:
        raise RemoteManifestError("Only https addresses are fetched.")
    if any(ord(c) < 33 or ord(c) > 126 for c in url):
        raise RemoteManifestError("The address contains characters that no address has.")
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Pinned(http.client.HTTPSConnection):
    """Connects to the vetted address, so that a second look-up cannot name another one."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)
        self._address = address

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self.port), _TIMEOUT_S)
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(raw, server_hostname=self.host)
