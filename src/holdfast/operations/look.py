"""Looks at attachments outside of an operation, for the loops and the faces."""

from holdfast.drivers.registry import Drivers
from holdfast.host import mounttable
from holdfast.host.host import Host
from holdfast.host.mountpoints import MountLook
from holdfast.model.errors import HoldfastError, NotFound
from holdfast.model.observations import Absent, Unknown
from holdfast.model.resources import Attachment
from holdfast.operations.refs import around, object_ref, pool_ref
from holdfast.records.contract import Records
from holdfast.steps.mount import look_at


class Looks:
    """Reads records and the world; changes nothing."""

    def __init__(self, records: Records, host: Host, drivers: Drivers, owner: str) -> None:
        self._kernel = host.kernel
        self._records = records
        self._drivers = drivers
        self._owner = owner

    def attachment(self, attachment: Attachment) -> MountLook:
        """What the kernel shows at the attachment's path."""
        try:
            pool, row, _ = self._records.read(lambda tx: around(tx, attachment.parent))
        except NotFound:
            return Unknown("its volume or pool is not recorded")
        if mounttable.top_at(attachment.spec.path, kernel=self._kernel) is None:
            return Absent()
        ref, what = pool_ref(pool, self._owner), object_ref(row)
        try:
            with self._drivers.of(ref).access(ref, what) as access:
                return look_at(attachment.spec.path, access, what, self._kernel)
        except HoldfastError as error:
            return Unknown(error.detail)
        except OSError as error:
            return Unknown(f"{attachment.spec.path}: {error.strerror}")

    def is_missing(self, attachment: Attachment) -> bool:
        """Whether it is proven not to be mounted."""
        return isinstance(self.attachment(attachment), Absent)
