"""A request that looks early: what a look can refuse before anything is stored is an error at once."""

from typing import ClassVar

import msgspec

from holdfast.drivers.registry import Drivers
from holdfast.engine.request import Request
from holdfast.host.host import Host
from holdfast.records.contract import Records


class Desk(msgspec.Struct, frozen=True):
    """What an early look may use."""

    host: Host
    drivers: Drivers
    records: Records


class Asked(Request, frozen=True):
    """Base of all requests of people. `checked` returns the request in canonical form, or raises."""

    destructive: ClassVar[bool] = False

    def checked(self, desk: Desk) -> "Asked":
        """Nothing to check early."""
        return self
