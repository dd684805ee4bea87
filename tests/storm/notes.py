"""What clients were told, and what must therefore be true."""

import collections
from typing import NamedTuple

from holdfast.model.resources import Content, FileSystem


class Facts(NamedTuple):
    """A volume as it was asked for, or a snapshot `of` one; `size` in bytes."""

    name: str
    size: int
    content: Content
    fs: FileSystem | None
    pool: str = "p"
    of: str = ""


class Place(NamedTuple):
    """Where a volume is mounted."""

    path: str
    read_only: bool


class Notes:
    """One client's, or all clients' together. Volumes are known by uid.

    `written` is what was written into a volume and synced, and what a snapshot was taken of.
    """

    def __init__(self) -> None:
        self.volumes: dict[str, Facts] = {}
        self.snapshots: dict[str, Facts] = {}
        self.mounts: dict[str, Place] = {}
        self.written: dict[str, str] = {}
        self.gone: set[str] = set()
        self.acknowledged: collections.Counter[str] = collections.Counter()
        self.refused: collections.Counter[str] = collections.Counter()
        self.unclear = 0
        self.interrupted = 0

    @property
    def known(self) -> dict[str, Facts]:
        """Volumes and snapshots."""
        return {**self.volumes, **self.snapshots}

    def add(self, other: "Notes") -> None:
        """Take another's."""
        self.volumes |= other.volumes
        self.snapshots |= other.snapshots
        self.mounts |= other.mounts
        self.written |= other.written
        self.gone |= other.gone
        self.acknowledged += other.acknowledged
        self.refused += other.refused
        self.unclear += other.unclear
        self.interrupted += other.interrupted
