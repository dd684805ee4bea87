"""The audit trail: one line of JSON for each change that was asked for, and for each caller that was turned away.

It lies beside the database, for root alone: `audit.log`, and `refused.log` for those who may not come in (401, 403,
429), so that no stranger can push what was done out of it. A large one becomes `….log.1`. Operations keep their actor
too; the trail also has what is no operation, and what was refused.
"""

import contextlib
import errno
import json
import os
import re
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.runtime.api import Runtime

log = structlog.get_logger()
LARGEST = 64 << 20
# Signs of a path that are noted; no route of ours has a longer one.
LONGEST_PATH = 512
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_TURNED_AWAY = frozenset({401, 403, 429})
_OPERATION = re.compile(rb"/v1/operations/([0-9a-f]{32})")


class _File:
    """Lines are appended to it, and it is put aside once it is large."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self.fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._size = os.fstat(self.fd).st_size

    def _begin_anew(self) -> None:
        full = self.fd
        with contextlib.suppress(FileNotFoundError):  # it was put aside before, and no other could be opened then
            os.replace(self._path, f"{self._path}.1")
        self._open()
        os.close(full)

    def append(self, line: bytes) -> None:
        """A line; raise OSError."""
        written = os.write(self.fd, line)
        self._size += written
        if written < len(line):
            os.write(self.fd, b"\n")  # the disk is full: what is cut off does not take the next line along
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._size > LARGEST:
            self._begin_anew()


class Trail:
    """Both files; a trail that cannot be written is logged, and stops nothing."""

    def __init__(self, runtime: Runtime, directory: str) -> None:
        self._runtime = runtime
        self.audit = _File(os.path.join(directory, "audit.log"))
        self.refused = _File(os.path.join(directory, "refused.log"))

    def note(self, scope: dict[str, Any], status: int, operation: str) -> None:
        """One request and how it was answered."""
        state = scope.get("state", {})
        client = scope.get("client") or ("", 0)
        principal = state.get("principal")
        line = {
            "time": round(self._runtime.now(), 3), "actor": principal.name if principal else "", "peer": client[0],
            "method": scope["method"], "path": scope["path"][:LONGEST_PATH], "status": status, "operation": operation,
        }  # fmt: skip
        file = self.refused if status in _TURNED_AWAY else self.audit
        try:
            file.append((json.dumps(line) + "\n").encode())
        except OSError as error:
            log.error("the audit trail could not be written", error=str(error), **line)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Around all routes."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    if scope["method"] not in _READS or status in _TURNED_AWAY:
                        self.note(dict(scope), status, _operation(message))
                await send(message)

            await app(scope, receive, sending)

        return watched


def _operation(message: Any) -> str:
    for name, value in message["headers"]:
        if name.lower() == b"location":
            found = _OPERATION.search(value)
            return found[1].decode() if found else ""
    return ""
