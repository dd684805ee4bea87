"""The simulated kernel, as one process of the simulated machine sees it.

What it models: names, descriptors, the page cache and its loss, mounts and what holds them, loop devices and their
last users, full file systems and sick devices. It is held to `holdfast.testing.conformance.kernel`, as Linux is.

What it does not model, and the suite does not ask: permissions and owners, hard links, link counts of directories,
times, quotas, several mount namespaces, propagation, bind mounts of trees with the mounts in them, moving what is
mounted already, lazy unmounts, working directories, O_TRUNC, O_APPEND and O_TMPFILE (refused), a file made through a
symlink that leads nowhere, symlinks that an entry of a listing follows, holes below a page, an image that is resized
or attached twice over while it is used, two disks of one uuid, file systems that fill up by themselves, their quirks
(direct reads of odd length, names of bytes that are no text), and the inner life of ext4, xfs and btrfs beyond
superblock and tree.
"""

from holdfast.testing.simulation.descriptors import Descriptors
from holdfast.testing.simulation.devices import Devices
from holdfast.testing.simulation.mounts import Mounts
from holdfast.testing.simulation.names import Names


class SimulatedKernel(Descriptors, Names, Mounts, Devices):
    """See the module, and `Process`."""

    def pause(self, seconds: float, /) -> None:
        """See `Kernel`."""
        self.alive()
        self._wait(seconds)
