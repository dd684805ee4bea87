"""Opening, and what is done by descriptors."""

import errno
import os
from collections.abc import Sequence

from holdfast.host.facts import Extent, Statx
from holdfast.testing.simulation.machine import OpenFile
from holdfast.testing.simulation.mounting import LONGEST_PATH, Place
from holdfast.testing.simulation.nodes import Node, fault
from holdfast.testing.simulation.process import Process

_BLOCK = 4096


class Descriptors(Process):
    """See `Kernel`."""

    def open(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """See `Kernel`."""
        self.alive()
        start = self._place(dir_fd)
        if flags & os.O_CREAT:
            return self._create(path, flags, mode, start)
        return self._open(self.machine.namespace.walk(path, start, follow=not flags & os.O_NOFOLLOW), flags, path)

    def _create(self, path: str, flags: int, mode: int, start: Place | None) -> int:
        (mount, above), name = self.machine.namespace.parent(path, start)
        if above.kind != "dir":
            raise fault(errno.ENOTDIR, path)
        if name in above.children or name in {".", ".."}:
            if flags & os.O_EXCL:
                raise fault(errno.EEXIST, path)
            found = self.machine.namespace.walk(path, start, follow=not flags & os.O_NOFOLLOW)
            return self._open(found, flags, path)
        if mount.read_only:
            raise fault(errno.EROFS, path)
        if above.gone():
            raise fault(errno.ENOENT, path)
        node = above.volume.make("file", mode)
        above.volume.link(above, name, node)
        return self._open((mount, node), flags, path)

    def openat2(self, dir_fd: int, path: str, flags: int, resolve: int, /) -> int:
        """See `Kernel`."""
        self.alive()
        follow = not flags & os.O_NOFOLLOW
        place = self.machine.namespace.walk(path, self._place(dir_fd), follow=follow, resolve=resolve)
        return self._open(place, flags, path)

    def reopen(self, fd: int, flags: int) -> int:
        """See `Kernel`."""
        self.alive()
        file = self._files.get(fd)
        if file is None:
            raise fault(errno.ENOENT, f"fd {fd}")
        return self._open((file.mount, file.node), flags, f"fd {fd}")

    def dup(self, fd: int, /) -> int:
        """See `Kernel`."""
        return self.give(fd, self)

    # -- content ---------------------------------------------------------------------------------

    def _readable(self, fd: int) -> OpenFile:
        file = self._open_file(fd)
        if file.flags & os.O_WRONLY:
            raise fault(errno.EBADF)
        if file.node.kind == "dir":
            raise fault(errno.EISDIR)
        return file

    def _writable(self, fd: int) -> OpenFile:
        file = self._open_file(fd)
        if not file.writable:
            raise fault(errno.EBADF)
        return file

    def read(self, fd: int, length: int, /) -> bytes:
        """See `Kernel`."""
        file = self._readable(fd)
        data = self.machine.read(file.node, file.offset, length)
        file.offset += len(data)
        return data

    def write(self, fd: int, data: bytes | memoryview, /) -> int:
        """See `Kernel`."""
        file = self._writable(fd)
        written = self.machine.write(file.node, file.offset, bytes(data))
        file.offset += written
        return written

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """pwrite(2), for the tools that the machine has."""
        return self.machine.write(self._writable(fd).node, offset, data)

    def preadv(self, fd: int, buffers: Sequence[memoryview], offset: int, /) -> int:
        """See `Kernel`."""
        node = self._readable(fd).node
        if len(buffers) == 1:
            data = self.machine.read(node, offset, len(buffers[0]))
            buffers[0][: len(data)] = data
            return len(data)
        data = self.machine.read(node, offset, sum(map(len, buffers)))
        at = 0
        for buffer in buffers:
            part = data[at : at + len(buffer)]
            buffer[: len(part)] = part
            at += len(part)
        return len(data)

    def lseek(self, fd: int, offset: int, whence: int, /) -> int:
        """See `Kernel`."""
        file = self._open_file(fd)
        if whence in (os.SEEK_DATA, os.SEEK_HOLE):
            at = self._sought(file.node, offset, hole=whence == os.SEEK_HOLE)
        else:
            end = self.machine.size(file.node) if whence == os.SEEK_END else 0
            at = {os.SEEK_SET: 0, os.SEEK_CUR: file.offset, os.SEEK_END: end}[whence] + offset
        if at < 0:
            raise fault(errno.EINVAL)
        file.offset = at
        return at

    @staticmethod
    def _sought(node: Node, offset: int, *, hole: bool) -> int:
        if node.kind != "file":
            raise fault(errno.EINVAL)
        return node.hole(offset) if hole else node.data(offset)

    def ftruncate(self, fd: int, length: int, /) -> None:
        """See `Kernel`."""
        file = self._open_file(fd)
        if not file.writable or file.node.kind != "file" or length < 0:
            raise fault(errno.EINVAL)
        file.node.resize(length)

    def fsync(self, fd: int, /) -> None:
        """See `Kernel`."""
        node = self.machine.content(self._open_file(fd).node)
        node.volume.sync(node)

    def syncfs(self, fd: int, /) -> None:
        """See `Kernel`."""
        self._open_file(fd).node.volume.sync_all()

    def reflink(self, target: int, source: int) -> None:
        """See `Kernel`."""
        one, other = self._open_file(source), self._open_file(target)
        if one.node.volume is not other.node.volume:
            raise fault(errno.EXDEV)
        self._check_files(one, other)
        if one.node.volume.kind not in ("xfs", "btrfs"):
            raise fault(errno.EOPNOTSUPP)
        if one.node.volume.full:
            one.node.volume.met("pool-full")
            raise fault(errno.ENOSPC)
        other.node.share(one.node)
        self.machine.inherit(other.node, one.node)

    @staticmethod
    def _check_files(one: OpenFile, other: OpenFile) -> None:
        kinds = {one.node.kind, other.node.kind}
        if "dir" in kinds:
            raise fault(errno.EISDIR)
        if kinds != {"file"}:
            raise fault(errno.EINVAL)
        if one.flags & os.O_WRONLY or not other.writable:
            raise fault(errno.EBADF)

    def copy_range(self, source: int, target: int, offset: int, length: int) -> int:
        """See `Kernel`."""
        one, other = self._open_file(source), self._open_file(target)
        self._check_files(one, other)
        other.node.lied = other.node.lied or one.node.lied or one.node.sickness == "zeros"
        written = self.machine.write(other.node, offset, self.machine.read(one.node, offset, length))
        self.machine.inherit(other.node, one.node)
        return written

    def extents(self, fd: int, start: int, most: int) -> list[Extent]:
        """See `Kernel`."""
        node = self._open_file(fd).node
        if node.kind != "file":
            raise fault(errno.EOPNOTSUPP)
        return node.extents(start)[:most]

    def uncache(self, fd: int, offset: int, length: int) -> None:
        """See `Kernel`."""
        del offset, length
        self._open_file(fd)

    # -- what is open ----------------------------------------------------------------------------

    def fstat(self, fd: int, /) -> os.stat_result:
        """See `Kernel`."""
        return self._any(fd).node.stat()

    def fstatvfs(self, fd: int, /) -> os.statvfs_result:
        """See `Kernel`."""
        volume = self._any(fd).node.volume
        blocks = volume.room // _BLOCK
        free = 0 if volume.full else blocks // 2
        fsid = int(volume.uuid[:16] or "0", 16)
        return os.statvfs_result((_BLOCK, _BLOCK, blocks, free, free, 1 << 20, 1 << 20, 1 << 20, 0, 255, fsid))

    def statx(self, fd: int) -> Statx:
        """See `Kernel`."""
        file = self._any(fd)
        return Statx(mount=file.mount.id, inode=file.node.ino, born_ns=file.node.born)

    def location(self, fd: int) -> str:
        """See `Kernel`."""
        self.alive()
        file = self._files.get(fd)
        if file is None:
            raise fault(errno.ENOENT, f"fd {fd}")
        found = self.machine.namespace.location((file.mount, file.node))
        if len(found) > LONGEST_PATH:
            raise fault(errno.ENAMETOOLONG, f"fd {fd}")
        return found
