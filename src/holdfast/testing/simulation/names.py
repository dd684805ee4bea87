"""Names: looked up, listed, made, removed, renamed. Errors come in the order in which Linux finds them."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from holdfast.host.kernel import Entry
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.mounting import Place
from holdfast.testing.simulation.nodes import Node, fault
from holdfast.testing.simulation.process import Process

# Names that are no entries, and the errors of whoever would remove them.
_NO_ENTRY = {".": errno.EINVAL, "..": errno.ENOTEMPTY}
_MOST_LINKS = 40


class _Entry:
    """As os.DirEntry; symlinks are never followed."""

    def __init__(self, process: Process, place: Place, node: Node) -> None:
        self._process = process
        self._place = place
        self._node = node
        self.name = node.name

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """See `Entry`."""
        del follow_symlinks
        return self._node.kind == "dir"

    def inode(self) -> int:
        """See `Entry`."""
        return self._node.ino

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """See `Entry`."""
        del follow_symlinks
        return self._process.machine.namespace.walk(self.name, self._place, follow=False)[1].stat()


class Names(Process):
    """See `Kernel`."""

    # -- looking ---------------------------------------------------------------------------------

    def stat(self, path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """See `Kernel`."""
        self.alive()
        return self.machine.namespace.walk(path, self._place(dir_fd), follow=follow_symlinks)[1].stat()

    def realpath(self, path: str) -> str:
        """See `Kernel`: what leads nowhere is kept as it is written."""
        self.alive()
        return "/" + "/".join(self._resolved([], path, _MOST_LINKS))

    def _resolved(self, found: list[str], path: str, links: int) -> list[str]:
        if path.startswith("/"):
            found = []
        for name in filter(None, path.split("/")):
            if name == "..":
                found = found[:-1]
            elif name != ".":
                found = [*found, name]
                target = self._target("/" + "/".join(found))
                if target and links:
                    found = self._resolved(found[:-1], target, links - 1)
        return found

    def _target(self, path: str) -> str:
        try:
            return self.machine.namespace.walk(path, follow=False)[1].target
        except OSError:
            return ""

    def _directory(self, path: str | int) -> Place:
        if isinstance(path, int):
            file = self._open_file(path)
            place = file.mount, file.node
        else:
            self.alive()
            place = self.machine.namespace.walk(path)
        if place[1].kind != "dir":
            raise fault(errno.ENOTDIR, str(path))
        return place

    def listdir(self, path: str | int) -> list[str]:
        """See `Kernel`."""
        return list(filesystems.listing(self._directory(path)[1]))

    def scandir(self, fd: int) -> AbstractContextManager[Iterator[Entry]]:
        """See `Kernel`."""
        place = self._directory(fd)
        entries: list[Entry] = [_Entry(self, place, node) for node in filesystems.listing(place[1]).values()]
        return nullcontext(iter(entries))

    # -- changing --------------------------------------------------------------------------------

    def _above(self, path: str, dir_fd: int | None) -> tuple[Place, str]:
        """The directory in which a name is to change."""
        self.alive()
        place, name = self.machine.namespace.parent(path, self._place(dir_fd))
        if place[1].kind != "dir":
            raise fault(errno.ENOTDIR, path)
        return place, name

    @staticmethod
    def _check_writable(place: Place, path: str) -> None:
        if place[0].read_only:
            raise fault(errno.EROFS, path)

    @staticmethod
    def _child(above: Node, name: str, path: str) -> Node:
        node = above.children.get(name)
        if node is None:
            raise fault(errno.ENOENT, path)
        return node

    def _check_free(self, node: Node, path: str) -> None:
        """By whatever mount's way: nothing is mounted on it."""
        if self.machine.namespace.is_mount_point(node):
            raise fault(errno.EBUSY, path)

    def mkdir(self, path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        place, name = self._above(path, dir_fd)
        above = place[1]
        if name in above.children or name in _NO_ENTRY:
            raise fault(errno.EEXIST, path)
        self._check_writable(place, path)
        if above.gone():
            raise fault(errno.ENOENT, path)
        above.volume.link(above, name, above.volume.make("dir", mode))

    def rmdir(self, path: str, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        place, name = self._above(path, dir_fd)
        if name in _NO_ENTRY:
            raise fault(_NO_ENTRY[name], path)
        self._check_writable(place, path)
        above = place[1]
        node = self._child(above, name, path)
        if node.kind != "dir":
            raise fault(errno.ENOTDIR, path)
        self._check_free(node, path)
        if node.children:
            raise fault(errno.ENOTEMPTY, path)
        above.volume.unlink(above, name)

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        place, name = self._above(path, dir_fd)
        if name in _NO_ENTRY:
            raise fault(errno.EISDIR, path)
        self._check_writable(place, path)
        above = place[1]
        node = self._child(above, name, path)
        if node.kind == "dir":
            raise fault(errno.EISDIR, path)
        self._check_free(node, path)
        above.volume.unlink(above, name)

    def rename(self, src: str, dst: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        self._rename(src, dst, src_dir_fd, dst_dir_fd, replace=True)

    def rename_noreplace(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """See `Kernel`."""
        self._rename(old, new, src_dir_fd, dst_dir_fd, replace=False)

    def _rename(self, src: str, dst: str, src_fd: int | None, dst_fd: int | None, *, replace: bool) -> None:
        source_place, old = self._above(src, src_fd)
        target_place, new = self._above(dst, dst_fd)
        if source_place[0] is not target_place[0]:
            raise fault(errno.EXDEV, dst)
        if old in _NO_ENTRY or new in _NO_ENTRY:
            raise fault(errno.EBUSY, dst)
        self._check_writable(source_place, src)
        source, target = source_place[1], target_place[1]
        node, there = self._child(source, old, src), target.children.get(new)
        if there is not None and not replace:
            raise fault(errno.EEXIST, dst)
        self._check_ancestry(node, there, source, target, dst)
        if node is there:
            return
        if target.gone():
            raise fault(errno.ENOENT, dst)
        if there is not None:
            self._check_replaceable(there, node, dst)
        self._check_free(node, src)
        if there is not None:
            self._check_free(there, dst)
            if there.children:
                raise fault(errno.ENOTEMPTY, dst)
        filesystems.rename(source, old, target, new)

    def exchange(self, one: str, other: str, *, dir_fd: int) -> None:
        """See `Kernel`."""
        place, _ = self._above(one, dir_fd)
        if one in _NO_ENTRY or other in _NO_ENTRY:
            raise fault(errno.EBUSY, other)
        self._check_writable(place, one)
        nodes = [self._child(place[1], name, name) for name in (one, other)]
        for node, name in zip(nodes, (one, other), strict=True):
            self._check_free(node, name)
        filesystems.exchange(place[1], one, other)

    @staticmethod
    def _check_ancestry(node: Node, there: Node | None, source: Node, target: Node, path: str) -> None:
        """Nothing goes into itself, nor in the place of what it is in."""
        if target.is_below(node):
            raise fault(errno.EINVAL, path)
        if there is not None and there.kind == "dir" and source.is_below(there):
            raise fault(errno.ENOTEMPTY, path)

    @staticmethod
    def _check_replaceable(there: Node, node: Node, path: str) -> None:
        if node.kind == "dir" and there.kind != "dir":
            raise fault(errno.ENOTDIR, path)
        if node.kind != "dir" and there.kind == "dir":
            raise fault(errno.EISDIR, path)
