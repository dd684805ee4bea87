"""Wanted mounts come back: after a reboot, or after somebody unmounted one by hand."""

import structlog

from holdfast.engine.engine import Engine
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Attachment
from holdfast.operations.attachment.mount import MountRestore
from holdfast.operations.look import Looks
from holdfast.records import claims, resources
from holdfast.records.contract import Records
from holdfast.runtime.api import Runtime

log = structlog.get_logger()
# After a failed restore, this many seconds until the next.
PATIENCE = 60.0


class Reconciler:
    """Compares wanted attachments with the kernel's table, and asks for what is missing."""

    def __init__(self, runtime: Runtime, records: Records, looks: Looks, engine: Engine) -> None:
        self._runtime = runtime
        self._records = records
        self._looks = looks
        self._engine = engine
        self._not_before: dict[str, float] = {}

    def tick(self) -> int:
        """One round; how many restores were asked for."""
        wanted, held = self._records.read(
            lambda tx: (resources.page(tx, Attachment), {item for _, item, _ in claims.held(tx)})
        )
        asked = 0
        for attachment in wanted:
            busy = f"uid:{attachment.uid}" in held or f"uid:{attachment.parent}" in held
            now = self._runtime.monotonic()
            if attachment.spec.use != "mount":
                continue  # what was staged or published is asked for again, or taken back, by who asked
            if busy or not attachment.status.ready or now < self._not_before.get(attachment.uid, 0):
                continue
            if not self._looks.is_missing(attachment):
                continue
            self._not_before[attachment.uid] = now + PATIENCE
            try:
                self._engine.submit(MountRestore(attachment=attachment.uid), Caller("reconciler"))
                asked += 1
            except HoldfastError as error:
                log.warning("a mount could not be restored", path=attachment.spec.path, error=error.detail)
        return asked
