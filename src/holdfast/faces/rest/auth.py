"""Who asks, and what they may: the kernel's word on a unix socket, a token over TLS; a role for each route."""

import os
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
_CREDENTIALS = struct.Struct("3i")
# socket(7), since Linux 4.13; Python has no name for it.
_SO_PEERGROUPS = 59


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
        self._role = role
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
        """Whose token the Authorization header bears; raise Unauthenticated, or TooMany after too many failures."""
        self._check_failures(address)
        scheme, _, token = header.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise Unauthenticated("A token is needed.", "Send `Authorization: Bearer TOKEN`.")
            return Principal(*_named(self._tokens, token.strip()))
        except Unauthenticated:
            if header:
                self._failed(address)
            raise

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


def _named(tokens: Tokens, token: str) -> tuple[str, Role]:
    found = tokens.check(token)
    return f"token:{found.name}", found.role


def _groups(connection: socket.socket) -> tuple[int, ...]:
    raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * os.sysconf("SC_NGROUPS_MAX"))
    return struct.unpack(f"{len(raw) // 4}I", raw)


async def guard(connection: "ASGIConnection[Any, Any, Any, Any]", handler: BaseRouteHandler) -> None:
    """Let in who may; a route says whom it needs (`opt role`), else a reader for GET, an operator for a change."""
    if handler.opt.get("open"):
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
    needed = handler.opt.get("role") or ("viewer" if str(connection.scope.get("method")) == "GET" else "operator")
    if RANK[principal.role] < RANK[needed]:
        raise Forbidden(f"This needs the role {needed}; {principal.name} is {principal.role}.", "Ask an admin.")
