"""A machine that was started anew amid an operation looks for the volume's device again, and only then."""

from unittest.mock import Mock, create_autospec

import pytest

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.dir.driver import DirDriver
from holdfast.drivers.flasharray.driver import FlashArrayDriver
from holdfast.drivers.registry import Drivers
from holdfast.model.observations import Absent, Observation, Present, Unknown
from holdfast.model.step import Context
from holdfast.steps.arrival import bring

POOL = PoolRef("a" * 32, "b" * 32, "mine", {})
VOLUME = VolumeRef("c" * 32, "v", 1 << 20, "block", None, None)


def asked(driver: Mock) -> Context:
    context: Context = create_autospec(Context, instance=True)
    context.tool.return_value = Drivers({"mine": driver})  # type: ignore[attr-defined]  # it is the mock's
    return context


@pytest.mark.parametrize(
    ("seen", "calls"), [(Absent(), 1), (Present("/dev/sdb"), 0), (Unknown("the bus is busy"), 0)], ids=str
)
def test_only_a_device_that_is_not_there_is_looked_for(seen: Observation[str], calls: int) -> None:
    driver = create_autospec(FlashArrayDriver, instance=True)
    driver.look_device.return_value = seen
    context = asked(driver)
    bring(context, POOL, VOLUME)
    assert driver.find_device.call_args_list == [((POOL, VOLUME, context),)] * calls


def test_what_is_not_connected_is_not_looked_for() -> None:
    driver = create_autospec(DirDriver, instance=True)
    bring(asked(driver), POOL, VOLUME)
    assert driver.mock_calls == []
