"""What a request for a volume is checked for before it is an operation."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.drivers.registry import Drivers
from holdfast.model.errors import Invalid, NotFound
from holdfast.model.resources import Pool, PoolSpec, PoolStatus
from holdfast.operations.base import Desk
from holdfast.operations.volume.create import VolumeCreate
from holdfast.records import resources
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime


def driver(*contents: str) -> Any:
    return SimpleNamespace(info=SimpleNamespace(contents=contents))


@pytest.fixture
def desk() -> Desk:
    records = SqliteRecords(ThreadRuntime(), "/volume-create", vfs="memdb")
    for name in ("all", "trees"):
        pool = Pool(uid=name, name=name, created=1.0, spec=PoolSpec(driver=name, config={}), status=PoolStatus())
        records.write(lambda tx, pool=pool: resources.insert(tx, pool))  # type: ignore[misc]  # binds it now
    drivers = Drivers({"all": driver("directory", "block"), "trees": driver("directory")})
    return Desk(cast("Any", None), drivers, records)


def test_a_content_that_the_pools_driver_does_not_offer_is_refused(desk: Desk) -> None:
    VolumeCreate(pool="all", name="v", size="1MiB", content="block").checked(desk)
    VolumeCreate(pool="trees", name="v", size="1MiB").checked(desk)
    with pytest.raises(Invalid, match="offers no block"):
        VolumeCreate(pool="trees", name="v", size="1MiB", content="block").checked(desk)
    with pytest.raises(NotFound):
        VolumeCreate(pool="none", name="v", size="1MiB", content="block").checked(desk)
