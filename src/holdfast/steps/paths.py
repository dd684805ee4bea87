"""That nothing of ours is mounted any more, as the kernel says: all that forgetting needs to know of the world."""

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.host import loops, mounttable
from holdfast.host.host import Host
from holdfast.model.errors import Refused
from holdfast.model.step import Conflict, Context, Done, Round, Verdict
from holdfast.steps.looks import Stays


class _Free(Stays, frozen=True):
    """Looks only: nothing to do, and nothing to undo."""

    looks = True

    def apply(self, ctx: Context) -> Round | None:
        """Nothing."""
        return None


class PathsFree(_Free, frozen=True, tag="paths-free.1"):
    """Nothing is mounted at these paths."""

    paths: tuple[str, ...]

    def judge(self, ctx: Context) -> Verdict:
        """By the table."""
        table = ctx.tool(Host).kernel.mounts()
        for path in self.paths:
            if mounttable.top_at(path, table) is not None:
                return Conflict(f"{path} is mounted.", "in-use", f"Unmount it first: umount {path}")
        return Done()

    def describe(self) -> str:
        """One line."""
        return f"see that nothing is mounted at {', '.join(self.paths)}"


class DevicesGone(_Free, frozen=True, tag="devices-gone.1"):
    """No device of these connected volumes is here; this machine is asked, not their back end."""

    pool: PoolRef
    volumes: tuple[VolumeRef, ...]

    def judge(self, ctx: Context) -> Verdict:
        """By serial."""
        try:
            driver = ctx.tool(Drivers).connecting(self.pool)
        except Refused:  # not installed any more: nobody here can tell, and forgetting is for what is gone
            return Done()
        here = driver.devices(self.pool)
        for volume in self.volumes:
            path = here.get(volume.identity.get("serial", ""))
            if path is not None:
                return Conflict(f"{path} is the device of the volume {volume.name}.", "in-use", _removing(path))
        return Done()

    def describe(self) -> str:
        """One line."""
        return f"see that no device of {len(self.volumes)} volumes is here"


def _removing(path: str) -> str:
    name = path.rpartition("/")[2]
    how = f"losetup -d {path}" if name.startswith("loop") else f"echo 1 > /sys/block/{name}/device/delete"
    return f"Unmount it, or stop what uses it; a device that is left goes with: {how}"


class DevicesFree(_Free, frozen=True, tag="devices-free.1"):
    """No loop device is attached to the disks of these volumes, by uid; the kernel is asked, not their pool."""

    volumes: tuple[str, ...]

    def judge(self, ctx: Context) -> Verdict:
        """By the names of the devices' files. One that goes with its last user is waited for."""
        kernel, own = ctx.tool(Host).kernel, set(self.volumes)
        for loop in loops.attached(kernel):
            found = loops.OURS.search(loop.file)
            if found and found[1] in own and (not loop.autoclear or loops.stays(loop, kernel)):
                what = f"{loop.path} is attached to the disk of the volume {found[1]}."
                return Conflict(what, "in-use", f"Stop what uses it, then: losetup -d {loop.path}")
        return Done()

    def describe(self) -> str:
        """One line."""
        return f"see that no loop device is attached to {len(self.volumes)} volumes"
