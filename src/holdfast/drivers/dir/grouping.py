"""Snapshots of several volumes at one moment: all that are mounted are frozen together by one child."""

import contextlib
from typing import Any, NamedTuple

from holdfast.drivers.contract import Access, Making, PoolRef, VolumeRef
from holdfast.drivers.dir.copies import Copies
from holdfast.drivers.dir.looking import DISK, Looking
from holdfast.drivers.dir.making import Makes
from holdfast.drivers.dir.root import Root
from holdfast.host import copies
from holdfast.host.host import Host
from holdfast.model.errors import Abandoned, Again
from holdfast.model.resources import Taken


class _Begun(NamedTuple):
    """One of them under its temporary name: `fd` is its directory, `target` its empty image there."""

    source: VolumeRef
    volume: VolumeRef
    access: Access
    name: str
    fd: int
    target: int


class Groups:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking, makes: Makes, copying: Copies) -> None:
        self._files = host.files
        self._kernel = host.kernel
        self._children = host.children
        self._root = root
        self._looking = looking
        self._makes = makes
        self._copying = copying

    def take(self, pool: PoolRef, pairs: tuple[tuple[VolumeRef, VolumeRef], ...], making: Making) -> None:
        """See `Driver.take_group`."""
        for source, volume in pairs:
            self._copying.let_go(pool, source, volume, making, None)
        for _, volume in pairs:  # also what was published: it is of another moment
            if not self._makes.unmake(pool, volume, making):
                raise Again(f"What is left of {volume.name} is large; discarding it goes on.")
        with contextlib.ExitStack() as held:
            volumes = held.enter_context(self._root.volumes(pool))
            begun = [self._begin(held, volumes, pool, source, volume, making) for source, volume in pairs]
            for each, taken in zip(begun, self._take(begun, making), strict=True):
                self._copying.finish(each.target, each.source, each.volume, making)
                self._makes.mark(each.fd, pool, each.volume, making, taken)
            for each in begun:
                self._files.rename("volume.publish", volumes, each.name, each.volume.uid)

    def _begin(
        self, held: contextlib.ExitStack, volumes: int, pool: PoolRef, source: VolumeRef, volume: VolumeRef,
        making: Making,
    ) -> _Begun:  # fmt: skip
        name = self._makes.begin(volumes, pool, volume, making)
        access = held.enter_context(self._looking.access(pool, source))
        fd = self._files.open_directory(name, volumes)
        held.callback(self._kernel.close, fd)
        target = self._files.make_sparse("volume.make-disk", fd, DISK, 0)
        held.callback(self._kernel.close, target)
        return _Begun(source, volume, access, name, fd, target)

    def _take(self, begun: list[_Begun], making: Making) -> list[Taken]:
        for each in begun:
            self._copying.may_freeze(each.fd, each.source)
        args = {"fs": [each.source.fs for each in begun]}
        fds = tuple(fd for each in begun for fd in (each.access.fd, each.target))
        try:
            taken: list[Any] = self._children.run(making.keeper, "take-group", args, fds, copies.DEADLINE)
        except Abandoned:  # it lives, and who looks again thaws behind it
            raise
        except Again:
            for each in begun:
                self._copying.thaw(each.access, each.source, making.keeper)
            raise
        for each in begun:
            self._copying.froze(each.fd)
        if not taken:
            raise Again("One of the file systems is frozen by somebody else.", "Thaw it: fsfreeze -u PATH.")
        return taken
