"""Giving the free space of a mounted file system back to what is below it."""

import errno
import os
import stat
from typing import Any

from holdfast.host import mountpoints
from holdfast.host.kernel import Kernel
from holdfast.model.errors import Again, Refused
from holdfast.model.observations import Present


def trim(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> int:
    """Trim the file system of the open image or device fds[0], mounted at `path`; the bytes that it says it gave back.

    What is mounted there is proven to be the image's while the mount's root is held open: a mount that is held
    keeps its id. Raises Again if something else is there by now, Refused if the file system or the device cannot trim.
    """
    (image,) = fds
    path = args["path"]
    root = kernel.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    is_device = stat.S_ISBLK(kernel.fstat(image).st_mode)
    look = mountpoints.look_device if is_device else mountpoints.look_image
    seen = look(path, image, args["fs"], kernel)
    if not isinstance(seen, Present) or seen.facts.id != kernel.statx(root).mount:
        raise Again(f"What is mounted at {path} changed meanwhile; nothing was trimmed.")
    try:
        return kernel.trim(root)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY):
            raise Refused(
                f"The volume at {path} cannot be trimmed: its file system, or the device below it, knows no discard.",
                "Nothing is wrong with the volume; its free space stays allocated.",
            ) from error
        raise
