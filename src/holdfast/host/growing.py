"""Growing the file system of a volume to its device, mounted anywhere or nowhere."""

import os
from typing import Any

from holdfast.host.kernel import Kernel
from holdfast.host.signatures import Holds, probe
from holdfast.model.errors import Again, Damaged, Refused
from holdfast.model.observations import Unknown


def grow(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Grow the file system on the open device fds[0] to the device's size.

    A mount of the child's own, which is seen nowhere, goes with the child. Raises Damaged for another file system.
    """
    (device,) = fds
    found = probe(device, kernel)
    if isinstance(found, Unknown):
        raise Again(f"The volume cannot be read: {found.reason}.")
    if found != Holds(args["fs"], args["uuid"]):
        raise Damaged(f"The volume does not show the {args['fs']} {args['uuid']} that was made on it: {found}.")
    mount = kernel.new_mount(args["fs"], kernel.location(device), read_only=False)
    root = kernel.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    try:
        kernel.grow(root, args["fs"], args["size"])
    except PermissionError as error:
        raise Refused(
            f"The {args['fs']} refuses to grow: {error.strerror}.", "Growing an ext4 in use needs CAP_SYS_RESOURCE."
        ) from error
    finally:
        kernel.close(root)
        kernel.close(mount)
