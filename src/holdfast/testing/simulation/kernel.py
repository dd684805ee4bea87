"""The simulated kernel, as one process of the simulated machine sees it.

What it models: names, descriptors, the page cache and its loss, mounts and what holds them, loop devices and their
last users, full file systems and sick devices. It is held to `holdfast.testing.conformance.kernel`, as Linux is.

What it does not model, and the suite does not ask: permissions and owners, hard links, link counts of directories,
times, quotas, several mount namespaces, propagation, binds of trees with the mounts in them, moving what is mounted
already, lazy unmounts, working directories, O_TRUNC, O_APPEND and O_TMPFILE (refused), a file made through a symlink
that leads nowhere, entries of a listing that follow symlinks, holes below a page, what of a full file system can
still be written, writers that wait for a thaw, an unmount of what is frozen, an image that is resized while it is
attached, a detach that takes its time, what a quota holds back, a subvolume's own device number, one that is removed
under a mount, two disks of one uuid, names that are no text, the rules of direct reads, and the inner life of ext4,
xfs and btrfs beyond superblock and tree.
"""

from holdfast.testing.simulation.descriptors import Descriptors
from holdfast.testing.simulation.devices import Devices
from holdfast.testing.simulation.mounts import Mounts
from holdfast.testing.simulation.subvolumes import Subvolumes


class SimulatedKernel(Descriptors, Subvolumes, Mounts, Devices):
    """See the module, and `Process`."""

    def pause(self, seconds: float, /) -> None:
        """See `Kernel`."""
        self.alive()
        self._wait(seconds)
