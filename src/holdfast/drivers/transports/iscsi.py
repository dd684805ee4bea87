"""The transport `iscsi`: sessions by iscsiadm(8), disks by the serial that they tell (SPC-4, VPD page 80h).

Whoever looks reads sysfs alone, which answers also while a target does not. What can hang (logging in, scanning,
flushing a disk whose target is gone) is done by children. Sessions are shared by all volumes of an array, and stay.
"""

import os
import re

import structlog

from holdfast.drivers.connecting import DeviceFacts
from holdfast.drivers.contract import Absent, ForeignObject, Observation, Present, Unknown
from holdfast.drivers.transports.contract import Options, Targets, Transport
from holdfast.host import scsi
from holdfast.host.children import Keeper
from holdfast.host.host import Host
from holdfast.host.scsi import Disk
from holdfast.model.errors import Again, Foreign, Refused

log = structlog.get_logger()
INITIATOR = "/etc/iscsi/initiatorname.iscsi"
# Seconds for a login, and for a scan or a removal.
LOGIN, SCAN = 30.0, 60.0
# iscsiadm(8): success; the session exists already; the record exists already.
_FINE = frozenset({0, 15})


class Iscsi(Transport):
    """See the module."""

    initiators_are = "iqns"

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kernel = host.kernel

    def initiators(self, options: Options) -> tuple[str, ...]:
        """The one that open-iscsi was given."""
        try:
            with open(INITIATOR, encoding="ascii", errors="replace") as file:
                found = re.findall(r"^InitiatorName=(\S+)$", file.read(), re.MULTILINE)
        except OSError as error:
            hint = "Install open-iscsi, which makes it."
            raise Refused(f"This machine has no iSCSI name: {INITIATOR}: {error.strerror}.", hint) from error
        if not found:
            raise Refused(f"{INITIATOR} names no initiator.", "It needs a line InitiatorName=iqn.…")
        return (found[-1],)

    def all(self, options: Options) -> dict[str, str]:
        """By serial; of a disk with several paths, the first."""
        return {disk.serial: disk.path for disk in reversed(scsi.disks())}

    def _disks(self, serial: str) -> list[Disk]:
        return [disk for disk in scsi.disks() if disk.serial == serial.upper()]

    def look(self, options: Options, serial: str) -> Observation[DeviceFacts]:
        """See `Transport.look`. Several paths without a multipath device are refused: each is a cache of its own."""
        try:
            found = self._disks(serial)
            if not found:
                return Absent()
            above = {holder for disk in found for holder in disk.holders if holder.startswith("dm-")}
            if len(found) > 1 and len(above) != 1:
                paths = ", ".join(disk.path for disk in found)
                return ForeignObject(f"{serial} is seen as {paths}, which no multipath device joins")
            path = f"/dev/{above.pop()}" if above else found[0].path
            return Present(DeviceFacts(path, scsi.users(path, self._kernel)))
        except OSError as error:
            return Unknown(f"the disks of this machine cannot be read: {error}")

    def open(self, options: Options, serial: str) -> int:
        """See `Transport.open`."""
        match self.look(options, serial):
            case Present(facts):
                pass
            case Absent():
                raise Again(f"The disk with the serial {serial} is not here.")
            case ForeignObject(evidence):
                raise Foreign(evidence)
            case Unknown(reason):
                raise Again(reason)
        # Not blocking: a plain open(2) waits for a disk whose target is away.
        fd = self._kernel.open(facts.path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            seen = scsi.serials_of(self._kernel.fstat(fd).st_rdev)
            if seen != {serial.upper()}:
                raise Foreign(f"{facts.path} has the serial {', '.join(sorted(seen)) or 'of nobody'}, not {serial}.")
        except BaseException:
            self._kernel.close(fd)
            raise
        return fd

    def find(self, options: Options, serial: str, targets: Targets, keeper: Keeper) -> None:
        """Log in where there is no session, and scan. One portal that answers is enough."""
        found, failed = targets(), []
        if not found:
            raise Again("The array tells of no iSCSI portal.", "Does one of its interfaces have the service iscsi?")
        for target in found:
            try:
                self._session(target, keeper)
            except (Again, Refused) as error:
                failed.append(error.detail)
                log.warning("an iSCSI portal failed", portal=target["portal"], iqn=target["iqn"], error=error.detail)
        if len(failed) == len(found):
            raise Again(f"No iSCSI portal of the array could be used: {failed[0]}")
        children = self._host.children
        children.run(keeper, "scsi-refresh", {"serial": serial.upper()}, (), SCAN)

    def _session(self, target: dict[str, str], keeper: Keeper) -> None:
        children = self._host.children
        for work, deadline in (("iscsi-record", SCAN), ("iscsi-login", LOGIN), ("iscsi-scan", SCAN)):
            said = children.run(keeper, work, target, (), deadline)
            if said["status"] not in _FINE:
                raise Again(f"{work} at {target['portal']} failed with status {said['status']}: {said['said']}")

    def remove(self, options: Options, serial: str, keeper: Keeper) -> None:
        """See `Transport.remove`: every path of it."""
        for disk in self._disks(serial):
            users = scsi.users(disk.path, self._kernel)
            if users:
                raise Again(f"device busy: {disk.path} is held by {users}")
            self._host.children.run(keeper, "scsi-remove", {"name": disk.name, "serial": disk.serial}, (), SCAN)
