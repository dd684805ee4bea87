"""A scratch directory furnished as the simulated machine is: two pool disks, and places to mount at."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from holdfast.records.contract import Row, Tx, Value
from holdfast.testing.simulation.script import PLACES
from tests.daemon import run

# The least that each mkfs takes; the files are sparse.
_MEGABYTES = {"ext4": 64, "xfs": 300, "btrfs": 128}
_QUIET = {"ext4": ("-q", "-F", "-m", "0"), "xfs": ("-q",), "btrfs": ("-q",)}


def furnish(root: Path, kinds: Sequence[str]) -> None:
    """Disks at srv/p0 and srv/p1, mounted; mnt/d0 … and mnt/f0 …."""
    for number, kind in enumerate(kinds):
        image, at = root / f"p{number}.img", root / "srv" / f"p{number}"
        with image.open("wb") as file:
            file.truncate(_MEGABYTES[kind] << 20)
        run(f"mkfs.{kind}", *_QUIET[kind], image)
        at.mkdir(parents=True)
        run("mount", "-o", "loop", image, at)
        if kind == "ext4":
            (at / "lost+found").rmdir()
    (root / "mnt").mkdir(exist_ok=True)
    for number in range(PLACES):
        (root / "mnt" / f"d{number}").mkdir()
        (root / "mnt" / f"f{number}").touch()


class Database(Tx):
    """The records of a daemon that was stopped."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)

    def run(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        raise NotImplementedError("nothing is changed in what was stopped")

    def close(self) -> None:
        self._connection.close()
