"""Mount a volume at a path, and (the same plan) bring a wanted mount back after a reboot.

Everything about one volume is exclusive on its uid: the same image attached twice is two caches over one disk.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.host import mountpoints
from holdfast.host.mounttable import is_under, upwards
from holdfast.model.conditions import ABANDONED, DAMAGED, Condition, holds, put, without
from holdfast.model.errors import Damaged, Exists, InUse, Invalid, NotFound, WrongState
from holdfast.model.operations import Problem, ResourceRef
from holdfast.model.resources import (
    Attachment,
    AttachmentSpec,
    AttachmentStatus,
    MountFlag,
    Pool,
    Snapshot,
    Use,
    Volume,
)
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import arriving
from holdfast.operations.refs import (
    around,
    bind_attachment,
    find_pool,
    find_volume,
    mark_abandoned,
    object_ref,
    pool_now,
    pool_ref,
    usable,
    volume_now,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.loop import LoopAttach
from holdfast.steps.mount import Mount
from holdfast.steps.points import PointMade

MOUNTED = "Mounted"


def mount_steps(pool: Pool, row: Volume | Snapshot, spec: AttachmentSpec, owner: str) -> tuple[Step, ...]:
    """The plan for any content: first what must be connected is, or a block volume gets a loop device of its own."""
    place, what = pool_ref(pool, owner), object_ref(row)
    mount = Mount(place, what, spec.path, spec.read_only, spec.flags)
    point = (PointMade(spec.path, row.spec.content != "block"),) if spec.use == "publish" else ()
    if pool.status.connects:
        return *point, *arriving(place, what, spec.member), mount
    loop = (LoopAttach(place, what, spec.read_only),) if row.spec.content == "block" else ()
    return *point, *loop, mount


def check_path(tx: Tx, path: str) -> None:
    """Raise Exists or Invalid if the path is taken, or lies in a pool or a volume."""
    for pool in resources.page(tx, Pool):
        if pool.spec.place.startswith("/") and is_under(path, pool.spec.place):
            raise Invalid(f"{path} is inside the pool {pool.name}.", "Mount somewhere else.")
    for other in resources.attachments(tx, paths=upwards(path)):
        if other.spec.path == path:
            raise Exists(f"Another volume is wanted at {path} already.", "Unmount it first.")
        raise Invalid(f"{path} is inside the volume mounted at {other.spec.path}.", "Mount somewhere else.")


def attach(tx: Tx, bound: Bound, pool: Pool, row: Volume | Snapshot, spec: AttachmentSpec) -> tuple[Step, ...]:
    """Reserve the attachment; the plan that makes it true."""
    attachment = Attachment(
        uid=bound.drawn.uid, name=spec.path, parent=row.uid, created=bound.drawn.now, operation=bound.drawn.operation,
        spec=spec, status=AttachmentStatus(),
    )  # fmt: skip
    resources.insert(tx, attachment)
    return mount_steps(pool, row, spec, bound.drawn.owner)


class VolumeMount(Asked, frozen=True, kw_only=True, omit_defaults=True, tag="attachment.mount.1"):
    """`path` is an empty directory, or for a block volume an empty file.

    `use`, `flags` and `alone` as in `AttachmentSpec`; what is published may find no mount point at its path.
    """

    pool: str
    name: str
    path: str
    read_only: bool = False
    use: Use = "mount"
    flags: tuple[MountFlag, ...] = ()
    alone: bool = False

    def checked(self, desk: Desk) -> "VolumeMount":
        """The path, as far as a look can tell."""
        path = mountpoints.canonical(self.path, desk.host.kernel)
        if self.use != "mount" and path != self.path:
            raise Invalid(f"{self.path} leads elsewhere, to {path}.")
        asked = msgspec.structs.replace(self, path=path)

        def read(tx: Tx) -> Volume:
            volume = find_volume(tx, find_pool(tx, self.pool), self.name)
            check_path(tx, path)
            return volume

        volume = desk.records.read(read)
        directory, private = volume.spec.content != "block", desk.host.private
        absent = self.use == "publish"
        mountpoints.check(path, directory=directory, private=private, kernel=desk.host.kernel, absent=absent)
        return asked

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume and the path."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        usable(volume)
        claims = (
            on_uid(pool.uid, "shared"), on_uid(volume.uid), on_uid(drawn.uid), on_name(drawn.member, self.path),
        )  # fmt: skip
        ref = ResourceRef("attachment", drawn.uid, f"{self.pool}/{self.name}:{self.path}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; reserve the attachment."""
        check_path(tx, self.path)
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        if not volume.status.ready:
            raise WrongState(f"The volume {self.name} is not ready.")
        for other in resources.page(tx, Attachment, volume.uid):
            if volume.spec.content == "block" and other.spec.read_only != self.read_only:
                mode = "read-only" if other.spec.read_only else "writable"
                detail = f"The volume is mounted {mode} at {other.spec.path}; a device has one mode."
                raise InUse(detail, "Unmount it there first.")
            if other.spec.use == self.use == "publish" and (self.alone or other.spec.alone):
                raise InUse(f"The volume is published at {other.spec.path}, and one path is to have it alone.")
        spec = AttachmentSpec(
            volume=volume.uid, member=bound.drawn.member, path=self.path, read_only=self.read_only, use=self.use,
            flags=self.flags, alone=self.alone,
        )  # fmt: skip
        return attach(tx, bound, pool, volume, spec)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Mounted, and wanted from now on."""
        set_mounted(tx, bound.drawn.uid, bound, reason="")

    def failed(self, tx: Tx, bound: Bound, error: Problem) -> None:
        """What is damaged is shown as such."""
        note_damage(tx, bound.drawn.uid, error, bound.drawn.now)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The attachment goes."""
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The attachment stays."""
        mark_abandoned(tx, Attachment, bound.drawn.uid, reason, bound.drawn.now)


def set_mounted(tx: Tx, uid: str, bound: Bound, reason: str) -> None:
    """Note whether the attachment is mounted; an empty reason means that it is."""
    attachment = resources.by_uid(tx, Attachment, uid)
    if attachment is not None:
        condition = Condition(MOUNTED, not reason, bound.drawn.now, reason)
        kept = (
            attachment.conditions if reason else without(attachment.conditions, ABANDONED)
        )  # a proven mount settles it
        if not reason:
            _judged(tx, attachment.parent, None)
        status = AttachmentStatus(ready=True)
        new = msgspec.structs.replace(attachment, status=status, conditions=put(kept, condition))
        resources.update(tx, new)


def _judged(tx: Tx, uid: str, condition: Condition | None) -> None:
    """Note on a volume that it is damaged, or that it is not; of a snapshot its mount tells."""
    volume = resources.by_uid(tx, Volume, uid)
    if volume is None or (condition is None and not holds(volume.conditions, DAMAGED)):
        return
    conditions = without(volume.conditions, DAMAGED) if condition is None else put(volume.conditions, condition)
    resources.update(tx, msgspec.structs.replace(volume, conditions=conditions))


def note_damage(tx: Tx, uid: str, error: Problem, now: float) -> None:
    """What a refused mount saw of a volume, which is not mounted elsewhere: `uid` is its attachment."""
    attachment = resources.by_uid(tx, Attachment, uid)
    if attachment is None or error.code != Damaged.code:
        return
    if len(resources.page(tx, Attachment, attachment.parent, most=2)) == 1:
        _judged(tx, attachment.parent, Condition(DAMAGED, True, now, error.detail))


class MountRestore(Asked, frozen=True, kw_only=True, tag="attachment.restore.1"):
    """Asked by the reconciler, never by people: the attachment is wanted and is not mounted."""

    attachment: str

    def _find(self, tx: Tx) -> Attachment:
        found = resources.by_uid(tx, Attachment, self.attachment)
        if found is None:
            raise NotFound("The attachment is not there any more.")
        return found

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The same claims as the mount's."""
        return bind_attachment(tx, self._find(tx), drawn.member)

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Only if it is still wanted."""
        attachment = self._find(tx)
        pool, row, _ = around(tx, attachment.parent)
        return mount_steps(pool, row, attachment.spec, bound.drawn.owner)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Mounted again."""
        set_mounted(tx, self.attachment, bound, reason="")

    def failed(self, tx: Tx, bound: Bound, error: Problem) -> None:
        """What is damaged is shown as such."""
        note_damage(tx, self.attachment, error, bound.drawn.now)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Still wanted, visibly not mounted."""
        set_mounted(tx, self.attachment, bound, reason=f"operation {bound.drawn.operation} could not mount it")

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Still wanted."""
        mark_abandoned(tx, Attachment, self.attachment, reason, bound.drawn.now)
