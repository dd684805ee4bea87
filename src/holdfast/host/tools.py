"""External programs as worker children: what they are called with, and what their end means.

A worker execs the tool itself: pid and start time then identify the tool, and killing the one kills the other.
"""

import os
from collections.abc import Callable
from typing import Any

from holdfast.model.errors import Refused
from holdfast.model.resources import FileSystem

Tool = Callable[[dict[str, Any], tuple[int, ...]], list[str]]


def mkfs_command(fs: FileSystem, uuid: str, target: str) -> list[str]:
    """The tool and its arguments. Forced, because the probe, not the tool's own guess, is the guard."""
    dashed = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
    return {
        "ext4": ["mkfs.ext4", "-q", "-F", "-U", dashed, "-E", "nodiscard", target],
        "xfs": ["mkfs.xfs", "-q", "-f", "-K", "-m", f"uuid={dashed}", target],
        "btrfs": ["mkfs.btrfs", "-q", "-f", "-K", "-U", dashed, target],
    }[fs]


def _mkfs(args: dict[str, Any], fds: tuple[int, ...]) -> list[str]:
    return mkfs_command(args["fs"], args["uuid"], f"/proc/self/fd/{fds[0]}")


TOOLS: dict[str, Tool] = {"mkfs-ext4": _mkfs, "mkfs-xfs": _mkfs, "mkfs-btrfs": _mkfs}


def become(command: list[str], output: int, fds: tuple[int, ...]) -> None:
    """Exec `command` with its output into `output`; Refused if it is not installed."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    for fd in fds:
        os.set_inheritable(fd, True)
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    if os.environ.get("HOLDFAST_PATH"):
        path = os.environ["HOLDFAST_PATH"]
    try:
        os.execvpe(command[0], command, {"PATH": path, "LC_ALL": "C"})
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not installed.", f"Install the package that has {command[0]}.") from None


def tool_answer(command: str, said: str, status: int) -> None:
    """Raise Refused with what the tool said if it failed."""
    if status:
        raise Refused(f"{command} failed with status {status}: {said.strip()[-2000:] or 'it said nothing'}")
