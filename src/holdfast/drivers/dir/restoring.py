"""Putting a snapshot in its volume's place: staged beside it, put there by one exchange, and what was there discarded.

Whatever stops it, the volume's name leads to all of the old or all of the new.
"""

from holdfast.drivers.contract import (
    Absent,
    ForeignObject,
    Making,
    Observation,
    PoolRef,
    Present,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.dir.changing import Changing
from holdfast.drivers.dir.copies import Copies
from holdfast.drivers.dir.looking import Looking, observing, staged
from holdfast.drivers.dir.root import Root
from holdfast.host.host import Host
from holdfast.model.errors import Again, Foreign


class Restores:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking, changing: Changing, copies: Copies) -> None:
        self._files = host.files
        self._root = root
        self._looking = looking
        self._changing = changing
        self._copies = copies

    def stage(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, making: Making, progress: str) -> str | None:
        """See `Driver.stage_restore`."""
        name = staged(pool, volume, making.operation)
        with self._root.volumes(pool) as volumes:
            if not progress:
                self._refuse_old(volumes, pool, volume, making)
                if not self._changing.discard(volumes, name):
                    raise Again(f"{name} is large; discarding it goes on.")
                self._files.mkdir("volume.mkdir", volumes, name)
            return self._copies.fill(volumes, name, pool, snapshot, volume, making, progress)

    def _refuse_old(self, volumes: int, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """Under the staged name may lie what the volume was."""
        now = self._looking.look_in(volumes, pool, volume.uid)
        if isinstance(now, Present) and now.facts.operation == making.operation:
            raise Again("The volume is restored already.")

    def look(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[VolumeFacts]:
        """See `Driver.look_staged`: its name proves that it is ours, its mark that it is whole."""

        def fn() -> Observation[VolumeFacts]:
            with self._root.volumes(pool) as volumes:
                found = self._looking.look_in(volumes, pool, volume.uid, staged(pool, volume, operation))
                return Absent() if isinstance(found, ForeignObject) else found

        return observing(fn)

    def swap(self, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
        """See `Driver.swap_restore`."""
        name = staged(pool, volume, operation)
        with self._root.volumes(pool) as volumes:
            now = self._looking.look_in(volumes, pool, volume.uid)
            if not isinstance(now, Present):
                raise Foreign("The volume is not as it was; it is left alone.")
            if now.facts.operation == operation:
                return
            new = self._looking.look_in(volumes, pool, volume.uid, name)
            if not isinstance(new, Present) or new.facts.operation != operation:
                raise Again(f"{name} is not whole.")
            self._changing.check_unused(volumes, volume.uid)
            self._files.exchange("volume.swap", volumes, name, volume.uid)

    def persist(self, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
        """See `Driver.persist_staged`; a tree was synced as a whole before its mark."""
        self._changing.persist(pool, volume, staged(pool, volume, operation))

    def left(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[str]:
        """See `Driver.left_of_restore`."""

        def fn() -> Observation[str]:
            name = staged(pool, volume, operation)
            with self._root.volumes(pool) as volumes:
                return Present(name) if self._files.exists(volumes, name) else Absent()

        return observing(fn)

    def discard(self, pool: PoolRef, volume: VolumeRef, operation: str) -> bool:
        """See `Driver.discard_restore`."""
        with self._root.volumes(pool) as volumes:
            return self._changing.discard(volumes, staged(pool, volume, operation))
