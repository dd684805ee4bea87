"""The calls that make, place and end mounts."""

import errno
import os

from holdfast.host.facts import Mount
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.machine import OpenFile
from holdfast.testing.simulation.mounting import Mount as Mounted
from holdfast.testing.simulation.nodes import FileSystem, fault
from holdfast.testing.simulation.process import Process


class Mounts(Process):
    """See `Kernel`. A mount's descriptor is a place in it: it holds it, and a detached one lives by it."""

    def mounts(self) -> list[Mount]:
        """See `Kernel`."""
        self.alive()
        return self.machine.namespace.facts()

    def _held(self, mount: Mounted) -> int:
        return self._new(self.machine.open(mount, mount.root, os.O_PATH))

    def clone_mount(self, fd: int) -> int:
        """See `Kernel`."""
        file = self._any(fd)
        return self._held(filesystems.clone(self.machine, file.mount, file.node))

    def new_mount(self, fs: str, source: str, *, read_only: bool, sealed: bool = False) -> int:
        """See `Kernel`."""
        self.alive()
        if fs not in filesystems.KINDS:
            raise fault(errno.ENODEV, fs)
        device = self.machine.namespace.walk(source)[1]
        made = filesystems.mount(self.machine, fs, device, source, read_only=read_only or sealed, sealed=sealed)
        return self._held(made)

    def _root(self, fd: int) -> OpenFile:
        file = self._any(fd)
        if file.node is not file.mount.root:
            raise fault(errno.EINVAL)
        return file

    def set_mount(self, mount: int, *, read_only: bool, flags: tuple[str, ...] = ()) -> None:
        """See `Kernel`."""
        found = self._root(mount).mount
        found.read_only = found.read_only or read_only
        found.set_flags(flags)

    def move_mount(self, mount: int, target: int) -> None:
        """See `Kernel`."""
        found, place = self._root(mount), self._any(target)
        if not self._is_detached(found) or (found.node.kind == "dir") != (place.node.kind == "dir"):
            raise fault(errno.EINVAL)
        if place.node.gone():
            raise fault(errno.ENOENT)
        namespace = self.machine.namespace
        namespace.attach(found.mount, namespace.top((place.mount, place.node)))

    def umount(self, path: str) -> None:
        """See `Kernel`."""
        self.alive()
        mount, node = self.machine.namespace.walk(path, follow=False)
        if node is not mount.root or mount.parent is None:
            raise fault(errno.EINVAL, path)
        self.machine.namespace.detach(mount)
        filesystems.let_go(self.machine, mount)

    def _volume(self, fd: int) -> FileSystem:
        return self._open_file(fd).node.volume

    def btrfs_device(self, fd: int) -> str:
        """See `Kernel`."""
        file = self._open_file(fd)
        if file.node.volume.kind != "btrfs" or file.mount.disk is None:
            raise fault(errno.ENOTTY)
        return f"/dev/loop{file.mount.disk}"

    def trim(self, fd: int) -> int:
        """See `Kernel`."""
        volume = self._volume(fd)
        if volume.kind not in filesystems.KINDS:
            raise fault(errno.ENOTTY)
        return 1 << 20

    def freeze(self, fd: int) -> None:
        """See `Kernel`: of file systems on loop devices."""
        file = self._open_file(fd)
        if file.mount.disk is None:
            raise fault(errno.EOPNOTSUPP)
        if file.node.volume.frozen:
            raise fault(errno.EBUSY)
        filesystems.freeze(self.machine, file.mount.disk, file.node.volume)

    def thaw(self, fd: int) -> None:
        """See `Kernel`."""
        file = self._open_file(fd)
        if file.mount.disk is None or not file.node.volume.frozen:
            raise fault(errno.EINVAL)
        filesystems.thaw(self.machine, file.mount.disk, file.node.volume)

    def grow(self, fd: int, fs: str, size: int) -> None:  # noqa: ARG002 - the contract's
        """See `Kernel`; its file systems have no inner size."""
        if self._volume(fd).kind != fs:
            raise fault(errno.ENOTTY)
