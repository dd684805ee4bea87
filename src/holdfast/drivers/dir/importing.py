"""Reading a pool that no record knows, and taking over one whose installation is gone."""

import functools
from collections.abc import Iterator

import msgspec

from holdfast.drivers.contract import FoundPool, PoolRef, Present, VolumeFacts
from holdfast.drivers.dir.changing import ROUND
from holdfast.drivers.dir.inventory import inventory
from holdfast.drivers.dir.looking import Looking
from holdfast.drivers.dir.marks import OBJECT_MARK, POOL_MARK, encode
from holdfast.drivers.dir.root import NotMarked, Root
from holdfast.host.host import Host
from holdfast.model.errors import Again, Foreign, NotFound

# The first parts of the names of what is unfinished; the owner's uid comes behind.
_UNFINISHED = (".making.", ".restoring.", ".removing.")


class Imports:
    """See `Driver`."""

    def __init__(self, host: Host, root: Root, looking: Looking) -> None:
        self._runtime = host.runtime
        self._files = host.files
        self._root = root
        self._looking = looking

    def find(self, config: dict[str, str]) -> FoundPool:
        """See `Driver.find_pool`."""
        with self._root.unproven(PoolRef("", "", "dir", config)) as fd:
            try:
                mark = self._root.any_mark(fd, config["source"])
            except NotMarked as error:
                raise NotFound(f"There is no pool in {config['source']}.", error.hint) from error
        return FoundPool(mark.pool, mark.owner, mark.counter)

    def objects(self, pool: PoolRef) -> Iterator[tuple[str, VolumeFacts]]:
        """See `Driver.objects`."""
        with self._root.volumes(pool) as volumes:
            for item in inventory(self._root, pool):
                if item.kind == "volume":
                    found = self._looking.look_in(volumes, pool, item.uid)
                    if isinstance(found, Present):
                        yield item.uid, found.facts

    def take_over(self, pool: PoolRef, owner: str) -> bool:
        """See `Driver.take_over`: the pool's own mark comes last."""
        end = self._runtime.monotonic() + ROUND
        with self._root.unproven(pool) as root:
            mark = self._root.any_mark(root, pool.config["source"])
            if mark.pool != pool.uid or mark.owner not in (pool.owner, owner):
                raise Foreign(
                    f"{pool.config['source']} holds the pool {mark.pool} of owner {mark.owner}, not this one."
                )
            if mark.owner == owner:
                return True
            with self._root.volumes(pool) as volumes:
                for name in sorted(self._root.kernel.listdir(volumes)):
                    # What was taken in an earlier round ends none.
                    if self._take(volumes, name, pool, owner) and self._runtime.monotonic() > end:
                        return False
            new = msgspec.structs.replace(mark, owner=owner)
            still = functools.partial(self._root.mark, root, pool)
            self._files.replace("pool.take-over", root, POOL_MARK, encode(new), still=still)
        return True

    def _take(self, volumes: int, name: str, pool: PoolRef, owner: str) -> bool:
        """Whether anything was to do."""
        for kind in _UNFINISHED:
            if name.startswith(f"{kind}{pool.owner}."):
                new = f"{kind}{owner}.{name.removeprefix(f'{kind}{pool.owner}.')}"
                self._files.rename("volume.take-over-unfinished", volumes, name, new)
                return True
        if len(name) != 32 or "." in name:
            return False
        fd = self._files.open_directory(name, volumes)
        try:
            mark = self._looking.mark(fd)
            if mark.owner != pool.owner or mark.uid != name:
                return False
            self._files.replace("volume.take-over", fd, OBJECT_MARK, encode(msgspec.structs.replace(mark, owner=owner)))
        except Foreign:
            return False  # it proves to be nobody's, and is left as it is
        except OSError as error:
            raise Again(f"{name} cannot be read: {error.strerror}") from error
        finally:
            self._files.kernel.close(fd)
        return True
