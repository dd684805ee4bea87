"""The invariants that hold after every history."""

import contextlib
import os
import time

from holdfast.control.daemon import Daemon
from holdfast.host import loops, mounttable, syscalls
from holdfast.host.facts import Loop
from holdfast.host.linux import LINUX
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.records import claims, resources
from holdfast.testing.forked import forked
from holdfast.testing.matrix.scenario import Broken
from holdfast.testing.sparse import data
from holdfast.testing.universe import Universe

# A mount point that is published at comes and goes with what is; in `mnt` of the scratch directory.
POINT = "point"
# How long the kernel may take to let go of a loop device whose last user is gone; real seconds.
_GRACE = 10.0


def contents(scratch: str) -> dict[str, list[tuple[int, bytes]]]:
    """The bystanders' files."""
    other = os.path.join(scratch, "other")
    return {name: data(os.path.join(other, name)) for name in sorted(os.listdir(other))}


def check_records(daemon: Daemon) -> None:
    """No claim is left."""
    held = daemon.records.read(claims.held)
    if held:
        raise Broken(f"claims are left: {held}")


def check_audit(universe: Universe, daemon: Daemon) -> None:
    """The product's own audit finds nothing, once the kernel let go of devices whose last user is gone.

    A mount namespace that somebody makes on this machine holds one for as long as it lives.
    """
    end = time.monotonic() + _GRACE
    while findings := universe.run(lambda: daemon.repair.run(repair=False)):
        if any(found.kind != "leaked-device" for found in findings) or time.monotonic() > end:
            raise Broken(f"the audit found {findings}")
        time.sleep(0.01)


def check_world(universe: Universe, daemon: Daemon, *, forgotten: bool = False) -> None:
    """The world is as the records say. What was in and on a pool that was `forgotten` is left as it was."""
    scratch = universe.scratch
    wanted = {a.spec.path for a in daemon.records.read(lambda tx: resources.page(tx, Attachment))}
    mounted = {m.path for m in mounttable.read() if m.path.startswith(scratch + "/")}
    if mounted != wanted:
        raise Broken(f"mounted {mounted}, wanted {wanted}")
    point = os.path.join(scratch, "mnt", POINT)
    if os.path.lexists(point) != (point in wanted):
        raise Broken(f"the mount point {'is left' if os.path.lexists(point) else 'is gone'}")
    for path in wanted:
        if os.path.isdir(path) and _was_frozen(path):
            raise Broken(f"the file system at {path} was left frozen")
    if not wanted and not forgotten and (left := _left(scratch)):
        raise Broken(f"loop devices are left: {left}")
    pools = daemon.records.read(lambda tx: resources.page(tx, Pool))
    if not pools and not forgotten and os.listdir(os.path.join(scratch, "pool")):
        raise Broken("no pool is recorded, and its directory is not empty")
    for place in ("pool", "second"):
        for directory, names, files in os.walk(os.path.join(scratch, place)):
            for name in (*names, *files):
                if name.startswith(".") and not name.startswith(".holdfast-pool.json.new"):
                    raise Broken(f"a temporary name is left: {directory}/{name}")
    if universe.alive:
        raise Broken("it ended while a child was alive")
    if differs := universe.disagreement(daemon):
        raise Broken(differs)


def _was_frozen(path: str) -> bool:
    """It is thawed by the look: else nobody could clear up here."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        LINUX.thaw(fd)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def check_file_systems(universe: Universe, daemon: Daemon) -> None:
    """What is recorded as formatted is a whole file system, as its own tool says."""
    rows: list[Volume | Snapshot] = []
    rows += daemon.records.read(lambda tx: resources.page(tx, Volume))
    rows += daemon.records.read(lambda tx: resources.page(tx, Snapshot))
    for volume in rows:
        if volume.spec.content != "filesystem" or not volume.status.ready:
            continue
        image = os.open(universe.image(volume), os.O_RDONLY | os.O_CLOEXEC)
        try:
            raw, status = forked(f"fsck-{volume.spec.fs}", {"fs": volume.spec.fs}, (image,))
        finally:
            os.close(image)
        if status:
            raise Broken(f"the {volume.spec.fs} of {volume.name} is not whole: {raw.decode(errors='replace')}")


def devices(scratch: str) -> list[Loop]:
    """Loop devices of images in the scratch directory."""
    return [loop for loop in loops.attached() if loop.file.startswith(scratch + "/")]


def _left(scratch: str) -> list[Loop]:
    """The devices that are left once those are gone that go with their last user."""
    end = time.monotonic() + _GRACE
    while (left := devices(scratch)) and all(loop.autoclear for loop in left) and time.monotonic() < end:
        time.sleep(0.001)
    return left


def tidy(scratch: str) -> None:
    """Unmount and detach whatever is left, and wait for the kernel to have done it."""
    for mount in reversed([m for m in mounttable.read() if m.path.startswith(scratch + "/")]):
        with contextlib.suppress(OSError):  # what hides below another is reached in its turn
            syscalls.umount(mount.path)
    for loop in _left(scratch):
        loops.detach(loop)
