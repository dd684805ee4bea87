"""A real daemon with a pool on a file system of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from holdfast.client import Client
from holdfast.model.operations import OperationView
from tests.conformance.dir_harness import mounted
from tests.daemon import RealDaemon, real_daemon


class Place:
    """The pool `p`; `path` makes an empty directory, or file, to mount at."""

    def __init__(self, daemon: RealDaemon, client: Client, pool: Path) -> None:
        self.daemon = daemon
        self.client = client
        self.pool = pool

    def path(self, name: str, *, file: bool = False) -> Path:
        """Empty."""
        path = self.daemon.mnt / name
        if file:
            path.touch()
        else:
            path.mkdir()
        return path

    def image(self, uid: str) -> Path:
        """Of a volume or snapshot."""
        return self.pool / "volumes" / uid / "disk.raw"


def done(view: OperationView) -> OperationView:
    """It is."""
    assert view.state == "done", f"{view.kind} {view.resource.path} is {view.state}: {view.error} {view.reason}"
    return view


@contextlib.contextmanager
def place(fs: str, where: Path, size: int = 0) -> Iterator[Place]:
    """On a new file system of that kind, of so many bytes if it is to be large; nothing of it is left."""
    with mounted(fs, where / "disk", size) as disk, real_daemon() as daemon:
        client = daemon.start().client()
        source = disk / "p"
        source.mkdir()
        done(client.create_pool("p", {"source": str(source)}))
        yield Place(daemon, client, source)
        daemon.stop()
