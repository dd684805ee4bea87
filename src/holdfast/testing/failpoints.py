"""Breaking a real daemon at a named place, from the environment: HOLDFAST_FAILPOINT=NAME:FAULT[:NTH].

`@FILE` reads that text from FILE once it appears: a daemon can be armed long after its start.
"""

import errno
import os
import signal
from collections.abc import Callable

Hook = Callable[[str], None]


def armed(text: str) -> Hook | None:
    """Make a hook for `Runtime.hook`.

    `kill` is SIGKILL, `stop` SIGSTOP, `error` an EIO; `trace=FILE` (as NAME) appends every name.
    """
    if not text:
        return None
    if text.startswith("@"):
        return _later(text.removeprefix("@"))
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
        elif fault == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            raise OSError(errno.EIO, f"failpoint {name}")

    return hook


def _later(path: str) -> Hook:
    found: list[Hook] = []

    def hook(name: str) -> None:
        if not found:
            try:
                with open(path, encoding="utf-8") as file:
                    inner = armed(file.read().strip())
            except FileNotFoundError:
                return
            if inner is None:
                return
            found.append(inner)
        found[0](name)

    return hook


def _tracer(path: str) -> Hook:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def hook(name: str) -> None:
        os.write(fd, f"{name}\n".encode())

    return hook
