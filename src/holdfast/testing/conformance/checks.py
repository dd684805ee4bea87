"""Checks that the suites of pools and volumes share."""

import pytest

from holdfast.drivers.contract import PoolRef, Present, Unknown, VolumeRef
from holdfast.model.errors import Again
from holdfast.testing.conformance.harness import Harness


def facts_match(harness: Harness, pool: PoolRef, volume: VolumeRef, operation: str = "") -> None:
    """The volume is there, whole, and as it was asked for."""
    found = harness.driver.look_volume(pool, volume)
    assert isinstance(found, Present), found
    seen = found.facts
    assert (seen.name, seen.size, seen.content, seen.fs, seen.fs_uuid) == (
        volume.name, volume.size, volume.content, volume.fs, volume.fs_uuid,
    )  # fmt: skip
    assert seen.tidy
    assert operation in ("", seen.operation)


def unreachable(harness: Harness, pool: PoolRef, volume: VolumeRef) -> None:
    """Nothing is believed, nothing is done: every look is Unknown, every act raises Again."""
    driver = harness.driver
    making = harness.making()
    assert isinstance(driver.look_pool(pool), Unknown)
    assert isinstance(driver.look_volume(pool, volume), Unknown)
    assert isinstance(driver.removed_volume(pool, volume), Unknown)
    assert isinstance(driver.unmade_volume(pool, volume, making), Unknown)
    for act in (
        lambda: driver.capacity(pool),
        lambda: list(driver.inventory(pool)),
        lambda: driver.stamp(pool, 99),
        lambda: driver.make_volume(pool, harness.volume(harness.kinds[0]), making),
        lambda: driver.unmake_volume(pool, volume, making),
        lambda: driver.remove_volume(pool, volume, harness.keeper),
        lambda: driver.rename_volume(pool, volume, "other"),
        lambda: driver.persist_volume(pool, volume),
        lambda: driver.in_use(pool, volume),
        lambda: driver.access(pool, volume).__enter__(),
        lambda: driver.usage(pool, volume, lambda: False),
    ):
        with pytest.raises((Again, OSError)):
            act()
