"""The control of the storm: whatever is broken behind the daemon's back, the comparison says exactly that."""

import shutil
import subprocess
from collections.abc import Iterator

import apsw
import pytest

from holdfast.client import Client
from holdfast.model.resources import Content, FileSystem
from tests.daemon import run
from tests.needs import need, need_root
from tests.storm import cargo
from tests.storm.comparison import Difference, compare
from tests.storm.notes import Facts, Notes, Place
from tests.storm.place import StormDaemon, storm_daemon
from tests.storm.seen import Seen, left_in_journal, look

TREE = Facts("tree", 2 << 20, "directory", None)
DISK = Facts("disk", 1 << 20, "block", None, "a")
AT = {"t": Place("/m/t", False), "d": Place("/m/d", True)}
SEEN = Seen(
    recorded={"t": TREE, "d": DISK}, unready=[], shown=AT, audit=[], on_disk=["d", "t"], temporary=[],
    mount_points=["/m/t", "/m/d"], devices=["d"], cargo={"t": "text"}, connected=["d"], processes=[],
)  # fmt: skip
MORE = {"gone": Facts("gone", 1, "directory", None), "x": Facts("x", 1, "directory", None)}
BROKEN: dict[str, tuple[Seen, str]] = {
    "a record deleted": (
        SEEN._replace(recorded={"t": TREE}), "lost: the volume disk has no record"
    ),
    "a record changed": (
        SEEN._replace(recorded={"t": TREE._replace(size=1), "d": DISK}),
        f"lost: the volume tree is recorded as {TREE._replace(size=1)}, and was made as {TREE}",
    ),
    "a volume that is not ready": (SEEN._replace(unready=["t"]), "lost: the volume tree is not ready"),
    "a volume removed": (SEEN._replace(on_disk=["t"]), "lost: the volume disk is not in its pool"),
    "a deleted volume that is back": (
        SEEN._replace(on_disk=["d", "t", "gone"]), "lost: a delete: there is gone in the pool"
    ),
    "a deleted volume whose record is back": (
        SEEN._replace(recorded={"t": TREE, "d": DISK, "gone": MORE["gone"]}),
        "lost: a delete: there is a record of the volume gone",
    ),
    "a volume that nobody was told of": (SEEN._replace(on_disk=["d", "t", "x"]), "leaked: x in the pool"),
    "a record that nobody was told of": (
        SEEN._replace(recorded={"t": TREE, "d": DISK, "x": MORE["x"]}), "leaked: a record of the volume x"
    ),
    "a mount taken away": (
        SEEN._replace(mount_points=["/m/d"]), "lost: the mount of tree at /m/t is not in the kernel's table"
    ),
    "a mount not shown": (
        SEEN._replace(shown={"d": AT["d"]}), f"lost: the mount of tree: it is shown as None, and was {AT['t']}"
    ),
    "a mount that is shown still": (
        SEEN._replace(shown={**AT, "gone": Place("/m/g", False)}), "lost: an unmount: /m/g is shown as mounted"
    ),
    "a mount of nobody's": (SEEN._replace(mount_points=["/m/t", "/m/d", "/m/x"]), "leaked: a mount at /m/x"),
    "a mount twice": (SEEN._replace(mount_points=["/m/t", "/m/d", "/m/d"]), "leaked: a mount at /m/d"),
    "other data": (SEEN._replace(cargo={"t": "tex\0"}), "lost: data: tree reads 'tex\\x00', and was 'text'"),
    "a loop device twice": (SEEN._replace(devices=["d", "d"]), "leaked: a loop device on the disk of d"),
    "no loop device": (SEEN._replace(devices=[]), "lost: the loop device of disk"),
    "a connection of nobody's": (SEEN._replace(connected=["d", "x"]), "leaked: a connection of x"),
    "no connection": (SEEN._replace(connected=[]), "lost: the connection of disk"),
    "a temporary name": (SEEN._replace(temporary=[".making"]), "leaked: the temporary .making"),
    "a process": (SEEN._replace(processes=["1 mkfs"]), "leaked: the process 1 mkfs"),
    "a finding": (SEEN._replace(audit=["ghost p/v"]), "finding: ghost p/v"),
}  # fmt: skip


