"""What a transport knows: this machine's name on the fabric, and the device that carries a serial.

An array and the way to it are two seams: a driver speaks to an array, a transport finds what the array shows. `options`
are the pool's. Looks ask this machine alone, and believe no name: the device's own serial, read on the open device,
says whose it is. What can hang runs in a child.
"""

import abc
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Literal

from holdfast.drivers.connecting import DeviceFacts
from holdfast.drivers.contract import Observation
from holdfast.host.children import Keeper
from holdfast.host.host import Host
from holdfast.model.errors import Invalid

Options = dict[str, str]
# Asked of the array only where a device must be looked for: portals and the target's name, as the array tells them.
Targets = Callable[[], list[dict[str, str]]]


class Transport(abc.ABC):
    """One kind of fabric. `initiators_are` is the array's word for them."""

    initiators_are: Literal["iqns", "nqns"]
    # Options of a pool that this transport alone knows.
    options: frozenset[str] = frozenset()

    def validate(self, options: Options) -> Options:
        """Its options in canonical form; raise Invalid."""
        return options

    @abc.abstractmethod
    def initiators(self, options: Options) -> tuple[str, ...]:
        """This machine's names; raise Refused, saying what to install or to set, if it has none."""

    @abc.abstractmethod
    def look(self, options: Options, serial: str) -> Observation[DeviceFacts]:
        """The device that carries the serial; ForeignObject for another volume's where ours was to be."""

    @abc.abstractmethod
    def all(self, options: Options) -> dict[str, str]:
        """Paths of the devices here, by serial; raise OSError."""

    @abc.abstractmethod
    def open(self, options: Options, serial: str) -> int:
        """The device, open for writing, and proven on that descriptor; raise Foreign or Again."""

    @abc.abstractmethod
    def find(self, options: Options, serial: str, targets: Targets, keeper: Keeper) -> None:
        """Let this machine look for it: log in, scan. Its return proves nothing."""

    @abc.abstractmethod
    def remove(self, options: Options, serial: str, keeper: Keeper) -> None:
        """Flush it and take it away; raise Again, naming who holds it, while it is busy."""


class Transports:
    """By name, made with the host, once: ours and third parties', from the entry points `holdfast.transports`."""

    def __init__(self, known: dict[str, Transport]) -> None:
        self._known = known

    @classmethod
    def installed(cls, host: Host) -> "Transports":
        """All that are installed."""
        return cls({point.name: point.load()(host) for point in entry_points(group="holdfast.transports")})

    def named(self, name: str) -> Transport:
        """By name; raise Invalid with the known ones."""
        if name not in self._known:
            raise Invalid(f"There is no transport {ascii(name)}.", f"Installed: {', '.join(sorted(self._known))}.")
        return self._known[name]
