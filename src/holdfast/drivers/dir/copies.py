"""Copies of volumes and snapshots, of the pool or of another: blocks are shared where the file system can."""

import os
from contextlib import AbstractContextManager
from typing import Any

from holdfast.drivers.contract import Access, Making, Origin, PoolRef, VolumeRef
from holdfast.drivers.dir.changing import ROUND
from holdfast.drivers.dir.looking import DISK, Looking, unfinished
from holdfast.drivers.dir.making import Makes
from holdfast.drivers.dir.root import Root
from holdfast.drivers.dir.trees import Trees
from holdfast.host import copies, taking
from holdfast.host.children import Keeper
from holdfast.host.host import Host
from holdfast.model.errors import Abandoned, Again, Damaged
from holdfast.model.resources import Taken

_PIECE = 16 << 20
# The progress of a tree's copy: how its source was when that began.
_QUIET, _LIVE = "copied files", "copied files of what is in use"
# In what is unfinished: its source may be frozen.
FREEZING = "freezing"


class Copies:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking, makes: Makes, trees: Trees) -> None:
        self._runtime = host.runtime
        self._files = host.files
        self._kernel = host.kernel
        self._children = host.children
        self._root = root
        self._looking = looking
        self._makes = makes
        self._trees = trees

    def copy(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, progress: str, origin: Origin | None
    ) -> str | None:
        """See `Driver.copy_volume`."""
        with self._root.volumes(pool) as volumes:
            if progress:
                name = unfinished(pool, volume, making.operation, making.attempt)
            else:
                self.let_go(pool, source, volume, making, origin)
                name = self._makes.begin(volumes, pool, volume, making)
            more = self.fill(volumes, name, pool, source, volume, making, progress, origin)
            if more is None:
                self._files.rename("volume.publish", volumes, name, volume.uid)
        return more

    def fill(
        self, volumes: int, name: str, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making,
        progress: str, origin: Origin | None = None,
    ) -> str | None:  # fmt: skip
        """Copy into the directory of that name, which is empty unless there was `progress`; mark it as `volume`."""
        used = origin.driver.in_use(origin.pool, source) if origin else self._looking.in_use(pool, source)
        fd = self._files.open_directory(name, volumes)
        try:
            with self._access(pool, source, origin) as access:
                if access.kind == "tree":
                    written = (bool(used) and not source.of) or progress == _LIVE
                    size = 0 if volume.of else volume.size
                    found = self._trees.copy(pool, fd, access, size, written, making, begun=bool(progress))
                    if found is None:
                        return _LIVE if written else _QUIET
                    taken = found
                else:
                    said = self._image(fd, access, source, volume, making, progress)
                    if said not in _TAKEN:
                        return said
                    taken = _TAKEN[said]
            self._makes.mark(fd, pool, volume, making, taken if volume.of else None)
        finally:
            self._kernel.close(fd)
        return None

    def _image(
        self, fd: int, access: Access, source: VolumeRef, volume: VolumeRef, making: Making, progress: str
    ) -> str:
        """How it was taken, or the progress of a copy that goes on: what finishes it has a round of its own."""
        target = self._files.open_below(fd, DISK, os.O_RDWR) if progress else self._begin(fd)
        try:
            taken = "idle"
            if progress:
                done, size = (int(word) for word in progress.split() if word.isdigit())
                if done < size:
                    return self._round(access.fd, target, done)
            else:
                answer = self._take(fd, access, target, source, making)
                if not answer["shared"]:
                    return self._round(access.fd, target, 0)
                taken = answer["taken"]
            self.finish(target, source, volume, making)
        finally:
            self._kernel.close(target)
        return taken

    def _take(self, fd: int, access: Access, target: int, source: VolumeRef, making: Making) -> dict[str, Any]:
        """By a child. While nobody knows how it ended, a file beside the copy says that the source may be frozen."""
        self.may_freeze(fd, source)
        args = {"fs": source.fs}
        try:
            answer: dict[str, Any] = self._children.run(
                making.keeper, "take-image", args, (access.fd, target), copies.DEADLINE
            )
        except Abandoned:  # it lives, and who looks again thaws behind it
            raise
        except Again:
            self.thaw(access, source, making.keeper)
            raise
        self.froze(fd)
        if not answer["taken"]:
            raise Again("Its file system is frozen by somebody else.", "Thaw it: fsfreeze -u PATH.")
        return answer

    def may_freeze(self, fd: int, source: VolumeRef) -> None:
        """Say beside the copy in the open directory that its source may be frozen from now on."""
        if source.fs and not source.of:
            self._files.write("volume.freezing", fd, FREEZING, b"")

    def froze(self, fd: int) -> None:
        """It is not any more."""
        self._files.unlink("volume.froze", fd, FREEZING)

    def thaw(self, access: Access, source: VolumeRef, keeper: Keeper) -> None:
        """If it is mounted and frozen."""
        if source.fs and not source.of:
            self._children.run(keeper, "thaw-image", {"fs": source.fs}, (access.fd,), copies.DEADLINE)

    def _begin(self, fd: int) -> int:
        return self._files.make_sparse("volume.make-disk", fd, DISK, 0)

    def _round(self, source: int, target: int, at: int) -> str:
        """Copy for about a second; what is said to be copied is durable."""
        size = self._kernel.fstat(source).st_size
        end = self._runtime.monotonic() + ROUND

        def call() -> int:
            if self._kernel.fstat(target).st_size != size:
                self._kernel.ftruncate(target, size)
            for start, stop in taking.extents(self._kernel, source, at):
                now = start
                while now < stop:
                    if self._runtime.monotonic() > end:
                        return now
                    got = self._kernel.copy_range(source, target, now, min(_PIECE, stop - now))
                    if not got:
                        raise Again(f"The image ends at byte {now}, while it is copied.")
                    now += got
            return size

        done = self._runtime.effect("volume.copy", call)
        self._files.sync("volume.sync-copied", target)
        return f"copied {done} of {size} bytes"

    def finish(self, target: int, source: VolumeRef, volume: VolumeRef, making: Making) -> None:
        """In order, and with the identity that it shall have."""
        size = self._kernel.fstat(target).st_size
        if size != volume.size:
            raise Damaged(f"The copy of {source.name} has {size} bytes instead of {volume.size}.")
        if volume.fs and volume.fs_uuid:
            copies.finish(
                self._children, making.keeper, target, volume.fs, volume.fs_uuid,
                anew=volume.fs_uuid != source.fs_uuid, kernel=self._kernel,
            )  # fmt: skip
        self._files.sync("volume.sync-disk", target)

    def _access(self, pool: PoolRef, source: VolumeRef, origin: Origin | None) -> AbstractContextManager[Access]:
        return origin.driver.access(origin.pool, source) if origin else self._looking.access(pool, source)

    def let_go(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, origin: Origin | None
    ) -> None:
        """See `Driver.let_go`."""
        with self._root.volumes(pool) as volumes:
            names = [unfinished(pool, volume, making.operation, attempt) for attempt in range(1, making.attempt + 1)]
            if any(self._may_be_frozen(volumes, name) for name in names):
                with self._access(pool, source, origin) as access:
                    self.thaw(access, source, making.keeper)

    def _may_be_frozen(self, volumes: int, name: str) -> bool:
        if not self._files.exists(volumes, name):
            return False
        fd = self._files.open_directory(name, volumes)
        try:
            return self._files.exists(fd, FREEZING)
        finally:
            self._kernel.close(fd)


_TAKEN: dict[str, Taken] = {"idle": "idle", "frozen": "frozen", "synced": "synced"}
