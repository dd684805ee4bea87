"""All volumes, page by page, in order of their pools and names; and all snapshots, in that of their volumes' ids."""

from holdfast.faces.csi.finding import is_uid
from holdfast.model.errors import Again, Invalid
from holdfast.model.resources import Pool, Snapshot, Volume
from holdfast.records import resources
from holdfast.records.contract import Tx

# Entries of a page whose asker sets no bound.
MOST = 1000


def all_volumes(tx: Tx, token: str, most: int) -> tuple[list[tuple[Pool, Volume]], str]:
    """A page, and what the next begins behind: POOL/VOLUME. Raises Invalid, or Again for a token that is none."""
    most = _bound(most)
    pools = sorted(resources.page(tx, Pool), key=lambda pool: pool.name)
    at, slash, after = token.partition("/")
    if token and not (slash and any(pool.name == at for pool in pools)):
        raise Again(f"The token {ascii(token)} is of no list.", "Begin anew, without one.")
    found: list[tuple[Pool, Volume]] = []
    for pool in pools:
        if pool.name < at:
            continue
        more = resources.page(tx, Volume, pool.uid, after if pool.name == at else "", most + 1 - len(found))
        found += [(pool, volume) for volume in more]
        if len(found) > most:
            last_pool, last = found[most - 1]
            return found[:most], f"{last_pool.name}/{last.name}"
    return found, ""


def all_snapshots(tx: Tx, token: str, most: int, volume: str, uid: str) -> tuple[list[Snapshot], str]:
    """A page of all, of a volume's, or the one of that uid; and what the next begins behind: VOLUME/NAME."""
    most = _bound(most)
    parent, slash, after = token.partition("/")
    if token and not (slash and is_uid(parent)):
        raise Again(f"The token {ascii(token)} is of no list.", "Begin anew, without one.")
    if uid:
        row = resources.by_uid(tx, Snapshot, uid) if is_uid(uid) else None
        return ([row] if row is not None and volume in ("", row.parent) else []), ""
    if volume and not is_uid(volume):
        return [], ""
    found = resources.snapshots(tx, parent, after, most + 1, volume)
    if len(found) <= most:
        return found, ""
    last = found[most - 1]
    return found[:most], f"{last.parent}/{last.name}"


def _bound(most: int) -> int:
    if most < 0:
        raise Invalid(f"A page has no {most} entries.")
    return min(most or MOST, MOST)
