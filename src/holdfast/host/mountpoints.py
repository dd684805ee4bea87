"""Where people may mount: checks of a path, and the look at what is mounted there."""

import os
import stat

import msgspec

from holdfast.host import loops, mounttable
from holdfast.host.facts import Backing, Mount
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.errors import Again, Exists, Invalid, Refused
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown

LONGEST_PATH = 4095
# File systems of this kernel itself, which do not hang whoever asks them.
_LOCAL = frozenset({"ext4", "xfs", "btrfs", "tmpfs"})
# File systems that a device's node can be on, and that answer at once; a foreign FUSE or NFS may hang.
_NODES = frozenset({"devtmpfs", "tmpfs", "ramfs", "overlay", "ext4", "xfs", "btrfs"})


class MountFacts(msgspec.Struct, frozen=True):
    """A mount that proved to be ours."""

    id: int
    read_only: bool
    flags: tuple[str, ...] = ()


MountLook = Absent | Present[MountFacts] | ForeignObject | Unknown


def canonical(path: str, kernel: Kernel = LINUX) -> str:
    """The path with symlinks resolved; raise Invalid unless it is absolute and of sane characters."""
    if not path.startswith("/"):
        raise Invalid(f"The path {ascii(path)} is not absolute.", "Write it from the root, as in /mnt/data.")
    if len(os.fsencode(path)) > LONGEST_PATH or any(ord(letter) < 32 or letter == "\x7f" for letter in path):
        raise Invalid("The path is too long or has control characters.")
    return kernel.realpath(path)


def check(
    path: str, *, directory: bool, private: tuple[str, ...], kernel: Kernel = LINUX, absent: bool = False
) -> None:
    """Raise Invalid, Exists or Refused unless something may be mounted at the canonical `path`.

    Where it may be `absent`, it is made if it is, in a directory that is there.
    """
    for own in private:
        if mounttable.is_under(path, own):
            raise Invalid(f"{path} is inside {own}, the daemon's own directory.", "Mount somewhere else.")
    top = mounttable.top_at(path, kernel=kernel)
    if top is not None:
        raise Exists(f"Something is mounted at {path} already ({top.fs} from {top.source}).", "Unmount it first.")
    try:
        info = kernel.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        if absent and _is_directory(kernel, os.path.dirname(path)):
            return
        make = f"mkdir -p {path}" if directory else f"touch {path}"
        raise Invalid(f"The mount path {path} does not exist.", f"Make it first: {make}") from None
    except OSError as error:
        raise Invalid(f"The mount path {path} cannot be used: {error.strerror}.") from None
    if directory and not stat.S_ISDIR(info.st_mode):
        raise Invalid(f"The mount path {path} is not a directory.")
    if directory and kernel.listdir(path):
        raise Refused(f"The mount path {path} is not empty; mounting would hide what is there.")
    if not directory and not (stat.S_ISREG(info.st_mode) and info.st_size == 0):
        raise Invalid(f"The mount path {path} of a block volume is not an empty file.", f"Make one: touch {path}")


def is_empty(path: str, kernel: Kernel = LINUX) -> bool:
    """Whether there is nothing, an empty directory, or an empty file. Raises Again if nobody can tell."""
    try:
        info = kernel.stat(path, follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            return not kernel.listdir(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise Again(f"{path} cannot be looked at: {error.strerror}") from error
    return stat.S_ISREG(info.st_mode) and info.st_size == 0


def _is_directory(kernel: Kernel, path: str) -> bool:
    try:
        return stat.S_ISDIR(kernel.stat(path, follow_symlinks=False).st_mode)
    except OSError:
        return False


def look_tree(path: str, source: int, kernel: Kernel = LINUX) -> MountLook:
    """Whether the directory open as `source` is what is mounted at `path`."""
    table = kernel.mounts()
    top = mounttable.top_at(path, table)
    if top is None:
        return Absent()
    # By the table alone, for a foreign FUSE or NFS may hang whoever asks it. In a chroot the table lacks its root.
    home = {mount.id: mount.device for mount in table}.get(kernel.statx(source).mount)
    if home is None and top.fs not in _LOCAL:
        number = kernel.fstat(source).st_dev
        home = os.major(number), os.minor(number)
    if home is not None and home != top.device:
        return _ours(top, False)
    try:
        fd = kernel.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        return Unknown(f"{path} cannot be opened: {error.strerror}")
    try:
        there, wanted = kernel.fstat(fd), kernel.fstat(source)
    finally:
        kernel.close(fd)
    return _ours(top, (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino))


def look_image(path: str, image: int, fs: str | None, kernel: Kernel = LINUX) -> MountLook:
    """Whether the file system (or, without `fs`, the device node) of the open image is what is mounted at `path`."""
    top = mounttable.top_at(path, kernel=kernel)
    if top is None:
        return Absent()
    backing = loops.backing_of(image, kernel)
    try:
        if fs is None:
            if top.fs not in _NODES:
                return _ours(top, False)
            number = _stat(kernel, path).st_rdev
            return _ours(top, _is_loop_of(kernel, os.major(number), os.minor(number), backing))
        if top.fs != fs or top.root != "/":
            return _ours(top, False)
        if fs == "btrfs":
            return _ours(top, _btrfs(kernel, path, top, backing))
        return _ours(top, _is_loop_of(kernel, *top.device, backing))
    except OSError as error:
        return _untold(path, error)


def look_device(path: str, device: int, fs: str | None, kernel: Kernel = LINUX) -> MountLook:
    """Whether the file system (or, without `fs`, the node) of the open device is what is mounted at `path`."""
    top = mounttable.top_at(path, kernel=kernel)
    if top is None:
        return Absent()
    number = kernel.fstat(device).st_rdev
    try:
        if fs is None:
            return _ours(top, top.fs in _NODES and _stat(kernel, path).st_rdev == number)
        if top.fs != fs or top.root != "/":
            return _ours(top, False)
        if fs != "btrfs":
            return _ours(top, top.device == (os.major(number), os.minor(number)))
        return _ours(top, _stat(kernel, top.source).st_rdev == number and _is_btrfs_of(kernel, path, number))
    except OSError as error:
        return _untold(path, error)


def _stat(kernel: Kernel, path: str) -> os.stat_result:
    fd = kernel.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return kernel.fstat(fd)
    finally:
        kernel.close(fd)


def _is_btrfs_of(kernel: Kernel, path: str, number: int) -> bool:
    fd = kernel.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return kernel.stat(kernel.btrfs_device(fd)).st_rdev == number
    finally:
        kernel.close(fd)


def _btrfs(kernel: Kernel, path: str, top: Mount, backing: Backing) -> bool:
    if not top.source.startswith("/dev/loop"):
        return False
    info = kernel.stat(top.source)
    if not _is_loop_of(kernel, os.major(info.st_rdev), os.minor(info.st_rdev), backing):
        return False
    return _is_btrfs_of(kernel, path, info.st_rdev)


def _is_loop_of(kernel: Kernel, major: int, minor: int, backing: Backing) -> bool:
    if major != loops.MAJOR:
        return False
    loop = loops.look(minor, kernel)
    return loop is not None and loop.backing == backing


def _untold(path: str, error: OSError) -> Unknown:
    return Unknown(f"what is mounted at {path} cannot be told: {error.strerror}")


def _ours(top: Mount, proven: bool) -> MountLook:
    if proven:
        return Present(MountFacts(top.id, top.read_only, top.flags))
    return ForeignObject(f"{top.fs} from {top.source} is mounted at {top.path}")
