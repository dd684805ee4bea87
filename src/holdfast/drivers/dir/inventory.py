"""All there is in a dir pool, with its owner."""

from collections.abc import Iterator

from holdfast.drivers.contract import Item, PoolRef
from holdfast.drivers.dir.marks import POOL_MARK, VOLUMES
from holdfast.drivers.dir.root import Root

_NATIVE = frozenset({"lost+found", POOL_MARK, f".{POOL_MARK}.new", VOLUMES})

# How many parts the temporary names have, see `holdfast.drivers.dir.looking`.
_PARTS = {"making": 6, "restoring": 5, "removing": 4}


def inventory(root: Root, pool: PoolRef) -> Iterator[Item]:
    """Entries of the proven root and of its `volumes`; raises Again or Foreign if the root is not proven."""
    with root.proven(pool) as fd:
        found = set(root.kernel.listdir(fd))
    others = sorted(found - _NATIVE)
    yield from (Item("foreign", "", f"{pool.config['source']}/{name}") for name in others)
    if VOLUMES not in found:  # a removal of the pool that was interrupted before the mark went
        return
    with root.volumes(pool) as volumes:
        names = sorted(root.kernel.listdir(volumes))
    for name in names:
        where = f"{pool.config['source']}/{VOLUMES}/{name}"
        parts = name.split(".")
        ours = parts[1] if parts[2:3] == [pool.owner] and not parts[0] and len(parts) == _PARTS.get(parts[1]) else ""
        if ours in ("making", "restoring"):
            yield Item("unfinished", parts[4], where, operation=parts[3])
        elif ours == "removing":
            yield Item("removing", parts[3], where)
        elif len(name) == 32 and "." not in name:
            yield Item("volume", name, where)
        else:
            yield Item("foreign", "", where)
