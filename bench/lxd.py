"""LXD as a peer: the daemon of Debian's package, in a directory of its own, with a pool of its `dir` driver or `btrfs`.

Custom volumes of content type filesystem are its counterpart of directory volumes. They get no size: without project
quotas on the file system LXD would only warn about one, and that would be work that ours does not do.
"""

import shutil
import subprocess
from functools import partial
from pathlib import Path

from bench.daemon import Peer
from bench.face import BenchError, Face

POOL = "p"
VOLUMES = f"/1.0/storage-pools/{POOL}/volumes/custom"


class LxdFace(Face):
    """See `Face`."""

    ready = "/1.0"

    def _change(self, method: str, path: str, body: object = None) -> None:
        said = self.call(method, path, body)
        # LXD 5.0 answers these synchronously; where a version makes an operation of it, its end counts.
        if said["type"] == "async":
            ended = self.call("GET", f"{said['operation']}/wait")
            if ended["metadata"]["status_code"] != 200:
                raise BenchError(f"{method} {path} ended as {ended}")

    def make_pool(self, source: str, driver: str = "dir") -> None:
        """Of the driver dir, or btrfs."""
        self._change("POST", "/1.0/storage-pools", {"name": POOL, "driver": driver, "config": {"source": source}})

    def create(self, name: str) -> None:
        """See `Face.create`."""
        self._change("POST", VOLUMES, {"name": name, "type": "custom", "content_type": "filesystem", "config": {}})

    def delete(self, name: str) -> None:
        """See `Face.delete`."""
        self._change("DELETE", f"{VOLUMES}/{name}")

    def snapshot(self, name: str, snapshot: str) -> None:
        """See `Face.snapshot`."""
        self._change("POST", f"{VOLUMES}/{name}/snapshots", {"name": snapshot})

    def restore(self, name: str, snapshot: str) -> None:
        """See `Face.restore`."""
        self._change("PUT", f"{VOLUMES}/{name}", {"restore": snapshot})

    def drop(self, name: str, snapshot: str) -> None:
        """See `Face.drop`."""
        self._change("DELETE", f"{VOLUMES}/{name}/snapshots/{snapshot}")

    def clone(self, name: str, snapshot: str, new: str) -> None:
        """See `Face.clone`."""
        source = {"type": "copy", "pool": POOL, "name": f"{name}/{snapshot}" if snapshot else name, "volume_only": True}
        self._change("POST", VOLUMES, {"name": new, "type": "custom", "content_type": "filesystem", "source": source})

    def count(self) -> int:
        """With the volumes' contents, not only their addresses."""
        return len(self.call("GET", f"{VOLUMES}?recursion=1")["metadata"])


def version() -> str:
    """Of the installed LXD; raise BenchError without one."""
    if shutil.which("lxd") is None:
        raise BenchError("LXD is not installed (Debian package lxd)")
    return subprocess.run(["lxd", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def peer(root: Path) -> Peer:
    """A daemon with all of its directories below `root`."""
    home = root / "lxd"
    home.mkdir()
    # Its default group is one that only the package's service sets up.
    command = ["lxd", "--group", "root", "--logfile", str(root / "lxd.log")]
    return Peer("lxd", command, {"LXD_DIR": str(home)}, partial(LxdFace, str(home / "unix.socket")), root)
