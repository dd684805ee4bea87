"""All volumes, page by page, in order of their pools and names."""

from holdfast.model.errors import Again, Invalid
from holdfast.model.resources import Pool, Volume
from holdfast.records import resources
from holdfast.records.contract import Tx

# Entries of a page whose asker sets no bound.
MOST = 1000


def all_volumes(tx: Tx, token: str, most: int) -> tuple[list[tuple[Pool, Volume]], str]:
    """A page, and what the next begins behind: POOL/VOLUME. Raises Invalid, or Again for a token that is none."""
    if most < 0:
        raise Invalid(f"A page has no {most} entries.")
    most = min(most or MOST, MOST)
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
