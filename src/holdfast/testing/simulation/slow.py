"""A back end that shows its changes late: the `dir` driver, whose looks may answer for a while as before a change.

So do arrays and stores that answer from replicas or caches. Nothing else of them is modelled here.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from holdfast.drivers.contract import Making, Observation, Origin, PoolRef, VolumeFacts, VolumeRef
from holdfast.drivers.dir.driver import DirDriver
from holdfast.host.children import Keeper
from holdfast.host.host import Host

T = TypeVar("T")
SETTLE = 4.0


class Before(msgspec.Struct, frozen=True):
    """What looks answer until then."""

    until: float
    look: Observation[VolumeFacts]
    removed: Observation[VolumeFacts]
    unmade: Observation[str] | None


class SlowDriver(DirDriver):
    """`cache` is the back end's own: it outlives daemons."""

    info = msgspec.structs.replace(DirDriver.info, settle=SETTLE)

    def __init__(self, host: Host, cache: dict[str, Before], late: Callable[[], None]) -> None:
        super().__init__(host)
        self._runtime = host.runtime
        self._cache = cache
        self._late = late

    def _slowly(self, pool: PoolRef, volume: VolumeRef, making: Making | None, call: Callable[[], T]) -> T:
        """Change it, and go on showing it as it was."""
        unmade = super().unmade_volume(pool, volume, making) if making else None
        look, removed = super().look_volume(pool, volume), super().removed_volume(pool, volume)
        try:
            return call()
        finally:
            until = self._runtime.monotonic() + self._runtime.random() * SETTLE
            self._cache[volume.uid] = Before(until, look, removed, unmade)

    def _before(self, volume: VolumeRef) -> Before | None:
        found = self._cache.get(volume.uid)
        if found is None or found.until <= self._runtime.monotonic():
            return None
        self._late()
        return found

    def take_group(self, pool: PoolRef, pairs: tuple[tuple[VolumeRef, VolumeRef], ...], making: Making) -> None:
        """Each is shown late."""
        call: Callable[[], None] = partial(super().take_group, pool, pairs, making)
        for _, volume in pairs:
            call = partial(self._slowly, pool, volume, making, call)
        call()

    def look_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """As it was, for a while."""
        before = self._before(volume)
        return before.look if before else super().look_volume(pool, volume)

    def removed_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """As it was, for a while."""
        before = self._before(volume)
        return before.removed if before else super().removed_volume(pool, volume)

    def unmade_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """As it was, for a while."""
        before = self._before(volume)
        known = before.unmade if before else None
        return super().unmade_volume(pool, volume, making) if known is None else known

    def make_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """See `Driver`."""
        self._slowly(pool, volume, making, lambda: super(SlowDriver, self).make_volume(pool, volume, making))

    def unmake_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """See `Driver`."""
        return self._slowly(pool, volume, making, lambda: super(SlowDriver, self).unmake_volume(pool, volume, making))

    def remove_volume(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> bool:
        """See `Driver`."""
        return self._slowly(pool, volume, None, lambda: super(SlowDriver, self).remove_volume(pool, volume, keeper))

    def rename_volume(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """See `Driver`."""
        self._slowly(pool, volume, None, lambda: super(SlowDriver, self).rename_volume(pool, volume, name))

    def resize_volume(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """See `Driver`."""
        self._slowly(pool, volume, None, lambda: super(SlowDriver, self).resize_volume(pool, volume, size))

    def copy_volume(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, progress: str,
        origin: Origin | None = None,
    ) -> str | None:  # fmt: skip
        """See `Driver`."""
        copy = super().copy_volume
        return self._slowly(pool, volume, making, lambda: copy(pool, source, volume, making, progress, origin))

    def swap_restore(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, operation: str) -> None:
        """See `Driver`."""
        swap = super().swap_restore
        self._slowly(pool, volume, None, lambda: swap(pool, volume, snapshot, operation))
