"""Resize a volume, mounted or not: in its pool, then its device here, then the file system in it.

The new size counts towards the pool's limit from the grant on. Growing in the pool is the point of no return; what
comes behind it is retried until it is done. A volume that is connected for this alone is as before at the end.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.host.growctl import SMALLEST_BTRFS
from holdfast.host.processes import CAP_SYS_RESOURCE, is_capable
from holdfast.model.errors import InUse, Invalid, Refused, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, SnapshotSpec, Volume, VolumeSpec
from holdfast.model.sizes import SECTOR, format_size, parse_size
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import visited
from holdfast.operations.refs import (
    check_limit,
    check_match,
    find_pool,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    sized,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.device import DeviceGrown, FileSystemGrown
from holdfast.steps.loop import LoopGrown
from holdfast.steps.volume import VolumeResized


class VolumeResize(Asked, frozen=True, kw_only=True, tag="volume.resize.1"):
    """`size` in bytes, or as '20GiB'."""

    pool: str
    name: str
    size: int | str
    if_match: str = ""

    def checked(self, desk: Desk) -> "VolumeResize":
        """The size, and that the driver can."""
        size = parse_size(self.size)
        pool, fs = desk.records.read(self._about)
        check_capable(fs)
        if not desk.drivers.named(pool.spec.driver).info.resize:
            raise Invalid(f"The driver {pool.spec.driver} cannot resize volumes.", "Make a larger one and copy.")
        return msgspec.structs.replace(self, size=size)

    def _about(self, tx: Tx) -> tuple[Pool, str | None]:
        pool = find_pool(tx, self.pool)
        return pool, find_volume(tx, pool, self.name).spec.fs

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume, as it is now."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        check_match(volume, self.if_match)
        usable(volume)
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Only larger, but a directory; the size is reserved, and given back if nothing came of it."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        check_match(volume, self.if_match)
        usable(volume)
        size, old = parse_size(self.size), volume.spec.size
        if not volume.status.ready:
            raise WrongState(f"The volume {self.name} is not ready.")
        check_growth(volume.name, volume.spec, size)
        mounts = resources.page(tx, Attachment, volume.uid)
        for attachment in mounts:
            if attachment.spec.read_only and volume.spec.content == "filesystem":
                where = attachment.spec.path
                raise InUse(f"The volume is mounted read-only at {where}.", f"holdfast volume unmount {where}")
        if size > old:  # what shrinks gives its room back when it is done
            check_limit(tx, pool, size - old)
            resources.update(tx, sized(volume, size, volume.status.size_before or old, bound.drawn.operation))
        return self._steps(pool, volume, size, bound, mounted=bool(mounts))

    @staticmethod
    def _steps(pool: Pool, volume: Volume, size: int, bound: Bound, *, mounted: bool) -> tuple[Step, ...]:
        place, what = pool_ref(pool, bound.drawn.owner), volume_ref(volume)
        resized = VolumeResized(place, what, size)
        grown = DeviceGrown(place, what, size) if pool.status.connects else LoopGrown(place, what, size=size)
        if volume.spec.content == "filesystem":
            inside = FileSystemGrown(place, what, size)
            return visited(pool, place, what, bound.drawn.member, resized, grown, inside)
        return (resized, grown) if mounted and volume.spec.content == "block" else (resized,)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """It is so."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            grown = sized(volume, parse_size(self.size), None, bound.drawn.operation)
            resources.update(tx, msgspec.structs.replace(grown, generation=volume.generation + 1))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The size is as before."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None and volume.status.size_before is not None and volume.operation == bound.drawn.operation:
            resources.update(tx, sized(volume, volume.status.size_before, None, volume.operation))

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays, with the larger size."""
        mark_abandoned(tx, Volume, bound.uids["volume"], reason, bound.drawn.now)


def check_capable(fs: str | None) -> None:
    """Raise Refused if this daemon cannot let such a file system grow."""
    if fs == "ext4" and not is_capable(CAP_SYS_RESOURCE):
        raise Refused(
            "Growing an ext4 needs CAP_SYS_RESOURCE, which this daemon has not.",
            "Run it outside of a container, or give the container that capability.",
        )


def check_growth(name: str, spec: VolumeSpec | SnapshotSpec, size: int) -> None:
    """Whether what is as `spec` says can become `size` bytes long; raise Invalid."""
    if spec.content == "directory":
        return
    if size % SECTOR:
        raise Invalid(f"The size {size} is not a multiple of {SECTOR}, a disk's sector.", "1MiB and 1MB are.")
    if size < spec.size:
        raise Invalid(
            f"{name} has {format_size(spec.size)}; it cannot shrink to {format_size(size)}: data would be cut off.",
            "Make a smaller one and copy what is to stay.",
        )
    if spec.fs == "btrfs" and size < SMALLEST_BTRFS:
        raise Invalid(f"A btrfs grows to {format_size(SMALLEST_BTRFS)} at the least.", "Ask for more.")
