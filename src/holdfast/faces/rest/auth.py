"""Who asks, and what they may: the kernel's word on a unix socket, a token over TLS; a role for each route."""

import errno
import socket
import struct
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from holdfast.control.tokens import Tokens
from holdfast.model.errors import Forbidden, TooMany, Unauthenticated
from holdfast.model.views import Role
from holdfast.runtime.api import Runtime

RANK: dict[str, int] = {"viewer": 0, "operator": 1, "admin": 2}
MINUTE = 60.0
# Addresses whose failures are remembered at once; beyond it the oldest is forgotten.
_MOST = 10_000
# struct ucred of unix(7): pid, uid, gid.
_CREDENTIALS = struct.Struct("iII")
# socket(7), since Linux 4.13; Python has no name for it.
_SO_PEERGROUPS = 59
# Bytes that Python asks the kernel for at the most, enough for 256 groups.
_LONGEST_OPTION = 1024


class Principal(msgspec.Struct, frozen=True):
    """Who it is (`uid:0`, `token:NAME`) and the role."""

    name: str
    role: Role


class Access:
    """Tells who comes in. `group` is the id of a group that may use the socket too, None for root alone."""

    def __init__(
        self, runtime: Runtime, tokens: Tokens, *, group: int | None = None, role: Role = "operator", failures: int = 10
    ) -> None:
        self._runtime = runtime
        self._tokens = tokens
        self._group = group
        self._role: Role = role
        self._most = failures
        self._failures: dict[str, tuple[float, int]] = {}

    def of_peer(self, connection: socket.socket) -> Principal | None:
        """The process at the other end of a unix socket, as the kernel knew it when it connected."""
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _pid, uid, gid = _CREDENTIALS.unpack(raw)
        if uid == 0:
            return Principal("uid:0", "admin")
        if self._group is not None and (gid == self._group or self._group in _groups(connection)):
            return Principal(f"uid:{uid}", self._role)
        return None

    def of_token(self, header: str, address: str) -> Principal:
        """Whose token the Authorization header bears; raise Unauthenticated, or TooMany after too many failures.

        A good one always lets in: who fails from the same address shall not keep others out. No limit is needed
        against guessing 256 bits; it keeps the log and the daemon from being busied.
        """
        try:
            return self._principal(header)
        except Unauthenticated:
            self._check_failures(address)
            self._failed(address)
            raise

    def _principal(self, header: str) -> Principal:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("A token is needed.", "Send `Authorization: Bearer TOKEN`.")
        found = self._tokens.check(token.strip())
        return Principal(f"token:{found.name}", found.role)

    def knows(self, header: str) -> bool:
        """Whether the header's token lets in now; asks for nothing new, so a failure does not count."""
        try:
            self._principal(header)
        except Unauthenticated:
            return False
        return True

    def _check_failures(self, address: str) -> None:
        since, count = self._failures.get(address, (0.0, 0))
        if count >= self._most and self._runtime.monotonic() - since < MINUTE:
            raise TooMany("Too many attempts with a wrong token came from this address.", "Wait a minute.")

    def _failed(self, address: str) -> None:
        now = self._runtime.monotonic()
        since, count = self._failures.pop(address, (now, 0))
        fresh = now - since >= MINUTE
        self._failures[address] = (now, 1) if fresh else (since, count + 1)
        if len(self._failures) > _MOST:
            self._failures.pop(next(iter(self._failures)))


def _groups(connection: socket.socket) -> tuple[int, ...]:
    """The peer's supplementary groups; none if they are too many to be asked for."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _LONGEST_OPTION)
    except OSError as error:
        if error.errno == errno.ERANGE:
            return ()
        raise
    return struct.unpack(f"{len(raw) // 4}I", raw)


def role_of(handler: BaseRouteHandler, method: str) -> Role | None:
    """Whom a route needs, None for anybody; a route that says nothing needs an admin."""
    if handler.opt.get("open"):
        return None
    role: Role = "viewer" if method == "OPTIONS" else handler.opt.get("role", "admin")
    return role


async def guard(connection: "ASGIConnection[Any, Any, Any, Any]", handler: BaseRouteHandler) -> None:
    """Let in who may: raise Unauthenticated, TooMany or Forbidden."""
    needed = role_of(handler, str(connection.scope.get("method")))
    if needed is None:
        return
    state = connection.scope["state"]
    principal = state.get("principal")
    if principal is None and "peer" in state:
        raise Forbidden("Only root and the configured group may use this socket.", "Run the command as root.")
    if principal is None:
        access: Access = state["access"]
        address = (connection.scope.get("client") or ("", 0))[0]
        principal = access.of_token(connection.headers.get("authorization", ""), address)
        state["principal"] = principal
    if RANK[principal.role] < RANK[needed]:
        raise Forbidden(f"This needs the role {needed}; {principal.name} is {principal.role}.", "Ask an admin.")


def still_in(connection: "ASGIConnection[Any, Any, Any, Any]") -> bool:
    """Whether whoever was let in would be let in now: his token may have been revoked since, or have expired."""
    state = connection.scope["state"]
    return "peer" in state or state["access"].knows(connection.headers.get("authorization", ""))
