"""Verbs on volumes: looking, making, removing, each relative to the proven `volumes` directory."""

import contextlib
import os
import stat
from collections.abc import Iterator

import msgspec

from holdfast.drivers.contract import (
    Absent,
    Access,
    ForeignObject,
    Making,
    Observation,
    PoolRef,
    Present,
    Unknown,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.dir.marks import FORMAT, OBJECT_MARK, ObjectMark, encode
from holdfast.drivers.dir.root import Root
from holdfast.host import formats, loops, mounttable
from holdfast.host.host import Host
from holdfast.host.trees import Removal
from holdfast.model.errors import Again, Damaged, Foreign, InUse, NotFound

DATA = "data"
DISK = "disk.raw"
ROUND = 1.0


def unfinished(pool: PoolRef, volume: VolumeRef, operation: str, attempt: int) -> str:
    """The name of a making under way: it proves owner, operation and volume before any mark is written."""
    return f".making.{pool.owner}.{operation}.{volume.uid}.{attempt}"


def removing(pool: PoolRef, volume: VolumeRef) -> str:
    """The name of a removal under way."""
    return f".removing.{pool.owner}.{volume.uid}"


class Volumes:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root) -> None:
        self._host = host
        self._files = host.files
        self._runtime = host.runtime
        self._root = root

    # -- looking -------------------------------------------------------------------------------

    def look(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.look_volume`."""
        try:
            with self._root.volumes(pool) as volumes:
                return self._look(volumes, pool, volume.uid)
        except Foreign as error:
            return ForeignObject(error.detail)
        except Again as error:
            return Unknown(error.detail)
        except OSError as error:
            return Unknown(f"volume {volume.uid}: {error.strerror}")

    def _look(self, volumes: int, pool: PoolRef, uid: str) -> Observation[VolumeFacts]:
        if not self._files.exists(volumes, uid):
            return Absent()
        fd = self._files.open_directory(uid, volumes)
        try:
            mark = self._mark(fd)
            if (mark.owner, mark.uid) != (pool.owner, uid):
                return ForeignObject(f"{uid} is marked as {mark.uid} of owner {mark.owner}")
            self._check_content(fd, mark)
            tidy = not self._files.exists(fd, f".{OBJECT_MARK}.new")
        except (Foreign, Damaged) as error:
            return ForeignObject(error.detail)
        finally:
            os.close(fd)
        return Present(VolumeFacts(mark.name, mark.size, mark.content, mark.fs, mark.fs_uuid, mark.operation, tidy))

    def _mark(self, fd: int) -> ObjectMark:
        where = mounttable.location(fd)
        try:
            mark = msgspec.json.decode(self._files.read_text(fd, OBJECT_MARK), type=ObjectMark)
        except FileNotFoundError:
            raise Foreign(f"{where} bears no {OBJECT_MARK}, so it does not prove to be ours.") from None
        except ValueError as error:
            raise Foreign(f"{where}/{OBJECT_MARK} is damaged: {error}") from error
        if mark.format != FORMAT:
            raise Foreign(f"{where} has format {mark.format}; this Holdfast knows {FORMAT}.")
        return mark

    def _check_content(self, fd: int, mark: ObjectMark) -> None:
        name = DATA if mark.content == "directory" else DISK
        try:
            info = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            raise Damaged(f"volume {mark.uid} has lost its {name}") from None
        whole = stat.S_ISDIR(info.st_mode) if name == DATA else stat.S_ISREG(info.st_mode) and info.st_size == mark.size
        if not whole:
            raise Damaged(f"volume {mark.uid}: {name} is not as recorded ({info.st_size} bytes instead of {mark.size})")

    # -- making --------------------------------------------------------------------------------

    def make(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """Make, format and mark under a temporary name; publish by one rename."""
        name = unfinished(pool, volume, making.operation, making.attempt)
        with self._root.volumes(pool) as volumes:
            for attempt in range(1, making.attempt + 1):
                old = unfinished(pool, volume, making.operation, attempt)
                if not self._discard(volumes, old):
                    raise Again(f"{old} is large; discarding it goes on.")
            self._files.mkdir("volume.mkdir", volumes, name)
            fd = self._files.open_directory(name, volumes)
            try:
                self._fill(fd, volume, making)
                mark = ObjectMark(
                    FORMAT, pool.owner, volume.uid, volume.name, volume.content, volume.size, volume.fs,
                    volume.fs_uuid, making.operation,
                )  # fmt: skip
                self._files.write("volume.mark", fd, OBJECT_MARK, encode(mark))
                self._files.sync("volume.sync", fd)
            finally:
                os.close(fd)
            self._files.rename("volume.publish", volumes, name, volume.uid)

    def _fill(self, fd: int, volume: VolumeRef, making: Making) -> None:
        if volume.content == "directory":
            self._files.mkdir("volume.mkdir-data", fd, DATA, mode=0o755)
            return
        disk = self._files.make_sparse("volume.make-disk", fd, DISK, volume.size)
        try:
            if volume.content == "filesystem" and volume.fs and volume.fs_uuid:
                formats.make(self._host.children, making.keeper, disk, volume.fs, volume.fs_uuid, "never")
            self._files.sync("volume.sync-disk", disk)
        finally:
            os.close(disk)

    def unmade(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """See `Driver.unmade_volume`."""
        try:
            with self._root.volumes(pool) as volumes:
                for name in self._traces(pool, volume, making):
                    if self._files.exists(volumes, name):
                        return Present(name)
                found = self._look(volumes, pool, volume.uid)
                if isinstance(found, Present):
                    ours = found.facts.operation == making.operation
                    return Present(volume.uid) if ours else ForeignObject(f"{volume.uid} is another operation's")
                return found
        except Foreign as error:
            return ForeignObject(error.detail)
        except Again as error:
            return Unknown(error.detail)

    @staticmethod
    def _traces(pool: PoolRef, volume: VolumeRef, making: Making) -> list[str]:
        attempts = range(1, making.attempt + 1)
        names = [unfinished(pool, volume, making.operation, attempt) for attempt in attempts]
        return [*names, removing(pool, volume)]

    def unmake(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """See `Driver.unmake_volume`."""
        with self._root.volumes(pool) as volumes:
            for name in self._traces(pool, volume, making):
                if not self._discard(volumes, name):
                    return False
        found = self.look(pool, volume)
        if isinstance(found, Present) and found.facts.operation == making.operation:
            return self.remove(pool, volume)
        return True

    def _discard(self, volumes: int, name: str) -> bool:
        """A round of removing; the end is durable, since whoever sees it counts it as done."""
        if not self._files.exists(volumes, name):
            return True
        end = self._runtime.monotonic() + ROUND
        whole = Removal(self._runtime, lambda: self._runtime.monotonic() > end).run(volumes, name)
        if whole:
            self._files.sync("volume.sync-discarded", volumes)
        return whole

    # -- removing and renaming -----------------------------------------------------------------

    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """See `Driver.in_use`: a bind of its data anywhere, a mount below it, a loop device of its disk."""
        with self._root.volumes(pool) as volumes:
            if not self._files.exists(volumes, volume.uid):
                return ""
            fd = self._files.open_directory(volume.uid, volumes)
            try:
                return self._users(fd)
            finally:
                os.close(fd)

    def _users(self, fd: int) -> str:
        table = mounttable.read()
        below = mounttable.below(mounttable.location(fd), table)
        if below:
            return f"{below[0].path} is mounted inside of it"
        if self._files.exists(fd, DISK):
            disk = self._files.open_below(fd, DISK, os.O_RDONLY)
            try:
                found = loops.of_backing(loops.backing_of(disk))
            finally:
                os.close(disk)
            if found:
                where = [mount.path for mount in table if mount.device == (7, found[0].number)]
                return f"its disk is attached to {found[0].path}" + (f", mounted at {where[0]}" if where else "")
        uid = os.path.basename(mounttable.location(fd))
        for mount in table:
            if f"/{uid}/{DATA}" in mount.root:
                return f"it is mounted at {mount.path}"
        return ""

    def removed(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.removed_volume`."""
        found = self.look(pool, volume)
        if not isinstance(found, Absent):
            return found
        try:
            with self._root.volumes(pool) as volumes:
                if self._files.exists(volumes, removing(pool, volume)):
                    facts = VolumeFacts(
                        volume.name, volume.size, volume.content, volume.fs, volume.fs_uuid, operation=""
                    )
                    return Present(facts)
        except Again as error:
            return Unknown(error.detail)
        return Absent()

    def remove(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """See `Driver.remove_volume`: out of sight by one rename, then gone."""
        trash = removing(pool, volume)
        with self._root.volumes(pool) as volumes:
            found = self._look(volumes, pool, volume.uid)
            if isinstance(found, ForeignObject):
                raise Foreign(found.evidence)
            if isinstance(found, Present):
                self._rename_away(volumes, volume.uid, trash)
            return self._discard(volumes, trash)

    def _rename_away(self, volumes: int, uid: str, trash: str) -> None:
        fd = self._files.open_directory(uid, volumes)
        try:
            users = self._users(fd)
            if users:
                raise InUse(f"The volume is in use: {users}.", "Unmount it first.")
        finally:
            os.close(fd)
        self._files.rename("volume.hide", volumes, uid, trash)

    def rename(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Replace the mark by one with the new name."""
        with self._root.volumes(pool) as volumes:
            fd = self._files.open_directory(volume.uid, volumes)
            try:
                mark = self._mark(fd)
                if (mark.owner, mark.uid) != (pool.owner, volume.uid):
                    raise Foreign(f"{volume.uid} is marked as {mark.uid} of owner {mark.owner}.")
                if mark.name == name:  # a way back that needs no room on a full disk
                    self._files.unlink("volume.rename-tidy", fd, f".{OBJECT_MARK}.new")
                    return
                new = msgspec.structs.replace(mark, name=name)
                self._files.replace("volume.rename", fd, OBJECT_MARK, encode(new))
            finally:
                os.close(fd)

    def persist(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Sync what there is, and the directory that says what there is not."""
        with self._root.volumes(pool) as volumes:
            with contextlib.suppress(FileNotFoundError):
                fd = self._files.open_directory(volume.uid, volumes)
                try:
                    for name in (OBJECT_MARK, DISK):
                        with contextlib.suppress(FileNotFoundError):
                            self._sync(fd, name)
                    self._files.sync("volume.persist", fd)
                finally:
                    os.close(fd)
            self._files.sync("volume.persist-parent", volumes)

    def _sync(self, fd: int, name: str) -> None:
        file = self._files.open_below(fd, name, os.O_RDONLY)
        try:
            self._files.sync("volume.persist-file", file)
        finally:
            os.close(file)

    # -- access --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def access(self, pool: PoolRef, volume: VolumeRef) -> Iterator[Access]:
        """See `Driver.access`."""
        with self._root.volumes(pool) as volumes:
            found = self._look(volumes, pool, volume.uid)
            if isinstance(found, Absent):
                raise NotFound(f"The volume {volume.uid} is not in its pool.")
            if isinstance(found, ForeignObject):
                raise Foreign(found.evidence)
            tree = volume.content == "directory"
            path = f"{volume.uid}/{DATA if tree else DISK}"
            flags = os.O_RDONLY | os.O_DIRECTORY if tree else os.O_RDWR
            fd = self._files.open_below(volumes, path, flags)
        try:
            yield Access("tree" if tree else "image", fd)
        finally:
            os.close(fd)
