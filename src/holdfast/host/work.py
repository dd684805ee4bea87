"""The table of what worker children do by functions of ours; what they do by exec is in `holdfast.host.tools`."""

from collections.abc import Callable
from typing import Any

from holdfast.host import checks, growing, mounting, scsi, taking, trims
from holdfast.host.kernel import Kernel

Work = Callable[[Kernel, dict[str, Any], tuple[int, ...]], Any]

TABLE: dict[str, Work] = {
    "mount-tree": mounting.mount_tree,
    "mount-image": mounting.mount_image,
    "mount-node": mounting.mount_node,
    "mount-device": mounting.mount_device,
    "bind-device": mounting.bind_device,
    "loop-attach": mounting.loop_attach,
    "loop-detach": mounting.loop_detach,
    "umount": mounting.umount,
    "check-look": checks.look,
    "check-read": checks.read_all,
    "trim": trims.trim,
    "grow": growing.grow,
    "grow-image": mounting.grow_image,
    "loop-resize": mounting.loop_resize,
    "take-image": taking.take,
    "take-group": taking.take_group,
    "thaw-image": taking.thaw,
    "settle-image": taking.settle,
    "sync-device": taking.sync,
    "scsi-refresh": scsi.refresh,
    "scsi-remove": scsi.remove,
}
