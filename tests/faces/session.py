"""Plays a document: types its commands one after another into one shell, and compares what comes with what is shown.

The shell is root of a machine of its own, as far as a person at it can see: mounts, processes, host name and
network are private; its changes to /etc, /opt, /root, /usr/local and /var go to a disk in a file, and /mnt, /run,
/srv and /tmp are its own from the start. Loop devices are the kernel's and shared by all: those of the session are
known by what they are attached to.
"""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.daemon import run, wait_until
from tests.faces.documents import Command, Same
from tests.needs import need_root

ROOT = Path(__file__).resolve().parents[2]
# Seconds for one command; and for one that only looks, until it shows what the document shows.
LONGEST, SOON = 60.0, 20.0
# What only looks may be typed again.
_LOOKS = re.compile(
    r"holdfast (?:status|audit$|(?:pool|volume|op|token) (?:list|show))|(?:cat|curl -s|findmnt|grep|losetup -l|ls|tail) "
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SERVES = re.compile(r"holdfast serve\b.*&$")
_SETUP = """
set -e
# A copy of what another test has mounted would hold it after that unmounted it.
findmnt -rn -o TARGET | while read -r target; do
    case "$target" in {temporary}/*) umount -l "$(printf %b "$target")" || true;; esac
done
mount -o loop {scratch}/image {scratch}/disk
cd {scratch}/disk
mkdir tree
mount --bind {tree} tree
for top in etc opt root usr/local var; do
    mkdir -p new/$top work/$top
    mount -t overlay overlay -o "lowerdir=/$top,upperdir=$PWD/new/$top,workdir=$PWD/work/$top" /$top
done
mount -t tmpfs tmpfs /run
for top in mnt srv var/backups var/lib var/tmp tmp; do
    mkdir -p own/$top
    mount --bind own/$top /$top
done
# The tree stays where it is, also if one of these has just covered it.
[ -e {tree}/pyproject.toml ] || {{ mkdir -p {tree} && mount --no-canonicalize --bind tree {tree}; }}
{python} -c 'import fcntl, socket, struct
up = struct.pack("16sh", b"lo", 1)  # netdevice(7): SIOCSIFFLAGS, IFF_UP
fcntl.ioctl(socket.socket(), 0x8914, up)'
hostname box
cd {tree}
set +e
"""


class Untrue(AssertionError):
    """The document says what is not so."""


class Shell:
    """One bash, in namespaces of its own, on the disk `image` below `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._output = (scratch / "output").open("a+b")
        self._ended, theirs = os.pipe()
        own = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--net")
        self._out, self._end = self._output.fileno(), theirs
        with (scratch / "notices").open("ab") as notices:
            self._process = subprocess.Popen(
                ["unshare", *own, "bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=notices,
                stderr=notices, pass_fds=(self._out, theirs),
                env={"PATH": _PATH, "LANG": "C.UTF-8", "COLUMNS": "200", "TZ": "UTC", "HOME": "/root"},
            )  # fmt: skip
        os.close(theirs)
        status, said = self.type(_SETUP.format(scratch=scratch, tree=ROOT, python=sys.executable, temporary=scratch.parent))
        assert status == 0, said

    def type(self, text: str, seconds: float = LONGEST) -> tuple[int, str]:
        """One command; its exit status and what it wrote, errors and all."""
        begin = os.fstat(self._out).st_size
        assert self._process.stdin is not None
        whole = f"{{\n{text}\n}} </dev/null >&{self._out} 2>&1 {self._end}>&-\n"
        ends = f"__ended=$?; echo $__ended >&{self._end}; (exit $__ended)\n"
        self._process.stdin.write((whole + ends).encode())
        self._process.stdin.flush()
        status, end = b"", time.monotonic() + seconds
        while not status.endswith(b"\n"):
            left = end - time.monotonic()
            there = left > 0 and select.select([self._ended], [], [], left)[0]
            got = os.read(self._ended, 64) if there else b""
            if not got:
                raise Untrue(f"`{text}` does not end; so far: {self._since(begin)}")
            status += got
        return int(status), self._since(begin)

    def _since(self, begin: int) -> str:
        return os.pread(self._out, 1 << 20, begin).decode(errors="replace")

    def close(self) -> None:
        """End everything in it; its mounts go with the last process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._output.close()
        os.close(self._ended)


@contextlib.contextmanager
def shell() -> Iterator[Shell]:
    """One at a time, so that the same path is never a pool of two; nothing of it is left."""
    need_root()
    scratch = Path(tempfile.mkdtemp(prefix="hf-"))
    turn = os.open(ROOT, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        (scratch / "disk").mkdir()
        image = scratch / "image"
        with image.open("xb") as file:
            file.truncate(20 << 30)
        run("mkfs.ext4", "-q", "-F", "-m", "0", image)
        made = Shell(scratch)
        try:
            yield made
        finally:
            made.close()
            wait_until(lambda: not _detached(image), "the session's loop devices are gone")
    finally:
        os.close(turn)
        shutil.rmtree(scratch)


def _detached(image: Path) -> list[str]:
    """Loop devices on the image, and on those; the innermost that does not go with its last user is detached."""
    said = run("losetup", "--list", "--json", "--output", "NAME,AUTOCLEAR,MAJ:MIN,BACK-MAJ:MIN,BACK-INO").stdout
    rows = json.loads(said)["loopdevices"] if said.strip() else []
    info = image.stat()
    device = f"{os.major(info.st_dev)}:{os.minor(info.st_dev)}"
    found = [row for row in rows if row["back-maj:min"].strip() == device and row["back-ino"] == info.st_ino]
    for outer in found:  # it grows
        found += [row for row in rows if row["back-maj:min"].strip() == outer["maj:min"].strip()]
    for row in reversed(found):
        if not row["autoclear"]:
            run("losetup", "-d", row["name"], ok=False)
            break
    return [row["name"] for row in found]


def play(machine: Shell, commands: Sequence[Command], stand_ins: Mapping[str, str] | None = None) -> None:
    """Type all of them; raise Untrue at the first that does not show what the document shows.

    `stand_ins` has what is typed instead of a command.
    """
    same = Same()
    for command, after in zip(commands, [*commands[1:], None], strict=True):
        typed = (stand_ins or {}).get(command.text) or same.typed(command.text)
        end = time.monotonic() + SOON
        while wrong := _wrong(same, command, after, *machine.type(typed)):
            if not _LOOKS.match(command.text) or time.monotonic() > end:
                raise Untrue(f"line {command.line}: # {typed}\n{wrong}")
            time.sleep(0.1)
        if _SERVES.search(typed):
            machine.type("until holdfast status; do sleep 0.1; done")


def _wrong(same: Same, command: Command, after: Command | None, status: int, came: str) -> str:
    """Empty if it is as the document says."""
    if not command.fails and status and not (after and after.asks_status):
        return f"it ended with status {status}:\n{came}"
    if command.fails and not status:
        return f"it did not fail:\n{came}"
    return same.difference(command.shown, came)
