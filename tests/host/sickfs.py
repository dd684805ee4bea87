"""A disk on FUSE whose reads fail where a test wants it, and whose server can be killed and started again."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from holdfast.host import mounttable
from tests.host.parts import eventually, lacking, run, sparse


class Sick:
    """The mounted store; `disk` is its one file, `backing` what is behind it."""

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.disk = f"{path}/disk"
        self.backing = f"{path}.backing"
        self._control = f"{path}.control"
        os.makedirs(path, exist_ok=True)
        sparse(self.backing, size)
        self.start()

    def start(self) -> None:
        """Serve, and wait for the mount."""
        command = [sys.executable, "-m", "tests.host.sickserver", self.backing, self._control, self.path]
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        assert eventually(lambda: mounttable.top_at(self.path) is not None)

    def fail(self, number: int, *ranges: tuple[int, int]) -> None:
        """From now on reads of these bytes fail so; without ranges, none."""
        with open(f"{self._control}.new", "w") as file:
            json.dump({"errno": number, "ranges": ranges}, file)
        os.replace(f"{self._control}.new", self._control)

    def signal(self, number: int) -> None:
        """Send it to the server: a stopped one hangs whoever asks it."""
        self._server.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; the dead mount stays."""
        self._server.kill()
        self._server.wait()

    def restart(self) -> None:
        """Another server in the place of the killed one."""
        run("umount", "-l", self.path)  # the dead mount's descriptors answer ENOTCONN for ever
        self.start()

    def stop(self) -> None:
        """Unmount and end."""
        run("umount", self.path, check=False)
        self._server.kill()
        self._server.wait()
        while mounttable.top_at(self.path) is not None:
            run("umount", "-l", self.path)


@contextlib.contextmanager
def sick(path: str, size: int) -> Iterator[Sick]:
    """The store, mounted at `path`."""
    if not os.path.exists("/dev/fuse"):
        lacking("needs FUSE")
    store = Sick(path, size)
    try:
        yield store
    finally:
        store.stop()
