"""What a loss of power may take back of the records, and what it may not: nothing that was told or relied on."""

import re

from holdfast.control.daemon import Daemon
from holdfast.records.contract import Tx
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.home import RecordsDisk

# A loss of power takes it back as well.
_VOLATILE = re.compile(r"^child\.(?:mount-|bind-|umount|loop-)|^point\.(?:rmdir|unlink)")


class Synced:
    """Of the database on one disk."""

    def __init__(self, disk: RecordsDisk) -> None:
        self._disk = disk
        self._refused = 0
        # The last operation that no loss of power takes back.
        self._last = 0
        # Operations whose journal one would.
        self._loose: dict[str, None] = {}

    def _is_not(self, daemon: Daemon) -> bool:
        """Whether what was committed last is not synced, though it fitted."""
        log = daemon.state_dir.database + "-wal"
        return self._disk.unsynced(log) and self._refused == self._disk.refused

    def at_effect(self, name: str, operation: str) -> None:
        """An operation is about to act."""
        if operation in self._loose and not _VOLATILE.search(name):
            raise Breach(1, f"{name} before the intent was synced", operation)

    def at_journal(self, daemon: Daemon, operation: str) -> None:
        """The journal of an operation changed; the identity of a child is told apart, as no loss of power leaves it."""
        if self._is_not(daemon):
            self._loose[operation] = None

    def at_commit(self, daemon: Daemon, tx: Tx, *, ended: bool) -> None:
        """The records changed, maybe by an end. Whom nobody was told of may be lost: an orchestrator waits for ends."""
        if not self._is_not(daemon):
            self._refused = self._disk.refused
            self._loose.clear()
            self._last = int(tx.run("SELECT COALESCE(MAX(seq), 0) FROM operations")[0][0])
            return
        if ended:
            raise Breach(1, "an end was answered before it was synced")
        told = tx.run("SELECT id FROM operations WHERE seq>? AND actor<>'csi'", (self._last,))
        if told:
            raise Breach(1, "an operation was answered before it was synced", str(told[0][0]))
