"""Holdfast as a peer: every change is waited for with `?wait=`, so what is acknowledged has ended, durably."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from bench.daemon import Peer
from bench.face import BenchError, Face

POOL = "p"
WAIT = 60
VOLUMES = f"/v1/pools/{POOL}/volumes"


class HoldfastFace(Face):
    """See `Face`."""

    ready = "/v1/status"

    def _change(self, method: str, path: str, body: object = None) -> None:
        said = self.call(method, f"{path}?wait={WAIT}", body)
        if said["state"] != "done":
            raise BenchError(f"{method} {path} ended as {said}")

    def make_pool(self, source: str, driver: str = "dir") -> None:
        """Without a limit."""
        self._change("POST", "/v1/pools", {"name": POOL, "driver": driver, "config": {"source": source}})

    def create(self, name: str) -> None:
        """See `Face.create`."""
        self._change("POST", VOLUMES, {"name": name, "size": "1GiB", "content": "directory"})

    def delete(self, name: str) -> None:
        """See `Face.delete`."""
        self._change("DELETE", f"{VOLUMES}/{name}")

    def create_block(self, name: str, size: str) -> None:
        """A volume that is an image."""
        self._change("POST", VOLUMES, {"name": name, "size": size, "content": "block"})

    def snapshot(self, name: str, snapshot: str) -> None:
        """See `Face.snapshot`."""
        self._change("POST", f"{VOLUMES}/{name}/snapshots", {"name": snapshot})

    def restore(self, name: str, snapshot: str) -> None:
        """See `Face.restore`."""
        self._change("POST", f"{VOLUMES}/{name}/snapshots/{snapshot}/restore")

    def drop(self, name: str, snapshot: str) -> None:
        """See `Face.drop`."""
        self._change("DELETE", f"{VOLUMES}/{name}/snapshots/{snapshot}")

    def clone(self, name: str, snapshot: str, new: str) -> None:
        """See `Face.clone`."""
        self._change("POST", f"{VOLUMES}/{name}/clone", {"name": new, **({"snapshot": snapshot} if snapshot else {})})

    def page(self, limit: int, cursor: str = "") -> Any:
        """A page of the pool's volumes."""
        return self.call("GET", f"{VOLUMES}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))

    def count(self) -> int:
        """One page of a thousand."""
        return len(self.page(1000)["items"])


def socket_of(root: Path) -> str:
    """Where the daemon below `root` listens."""
    return str(root / "run" / "holdfast.sock")


def peer(root: Path) -> Peer:
    """A daemon with all of its directories below `root`."""
    command = [os.path.join(os.path.dirname(sys.executable), "holdfast"), "serve"]
    command += ["--state", str(root / "state"), "--run", str(root / "run")]
    return Peer("holdfast", command, {}, partial(HoldfastFace, socket_of(root)), root)