def _told() -> Notes:
    notes = Notes()
    notes.volumes = {"t": TREE, "d": DISK}
    notes.mounts = dict(AT)
    notes.written = {"t": "text"}
    notes.gone = {"gone"}
    return notes


def test_what_is_as_it_was_told_makes_no_difference() -> None:
    assert compare(_told(), SEEN) == []


@pytest.mark.parametrize(("seen", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_each_difference_is_told_and_nothing_else(seen: Seen, said: str) -> None:
    assert [f"{kind}: {what}" for kind, what in compare(_told(), seen)] == [said]


class Fleet:
    """A real daemon with a volume of each content, mounted and loaded; what its client was told."""

    def __init__(self, daemon: StormDaemon) -> None:
        self.daemon = daemon
        self.client = daemon.with_pools()
        self.notes = Notes()
        self.uids = {content: self._make(content) for content in ("directory", "filesystem", "block")}

    def _make(self, content: Content) -> str:
        fs: FileSystem | None = "ext4" if content == "filesystem" else None
        uid = self.client.create_volume("p", content, 4 << 20, content, fs).resource.uid
        point = self.daemon.mnt / content
        if content == "block":
            point.touch()
        else:
            point.mkdir()
        assert self.client.mount("p", content, str(point)).state == "done"
        assert cargo.write(str(point), content, uid)
        self.notes.volumes[uid] = Facts(content, 4 << 20, content, fs)
        self.notes.mounts[uid] = Place(str(point), False)
        self.notes.written[uid] = uid
        return uid

    def unmounted(self, content: str) -> str:
        """Unmount it in order; its uid."""
        (mount,) = self.client.mounts_of("p", content)
        assert self.client.unmount(mount).state == "done"
        del self.notes.mounts[self.uids[content]]
        return self.uids[content]

    def differences(self, client: Client | None = None) -> list[str]:
        """As the storm would tell them, those of the audit by their kind."""
        found = compare(self.notes, look(self.daemon, client or self.client, self.notes))
        return [_short(difference) for difference in found]


def _short(difference: Difference) -> str:
    kind, what = difference
    return f"{kind}: {what.split()[0]}" if kind == "finding" else f"{kind}: {what}"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    need_root()
    need("mkfs.ext4")
    with storm_daemon() as daemon:
        yield Fleet(daemon)


@pytest.mark.root
def test_volumes_devices_data_and_processes_broken_behind_the_daemons_back_are_seen(fleet: Fleet) -> None:
    assert fleet.differences() == []
    pool, directory, image = fleet.daemon.pool, fleet.unmounted("directory"), fleet.uids["filesystem"]
    assert fleet.differences() == []
    shutil.rmtree(pool / "volumes" / directory)
    removed = ["lost: the volume directory is not in its pool", "finding: ghost"]
    assert fleet.differences() == removed
    (fleet.daemon.mnt / "filesystem" / "cargo").write_text("other")
    data = f"lost: data: filesystem reads 'other', and was {image!r}"
    assert fleet.differences() == [removed[0], data, removed[1]]
    device = run("losetup", "--find", "--show", pool / "volumes" / image / "disk.raw").stdout.strip()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stray:
        fleet.daemon.sessions.insert(0, stray.pid)
        leaked = [f"leaked: a loop device on the disk of {image}", f"leaked: the process {stray.pid} sleep"]
        try:
            found = fleet.differences()
        finally:
            stray.kill()
            run("losetup", "--detach", device)
    assert [line for line in found if not line.startswith("finding")] == [removed[0], data, *leaked]


@pytest.mark.root
def test_a_record_deleted_from_the_database_and_a_claim_left_in_it_are_seen(fleet: Fleet) -> None:
    uid = fleet.unmounted("block")
    daemon = fleet.daemon
    database = daemon.state / "holdfast.db"
    assert daemon.stop() == 0
    assert left_in_journal(database) == []
    connection = apsw.Connection(str(database))
    connection.execute("DELETE FROM resources WHERE uid=?", (uid,))
    connection.execute("INSERT INTO claims(op, seq, item, mode) VALUES('op', 1, 'uid:u', 'shared')")
    connection.close()
    assert left_in_journal(database) == ["claims: op on uid:u"]
    assert fleet.differences(daemon.start().client()) == ["lost: the volume block has no record", "finding: orphan"]
