"""Checking the file system of an unmounted image, by the field's own tools, without ever writing to it.

The tools open the image for reading only. What they say is taken as far as their manuals go: that they ended well.
Anything else may as well be a read that failed, and e2fsck alone has a status for that (and not for all), so bad
news is believed only after every byte of data could be read, and after the tool, asked again, repeated it.
A journal that a mount would replay is no damage, and it is looked at first: with it the tools report what is none.
"""

import errno
import os
import re
import stat
from typing import Any, Literal

import msgspec

from holdfast.host import formats, journals
from holdfast.host.children import Children, Keeper
from holdfast.host.kernel import Kernel
from holdfast.host.signatures import size_of
from holdfast.model.errors import Again, Damaged, Refused
from holdfast.model.resources import FileSystem

# `unproven`: the tool says that something is wrong, or that it could not tell, by one and the same status.
Outcome = Literal["clean", "damaged", "unproven", "replay"]

# Of the superblock and the journal: some hundred small reads; seconds.
LOOK_DEADLINE = 60.0
# A tool reads all metadata, and the proof below all data: terabytes on a slow disk take hours; seconds.
DEADLINE = 6 * 3600.0
_REPLAY = "The journal holds what was not written out. Mount it once and unmount it, then check again."
_PIECE = 1 << 20
# What the tools say of themselves and of a sound file system, by which nobody learns what is wrong.
_CHATTER = re.compile(
    r"e2fsck \d|Pass \d|Phase \d|Cannot get host|Repair may fail|the image and the host|\s|\[\d|"
    r"Opening filesystem|Checking filesystem|UUID:|No modify flag|$"
)


class CheckResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check found, and `at` what time. `report` is what the tool said, its last 2,000 characters."""

    outcome: Outcome
    report: str = ""
    at: float = 0.0

    def headline(self) -> str:
        """The report's first line that tells something."""
        return next((line for line in self.report.splitlines() if not _CHATTER.match(line)), "")


def _ext4(status: int) -> Outcome | None:
    """e2fsck(8): a sum; 4 is errors left uncorrected, which comes together with 8 where it then had to give up."""
    if status == 0:
        return "clean"
    return "damaged" if status & 4 else None


def _xfs(status: int) -> Outcome | None:
    """xfs_repair(8): with -n, 1 is corruption, a runtime error or an unknown feature; 2 is a dirty log."""
    outcomes: dict[int, Outcome] = {0: "clean", 1: "unproven", 2: "replay"}
    return outcomes.get(status)


def _btrfs(status: int) -> Outcome | None:
    """btrfs-check(8): zero if it succeeds, else not."""
    return "clean" if status == 0 else "unproven"


# What an exit status means; None is that the tool could not do its work.
_STATUS = {"ext4": _ext4, "xfs": _xfs, "btrfs": _btrfs}


def check(children: Children, keeper: Keeper, fd: int, fs: FileSystem, uuid: str) -> CheckResult:
    """Check the image, open for reading, of an unmounted volume.

    Raises Again where it cannot be read or a tool was killed, Refused where the tool is missing or gives up.
    """
    seen = children.run(keeper, "check-look", {"fs": fs, "uuid": uuid}, (fd,), LOOK_DEADLINE)
    if seen is not None:
        return msgspec.convert(seen, CheckResult)
    if _asked(children, keeper, fd, fs)[0] == "clean":
        return CheckResult("clean")
    children.run(keeper, "check-read", {}, (fd,), DEADLINE)
    outcome, said, status = _asked(children, keeper, fd, fs)
    if outcome is None:
        raise Refused(
            f"The {fs} could be read, but not be checked: the tool gave up with status {status}: {said}",
            "Is the tool as new as the file system? Else restore a backup, or repair a copy of the image.",
        )
    return CheckResult(outcome, _REPLAY if outcome == "replay" else said)


def _asked(children: Children, keeper: Keeper, fd: int, fs: FileSystem) -> tuple[Outcome | None, str, int]:
    answer = children.run(keeper, f"fsck-{fs}", {"fs": fs}, (fd,), DEADLINE)
    return _STATUS[fs](answer["status"]), answer["said"], answer["status"]


def look(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> dict[str, Any] | None:
    """What needs no tool: the wrong file system, or a journal to replay; None if there is no such obstacle."""
    (image,) = fds
    try:
        formats.check(image, args["fs"], args["uuid"], kernel)
    except Damaged as error:
        return msgspec.structs.asdict(CheckResult("damaged", error.detail))
    if journals.needs_replay(image, args["fs"], kernel):
        return msgspec.structs.asdict(CheckResult("replay", _REPLAY))
    return None


def read_all(kernel: Kernel, _args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Read every byte that is allocated to the open image; raise Again at the first that cannot be read.

    Plainly, not directly: what a tool failed to read is not in the cache, and nothing that is read here stays there.
    """
    (image,) = fds
    at, piece = 0, memoryview(bytearray(_PIECE))
    # A device has no holes to tell of: lseek(2) knows SEEK_DATA for files alone.
    size = size_of(image, kernel) if stat.S_ISBLK(kernel.fstat(image).st_mode) else None
    while at != size:
        try:
            at = at if size is not None else kernel.lseek(image, at, os.SEEK_DATA)
            got = kernel.preadv(image, [piece], at)
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data beyond: lseek(2)
                return
            raise Again(f"The volume cannot be read at byte {at}: {error.strerror}.") from error
        if not got:
            raise Again(f"The volume ends at byte {at}, while it is read.")
        kernel.uncache(image, at, got)
        at += got
