"""Parts of plans that a volume needs where it must be connected to this member before its device is here."""

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.model.resources import Pool
from holdfast.model.step import Step
from holdfast.steps.connection import VolumeConnect, VolumeDisconnect
from holdfast.steps.device import DeviceAppear, DeviceGone


def arriving(place: PoolRef, what: VolumeRef, member: str) -> tuple[Step, ...]:
    """Connected, and its device is here."""
    return VolumeConnect(place, what, member), DeviceAppear(place, what)


def leaving(place: PoolRef, what: VolumeRef, member: str, *, back: bool) -> tuple[Step, ...]:
    """The device first, then the connection. `back` says whether an undo brings both back."""
    return DeviceGone(place, what, back), VolumeDisconnect(place, what, member, back)


def visited(pool: Pool, place: PoolRef, what: VolumeRef, member: str, *steps: Step) -> tuple[Step, ...]:
    """`steps` with the device here, which is as it was before at the end; where nothing must be connected, as given."""
    if not pool.status.connects:
        return steps
    return *arriving(place, what, member), *steps, *leaving(place, what, member, back=False)
