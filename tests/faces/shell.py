"""A shell on a machine of its own, as far as a person at it can see: what documents are tried on.

Mounts, processes, host name and network are private; changes to /etc, /opt, /root, /usr/local and /var go to a disk in
a file, and /mnt, /run, /srv, /tmp and /var/lib are its own from the start. Loop devices are the kernel's and shared by
all: those of the shell are known by what they are attached to.
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
from collections.abc import Iterator
from pathlib import Path

from tests.daemon import run, wait_until
from tests.needs import need_root

ROOT = Path(__file__).resolve().parents[2]
# Seconds for one command.
LONGEST = 60.0
_SPACES = ("--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--net")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SETUP = """
set -e
{python} - <<'END'
import ctypes, fcntl, pathlib, socket, struct
# A copy of what another test has mounted would hold it after that unmounted it.
for line in reversed(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()):
    point = line.split()[4].encode().decode("unicode_escape")
    if point.startswith({temporary}) and not "{tree}/".startswith(point + "/"):
        ctypes.CDLL(None).umount2(point.encode("latin-1"), 2)  # umount(2): MNT_DETACH
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))  # netdevice(7): SIOCSIFFLAGS, IFF_UP
END
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
    mount --no-canonicalize --bind own/$top /$top
done
# The tree stays where it is, also if one of these has just covered it.
[ -e {tree}/pyproject.toml ] || {{ mkdir -p {tree} && mount --no-canonicalize --bind tree {tree}; }}
hostname box
cd {tree}
set +e
"""


class Hangs(AssertionError):
    """A command does not end, or ended the shell."""


class Shell:
    """One bash, in namespaces of its own, on the disk `image` below `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._output = (scratch / "output").open("a+b")
        self._ended, theirs = os.pipe()
        self._out, self._end = self._output.fileno(), theirs
        with (scratch / "notices").open("ab") as notices:
            self._process = subprocess.Popen(
                ["unshare", *_SPACES, "bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=notices,
                stderr=notices, pass_fds=(self._out, theirs),
                env={"PATH": _PATH, "LANG": "C.UTF-8", "COLUMNS": "200", "TZ": "UTC", "HOME": "/root"},
            )  # fmt: skip
        os.close(theirs)

    def begin(self, scratch: Path) -> None:
        """Make the machine what it should be."""
        temporary = tuple(f"{each}/" for each in (scratch.parent, "/tmp", "/var/tmp"))
        status, said = self.type(_SETUP.format(scratch=scratch, tree=ROOT, python=sys.executable, temporary=temporary))
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
                raise Hangs(f"`{text}` does not end; so far: {self._since(begin)}")
            status += got
        return int(status), self._since(begin)

    def _since(self, begin: int) -> str:
        """What was written since then, but for the shell's own word of a killed job, which comes whenever it looks."""
        said = os.pread(self._out, 1 << 20, begin).decode(errors="replace")
        return re.sub(r"^bash: line \d+: +\d+ Killed .*\n", "", said, flags=re.MULTILINE)

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
            made.begin(scratch)
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
    found = [row for row in rows if (row["back-maj:min"] or "").strip() == device and row["back-ino"] == info.st_ino]
    for outer in found:  # it grows
        found += [row for row in rows if (row["back-maj:min"] or "").strip() == outer["maj:min"].strip()]
    for row in reversed(found):
        if not row["autoclear"]:
            run("losetup", "-d", row["name"], ok=False)
            break
    return [row["name"] for row in found]
