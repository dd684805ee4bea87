"""What is there: as the daemon shows it, and as the pool's disk, the kernel and the journal have it."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

import apsw

from holdfast.client import Client
from holdfast.drivers.flasharray import names
from holdfast.model.operations import ENDED
from holdfast.testing.flasharray.server import ArrayServer
from holdfast.testing.flasharray.shelf import VOLUMES
from tests.daemon import mounts_below, temporary_below
from tests.storm import cargo, processes
from tests.storm.notes import Facts, Notes, Place
from tests.storm.place import StormDaemon

# On a disk, and on the array.
POOLS = ("p", "a")


class Seen(NamedTuple):
    """`recorded`, `shown` and `audit` by the daemon's word; the rest by our own look."""

    recorded: dict[str, Facts]
    unready: list[str]
    shown: dict[str, Place]
    audit: list[str]
    on_disk: list[str]
    temporary: list[str]
    mount_points: list[str]
    devices: list[str]
    cargo: dict[str, str]
    connected: list[str]
    processes: list[str]


def look(daemon: StormDaemon, client: Client, notes: Notes) -> Seen:
    """All of it, while no operation is under way."""
    pools = {volume.uid: pool for pool in POOLS for volume in client.volumes(pool)}
    volumes = [volume for pool in POOLS for volume in client.volumes(pool)]
    uids = {volume.name: volume.uid for volume in volumes}
    snapshots = [each for volume in client.volumes("p") for each in client.snapshots("p", volume.name)]
    mounts = client.mounts()
    return Seen(
        recorded={v.uid: Facts(v.name, v.size, v.content, v.fs, pools[v.uid]) for v in volumes}
        | {s.uid: Facts(s.name, s.size, s.content, s.fs, "p", uids[s.volume]) for s in snapshots},
        unready=[v.uid for v in volumes if not v.ready] + [s.uid for s in snapshots if not s.ready],
        shown={uids.get(m.volume, m.volume): Place(m.path, m.read_only) for m in mounts if m.mounted},
        audit=[f"{found.kind} {found.subject}: {found.evidence}" for found in client.audit()],
        on_disk=[*os.listdir(daemon.pool / "volumes"), *on_array(daemon.array)],
        temporary=temporary_below(daemon.pool),
        mount_points=mounts_below(daemon.mnt),
        devices=[*backed_by(daemon.pool / "volumes"), *_shown(daemon.array)],
        cargo={
            uid: cargo.read(notes.mounts[uid].path, notes.volumes[uid].content, text)
            for uid, text in notes.written.items()
            if uid in notes.mounts
        }
        | {
            uid: cargo.kept(daemon.pool / "volumes" / uid, facts.content, notes.written[uid])
            for uid, facts in notes.snapshots.items()
            if uid in notes.written and facts.content != "filesystem"
        },
        connected=[
            named.uid for _, name in sorted(daemon.array.array.state.connections) if (named := names.parse(name))
        ],
        processes=strays(daemon),
    )


def on_array(server: ArrayServer) -> dict[str, str]:
    """Serials of what is there and not destroyed, by uid."""
    with server.lock:
        volumes = list(server.array.state.volumes.values())
    return {
        named.uid: each.serial for each in volumes if each.destroyed_at is None and (named := names.parse(each.name))
    }


def _shown(server: ArrayServer) -> list[str]:
    """As `backed_by`; of a volume that is gone from the array, its serial."""
    uids = {serial: uid for uid, serial in on_array(server).items()}
    serials = [serial.removesuffix(" (deleted)") for serial in backed_by(Path(server.root) / VOLUMES)]
    return [uids.get(serial, serial) for serial in serials]


def backed_by(volumes: Path) -> list[str]:
    """The uids of the volumes that loop devices stand on, one for each device."""
    found = []
    for node in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            file = node.read_text().strip()
            if file.startswith(f"{volumes}/"):
                found.append(file.removeprefix(f"{volumes}/").split("/")[0])
    return found


def strays(daemon: StormDaemon) -> list[str]:
    """Processes of daemons that are over, and workers of the living one."""
    known = {str(daemon.pid), str(daemon.fork_server)} if daemon.process else set()
    return [line for line in processes.of_sessions(daemon.sessions) if line.split()[0] not in known]


def left_in_journal(database: Path) -> list[str]:
    """Claims, children and unfinished operations in the database of a daemon that ended."""
    connection = apsw.Connection(str(database))
    try:
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        asked = {
            "claims": "SELECT op || ' on ' || item FROM claims",
            "children": "SELECT op || ' pid ' || pid FROM children",
            "operations": f"SELECT id || ' ' || state FROM operations WHERE state NOT IN ({ended})",
        }
        return [f"{table}: {row[0]}" for table, sql in asked.items() for row in connection.execute(sql)]
    finally:
        connection.close()
