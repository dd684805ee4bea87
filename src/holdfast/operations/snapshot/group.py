"""Take snapshots of several volumes of a pool at one moment of all: either each is there, or none."""

import hashlib

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists, Invalid, WrongState
from holdfast.model.names import check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Snapshot, SnapshotSpec, SnapshotStatus, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import (
    find_pool,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    snapshot_ref,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.group import GroupTake, GroupTaken

# A child is given two descriptors for each.
MOST = 32


def member_uid(group: str, volume: str) -> str:
    """The uid of a group's snapshot of a volume: drawn with the group's, so that a retry is the same."""
    return hashlib.blake2b(f"{group} {volume}".encode(), digest_size=16).hexdigest()


class GroupCreate(Asked, frozen=True, kw_only=True, tag="snapshot.group.1"):
    """Of the volumes by name, each as `name`. The group's id is the operation's drawn uid."""

    pool: str
    volumes: tuple[str, ...]
    name: str

    def checked(self, desk: Desk) -> "GroupCreate":
        """Name, volumes, and that the driver can."""
        check_name("snapshot", self.name)
        if not self.volumes or len(set(self.volumes)) != len(self.volumes):
            raise Invalid("A group is of one volume at least, and of each once.")
        if len(self.volumes) > MOST:
            raise Invalid(f"A group is of {MOST} volumes at the most.")
        pool = desk.records.read(lambda tx: find_pool(tx, self.pool))
        if not desk.drivers.named(pool.spec.driver).info.groups:
            raise Invalid(f"The driver {pool.spec.driver} takes no snapshots of several volumes at one moment.")
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volumes, the new name on each, the new uids."""
        pool = find_pool(tx, self.pool)
        claims, uids = [on_uid(pool.uid, "shared"), on_uid(drawn.uid)], {"pool": pool.uid}
        for name in self.volumes:
            volume = find_volume(tx, pool, name)
            self._check(tx, volume)
            claims += [on_uid(volume.uid), on_uid(member_uid(drawn.uid, volume.uid)), on_name(volume.uid, self.name)]
            uids[f"volume {name}"] = volume.uid
        path = f"{self.pool}/{','.join(self.volumes)}@{self.name}"
        return Binding(ResourceRef("snapshot", drawn.uid, path), tuple(claims), uids)

    def _check(self, tx: Tx, volume: Volume) -> None:
        usable(volume)
        if volume.spec.content == "directory":
            raise WrongState(
                f"The volume {volume.name} is a directory, which is copied file by file, and not at one moment.",
                "Take a snapshot of it alone.",
            )
        if resources.by_name(tx, Snapshot, volume.uid, self.name) is not None:
            raise Exists(f"There is a snapshot {self.name} of {self.pool}/{volume.name} already.")

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the rows; take all in one step."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        sources, volumes = [], []
        for name in self.volumes:
            volume = volume_now(tx, bound.uids[f"volume {name}"], name)
            self._check(tx, volume)
            if not volume.status.ready:
                raise WrongState(f"The volume {name} is not ready.")
            spec, group = volume.spec, bound.drawn.uid
            snapshot = Snapshot(
                uid=member_uid(group, volume.uid), name=self.name, parent=volume.uid, created=bound.drawn.now,
                operation=bound.drawn.operation,
                spec=SnapshotSpec(size=spec.size, content=spec.content, fs=spec.fs, group=group),
                status=SnapshotStatus(fs_uuid=volume.status.fs_uuid),
            )  # fmt: skip
            resources.insert(tx, snapshot)
            sources.append(volume_ref(volume))
            volumes.append(snapshot_ref(snapshot))
        return (GroupTake(pool_ref(pool, bound.drawn.owner), tuple(sources), tuple(volumes)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """All are ready at once."""
        for snapshot, taken in zip(self._rows(tx, bound), results.get(GroupTaken).taken, strict=True):
            status = msgspec.structs.replace(snapshot.status, ready=True, taken=taken)
            resources.update(tx, msgspec.structs.replace(snapshot, status=status))

    def _rows(self, tx: Tx, bound: Bound) -> list[Snapshot]:
        """In the order of the volumes."""
        uids = [member_uid(bound.drawn.uid, bound.uids[f"volume {name}"]) for name in self.volumes]
        found = [resources.by_uid(tx, Snapshot, uid) for uid in uids]
        return [row for row in found if row is not None]

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The rows go."""
        for row in self._rows(tx, bound):
            resources.delete(tx, row.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The rows stay."""
        for row in self._rows(tx, bound):
            mark_abandoned(tx, Snapshot, row.uid, reason, bound.drawn.now)
