"""Create a volume: its row and its uid are reserved, then it is made, formatted and marked in one step.

The uid is minted here, so nothing can be there under it, and the first look is skipped. The sum of sizes is
taken in the transaction that inserts the row, so a pool's limit cannot be overrun by a race.
"""

from typing import Literal

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists, Invalid
from holdfast.model.names import check_labels, check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Content, FileSystem, Volume, VolumeSpec, VolumeStatus
from holdfast.model.sizes import SECTOR, parse_size
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import visited
from holdfast.operations.refs import check_limit, find_pool, mark_abandoned, pool_now, pool_ref, usable, volume_ref
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.device import VolumeFormat
from holdfast.steps.volume import VolumeMade, VolumeMake


class VolumeCreate(Asked, frozen=True, kw_only=True, tag="volume.create.1"):
    """`fs` goes with content filesystem, and is ext4 if not given."""

    pool: str
    name: str
    size: int | str
    content: Content = "directory"
    fs: Literal["ext4", "xfs", "btrfs"] | None = None
    labels: dict[str, str] = {}

    def checked(self, desk: Desk) -> "VolumeCreate":
        """Name, size, content and what the driver offers."""
        check_name("volume", self.name)
        check_labels(self.labels)
        size = parse_size(self.size)
        if self.fs is not None and self.content != "filesystem":
            raise Invalid(f"A {self.content} volume has no file system of its own.", "Drop --fs.")
        if self.content != "directory" and size % SECTOR:
            raise Invalid(f"The size {size} is not a multiple of {SECTOR}, a disk's sector.", "1MiB and 1MB are.")
        if not desk.drivers.all_offer(self.content):
            pool = desk.records.read(lambda tx: find_pool(tx, self.pool))
            if self.content not in desk.drivers.named(pool.spec.driver).info.contents:
                raise Invalid(f"The driver {pool.spec.driver} offers no {self.content} volumes.")
        fs: FileSystem | None = (self.fs or "ext4") if self.content == "filesystem" else None
        return msgspec.structs.replace(self, size=size, fs=fs)

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool is shared, the new name and uid are not."""
        pool = find_pool(tx, self.pool)
        usable(pool)
        if resources.by_name(tx, Volume, pool.uid, self.name) is not None:
            raise Exists(f"There is a volume {self.name} in the pool {self.pool} already.")
        claims = (on_uid(pool.uid, "shared"), on_name(pool.uid, self.name), on_uid(drawn.uid))
        return Binding(ResourceRef("volume", drawn.uid, f"{self.pool}/{self.name}"), claims, {"pool": pool.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the row and its size; make the volume."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        size = parse_size(self.size)
        check_limit(tx, pool, size)
        formatting = self.content == "filesystem"
        volume = Volume(
            uid=bound.drawn.uid, name=self.name, parent=pool.uid, created=bound.drawn.now,
            operation=bound.drawn.operation,
            spec=VolumeSpec(size=size, content=self.content, fs=self.fs, labels=self.labels),
            status=VolumeStatus(
                formatted="formatting" if formatting else "never", fs_uuid=bound.drawn.fs_uuid if formatting else None
            ),
        )  # fmt: skip
        resources.insert(tx, volume)
        place, what = pool_ref(pool, bound.drawn.owner), volume_ref(volume)
        make = VolumeMake(place, what)
        if not (formatting and pool.status.connects):
            return (make,)
        return make, *visited(pool, place, what, bound.drawn.member, VolumeFormat(place, what))

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Ready, and formatted for ever."""
        volume = resources.by_uid(tx, Volume, bound.drawn.uid)
        if volume is not None:
            formatted = "formatted" if volume.status.formatted == "formatting" else "never"
            status = msgspec.structs.replace(
                volume.status, ready=True, formatted=formatted, identity=_identity(results)
            )
            resources.update(tx, msgspec.structs.replace(volume, status=status))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row and its size go."""
        resources.delete(tx, bound.drawn.uid)

    def learned(self, tx: Tx, bound: Bound, results: Results) -> None:
        """By its identity a device or a connection of it is found."""
        volume = resources.by_uid(tx, Volume, bound.drawn.uid)
        if volume is not None:
            status = msgspec.structs.replace(volume.status, identity=_identity(results))
            resources.update(tx, msgspec.structs.replace(volume, status=status))

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row and its size stay."""
        mark_abandoned(tx, Volume, bound.drawn.uid, reason, bound.drawn.now)


def _identity(results: Results) -> dict[str, str]:
    return results.find(VolumeMade, VolumeMade()).identity
