"""Mounting by system call, as worker children do it: make detached, verify, then move into place.

Nothing is ever seen at the path that was not verified before. Mount points are given as open descriptors
(O_PATH), so that a renamed or replaced path cannot redirect a mount.
"""

import errno
import os
from typing import Any

from holdfast.host import growing, loops, mounttable
from holdfast.host.devicefs import verify_mounted
from holdfast.host.facts import Loop
from holdfast.host.kernel import Kernel
from holdfast.host.loops import backing_of
from holdfast.host.signatures import Holds, probe
from holdfast.model.errors import Again, Damaged, InUse
from holdfast.model.observations import Unknown


def _put(kernel: Kernel, mount: int, target: int, args: dict[str, Any]) -> None:
    kernel.set_mount(mount, read_only=args["read_only"], flags=tuple(args.get("flags", ())))
    kernel.move_mount(mount, target)


def mount_tree(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Bind the open directory fds[0] at the open directory fds[1]."""
    source, target = fds
    _put(kernel, kernel.clone_mount(source), target, args)


def mount_node(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Bind the node of the loop device that is attached to the open image fds[0] at the open file fds[1]."""
    image, target = fds
    loop = _only_loop(kernel, image)
    if loop is None:
        raise Again("The loop device is not attached.")
    node = kernel.open(loop.path, os.O_PATH | os.O_CLOEXEC)
    _put(kernel, kernel.clone_mount(node), target, args)


def _only_loop(kernel: Kernel, image: int) -> Loop | None:
    found = loops.of_backing(backing_of(image, kernel), kernel)
    return found[0] if found else None


def loop_attach(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Attach the open image fds[0] for good, unless it is attached already."""
    loop = _only_loop(kernel, fds[0])
    if loop is not None and loop.autoclear:
        loops.keep(loop, kernel)
    if _only_loop(kernel, fds[0]) is None:
        kernel.close(loops.attach(fds[0], autoclear=False, read_only=args["read_only"], kernel=kernel))


def loop_detach(kernel: Kernel, _args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Detach every loop device of the open image fds[0]; InUse while somebody has one open."""
    for loop in loops.of_backing(backing_of(fds[0], kernel), kernel):
        if not loops.detach(loop, kernel):
            raise InUse(f"{loop.path} is still open somewhere.", "Close what uses it (fuser, lsof show who).")


def loop_resize(kernel: Kernel, _args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Let every loop device of the open image fds[0] be as long as the image is now."""
    for loop in loops.of_backing(backing_of(fds[0], kernel), kernel):
        device = kernel.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.loop_resize(device)
        finally:
            kernel.close(device)


def mount_image(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Mount the file system in the open image fds[0] at the open directory fds[1].

    A second mount of the same image shares the loop device: two would be two caches over one disk. Of one that is
    `sealed` the device is read-only, and nothing is written by anybody.
    """
    image, target = fds
    device = _loop_of(kernel, image, read_only=args.get("sealed", False))
    _mount(kernel, args, device, kernel.location(device), target)


def _loop_of(kernel: Kernel, image: int, *, read_only: bool = False) -> int:
    """The image's loop device, open; one that goes with its last user where there was none."""
    loop = _only_loop(kernel, image)
    if loop is None:
        device = loops.attach(image, autoclear=True, read_only=read_only, kernel=kernel)
    else:
        device = kernel.open(loop.path, os.O_RDWR | os.O_CLOEXEC)
    now = kernel.loop_status(device)
    if now is None or now.backing != backing_of(image, kernel):
        raise Again("The loop device changed hands while it was opened.")
    if read_only and not now.read_only:
        raise InUse(f"{now.path} is over the snapshot and can write to it.", f"losetup -d {now.path}")
    return device


def grow_image(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """`growing.grow` of the file system in the open image fds[0]."""
    growing.grow(kernel, args, (_loop_of(kernel, fds[0]),))


def mount_device(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Mount the file system on the open device fds[0] at the open directory fds[1]."""
    device, target = fds
    _mount(kernel, args, device, kernel.location(device), target)


def bind_device(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Bind the node of the open device fds[0] at the open file fds[1]."""
    device, target = fds
    node = kernel.open(kernel.location(device), os.O_PATH | os.O_CLOEXEC)
    if kernel.fstat(node).st_rdev != kernel.fstat(device).st_rdev:
        raise Again("The device's node changed hands while it was opened.")
    _put(kernel, kernel.clone_mount(node), target, args)


def _mount(kernel: Kernel, args: dict[str, Any], device: int, source: str, target: int) -> None:
    fs, uuid, read_only = args["fs"], args["uuid"], args["read_only"]
    found = probe(device, kernel)
    if isinstance(found, Unknown):
        raise Again(f"The volume cannot be read: {found.reason}.")
    if found != Holds(fs, uuid):
        raise Damaged(f"The volume does not show the {fs} {uuid} that was made on it: {found}.")
    mount = kernel.new_mount(fs, source, read_only=read_only, sealed=args.get("sealed", False))
    verify_mounted(mount, fs, uuid, kernel.fstat(device).st_rdev, kernel)
    _put(kernel, mount, target, args)


def umount(kernel: Kernel, args: dict[str, Any], _fds: tuple[int, ...]) -> None:
    """Unmount what is at the path if it still is the mount with that id; InUse if it is busy. Never lazy."""
    top = mounttable.top_at(args["path"], kernel=kernel)
    if top is None:
        return
    if top.id != args["mount"]:
        raise Again(f"What is mounted at {args['path']} changed meanwhile.")
    try:
        kernel.umount(args["path"])
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise InUse(
                f"{args['path']} is busy: files are open there, or something is mounted below it.",
                f"Stop what uses it (fuser -vm {args['path']} shows who), then try again.",
            ) from error
        raise
