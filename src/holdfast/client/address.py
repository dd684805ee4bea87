"""Where a daemon is, and how its identity is proved."""

import os
import ssl

import msgspec

from holdfast.model.errors import Invalid
from holdfast.model.secrets import Secret

DEFAULT = "unix:/run/holdfast/holdfast.sock"


class Address(msgspec.Struct, frozen=True):
    """A unix socket's `path`, or `host` and `port` for TLS, with a token."""

    path: str = ""
    host: str = ""
    port: int = 0
    token: Secret = Secret("")
    ca_file: str = ""

    def __str__(self) -> str:
        return self.path or f"https://{self.authority}"

    @property
    def authority(self) -> str:
        """What the Host header says; an IPv6 address stands in brackets (RFC 3986, section 3.2.2)."""
        if self.path:
            return "localhost"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """Verified, always, by `ca_file` alone if there is one, else by the system's list; raise Invalid."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"The CA file {self.ca_file} cannot be used: {error.strerror or error}.", "It is a PEM file."
            ) from error


def address_of(text: str, token: str, ca_file: str) -> Address:
    """From unix:PATH or https://HOST:PORT; what is empty comes from the environment. Raises Invalid.

    HOLDFAST_ADDRESS is the address, HOLDFAST_TOKEN the token or HOLDFAST_TOKEN_FILE its file, HOLDFAST_CA_FILE the
    certificates to trust.
    """
    text = text or os.environ.get("HOLDFAST_ADDRESS", "") or DEFAULT
    if text.startswith("unix:") and text != "unix:":
        return Address(path=text.removeprefix("unix:"))
    host, port = _tcp(text)
    token = token or os.environ.get("HOLDFAST_TOKEN", "") or _from_file(os.environ.get("HOLDFAST_TOKEN_FILE", ""))
    ca_file = ca_file or os.environ.get("HOLDFAST_CA_FILE", "")
    return Address(host=host, port=port, token=Secret(token), ca_file=ca_file)


def _tcp(text: str) -> tuple[str, int]:
    from holdfast.model.config import parse_tcp  # not needed for the socket, and not quick to import

    try:
        if text.startswith("https://"):
            return parse_tcp(text.removeprefix("https://").removesuffix("/"))
    except Invalid as error:
        why = f": {error.detail}"
    else:
        why = "."
    raise Invalid(
        f"{ascii(text)} is not an address{why}",
        "Write unix:/run/holdfast/holdfast.sock or https://HOST:PORT, an IPv6 address in brackets.",
    )


def _from_file(path: str) -> str:
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "it is not ASCII text"
        raise Invalid(f"The token file {path} cannot be read: {why}.", "HOLDFAST_TOKEN_FILE names it.") from error
