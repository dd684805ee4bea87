"""What is there: as the daemon shows it, and as the pool's disk, the kernel and the journal have it."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

import apsw

from holdfast.client import Client
from holdfast.drivers.flasharray import names
from holdfast.host.forks import Workers
from holdfast.model.operations import ENDED
from holdfast.model.views import MountView
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
    volumes = {volume.uid: (pool, volume) for pool in POOLS for volume in client.volumes(pool)}
    uids = {volume.name: uid for uid, (_pool, volume) in volumes.items()}
    snapshots = {
        each.uid: (pool, uid, each)
        for uid, (pool, volume) in volumes.items()
        for each in client.snapshots(pool, volume.name)
    }
    called = {(uids[each.volume], each.name): uid for uid, (_pool, _of, each) in snapshots.items()}
    mounts = client.mounts()
    return Seen(
        recorded={uid: Facts(v.name, v.size, v.content, v.fs, pool) for uid, (pool, v) in volumes.items()}
        | {uid: Facts(s.name, s.size, s.content, s.fs, pool, of) for uid, (pool, of, s) in snapshots.items()},
        unready=[uid for uid, (_pool, v) in volumes.items() if not v.ready]
        + [uid for uid, (_pool, _of, s) in snapshots.items() if not s.ready],
        shown={_mounted(m, uids, called): Place(m.path, m.read_only) for m in mounts if m.mounted},
        audit=[f"{found.kind} {found.subject}: {found.evidence}" for found in client.audit()],
        on_disk=[*os.listdir(daemon.pool / "volumes"), *on_array(daemon.array)],
        temporary=temporary_below(daemon.pool),
        mount_points=mounts_below(daemon.mnt),
        devices=[*backed_by(daemon.pool / "volumes"), *_shown(daemon.array)],
        cargo={
            uid: cargo.read(notes.mounts[uid].path, notes.known[uid].content, text)
            for uid, text in notes.written.items()
            if uid in notes.mounts
        }
        | {
            uid: cargo.kept(daemon.pool / "volumes" / uid, facts.content, notes.written[uid])
            for uid, facts in notes.snapshots.items()
            if uid in notes.written and facts.content != "filesystem" and facts.pool == "p"
        },
        connected=[
            named.uid for _, name in sorted(daemon.array.array.state.connections) if (named := names.parse(name))
        ],
        processes=strays(daemon),
    )


def _mounted(mount: MountView, uids: dict[str, str], called: dict[tuple[str, str], str]) -> str:
    """The uid of the volume, or of the snapshot, that is mounted."""
    uid = uids.get(mount.volume, mount.volume)
    return called.get((uid, mount.snapshot), mount.snapshot) if mount.snapshot else uid


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
    """Processes of daemons that are over, and of the living one whoever is still at work, or one too many."""
    known = set()
    if daemon.process:
        kept = sorted(processes.idle(daemon.fork_server))[: Workers.most_idle]
        known = {str(pid) for pid in (daemon.pid, daemon.fork_server, *kept)}
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
