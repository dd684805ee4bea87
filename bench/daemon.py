"""A peer's daemon: started in namespaces of its own, timed from its exec to its first answer, measured, stopped.

The network namespace has loopback only. The mount namespace takes every mount of the daemon with it, however it ends.
A shell prepares both and waits at a gate; a start is timed from the moment the gate opens and the shell execs.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.face import BenchError, Face

PATIENCE = 120.0
# If this process is killed, so are they.
_LAUNCH = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec"]
# A copy of another's loop-mounted file system would hold its device after he unmounted it: such copies are dropped,
# the last mounted first, but for the one that the peer itself lives on. One whose directory he removes goes by itself.
_GATE = (
    'exec 2>>"$LOG"; findmnt -rnu -o SOURCE,TARGET | tac | while read -r source target; do '
    'case "$source" in /dev/loop*) case "$ROOT/" in "${target%/}"/*) ;; '
    '*) umount -l "$target" || ! mountpoint -q "$target";; esac;; esac; done; '
    'ip link set lo up; echo ready; read -r _; exec "$@" </dev/null >&2'
)


class Peer:
    """One daemon and what it keeps below `root`: the pool's source and whatever `command` makes."""

    def __init__(
        self, name: str, command: list[str], env: dict[str, str], face: Callable[[], Face], root: Path
    ) -> None:
        self.name = name
        self.face = face
        self.root = root
        self.command = command
        self._log = root / "log"
        # Nothing of this process's environment: it could change what either does, and how fast.
        self._env = {
            "PATH": os.defpath + ":/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "LOG": str(self._log),
            "ROOT": str(root),
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.source = root / "pool"
        self.source.mkdir()

    @property
    def pid(self) -> int:
        """Of the running daemon."""
        if self._process is None:
            raise BenchError(f"{self.name} does not run")
        return self._process.pid

    def start(self) -> float:
        """Start it; the seconds until its API answered."""
        self._process = process = subprocess.Popen(
            [*_LAUNCH, _GATE, "sh", *self.command], env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with contextlib.ExitStack() as stack:
            gate, ready = process.stdin, process.stdout
            assert gate is not None
            assert ready is not None
            stack.callback(ready.close)
            stack.callback(gate.close)
            if not ready.readline():
                raise BenchError(f"the namespaces of {self.name} cannot be made; its log says:\n{self.log_tail()}")
            face = self.face()
            stack.callback(face.close)
            begin = time.monotonic()
            gate.write(b"\n")
            gate.close()
            while not face.answers():
                if process.poll() is not None or time.monotonic() > begin + PATIENCE:
                    raise BenchError(f"{self.name} does not answer; its log says:\n{self.log_tail()}")
                time.sleep(0.001)
            return time.monotonic() - begin

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} did not end within {PATIENCE:g} s of SIGTERM") from None
        finally:
            process.kill()  # nothing, where it ended
            process.wait()

    def log_tail(self) -> str:
        """The end of what it said."""
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A directory on the disk that is measured, gone at the end; its path is short enough for a socket."""
    root = parent / f"holdfast-bench-{os.getpid()}"
    root.mkdir()
    try:
        yield root
    finally:
        mounted = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {root}/" in line]
        if mounted:
            raise BenchError(f"something is mounted below {root}: {mounted[0]}")
        shutil.rmtree(root)


@contextlib.contextmanager
def running(make: Callable[[Path], Peer], parent: Path, driver: str = "dir") -> Iterator[Peer]:
    """A started peer with its pool, in a fresh directory; all of it is gone at the end."""
    with scratch(parent) as root:
        peer = make(root)
        try:
            peer.start()
            face = peer.face()
            face.make_pool(str(peer.source), driver)
            face.close()
            yield peer
        finally:
            peer.stop()
    os.sync()  # what this peer left to write is not the next one's to wait for
