"""Making volumes under a temporary name, and discarding what was made."""

from holdfast.drivers.contract import ForeignObject, Making, Observation, PoolRef, Present, VolumeRef
from holdfast.drivers.dir.changing import Changing
from holdfast.drivers.dir.looking import DISK, Looking, observing, removing, unfinished
from holdfast.drivers.dir.marks import FORMAT, OBJECT_MARK, ObjectMark, encode
from holdfast.drivers.dir.root import Root
from holdfast.drivers.dir.trees import Trees
from holdfast.host import formats
from holdfast.host.host import Host
from holdfast.model.errors import Again
from holdfast.model.resources import Taken


class Makes:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking, changing: Changing, trees: Trees) -> None:
        self._files = host.files
        self._children = host.children
        self._root = root
        self._looking = looking
        self._changing = changing
        self._trees = trees

    def make(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """Make, format and mark under a temporary name; publish by one rename."""
        with self._root.volumes(pool) as volumes:
            name = self.begin(volumes, pool, volume, making)
            fd = self._files.open_directory(name, volumes)
            try:
                self._fill(fd, pool, volume, making)
                self.mark(fd, pool, volume, making, None)
            finally:
                self._files.kernel.close(fd)
            self._files.rename("volume.publish", volumes, name, volume.uid)

    def begin(self, volumes: int, pool: PoolRef, volume: VolumeRef, making: Making) -> str:
        """An empty directory under the attempt's temporary name; what this and earlier attempts left is discarded."""
        for attempt in range(1, making.attempt + 1):
            old = unfinished(pool, volume, making.operation, attempt)
            if not self._changing.discard(volumes, old):
                raise Again(f"{old} is large; discarding it goes on.")
        name = unfinished(pool, volume, making.operation, making.attempt)
        self._files.mkdir("volume.mkdir", volumes, name)
        return name

    def mark(self, fd: int, pool: PoolRef, volume: VolumeRef, making: Making, taken: Taken | None) -> None:
        """The mark of what is complete in the open directory; both are durable then."""
        mark = ObjectMark(
            FORMAT, pool.owner, volume.uid, volume.name, volume.content, volume.size, volume.fs, volume.fs_uuid,
            making.operation, of=volume.of, taken=taken, group=volume.group,
        )  # fmt: skip
        self._files.unlink("volume.mark-discard", fd, OBJECT_MARK)  # of a round that was cut off behind it
        self._files.write("volume.mark", fd, OBJECT_MARK, encode(mark))
        # Before the rename: btrfs syncs a directory without what was made in it before.
        self._files.sync("volume.sync", fd)

    def _fill(self, fd: int, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        if volume.content == "directory":
            self._trees.make(pool, fd, volume.size)
            return
        disk = self._files.make_sparse("volume.make-disk", fd, DISK, volume.size)
        try:
            if volume.content == "filesystem" and volume.fs and volume.fs_uuid:
                formats.make(
                    self._children, making.keeper, disk, volume.fs, volume.fs_uuid, "never", kernel=self._files.kernel
                )
            self._files.sync("volume.sync-disk", disk)
        finally:
            self._files.kernel.close(disk)

    def unmade(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """See `Driver.unmade_volume`."""

        def fn() -> Observation[str]:
            with self._root.volumes(pool) as volumes:
                for name in self._traces(pool, volume, making):
                    if self._files.exists(volumes, name):
                        return Present(name)
                found = self._looking.look_in(volumes, pool, volume.uid)
            if isinstance(found, Present):
                ours = found.facts.operation == making.operation
                return Present(volume.uid) if ours else ForeignObject(f"{volume.uid} is another operation's")
            return found

        return observing(fn)

    @staticmethod
    def _traces(pool: PoolRef, volume: VolumeRef, making: Making) -> list[str]:
        attempts = range(1, making.attempt + 1)
        names = [unfinished(pool, volume, making.operation, attempt) for attempt in attempts]
        return [*names, removing(pool, volume)]

    def unmake(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """See `Driver.unmake_volume`."""
        with self._root.volumes(pool) as volumes:
            for name in self._traces(pool, volume, making):
                if not self._changing.discard(volumes, name):
                    return False
        found = self._looking.look(pool, volume)
        if isinstance(found, Present) and found.facts.operation == making.operation:
            return self._changing.remove(pool, volume)
        return True
