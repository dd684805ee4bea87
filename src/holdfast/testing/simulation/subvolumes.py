"""Subvolumes of a simulated btrfs: directories with a number that tells. Their limits hold nobody back."""

import errno

from holdfast.testing.simulation.names import Names
from holdfast.testing.simulation.nodes import SUBVOLUME, Node, fault


class Subvolumes(Names):
    """See `Kernel`."""

    def make_subvolume(self, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        above = self._place_for(dir_fd, name)
        node = above.volume.make("dir", 0o755)
        node.ino = SUBVOLUME
        above.volume.link(above, name, node)

    def snapshot_subvolume(self, source: int, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        above, old = self._place_for(dir_fd, name), self._open_file(source).node
        if old.volume is not above.volume:
            raise fault(errno.EXDEV, name)
        if old.ino != SUBVOLUME:
            raise fault(errno.EINVAL, name)
        above.volume.snapshot(old, above, name)

    def remove_subvolume(self, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        place = self._directory(dir_fd)
        self._check_kind(place[1])
        self._check_writable(place, name)
        node = self._child(place[1], name, name)
        if node.ino != SUBVOLUME:
            raise fault(errno.EINVAL, name)
        self._check_free(node, name)
        if _inner(node):
            raise fault(errno.ENOTEMPTY, name)
        place[1].volume.unlink(place[1], name)

    def has_subvolumes(self, fd: int) -> bool:
        """See `Kernel`."""
        node = self._directory(fd)[1]
        self._check_kind(node)
        return _inner(node)

    def limit_subvolume(self, fd: int, size: int) -> None:
        """See `Kernel`."""
        node = self._directory(fd)[1]
        self._check_kind(node)
        if not node.volume.quotas:
            raise fault(errno.ENOTCONN)
        node.limit = size

    def _place_for(self, dir_fd: int, name: str) -> Node:
        place = self._directory(dir_fd)
        self._check_kind(place[1])
        self._check_writable(place, name)
        if name in place[1].children:
            raise fault(errno.EEXIST, name)
        if place[1].gone():
            raise fault(errno.ENOENT, name)
        return place[1]

    @staticmethod
    def _check_kind(node: Node) -> None:
        if node.volume.kind != "btrfs":
            raise fault(errno.ENOTTY)


def _inner(node: Node) -> bool:
    return any(child.ino == SUBVOLUME or _inner(child) for child in node.children.values() if child.kind == "dir")
