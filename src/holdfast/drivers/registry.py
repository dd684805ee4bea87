"""The drivers by name: ours and third parties', from the entry points `holdfast.drivers`."""

from collections.abc import Callable
from importlib.metadata import entry_points

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import Driver, PoolRef
from holdfast.host.host import Host
from holdfast.model.errors import Invalid, Refused
from holdfast.model.resources import Content


class Drivers:
    """A driver is made with the host, once."""

    def __init__(self, drivers: dict[str, Driver]) -> None:
        self._drivers = drivers
        # Asked before a pool is used; raises Again for one that must not be used yet.
        self.gate: Callable[[PoolRef], None] = lambda _pool: None

    @classmethod
    def installed(cls, host: Host) -> "Drivers":
        """All that are installed."""
        return cls({point.name: point.load()(host) for point in entry_points(group="holdfast.drivers")})

    def named(self, name: str) -> Driver:
        """By name; raise Invalid with the known ones."""
        if name not in self._drivers:
            raise Invalid(f"There is no driver {ascii(name)}.", f"Installed: {', '.join(sorted(self._drivers))}.")
        return self._drivers[name]

    def all_offer(self, content: Content) -> bool:
        """Whether every driver has volumes of that content, so that the pool need not be asked for its own."""
        return all(content in driver.info.contents for driver in self._drivers.values())

    def connecting(self, pool: PoolRef) -> Connecting:
        """The pool's driver, whose volumes must be connected."""
        driver = self.of(pool)
        if not isinstance(driver, Connecting):
            raise Refused(f"The driver {pool.driver} connects no volumes.")
        return driver

    def of(self, pool: PoolRef) -> Driver:
        """The pool's driver; Refused if it is not installed any more."""
        if pool.driver not in self._drivers:
            raise Refused(f"The driver {pool.driver} is not installed.", "Install the package that has it.")
        self.gate(pool)
        return self._drivers[pool.driver]
