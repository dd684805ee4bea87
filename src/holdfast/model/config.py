"""What a daemon can be told: one struct per table of its configuration file.

Pure data. `holdfast.config` reads it from TOML and checks it, and writes its documentation from what stands here:
descriptions, bounds, defaults, and in `extra` what a text must be besides a text.
"""

import ipaddress
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from holdfast.model.errors import Invalid

# An option of one of these kinds that is empty by default may be empty: then it is not set.
AbsolutePath = Annotated[str, Meta(extra={"kind": "path"})]
Address = Annotated[str, Meta(extra={"kind": "address"})]
# RFC 1123, section 2.1, with the lengths of RFC 1035.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", re.ASCII)
_ADDRESS = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*)):([0-9]{1,5})", re.ASCII)
DAY = 86400.0


class DaemonConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the daemon keeps things, and how much it does at once."""

    state: Annotated[
        AbsolutePath,
        Meta(
            description="The daemon's own directory: its database and its lock, on a local disk. No volume's data "
            "is in it. Neither it nor `run` may lie inside the other."
        ),
    ] = "/var/lib/holdfast"
    run: Annotated[
        AbsolutePath,
        Meta(description="For the socket, and for what may be lost at a reboot. It must outlive the daemon."),
    ] = "/run/holdfast"
    threads: Annotated[
        int, Meta(ge=1, le=64, description="Operations that run at once; others wait for their turn.")
    ] = 8


class ListenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who can reach the daemon, and how."""

    socket: Annotated[
        AbsolutePath,
        Meta(description="The unix socket; at most 107 bytes. Empty: `holdfast.sock` in the run directory."),
    ] = ""
    csi: Annotated[
        AbsolutePath,
        Meta(
            description="Serve the Container Storage Interface on this unix socket too, to root; at most 107 bytes. "
            "Needs the extra `csi` (`pip install holdfast[csi]`). Empty: no CSI."
        ),
    ] = ""
    group: Annotated[
        str,
        Meta(
            extra={"kind": "group"},
            description="A group whose members may use the socket, besides root. Empty: only root.",
        ),
    ] = ""
    group_role: Annotated[
        Literal["viewer", "operator", "admin"], Meta(description="What the members of `group` may do.")
    ] = "operator"
    tcp: Annotated[
        Address,
        Meta(
            description="Serve TCP too, with TLS and tokens: HOST:PORT, an IPv6 address in brackets, as in "
            "`[::1]:8443`. Empty: no TCP."
        ),
    ] = ""
    cert: Annotated[
        AbsolutePath,
        Meta(description="The certificate for TCP, and the chain above it: a PEM file. Needed with `tcp`."),
    ] = ""
    key: Annotated[
        AbsolutePath,
        Meta(
            description="The certificate's key: a PEM file without a passphrase that belongs to root, or to the user "
            "who runs the daemon, and that nobody else can read (mode 0600). Needed with `tcp`."
        ),
    ] = ""


class LimitsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one client can take of the daemon."""

    body: Annotated[
        int | str, Meta(extra={"kind": "size", "least": 1 << 10, "most": 1 << 30}, description="The largest body.")
    ] = "1MiB"
    header: Annotated[
        int | str,
        Meta(
            extra={"kind": "size", "least": 1 << 12, "most": 1 << 20},
            description="The largest request line and headers together.",
        ),
    ] = "64KiB"
    request_seconds: Annotated[
        float, Meta(ge=0.1, le=3600, description="Seconds until a request has come in whole; then it is refused.")
    ] = 30.0
    idle_seconds: Annotated[
        float, Meta(ge=1, le=DAY, description="Seconds after which an idle connection is closed.")
    ] = 75.0
    connections: Annotated[int, Meta(ge=1, le=32768, description="Connections at once; more are refused.")] = 4096
    auth_failures: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Failed logins of one address within a minute; more are told to wait.",
        ),
    ] = 10


class CsiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an orchestrator may have of this member, by `listen.csi`."""

    kubelet: Annotated[
        AbsolutePath,
        Meta(
            description="The orchestrator's own directory: volumes are staged and published below it, nowhere else. "
            "It must be on a shared mount, so that what is mounted there is seen by others."
        ),
    ] = "/var/lib/kubelet"
    expand: Annotated[
        Literal["controller", "node"],
        Meta(
            description="Who is asked to grow a volume. `node`: only the node that has it; so it must be where the "
            "members of a cluster have records of their own, for a controller is asked for the volumes of all."
        ),
    ] = "controller"
    volumes: Annotated[
        int, Meta(ge=0, le=100_000, description="The most volumes that a scheduler may place here; 0: any number.")
    ] = 0


class AuditConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When records and world are compared."""

    every: Annotated[
        float,
        Meta(
            ge=0,
            le=31 * DAY,
            description="Seconds between the daemon's own audits, at least 1; 0: only when asked (`holdfast audit`).",
        ),
    ] = 3600.0


class LogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged to standard error, one line an event."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="This level and all above it are logged.")
    ] = "info"
    form: Annotated[Literal["logfmt", "json"], Meta(description="`key=value` pairs, or a JSON object a line.")] = (
        "logfmt"
    )


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it; what the file does not say has its default."""

    daemon: DaemonConfig = DaemonConfig()
    listen: ListenConfig = ListenConfig()
    limits: LimitsConfig = LimitsConfig()
    csi: CsiConfig = CsiConfig()
    audit: AuditConfig = AuditConfig()
    log: LogConfig = LogConfig()


def parse_tcp(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT or [IPV6]:PORT; raise Invalid. The name of a host is not looked up."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise Invalid(f"{ascii(text)} is not HOST:PORT.", "Write 127.0.0.1:8443, host.example:8443 or [::1]:8443.")
    bracketed, plain, port = found.groups()
    if not 1 <= int(port) <= 65535:
        raise Invalid(f"{port} is not a port.", "Choose one from 1 to 65535.")
    if bracketed is not None:
        if not _is_ip(bracketed, ipaddress.IPv6Address):
            raise Invalid(f"{ascii(bracketed)} is not an IPv6 address.", "Only those stand in brackets: [::1]:8443.")
        return bracketed, int(port)
    # What ends in a number is an IPv4 address or nothing (RFC 3696, section 2).
    numeric = plain.rpartition(".")[2].isdigit()
    if not (_is_ip(plain, ipaddress.IPv4Address) if numeric else _HOSTNAME.fullmatch(plain)):
        raise Invalid(f"{ascii(plain)} is neither an IPv4 address nor the name of a host.", "All addresses: 0.0.0.0.")
    return plain, int(port)


def _is_ip(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
