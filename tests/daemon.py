"""A real daemon in a scratch directory, and the world around it asked directly, not through Holdfast."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from holdfast.client import Client
from holdfast.host.linux import LINUX
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView
from tests import nursery
from tests.lingering import loops_below

BIN = Path(sys.executable).with_name("holdfast")
PATIENCE = 30.0


def run(*command: str | Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """An external program; with `ok` it must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    assert not ok or done.returncode == 0, f"{command}: {done.stderr}"
    return done


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until it comes true, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def mounts_below(path: Path) -> list[str]:
    """Mount points at or below `path`, the newest last."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point == str(path) or point.startswith(f"{path}/")]


def temporary_below(path: Path) -> list[str]:
    """Files that only a making or removal under way may have."""
    return [
        str(entry)
        for entry in (*path.glob(".*"), *path.glob("volumes/.*"), *path.glob("volumes/*/.*"))
        if entry.name != "lost+found"
    ]


def checksums(root: Path) -> dict[str, str]:
    """sha256 of every file below `root`."""
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


def synced(root: Path) -> None:
    """Make the file system there durable, and no other: some tests live on what is not."""
    fd = os.open(root, os.O_RDONLY)
    try:
        LINUX.syncfs(fd)
    finally:
        os.close(fd)


def fill(root: Path, seed: str = "a") -> dict[str, str]:
    """Some files below `root`, synced; their checksums."""
    for number in range(3):
        file = root / f"{seed}{number}" / "file"
        file.parent.mkdir()
        file.write_bytes(f"{seed}{number}".encode() * 5000)
    synced(root)
    return checksums(root)


class RealDaemon:
    """`holdfast serve` as a process, with directories of its own."""

    def __init__(self, root: Path, env: dict[str, str] | None = None) -> None:
        self.root = root
        self.state, self.run, self.pool, self.mnt = (root / name for name in ("state", "run", "pool", "mnt"))
        self.log = root / "log"
        self.arm_file = root / "failpoint"
        # The text of its configuration file, if it is to have one; written at the next start.
        self.config = ""
        # A daemon that does not answer is made to say where it hangs: see `start`.
        self.env = {"PYTHONFAULTHANDLER": "1", "HOLDFAST_FAILPOINT": f"@{self.arm_file}", **(env or {})}
        self.process: nursery.Process | None = None
        self._clients: list[Client] = []
        for directory in (self.pool, self.mnt):
            directory.mkdir(exist_ok=True)

    # -- the process -----------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"unix:{self.run}/holdfast.sock"

    def launch(self, failpoint: str = "") -> nursery.Process:
        """Start the process and do not wait."""
        env = {**os.environ, **self.env, **({"HOLDFAST_FAILPOINT": failpoint} if failpoint else {})}
        with self.log.open("ab") as log:
            command = [str(BIN), "serve", "--state", str(self.state), "--run", str(self.run)]
            if self.config:
                (self.root / "holdfast.toml").write_text(self.config)
                command += ["--config", str(self.root / "holdfast.toml")]
            self.process = nursery.start(command, env, log)
        return self.process

    def start(self, failpoint: str = "") -> "RealDaemon":
        """Start it and wait until it answers."""
        self.launch(failpoint)
        return self.comes_up()

    def comes_up(self) -> "RealDaemon":
        """Wait until the launched process answers."""
        try:
            wait_until(self._answers, "the daemon answers")
        except AssertionError as error:
            if self.process is not None:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait(PATIENCE)
            raise AssertionError(f"{error}\n{self.log_tail()}") from error
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the daemon ended; its log says:\n{self.log_tail()}"
        client = Client(self.address, timeout=5.0)
        try:
            return bool(client.status().version)
        except Unavailable:
            return False
        finally:
            client.close()

    def log_tail(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def arm(self, text: str) -> None:
        """NAME:FAULT[:NTH], from now on."""
        self.arm_file.with_suffix(".new").write_text(text)
        self.arm_file.with_suffix(".new").rename(self.arm_file)

    def disarm(self) -> None:
        """For the next start."""
        self.arm_file.unlink(missing_ok=True)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; the exit status."""
        assert self.process is not None
        status = self.process.wait(seconds)
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL, if it lives."""
        if self.process is not None:
            self.process.kill()
            self.ended()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def paused(self) -> bool:
        """Whether a `stop` failpoint was reached."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    # -- talking to it -----------------------------------------------------------------------------

    def client(self, timeout: float = 30.0) -> Client:
        """A new connection, closed with the daemon."""
        self._clients.append(Client(self.address, timeout))
        return self._clients[-1]

    def cli(self, *args: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """The command line."""
        command = [str(BIN), *(str(arg) for arg in args)]
        return nursery.run(command, {**os.environ, "HOLDFAST_ADDRESS": self.address}, stdin)

    def settle(self, seconds: float = PATIENCE) -> list[OperationView]:
        """Wait until every operation ended, retrying what is parked; all operations."""
        client = self.client()
        end = time.monotonic() + seconds
        while client.status().unfinished:
            for parked in client.operations("parked"):
                client.exit(parked.id, "retry")
            waiting = [f"{op.kind} {op.state}: {op.reason}" for op in client.operations() if not op.ended]
            assert time.monotonic() < end, f"operations do not end: {waiting}\n{self.log_tail()}"
            time.sleep(0.05)
        found = client.operations(limit=1000)
        client.close()
        return found

    def with_pool(self, driver: str = "dir") -> Client:
        """Start it and make the pool `p` at `pool`."""
        client = self.start().client()
        assert client.create_pool("p", {"source": str(self.pool)}, driver=driver).state == "done"
        return client

    def uid(self, name: str) -> str:
        """Of a volume in `p`."""
        return self.client().volume("p", name).uid

    # -- the end -----------------------------------------------------------------------------------

    def close(self) -> None:
        """End the process, unmount and detach what is below the scratch directory, remove it."""
        for client in self._clients:
            client.close()
        self.kill()
        clear(self.root)


def clear(root: Path) -> None:
    """Unmount and detach everything below `root`, then remove it, never through a mount."""
    for _ in range(10):
        _thaw(root)
        for point in reversed(mounts_below(root)):
            run("umount", point, ok=False)
        for device in loops_below(root):
            run("losetup", "-d", device, ok=False)
        if not mounts_below(root) and not loops_below(root):
            break
        time.sleep(0.1)
    assert not mounts_below(root)
    shutil.rmtree(root)


def _thaw(root: Path) -> None:
    """A child that was killed with its daemon may have left a volume frozen; unmounted so, it keeps its device."""
    for mount in LINUX.mounts():
        if mount.path.startswith(f"{root}/") and mount.source.startswith("/dev/loop"):
            with contextlib.suppress(OSError):
                fd = os.open(mount.path, os.O_RDONLY)
                try:
                    LINUX.thaw(fd)
                finally:
                    os.close(fd)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A short path (a socket's has at most 107 characters) that is cleared at the end."""
    root = Path(tempfile.mkdtemp(prefix="hf-"))
    try:
        yield root
    finally:
        clear(root)


@contextlib.contextmanager
def real_daemon(env: dict[str, str] | None = None) -> Iterator[RealDaemon]:
    """Not started yet; everything of it is gone at the end."""
    daemon = RealDaemon(Path(tempfile.mkdtemp(prefix="hf-")), env)
    try:
        yield daemon
    finally:
        daemon.close()


class Disk:
    """A small file system in a file, mounted by a loop device of its own that goes with the mount."""

    def __init__(self, root: Path, name: str, megabytes: int, at: Path, fs: str = "ext4") -> None:
        self.image, self.at = root / f"{name}.img", at
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        run(f"mkfs.{fs}", "-q", *(("-F", "-m", "0") if fs == "ext4" else ()), self.image)
        at.mkdir(exist_ok=True)

    def mount(self, *options: str) -> "Disk":
        """Mount it."""
        run("mount", "-o", ",".join(["loop", *options]), self.image, self.at)
        return self

    def umount(self) -> None:
        """Unmount it."""
        run("umount", self.at)
