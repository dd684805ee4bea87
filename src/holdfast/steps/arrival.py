"""The device of a connected volume: whether this machine has it at all, and brought back where it has lost it."""

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.observations import Absent
from holdfast.model.step import Context


def bring(ctx: Context, pool: PoolRef, volume: VolumeRef) -> None:
    """Let a machine that was started anew amid the operation look for it again: an earlier step had found it.

    Nothing to do for volumes that are not connected. What comes of it is for the next look.
    """
    driver = ctx.tool(Drivers).of(pool)
    if isinstance(driver, Connecting) and isinstance(driver.look_device(pool, volume), Absent):
        driver.find_device(pool, volume, ctx)


def is_here(driver: Connecting, pool: PoolRef, volume: VolumeRef) -> bool:
    """Whether a device with the volume's serial is here, be it in a way that cannot be used."""
    return volume.identity.get("serial", "") in driver.devices(pool)
