"""What the tests of the suite share: small acts through the kernel itself, and its errors by their number."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from holdfast.host import loops, mounttable
from holdfast.host.facts import Loop, Mount
from holdfast.host.kernel import Entry, Kernel

# Looks before something that the kernel does by and by counts as not done, and the seconds between them.
_LOOKS, _BETWEEN = 1000, 0.01
# Before something that others of the machine may take away for a moment counts as not to be had.
TRIES = 100


@contextmanager
def fails(*codes: int) -> Iterator[None]:
    """What is called fails with one of these errors."""
    with pytest.raises(OSError) as caught:  # the number says which
        yield
    names = [errno.errorcode[code] for code in codes]
    assert errno.errorcode[caught.value.errno or 0] in names, caught.value


def all_fail(code: int, *acts: Callable[[], object]) -> None:
    """Each of them fails with that error."""
    for act in acts:
        with fails(code):
            act()


@contextmanager
def opened(kernel: Kernel, path: str, flags: int = os.O_RDONLY, *, dir_fd: int | None = None) -> Iterator[int]:
    """An open descriptor."""
    fd = kernel.open(path, flags | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        kernel.close(fd)


def put(kernel: Kernel, path: str, data: bytes = b"") -> str:
    """A new file with that content; its path."""
    with opened(kernel, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as fd:
        assert kernel.write(fd, data) == len(data)
    return path


def sparse(kernel: Kernel, path: str, size: int) -> str:
    """A new file of zeros; its path."""
    with opened(kernel, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as fd:
        kernel.ftruncate(fd, size)
    return path


def get(kernel: Kernel, path: str) -> bytes:
    """A file's content."""
    with opened(kernel, path) as fd:
        return kernel.read(fd, 1 << 20)


def at(kernel: Kernel, fd: int, offset: int, length: int) -> bytes:
    """Bytes at a place, as many as one call gives."""
    buffer = bytearray(length)
    got = kernel.preadv(fd, [memoryview(buffer)], offset)
    return bytes(buffer[:got])


def made(kernel: Kernel, path: str) -> str:
    """A new directory; its path."""
    kernel.mkdir(path)
    return path


def there(kernel: Kernel, path: str) -> bool:
    """Whether there is an entry of that name."""
    try:
        kernel.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def entries(kernel: Kernel, directory: int) -> dict[str, Entry]:
    """What an open directory lists, by name."""
    with kernel.scandir(directory) as found:
        return {entry.name: entry for entry in found}


def eventually(kernel: Kernel, true: Callable[[], bool]) -> bool:
    """Whether it becomes true: the kernel lets go of devices by and by, and others of the machine look at them."""
    for _ in range(_LOOKS):
        if true():
            return True
        kernel.pause(_BETWEEN)
    return False


# -- mounts --------------------------------------------------------------------------------------


def seen(kernel: Kernel, path: str) -> Mount:
    """The mount that is seen there."""
    found = mounttable.top_at(path, kernel=kernel)
    assert found is not None, path
    return found


def home(kernel: Kernel, path: str) -> Mount:
    """The mount that a path is on."""
    with opened(kernel, path, os.O_PATH) as fd:
        number = kernel.statx(fd).mount
    return next(mount for mount in kernel.mounts() if mount.id == number)


def within(kernel: Kernel, path: str) -> str:
    """The path within its file system."""
    mount = home(kernel, path)
    return os.path.normpath(os.path.join(mount.root, os.path.relpath(path, mount.path)))


def bind(kernel: Kernel, source: str, target: str, *, read_only: bool = False, flags: tuple[str, ...] = ()) -> None:
    """What is at `source` at `target`, too."""
    with opened(kernel, source, os.O_PATH) as fd, opened(kernel, target, os.O_PATH) as place:
        settle(kernel, kernel.clone_mount(fd), place, read_only=read_only, flags=flags)


def mount(kernel: Kernel, fs: str, source: str, target: str, *, read_only: bool = False) -> None:
    """A device's file system there."""
    with opened(kernel, target, os.O_PATH) as place:
        settle(kernel, kernel.new_mount(fs, source, read_only=read_only), place, read_only=read_only)


def settle(kernel: Kernel, detached: int, place: int, *, read_only: bool = False, flags: tuple[str, ...] = ()) -> None:
    """Put a detached mount in place and let go of it."""
    try:
        kernel.set_mount(detached, read_only=read_only, flags=flags)
        kernel.move_mount(detached, place)
    finally:
        kernel.close(detached)


# -- loop devices --------------------------------------------------------------------------------


def attach(
    kernel: Kernel, image: str, *, autoclear: bool = True, read_only: bool = False, flags: int = os.O_RDWR
) -> int:
    """A loop device over a file, open."""
    with opened(kernel, image, flags) as fd:
        return loops.attach(fd, autoclear=autoclear, read_only=read_only, kernel=kernel)


def status(kernel: Kernel, device: int) -> Loop:
    """What the open device is attached to."""
    found = kernel.loop_status(device)
    assert found is not None
    return found


def loops_of(kernel: Kernel, image: str) -> list[Loop]:
    """The loop devices over a file."""
    with opened(kernel, image, os.O_PATH) as fd:
        return loops.of_backing(loops.backing_of(fd, kernel), kernel)


def gone(kernel: Kernel, image: str) -> bool:
    """Whether, by and by, no loop device is over the file."""
    return eventually(kernel, lambda: loops_of(kernel, image) == [])


@contextmanager
def mounted_at(kernel: Kernel, fs: str, image: str, where: str) -> Iterator[str]:
    """An image's file system there, by a loop device that goes with it."""
    held = attach(kernel, image)
    try:
        mount(kernel, fs, kernel.location(held), where)
    finally:
        kernel.close(held)
    try:
        yield where
    finally:
        kernel.umount(where)
        assert gone(kernel, image)


@contextmanager
def device(kernel: Kernel, image: str, *, read_only: bool = False) -> Iterator[Loop]:
    """A loop device over a file that stays until the end."""
    fd = attach(kernel, image, autoclear=False, read_only=read_only)
    try:
        loop = status(kernel, fd)
    finally:
        kernel.close(fd)
    try:
        yield loop
    finally:
        assert loops.detach(loop, kernel)
