"""Wires the daemon and its faces: configuration, logging, start, serve, stop."""

import contextlib
import grp
import os
from collections.abc import Iterator
from typing import Any

from holdfast import logs
from holdfast.config import problems, socket_path
from holdfast.control.daemon import Daemon, Settings
from holdfast.drivers.dir.marks import POOL_MARK
from holdfast.faces.rest import server
from holdfast.faces.rest.limits import Limits
from holdfast.faces.rest.metrics import Counts
from holdfast.model.config import Config, parse_tcp
from holdfast.model.errors import Invalid
from holdfast.model.sizes import parse_size
from holdfast.notify import Notifier
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.failpoints import armed


def check(config: Config) -> None:
    """Raise Invalid with all that is wrong with the configuration on this machine."""
    found = [*problems(config), *_in_pools(config)]
    if found:
        raise Invalid("\n  ".join(found), "docs/configuration.md describes each option.")


def _in_pools(config: Config) -> Iterator[str]:
    """A daemon's directory in a pool would be among volumes, and they in what may be removed at any moment."""
    for option, path in (("daemon.state", config.daemon.state), ("daemon.run", config.daemon.run)):
        place = os.path.realpath(path)
        while place != "/":
            if os.path.lexists(os.path.join(place, POOL_MARK)):
                yield f"{option}: {path} lies in the pool {place}. Choose a directory of its own."
                break
            place = os.path.dirname(place)


def serve(config: Config) -> None:
    """Start, serve until SIGTERM, stop. Mounts stay; unfinished operations resume at the next start."""
    check(config)
    logs.configure(config.log.level, config.log.form)
    for path in (socket_path(config), config.listen.csi):  # before anything is made
        if path:
            server.check_free(path)
    notifier = Notifier.from_environment()
    runtime, counts = ThreadRuntime(), Counts()
    settings = Settings(
        state=config.daemon.state, run=config.daemon.run, threads=config.daemon.threads, audit_every=config.audit.every
    )
    daemon = Daemon(runtime, settings, observer=counts)
    runtime.hook = armed(os.environ.get("HOLDFAST_FAILPOINT", ""))
    listeners = _listeners(config)  # before any other thread runs: binding narrows the umask for a moment
    csi = _csi_socket(config.listen.csi)
    try:
        daemon.start()
        with _csi(csi, daemon, config, counts):
            server.serve(daemon, listeners, _face(config), counts, notifier)
    finally:
        daemon.stop()


def _csi_socket(path: str) -> Any:
    """A server that is bound there, if there is a path."""
    if not path:
        return None
    try:
        from holdfast.faces.csi.server import bound
    except ImportError as error:
        raise Invalid(f"CSI cannot be served: {error}.", "Install the extra: pip install holdfast[csi].") from error
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if server.check_free(path):
        os.unlink(path)
    return bound(path)


@contextlib.contextmanager
def _csi(bound: Any, daemon: Daemon, config: Config, counts: Counts) -> Iterator[None]:
    """Served meanwhile, if it is bound."""
    if bound is None:
        yield
        return
    from holdfast.faces.csi.server import serve as serve_csi

    try:
        face = serve_csi(bound, daemon, config.csi, counts)
        try:
            yield
        finally:
            face.stop()
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(config.listen.csi)


def _group(config: Config) -> int | None:
    return grp.getgrnam(config.listen.group).gr_gid if config.listen.group else None


def _listeners(config: Config) -> list[server.Listener]:
    found = [server.bind(socket_path(config), _group(config))]
    if config.listen.tcp:
        found.append(server.bind_tcp(*parse_tcp(config.listen.tcp), config.listen.cert, config.listen.key))
    return found


def _face(config: Config) -> server.Face:
    limits = Limits(
        head=parse_size(config.limits.header), request=config.limits.request_seconds,
        idle=config.limits.idle_seconds, connections=config.limits.connections,
    )  # fmt: skip
    access = {"group": _group(config), "role": config.listen.group_role, "failures": config.limits.auth_failures}
    return server.Face(limits, parse_size(config.limits.body), access)
