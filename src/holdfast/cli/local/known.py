"""What a member's records hold, read from a copy: opening the database itself would migrate it and merge its log."""

import os
import shutil
import tempfile

import apsw
import msgspec

from holdfast.cli.local.own import DATABASE, LOGS, MADE
from holdfast.cli.local.places import Place
from holdfast.control.counters import STAMPED
from holdfast.model.errors import DatabaseDamaged, HoldfastError, Unavailable
from holdfast.model.resources import Attachment, Member, Pool, Snapshot, Volume
from holdfast.model.step import ChildIdentity
from holdfast.records import meta, operations, resources, steps
from holdfast.records.contract import Tx
from holdfast.records.operations import OperationRow
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.api import Runtime

_ALL = 1 << 31


class Known(msgspec.Struct, frozen=True):
    """Everything recorded that may still mean something in the world. `operations` are those that are not over."""

    members: list[Member] = []
    pools: list[Pool] = []
    volumes: list[Volume] = []
    snapshots: list[Snapshot] = []
    attachments: list[Attachment] = []
    operations: list[OperationRow] = []
    children: list[tuple[str, ChildIdentity]] = []
    stamped: bool = False

    def name(self, uid: str) -> str:
        """A volume's POOL/VOLUME, a snapshot's with it, or the uid of what is not recorded."""
        for snapshot in self.snapshots:
            if snapshot.uid == uid:
                return f"{self.name(snapshot.parent)}@{snapshot.name}"
        pools = {pool.uid: pool.name for pool in self.pools}
        found = (f"{pools.get(v.parent, v.parent)}/{v.name}" for v in self.volumes if v.uid == uid)
        return next(found, uid)

    @property
    def owner(self) -> str:
        """The uid in the marks of all that this member made; empty if no member is recorded."""
        return self.members[0].uid if self.members else ""


def read(runtime: Runtime, state: Place) -> Known:
    """What is recorded; nothing if there never was a database. Raises what says why it cannot be known."""
    info = state.info(DATABASE)
    if info is None or info.st_size == 0:
        if state.info(MADE) is not None:
            raise DatabaseDamaged(f"{DATABASE} is gone or empty, though there was one")
        return Known()
    with tempfile.TemporaryDirectory(prefix="holdfast-purge-") as scratch:
        try:
            for name in (DATABASE, *LOGS):
                if state.is_file(name):
                    with os.fdopen(state.open(name), "rb") as source, open(os.path.join(scratch, name), "xb") as copy:
                        shutil.copyfileobj(source, copy)
        except OSError as error:
            raise Unavailable(f"it cannot be copied to {scratch} for a look: {error.strerror}") from error
        return _open(runtime, os.path.join(scratch, DATABASE))


def _open(runtime: Runtime, copy: str) -> Known:
    try:
        records = SqliteRecords(runtime, copy)
        try:
            found = records.read(_all)
        finally:
            records.close()
    except (apsw.Error, msgspec.MsgspecError, TypeError) as error:
        raise DatabaseDamaged(f"it cannot be read as Holdfast's: {error}") from error
    except HoldfastError as error:
        raise type(error)(error.detail.replace(f" {copy}", "")) from error
    if not found.members:
        raise DatabaseDamaged("no member is recorded in it, so it does not prove to be Holdfast's")
    return found


def _all(tx: Tx) -> Known:
    unended = [row for member in resources.page(tx, Member) for row in operations.unended(tx, member.uid)]
    # An operation that was abandoned keeps its children's rows; of one that ended otherwise all are proven dead.
    owing = [*unended, *operations.page(tx, state="abandoned", most=_ALL)]
    return Known(
        members=resources.page(tx, Member), pools=resources.page(tx, Pool), volumes=resources.page(tx, Volume),
        snapshots=resources.page(tx, Snapshot), attachments=resources.page(tx, Attachment), operations=unended,
        children=[(row.id, child) for row in owing for child in steps.children(tx, row.id)],
        stamped=bool(meta.get(tx, STAMPED)),
    )  # fmt: skip
