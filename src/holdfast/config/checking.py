"""What is wrong with a configuration on this machine: all of it, not the first only."""

import grp
import os
import ssl
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import msgspec

from holdfast.config.options import mistakes
from holdfast.model.config import Config, DaemonConfig, ListenConfig

# sun_path of unix(7), less the final zero.
LONGEST_SOCKET = 107


def socket_path(config: Config) -> str:
    """Where the unix socket is."""
    return config.listen.socket or os.path.join(config.daemon.run, "holdfast.sock")


def problems(config: Config) -> list[str]:
    """A sentence for each; none: the daemon can start with it. Looks at files and groups, changes nothing."""
    by_option = mistakes(msgspec.to_builtins(config))
    wrong = by_option.keys()
    found = list(by_option.values())
    if not wrong & {"daemon.state", "daemon.run"}:
        found += _directories(config.daemon)
    if not wrong & {"daemon.run", "listen.socket"}:
        found += _socket(socket_path(config))
    if config.listen.csi and "listen.csi" not in wrong:
        found += _socket(config.listen.csi, "listen.csi")
        if os.path.realpath(config.listen.csi) == os.path.realpath(socket_path(config)):
            found.append("listen.csi and listen.socket are one path, but each needs its own.")
    if "listen.group" not in wrong:
        found += _group(config.listen.group)
    found += _tls(config.listen, wrong)
    if 0 < config.audit.every < 1:
        found.append(f"audit.every is {config.audit.every:g}, but must be 0 (never) or at least 1.")
    return found


def _directories(daemon: DaemonConfig) -> Iterator[str]:
    state, run = os.path.realpath(daemon.state), os.path.realpath(daemon.run)
    if os.path.commonpath((state, run)) in {state, run}:
        yield (
            f"daemon.state ({daemon.state}) and daemon.run ({daemon.run}) lie inside each other, but must be apart: "
            "the one must be removable without reaching the other."
        )
    for option, path in (("state", daemon.state), ("run", daemon.run)):
        if os.path.lexists(path) and not os.path.isdir(path):
            yield f"daemon.{option} ({path}) is not a directory."


def _socket(path: str, option: str = "listen.socket") -> Iterator[str]:
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET:
        yield f"The socket's path {path} has {length} bytes, but may have {LONGEST_SOCKET}: set {option}."
    elif os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
        yield f"The socket's path {path} is taken by something that is not a socket: set {option}."


def _group(name: str) -> Iterator[str]:
    if not name:
        return
    try:
        grp.getgrnam(name)
    except KeyError:
        yield f"listen.group is {ascii(name)}, but there is no such group: groupadd makes one."


def _tls(listen: ListenConfig, wrong: AbstractSet[str]) -> Iterator[str]:
    """TCP needs both files; what is given is looked at, with or without TCP."""
    files = {"listen.cert": listen.cert, "listen.key": listen.key}
    if any((listen.tcp, listen.cert, listen.key)):
        for option, path in files.items():
            if not path:
                yield f"{option} is empty, but listen.tcp, listen.cert and listen.key are needed together."
    bad = [
        said
        for option, path in files.items()
        if path and option not in wrong
        for said in _file(option, path, private=option == "listen.key")
    ]
    yield from bad
    if all(files.values()) and not bad and not wrong & files.keys():
        yield from _pair(listen.cert, listen.key)


def _file(option: str, path: str, *, private: bool) -> Iterator[str]:
    """It is a file, we can read it and, if `private`, nobody else can."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)  # a pipe must not hold us
    except OSError as error:
        yield f"{option} ({path}) cannot be read: {error.strerror}."
        return
    try:
        found = os.fstat(fd)
    finally:
        os.close(fd)
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode):
        yield f"{option} ({path}) is not a file."
    elif private and mode & 0o077:
        yield f"{option} ({path}) has mode {mode:04o}, but only its owner may have access: chmod 0600 {path}."
    elif private and found.st_uid not in {0, os.geteuid()}:
        yield (
            f"{option} ({path}) belongs to uid {found.st_uid}, but must belong to root, or to the user who runs the "
            f"daemon (uid {os.geteuid()})."
        )


def _pair(cert: str, key: str) -> Iterator[str]:
    try:
        # The callback instead of a question on the terminal; an encrypted key does not open with it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except OSError as error:  # SSLError is one
        why = error.strerror
        if isinstance(error, ssl.SSLError):
            why = error.reason or "one is not PEM, or the key has a passphrase"
        yield f"listen.cert ({cert}) and listen.key ({key}) cannot be used together: {why}."
