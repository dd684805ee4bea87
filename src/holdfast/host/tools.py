"""External programs as worker children: what they are called with, and what their end means.

A worker execs the tool itself: pid and start time then identify the tool, and killing the one kills the other.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.host import treecopy
from holdfast.model.errors import Refused
from holdfast.model.resources import FileSystem

# Characters of a tool's output that are kept: its end, where it says what came of it.
_KEPT = 2000


def must_succeed(command: str, said: str, status: int) -> Any:
    """Raise Refused with what the tool said if it failed."""
    if status:
        raise Refused(f"{command} failed with status {status}: {said.strip()[-_KEPT:] or 'it said nothing'}")


def as_it_ended(_command: str, said: str, status: int) -> Any:
    """The status, which is the caller's to read, and the end of what the tool said, in whole lines."""
    said = said.strip()
    end = said[-_KEPT:]
    return {"status": status, "said": end if end == said else end.partition("\n")[2] or end}


class Tool(msgspec.Struct, frozen=True):
    """A program: its command line for arguments and descriptors, and what its name, output and status answer."""

    command: Callable[[dict[str, Any], tuple[int, ...]], list[str]]
    answer: Callable[[str, str, int], Any] = must_succeed

    def __call__(self, args: dict[str, Any], fds: tuple[int, ...]) -> list[str]:
        """Its command line."""
        return self.command(args, fds)


def _dashed(uuid: str) -> str:
    return f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"


def mkfs_command(fs: FileSystem, uuid: str, target: str) -> list[str]:
    """The tool and its arguments. Forced, because the probe, not the tool's own guess, is the guard."""
    dashed = _dashed(uuid)
    return {
        "ext4": ["mkfs.ext4", "-q", "-F", "-U", dashed, "-E", "nodiscard", target],
        "xfs": ["mkfs.xfs", "-q", "-f", "-K", "-m", f"uuid={dashed}", target],
        "btrfs": ["mkfs.btrfs", "-q", "-f", "-K", "-U", dashed, target],
    }[fs]


def identify_command(fs: FileSystem, uuid: str, target: str) -> list[str]:
    """Give another uuid to a file system that nobody uses: tune2fs(8), xfs_db(8), btrfstune(8).

    Of an ext4 its checksums keep the old one as their seed, of a btrfs the trees keep it as theirs (-M): else all of
    them would be rewritten. Of an xfs without xfs_admin(8), a shell script, whose child would outlive it.
    """
    dashed = _dashed(uuid)
    return {
        "ext4": ["tune2fs", "-f", "-O", "metadata_csum_seed", "-U", dashed, target],
        "xfs": ["xfs_db", "-x", "-p", "xfs_admin", "-c", f"uuid {dashed}", target],
        "btrfs": ["btrfstune", "-f", "-M", dashed, target],
    }[fs]


def fsck_command(fs: FileSystem, target: str) -> list[str]:
    """The tool in the mode in which it opens its target for reading only: e2fsck(8), xfs_repair(8), btrfs-check(8)."""
    return {
        "ext4": ["e2fsck", "-f", "-n", target],  # -f: also a file system whose superblock says that it is clean
        "xfs": ["xfs_repair", "-n", "-f", target],  # -f: the target is a regular file
        "btrfs": ["btrfs", "check", "--readonly", target],
    }[fs]


_mkfs = Tool(lambda args, fds: mkfs_command(args["fs"], args["uuid"], f"/proc/self/fd/{fds[0]}"))
_identify = Tool(lambda args, fds: identify_command(args["fs"], args["uuid"], f"/proc/self/fd/{fds[0]}"))
_copy_tree = Tool(lambda _args, fds: [sys.executable, "-I", "-S", treecopy.__file__, *map(str, fds)])
_fsck = Tool(lambda args, fds: fsck_command(args["fs"], f"/proc/self/fd/{fds[0]}"), as_it_ended)


def _node(args: dict[str, Any]) -> list[str]:
    """iscsiadm(8) on one target at one portal."""
    return ["iscsiadm", "-m", "node", "-T", args["iqn"], "-p", args["portal"]]


TOOLS: dict[str, Tool] = {
    "mkfs-ext4": _mkfs, "mkfs-xfs": _mkfs, "mkfs-btrfs": _mkfs,
    "identify-ext4": _identify, "identify-xfs": _identify, "identify-btrfs": _identify,
    "copy-tree": _copy_tree,
    "fsck-ext4": _fsck, "fsck-xfs": _fsck, "fsck-btrfs": _fsck,
    "iscsi-record": Tool(lambda args, _fds: [*_node(args), "--op", "new"], as_it_ended),
    "iscsi-login": Tool(lambda args, _fds: [*_node(args), "--login"], as_it_ended),
    "iscsi-scan": Tool(lambda args, _fds: [*_node(args), "--rescan"], as_it_ended),
}  # fmt: skip


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
    # libblkid(3)'s cache remembers file systems that loop devices held before: mkfs.btrfs took one for a second uuid.
    env = {"PATH": path, "LC_ALL": "C", "BLKID_FILE": "/dev/null"}
    try:
        os.execvpe(command[0], command, env)
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not installed.", f"Install the package that has {command[0]}.") from None


def tool_answer(command: str, said: str, status: int) -> Any:
    """What the tool's end means: its answer, or its error raised."""
    return TOOLS[command].answer(command, said, status)
