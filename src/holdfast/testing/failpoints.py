"""Breaking a real daemon at a named place, from the environment: HOLDFAST_FAILPOINT=NAME:FAULT[:NTH]."""

import errno
import os
import signal
from collections.abc import Callable


def armed(text: str) -> Callable[[str], None] | None:
    """A hook for `Runtime.hook`: `kill` is SIGKILL, `error` an EIO, `trace=FILE` (as NAME) appends every name."""
    if not text:
        return None
    if text.startswith("trace="):
        return _tracer(text.removeprefix("trace="))
    name, fault, *nth = text.split(":")
    left = [int(nth[0]) if nth else 1]

    def hook(at: str) -> None:
        if at != name:
            return
        left[0] -= 1
        if left[0] != 0:
            return
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.EIO, f"failpoint {name}")

    return hook


def _tracer(path: str) -> Callable[[str], None]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def hook(name: str) -> None:
        os.write(fd, f"{name}\n".encode())

    return hook
