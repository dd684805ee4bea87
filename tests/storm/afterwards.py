"""After a storm: records of the disk's pool are lost, and come back from the pool alone, whatever is killed then."""

import shutil

from holdfast.client import Client
from holdfast.model.operations import OperationView
from tests.storm.notes import Facts, Notes
from tests.storm.settings import FS
from tests.storm.storm import Storm

_SIZE = 1 << 20


def lose(storm: Storm, client: Client, notes: Notes) -> None:
    """Forget the pool, and import it; then lose a volume to an older database, and adopt it. `notes` say what is so."""
    for mount in client.mounts():
        assert client.unmount(mount).state == "done"
    notes.mounts.clear()
    assert client.delete_pool("p", forget=True).state == "done"
    config, driver = {"source": str(storm.daemon.pool)}, "btrfs" if FS == "btrfs" else "dir"
    _killed(storm, client, client.import_pool("p", config, driver, wait=None))
    _adopted(storm, client, notes)


def _adopted(storm: Storm, client: Client, notes: Notes) -> None:
    older = storm.daemon.root / "older.db"
    client.backup(str(older))
    made = client.create_volume("p", "made-later", _SIZE, "block")
    notes.volumes[made.resource.uid] = Facts("made-later", _SIZE, "block", None)
    assert storm.daemon.stop() == 0
    for name in ("holdfast.db-wal", "holdfast.db-shm"):
        (storm.daemon.state / name).unlink(missing_ok=True)
    shutil.copy(older, storm.daemon.state / "holdfast.db")
    storm.again()
    client.resume()
    _killed(storm, client, client.adopt("p", wait=None))


def _killed(storm: Storm, client: Client, op: OperationView) -> None:
    """In the middle, and done all the same."""
    storm.kill()
    storm.again()
    assert client.wait(op.id, 60).state == "done"
