"""Looking at volumes, each relative to the proven `volumes` directory; and the names that a volume can have there."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from holdfast.drivers.contract import (
    Absent,
    Access,
    Changes,
    ForeignObject,
    Observation,
    PoolRef,
    Present,
    Unknown,
    Usage,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.dir.marks import FORMAT, OBJECT_MARK, ObjectMark
from holdfast.drivers.dir.root import Root
from holdfast.host import changed, loops, mounttable, usage
from holdfast.host.files import Files
from holdfast.model.errors import Again, Damaged, Foreign, InUse, NotFound, Refused, from_os_error

F = TypeVar("F")
DATA = "data"
DISK = "disk.raw"


def unfinished(pool: PoolRef, volume: VolumeRef, operation: str, attempt: int) -> str:
    """The name of a making under way: it proves owner, operation and volume before any mark is written."""
    return f".making.{pool.owner}.{operation}.{volume.uid}.{attempt}"


def staged(pool: PoolRef, volume: VolumeRef, operation: str) -> str:
    """The name of what is to take the volume's place, and then of what the volume was."""
    return f".restoring.{pool.owner}.{operation}.{volume.uid}"


def removing(pool: PoolRef, volume: VolumeRef) -> str:
    """The name of a removal under way."""
    return f".removing.{pool.owner}.{volume.uid}"


def observing(look: Callable[[], Observation[F]]) -> Observation[F]:
    """What the look answers, or what its failure means: never an absence."""
    try:
        return look()
    except Foreign as error:
        return ForeignObject(error.detail)
    except Again as error:
        return Unknown(error.detail)
    except OSError as error:
        return Unknown(f"{error.filename or 'the pool'}: {error.strerror}")


class Looking:
    """See `Driver`."""

    def __init__(self, files: Files, root: Root) -> None:
        self._files = files
        self._kernel = files.kernel
        self._root = root

    def look(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.look_volume`."""

        def fn() -> Observation[VolumeFacts]:
            with self._root.volumes(pool) as volumes:
                return self.look_in(volumes, pool, volume.uid)

        return observing(fn)

    def look_in(self, volumes: int, pool: PoolRef, uid: str, name: str = "") -> Observation[VolumeFacts]:
        """The same, below the open `volumes` directory; or under another `name`."""
        if not self._files.exists(volumes, name or uid):
            return Absent()
        fd = self._files.open_directory(name or uid, volumes)
        try:
            mark = self.mark(fd)
            if (mark.owner, mark.uid) != (pool.owner, uid):
                return ForeignObject(f"{uid} is marked as {mark.uid} of owner {mark.owner}")
            try:
                self._check_content(fd, mark)
            except Damaged:
                before, mark = mark, self.mark(fd)
                if mark == before:
                    raise
                self._check_content(fd, mark)  # it was resized between the two looks
            tidy = not self._files.exists(fd, f".{OBJECT_MARK}.new")
        except (Foreign, Damaged) as error:
            return ForeignObject(error.detail)
        finally:
            self._kernel.close(fd)
        return Present(
            VolumeFacts(
                mark.name, mark.size, mark.content, mark.fs, mark.fs_uuid, mark.operation, tidy, of=mark.of,
                taken=mark.taken, group=mark.group,
            )
        )  # fmt: skip

    def mark(self, fd: int) -> ObjectMark:
        """The mark in an open volume's directory; raise Foreign without a sound one."""
        where = self._kernel.location(fd)
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
            info = self._kernel.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            raise Damaged(f"volume {mark.uid} has lost its {name}") from None
        sizes = (mark.size, mark.grows or mark.size)
        whole = stat.S_ISDIR(info.st_mode) if name == DATA else stat.S_ISREG(info.st_mode) and info.st_size in sizes
        if not whole:
            raise Damaged(f"volume {mark.uid}: {name} is not as recorded ({info.st_size} bytes instead of {mark.size})")

    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """See `Driver.in_use`: a bind of its data anywhere, a mount below it, a loop device of its disk."""
        with self._root.volumes(pool) as volumes:
            if not self._files.exists(volumes, volume.uid):
                return ""
            fd = self._files.open_directory(volume.uid, volumes)
            try:
                return self.users(fd)
            finally:
                self._kernel.close(fd)

    def users(self, fd: int) -> str:
        """Who uses the open volume's directory, or an empty text."""
        table = self._kernel.mounts()
        below = mounttable.below(self._kernel.location(fd), table)
        if below:
            return f"{below[0].path} is mounted inside of it"
        if self._files.exists(fd, DISK):
            disk = self._files.open_below(fd, DISK, os.O_RDONLY)
            try:
                found = loops.of_backing(loops.backing_of(disk, self._kernel), self._kernel)
            finally:
                self._kernel.close(disk)
            where = [mount.path for loop in found for mount in table if mount.device == (loops.MAJOR, loop.number)]
            # One that nothing is mounted of goes by itself, unless somebody really has it open.
            if where or any(not loop.autoclear or loops.stays(loop, self._kernel) for loop in found):
                held = ", held by a process or another mount namespace" if found[0].autoclear else ""
                what = f", mounted at {where[0]}" if where else held
                return f"its disk is attached to {found[0].path}{what}"
        uid = os.path.basename(self._kernel.location(fd))
        for mount in table:
            if f"/{uid}/{DATA}" in mount.root:
                return f"it is mounted at {mount.path}"
        return ""

    @contextlib.contextmanager
    def access(self, pool: PoolRef, volume: VolumeRef) -> Iterator[Access]:
        """See `Driver.access`."""
        with self._root.volumes(pool) as volumes:
            found = self.look_in(volumes, pool, volume.uid)
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
            self._kernel.close(fd)

    @contextlib.contextmanager
    def changed(self, pool: PoolRef, older: VolumeRef, newer: VolumeRef, at: int) -> Iterator[Changes]:
        """See `Driver.changed`."""
        if newer.content == "directory":
            raise Refused("What changed is told of images only, and the volume is a directory.")
        for each in (older, newer):
            if not each.of and (users := self.in_use(pool, each)):
                raise InUse(f"The volume is in use: {users}.", "Take a snapshot of it, and compare that.")
        with self.access(pool, older) as before, self.access(pool, newer) as now:
            yield changed.between(before.fd, now.fd, at, self._kernel)

    def usage(self, pool: PoolRef, volume: VolumeRef, until: Callable[[], bool]) -> Usage:
        """See `Driver.usage`."""
        try:
            with self.access(pool, volume) as access:
                if access.kind == "tree":
                    return usage.of_tree(access.fd, until, self._kernel)
                measure = usage.of_still_image if volume.of else usage.of_image
                return measure(access.fd, self._kernel)
        except OSError as error:
            raise from_os_error(error, f"looking at what {volume.name} takes") from error
