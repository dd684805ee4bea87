"""A FUSE file system of one file, `disk`, that can be told to fail, as a program that can be killed.

`control` is a JSON file outside, read at each request: {"errno": 5, "ranges": [[from, to]]} fails reads that
overlap.
"""

import json
import os
import stat
import sys
from typing import Any

import mfusepy  # type: ignore[import-untyped]


class Sick(mfusepy.Operations):  # type: ignore[misc]
    """Passes reads and writes on to a backing file."""

    use_ns = True

    def __init__(self, backing: str, control: str) -> None:
        self._fd = os.open(backing, os.O_RDWR)
        self._control = control

    def _orders(self) -> dict[str, Any]:
        try:
            with open(self._control) as file:
                orders: dict[str, Any] = json.load(file)
        except (FileNotFoundError, ValueError):
            return {}
        return orders

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path == "/disk":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": os.fstat(self._fd).st_size}
        raise mfusepy.FuseOSError(2)

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", "disk"]

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        orders = self._orders()
        for begin, end in orders.get("ranges", ()):
            if offset < end and begin < offset + size:
                raise mfusepy.FuseOSError(orders["errno"])
        return os.pread(self._fd, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return os.pwrite(self._fd, data, offset)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        os.fsync(self._fd)
        return 0


if __name__ == "__main__":
    mfusepy.FUSE(Sick(sys.argv[1], sys.argv[2]), sys.argv[3], foreground=True, nothreads=True)
