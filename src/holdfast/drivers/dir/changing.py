"""Removing, renaming and syncing volumes."""

import contextlib
import functools
import os

import msgspec

from holdfast.drivers.contract import (
    Absent,
    ForeignObject,
    Item,
    Observation,
    PoolRef,
    Present,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.dir.looking import DISK, Looking, observing, removing
from holdfast.drivers.dir.marks import OBJECT_MARK, ObjectMark, encode
from holdfast.drivers.dir.root import Root
from holdfast.drivers.dir.trees import Trees
from holdfast.host.host import Host
from holdfast.host.trees import Removal
from holdfast.model.errors import Foreign, InUse

# Seconds of one round of a removal.
ROUND = 1.0


class Changing:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking, trees: Trees) -> None:
        self._files = host.files
        self._runtime = host.runtime
        self._root = root
        self._looking = looking
        self._trees = trees

    def removed(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.removed_volume`."""

        def fn() -> Observation[VolumeFacts]:
            with self._root.volumes(pool) as volumes:
                found = self._looking.look_in(volumes, pool, volume.uid)
                if isinstance(found, Absent) and self._files.exists(volumes, removing(pool, volume)):
                    size, content, fs = volume.size, volume.content, volume.fs
                    return Present(VolumeFacts(volume.name, size, content, fs, volume.fs_uuid, operation=""))
                return found

        return observing(fn)

    def remove(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """See `Driver.remove_volume`: out of sight by one rename, then gone."""
        trash = removing(pool, volume)
        with self._root.volumes(pool) as volumes:
            found = self._looking.look_in(volumes, pool, volume.uid)
            if isinstance(found, ForeignObject):
                raise Foreign(found.evidence)
            if isinstance(found, Present):
                self._rename_away(volumes, volume.uid, trash)
            return self.discard(volumes, trash)

    def check_unused(self, volumes: int, uid: str) -> None:
        """Raise InUse if somebody uses it."""
        fd = self._files.open_directory(uid, volumes)
        try:
            users = self._looking.users(fd)
            if users:
                raise InUse(f"The volume is in use: {users}.", "Unmount it first.")
        finally:
            self._files.kernel.close(fd)

    def _rename_away(self, volumes: int, uid: str, trash: str) -> None:
        self.check_unused(volumes, uid)
        # A journal keeps the order: where what is removed next is gone for good, so is the name. The end is synced.
        self._files.rename("volume.hide", volumes, uid, trash, sync=False)

    def discard(self, volumes: int, name: str) -> bool:
        """Remove one entry, a round at a time; False if more is left. Its end is durable: who sees it counts on it."""
        if not self._files.exists(volumes, name):
            return True
        self._trees.discard(volumes, name)
        end = self._runtime.monotonic() + ROUND
        whole = Removal(self._runtime, lambda: self._runtime.monotonic() > end, self._files.kernel).run(volumes, name)
        if whole:
            self._files.sync("volume.sync-discarded", volumes)
        return whole

    def discard_item(self, pool: PoolRef, item: Item) -> bool:
        """Remove one unfinished or half-removed entry by its own name, never a published one."""
        name = os.path.basename(item.where)
        ours = tuple(f".{what}.{pool.owner}." for what in ("making", "restoring", "removing"))
        if not name.startswith(ours):
            raise Foreign(f"{item.where} does not bear our owner.")
        with self._root.volumes(pool) as volumes:
            if name.startswith(".restoring.") and self._files.exists(volumes, item.uid):
                now = self._looking.look_in(volumes, pool, item.uid)
                if not isinstance(now, Present):
                    raise Foreign(f"{item.where} may be what the volume was, which is not whole now.")
            return self.discard(volumes, name)

    def rename(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Replace the mark by one with the new name."""
        with self._root.volumes(pool) as volumes:
            fd = self._files.open_directory(volume.uid, volumes)
            try:
                mark = self._own_mark(fd, pool, volume)
                if mark.name == name:  # a way back that needs no room on a full disk
                    self._files.unlink("volume.rename-tidy", fd, f".{OBJECT_MARK}.new")
                    return
                new = msgspec.structs.replace(mark, name=name)
                still = functools.partial(self._own_mark, fd, pool, volume)
                self._files.replace("volume.rename", fd, OBJECT_MARK, encode(new), still=still)
            finally:
                self._files.kernel.close(fd)

    def resize(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """See `Driver.resize_volume`: the mark says that the disk grows before it does, and how large it is after."""
        with self._root.volumes(pool) as volumes:
            fd = self._files.open_directory(volume.uid, volumes)
            try:
                mark = self._own_mark(fd, pool, volume)
                still = functools.partial(self._own_mark, fd, pool, volume)
                if mark.grows:  # an earlier growth that was given up amid it: its bytes may be in use by now
                    self._grow(fd, mark.grows)
                    mark = msgspec.structs.replace(mark, size=mark.grows, grows=0)
                size = size if mark.content == "directory" else max(size, mark.size)
                if mark.content != "directory" and mark.size < size:
                    growing = encode(msgspec.structs.replace(mark, grows=size))
                    self._files.replace("volume.grow", fd, OBJECT_MARK, growing, still=still)
                    self._grow(fd, size)
                if mark.content == "directory":
                    self._trees.resize(pool, fd, size)
                grown = encode(msgspec.structs.replace(mark, size=size, grows=0))
                self._files.replace("volume.resize", fd, OBJECT_MARK, grown, still=still)
            finally:
                self._files.kernel.close(fd)

    def _grow(self, fd: int, size: int) -> None:
        disk = self._files.open_below(fd, DISK, os.O_RDWR)
        try:
            self._files.extend("volume.extend", disk, size)
            self._files.sync("volume.sync-extended", disk)
        finally:
            self._files.kernel.close(disk)

    def _own_mark(self, fd: int, pool: PoolRef, volume: VolumeRef) -> ObjectMark:
        mark = self._looking.mark(fd)
        if (mark.owner, mark.uid) != (pool.owner, volume.uid):
            raise Foreign(f"{volume.uid} is marked as {mark.uid} of owner {mark.owner}.")
        return mark

    def persist(self, pool: PoolRef, volume: VolumeRef, under: str = "") -> None:
        """Sync what there is, by its uid or `under` another name, and the directory that says what there is not."""
        with self._root.volumes(pool) as volumes:
            with contextlib.suppress(FileNotFoundError):
                fd = self._files.open_directory(under or volume.uid, volumes)
                try:
                    for name in (OBJECT_MARK, DISK):
                        with contextlib.suppress(FileNotFoundError):
                            self._sync(fd, name)
                    self._files.sync("volume.persist", fd)
                finally:
                    self._files.kernel.close(fd)
            self._files.sync("volume.persist-parent", volumes)

    def _sync(self, fd: int, name: str) -> None:
        file = self._files.open_below(fd, name, os.O_RDONLY)
        try:
            self._files.sync("volume.persist-file", file)
        finally:
            self._files.kernel.close(file)
