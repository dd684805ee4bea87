"""Mount a snapshot at a path, read-only: by a device that cannot be written, so that nothing of it ever changes."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.host import mountpoints
from holdfast.model.errors import Invalid, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, AttachmentSpec
from holdfast.model.step import Step
from holdfast.operations.attachment.mount import attach, check_path, set_mounted
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import (
    find_pool,
    find_snapshot,
    find_volume,
    mark_abandoned,
    pool_now,
    snapshot_now,
    usable,
    volume_now,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx


class SnapshotMount(Asked, frozen=True, kw_only=True, tag="snapshot.mount.1"):
    """`path` as for a volume. It comes back after a reboot, and is unmounted as a volume is."""

    pool: str
    volume: str
    name: str
    path: str

    def checked(self, desk: Desk) -> "SnapshotMount":
        """The path, as far as a look can tell."""
        path = mountpoints.canonical(self.path, desk.host.kernel)

        def content(tx: Tx) -> str:
            pool = find_pool(tx, self.pool)
            check_path(tx, path)
            found = find_snapshot(tx, pool, find_volume(tx, pool, self.volume), self.name).spec.content
            if found == "block" and pool.status.connects:
                raise Invalid("Whoever has the device of a snapshot could write to it.", "Clone it, and mount that.")
            return found

        directory = desk.records.read(content) != "block"
        mountpoints.check(path, directory=directory, private=desk.host.private, kernel=desk.host.kernel)
        return msgspec.structs.replace(self, path=path)

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The snapshot and the path; its volume is not concerned."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        snapshot = find_snapshot(tx, pool, volume, self.name)
        usable(snapshot)
        claims = (
            on_uid(pool.uid, "shared"), on_uid(snapshot.uid), on_uid(drawn.uid), on_name(drawn.member, self.path),
        )  # fmt: skip
        ref = ResourceRef("attachment", drawn.uid, f"{self.pool}/{self.volume}@{self.name}:{self.path}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "snapshot": snapshot.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; reserve the attachment."""
        check_path(tx, self.path)
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume_now(tx, bound.uids["volume"], self.volume)
        snapshot = snapshot_now(tx, bound.uids["snapshot"], self.name)
        if not snapshot.status.ready:
            raise WrongState(f"The snapshot {self.name} is not ready.")
        spec = AttachmentSpec(volume=snapshot.uid, member=bound.drawn.member, path=self.path, read_only=True)
        return attach(tx, bound, pool, snapshot, spec)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Mounted, and wanted from now on."""
        set_mounted(tx, bound.drawn.uid, bound, reason="")

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The attachment goes."""
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The attachment stays."""
        mark_abandoned(tx, Attachment, bound.drawn.uid, reason, bound.drawn.now)
