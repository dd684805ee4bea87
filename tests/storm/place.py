"""The daemon of a storm: its pool and its state on small disks of their own, short deadlines, a session of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from holdfast.client import Client
from holdfast.model.errors import HoldfastError
from holdfast.testing.flasharray.array import TOKEN
from holdfast.testing.flasharray.server import ArrayServer, serving
from tests.daemon import Disk, RealDaemon, run
from tests.lingering import loops_below
from tests.nursery import Process
from tests.storm import processes, serve
from tests.storm.settings import CHILD, FS, IDLE, REQUEST, SETTLE

POOL_MEGABYTES = {"ext4": 192, "btrfs": 320}
STATE_MEGABYTES = 512


class StormDaemon(RealDaemon):
    """`sessions` are those of all its processes, the last one's at the end."""

    def __init__(self, root: Path, array: ArrayServer) -> None:
        super().__init__(root, {"STORM_CHILD_DEADLINE": str(CHILD)})
        self.disk = root / "disk"
        self.state = self.disk / "state"
        self.sessions: list[int] = []
        Disk(root, "pool-disk", POOL_MEGABYTES[FS], self.pool, FS).mount()
        if FS == "btrfs":
            run("btrfs", "quota", "enable", str(self.pool))
        Disk(root, "state-disk", STATE_MEGABYTES, self.disk).mount()
        self.array = array
        self._config = root / "holdfast.toml"
        self._config.write_text(f"[limits]\nrequest_seconds = {REQUEST}\nidle_seconds = {IDLE}\n")

    def with_pools(self) -> Client:
        """Started, with the pool on the disk and the one on the array."""
        client = self.with_pool("btrfs" if FS == "btrfs" else "dir")
        token = Path(self.array.root) / "token"
        token.write_text(TOKEN)
        config = {
            "gateway": self.array.address, "pod": "pod1", "token": f"file:{token}", "ca_file": self.array.ca,
            "transport": "loop", "fabric": self.array.root, "eradicate": "after_delete", "device_timeout": "60",
            "settle": f"{SETTLE:g}",
        }  # fmt: skip
        assert client.create_pool("a", config, driver="flasharray").state == "done"
        return client

    def launch(self, failpoint: str = "") -> Process:
        """Start the process and do not wait."""
        env = {**os.environ, **self.env, **({"HOLDFAST_FAILPOINT": failpoint} if failpoint else {})}
        command = [
            sys.executable, "-P", serve.__file__, "serve", "--state", str(self.state), "--run", str(self.run),
            "--config", str(self._config),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self.sessions.append(self.process.pid)
        return self.process

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self.process is not None
        return self.process.pid

    @property
    def fork_server(self) -> int:
        """The pid of its only child."""
        (server,) = processes.children(self.pid)
        return server

    def answers(self) -> bool:
        """Whether it answers now; raises AssertionError if it ended."""
        try:
            return self._answers()
        except HoldfastError:
            return False


@contextlib.contextmanager
def storm_daemon() -> Iterator[StormDaemon]:
    """Not started yet; everything of it is gone at the end."""
    root = Path(tempfile.mkdtemp(prefix="hf-"))
    daemon = None
    with serving() as array:
        try:
            daemon = StormDaemon(root, array)
            yield daemon
        finally:
            (daemon or RealDaemon(root)).close()
            for device in loops_below(Path(array.root)):
                run("losetup", "-d", device, ok=False)
