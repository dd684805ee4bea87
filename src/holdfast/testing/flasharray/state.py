"""What the array knows, and time, which erases what was destroyed long enough ago."""

import copy
from collections.abc import Callable, Iterator

from holdfast.testing.flasharray.model import PENDING_MS, Entry, Pod, Volume
from holdfast.testing.flasharray.shelf import Shelf
from holdfast.testing.flasharray.weather import Weather


class State:
    """All of it. Names are unique among what is not erased yet, destroyed or not."""

    def __init__(
        self, uid: str, shelf: Shelf, now: Callable[[], float], later: Callable[[float, Callable[[], None]], None],
        ids: Callable[[], str],
    ) -> None:  # fmt: skip
        self.id = uid
        self.shelf = shelf
        self.now = now
        self.later = later
        self.ids = ids
        self.weather = Weather()
        self.pods: dict[str, Pod] = {}
        self.volumes: dict[str, Volume] = {}
        self.hosts: dict[str, Entry] = {}
        # (host, volume) → the number under which the host sees it.
        self.connections: dict[tuple[str, str], int] = {}
        self._serials = 0

    def frozen(self) -> "State":
        """As it is now, whatever changes."""
        for name in ("pods", "volumes", "hosts", "connections"):
            setattr(self, name, copy.deepcopy(getattr(self, name)))
        return self

    def serial(self) -> str:
        """24 hex digits, upper case."""
        self._serials += 1
        return f"{self.id.replace('-', '')[:14].upper()}{self._serials:010X}"

    def hosts_of(self, volume: str) -> Iterator[str]:
        """Names of the hosts that a volume is connected to."""
        return (host for host, connected in self.connections if connected == volume)

    def tick(self) -> None:
        """What was destroyed long enough ago is erased."""
        for volume in list(self.volumes.values()):
            if volume.destroyed_at is not None and self.now() - volume.destroyed_at > PENDING_MS / 1000:
                self.erase(volume)
        for pod in list(self.pods.values()):
            if pod.destroyed_at is not None and self.now() - pod.destroyed_at > PENDING_MS / 1000:
                self.erase_pod(pod)

    def erase(self, volume: Volume) -> None:
        """Its name is free, its snapshots go with it."""
        for other in [each for each in self.volumes.values() if each.origin == volume.id]:
            self.erase(other)
        if self.volumes.pop(volume.name, None) is not None:
            self.shelf.remove(volume.serial)

    def erase_pod(self, pod: Pod) -> None:
        """With all that is in it."""
        for volume in [each for each in self.volumes.values() if each.pod == pod.name]:
            self.erase(volume)
        self.pods.pop(pod.name, None)

    def show(self, host: Entry, volume: Volume) -> None:
        """The host comes to see the volume's device: at once, late, never, or another volume's."""
        after, shown = self.weather.device_after, volume.serial
        if after is None:
            self.weather.note("device-never")
            return
        if self.weather.wrong_device:
            self.weather.note("wrong-device")
            shown = next((each.serial for each in self.volumes.values() if each.serial != volume.serial), shown)

        def act() -> None:
            if (host.name, volume.name) in self.connections:
                for initiator in host.iqns + host.nqns:
                    self.shelf.export(initiator, volume.serial, shown)

        if after:
            self.weather.note("device-late")
            self.later(after, act)
        else:
            act()

    def hide(self, host: Entry, volume: Volume) -> None:
        """The host sees it no more."""
        for initiator in host.iqns + host.nqns:
            self.shelf.withdraw(initiator, volume.serial)
