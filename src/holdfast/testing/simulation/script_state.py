"""Records and world as plain text that two machines can share: what a seed or a clock chose is renamed.

The same function reads both sides, over the contracts of the records and of the kernel. Ids are told by the
operation that drew them, loop devices by their images, and paths by the root that each side has its world below.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator

import msgspec

from holdfast.control.counters import COUNTER
from holdfast.drivers.dir.marks import POOL_MARK, PoolMark
from holdfast.engine.request import Bound
from holdfast.host import loops, signatures
from holdfast.host.kernel import Kernel
from holdfast.model.operations import Problem
from holdfast.model.resources import Attachment, Pool, Volume
from holdfast.records import meta, operations, resources
from holdfast.records.contract import Tx
from holdfast.testing.simulation.script_hands import PLACE, WRITTEN

_ID = re.compile(r"[0-9a-f]{32}")
# Files larger than this are images, and told by what they hold.
_SHORT = 64 << 10

State = dict[str, str]


class Names:
    """What ids mean: the operation that drew them, by its place in the queue, and the member."""

    def __init__(self, tx: Tx) -> None:
        self._known: dict[str, str] = {}
        for number, row in enumerate(reversed(operations.page(tx, most=1000))):
            drawn = msgspec.json.decode(row.ids, type=Bound).drawn
            self._known |= {
                drawn.operation: f"<operation {number}>", drawn.uid: f"<uid {number}>",
                drawn.fs_uuid: f"<fs {number}>", drawn.member: "<member>", drawn.owner: "<member>",
            }  # fmt: skip

    def plain(self, text: str) -> str:
        """Without ids. One that no operation drew stays: no other machine has the same."""
        return _ID.sub(lambda found: self._known.get(found[0], found[0]), text)


# -- records ---------------------------------------------------------------------------------------


def of_records(tx: Tx, names: Names, root: str) -> State:
    """Operations in their order, what they made, and how many claims and children are left."""
    told: State = {}
    for number, row in enumerate(reversed(operations.page(tx, most=1000))):
        code = msgspec.json.decode(row.error, type=Problem).code if row.error else ""
        ref = _below(root, names.plain(f"{row.ref_kind} {row.ref_uid} {row.ref_path}"))
        told[f"operation {number}"] = f"{row.kind} {row.state} {code}: {ref}"
    rows: list[Pool | Volume | Attachment] = [
        *resources.page(tx, Pool), *resources.page(tx, Volume), *resources.page(tx, Attachment)
    ]  # fmt: skip
    for resource in rows:
        told[names.plain(f"record {resource.uid}")] = _below(root, names.plain(_resource(resource)))
    for table in ("claims", "children"):
        told[table] = str(tx.run(f"SELECT COUNT(*) FROM {table}")[0][0])
    return told


def _resource(resource: Pool | Volume | Attachment) -> str:
    kept = msgspec.to_builtins(resource)
    for name in ("uid", "created"):
        del kept[name]
    kept["conditions"] = [[each.type, each.status] for each in resource.conditions]
    if isinstance(resource, Pool):
        del kept["status"]["identity"]
    return msgspec.json.encode(kept, order="deterministic").decode()


def _below(root: str, text: str) -> str:
    return text.replace(root, "") if root else text


# -- world -----------------------------------------------------------------------------------------


class Look:
    """One look at the world below `root`."""

    def __init__(self, kernel: Kernel, names: Names, root: str, counter: int) -> None:
        self._kernel = kernel
        self._names = names
        self._root = root
        self._counter = counter
        self._images: dict[int, str] = {}

    def told(self) -> State:
        """Loop devices, mounts, and all names in the pools' places and where volumes are mounted."""
        told: State = {}
        seen: Counter[str] = Counter()
        for loop in loops.attached(self._kernel):
            if loop.file.startswith(f"{self._root}/srv/"):
                image = self._images[loop.number] = self._plain(loop.file)
                seen[image] += 1
                told[f"device {seen[image]} of {image}"] = f"autoclear {loop.autoclear}, read-only {loop.read_only}"
        for place in ("/srv", "/mnt"):
            told |= dict(self._mounts(place)) | dict(self._tree(place))
        return told

    def _plain(self, text: str) -> str:
        return self._names.plain(_below(self._root, text))

    def _mounts(self, place: str) -> Iterator[tuple[str, str]]:
        seen: Counter[str] = Counter()
        for mount in self._kernel.mounts():
            if mount.path.startswith(f"{self._root}{place}/"):
                path = self._plain(mount.path)
                seen[path] += 1
                device = re.fullmatch(r"/loop(\d+)", mount.root)
                number = int(device[1]) if device else mount.device[1] if mount.device[0] == loops.MAJOR else -1
                what = self._images.get(number, self._plain(mount.root))
                fs = "device" if device else mount.fs
                yield f"mount {seen[path]} at {path}", f"{fs} {what}, read-only {mount.read_only}"

    def _tree(self, path: str) -> Iterator[tuple[str, str]]:
        for name in sorted(self._kernel.listdir(self._root + path)):
            below = f"{path}/{name}"
            mode = self._kernel.stat(self._root + below, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield self._plain(below), "directory"
                yield from self._tree(below)
            elif stat.S_ISREG(mode):
                yield self._plain(below), self._file(below)
            else:
                yield self._plain(below), f"kind {stat.S_IFMT(mode):o}"

    def _file(self, path: str) -> str:
        fd = self._kernel.open(self._root + path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = self._kernel.fstat(fd).st_size
            if size > _SHORT:
                return f"{size} bytes, {self._signature(fd)}"
            content = signatures.read_exactly(fd, 0, size, self._kernel) if size else b""
        finally:
            self._kernel.close(fd)
        if path.endswith(f"/{POOL_MARK}"):
            return self._pool_mark(content)
        return self._plain(content.decode(errors="backslashreplace"))

    def _pool_mark(self, content: bytes) -> str:
        """Its counter goes with the time: the database's is never behind it."""
        mark = msgspec.json.decode(content, type=PoolMark)
        return self._plain(f"{mark.format} {mark.pool} {mark.owner}, ahead {mark.counter > self._counter}")

    def _signature(self, fd: int) -> str:
        found = signatures.probe(fd, self._kernel)
        if not isinstance(found, signatures.Holds):
            return repr(found)
        if found.uuid:
            return self._names.plain(f"{found.kind} {found.uuid}")
        return f"{found.kind}, {signatures.read_exactly(fd, PLACE, len(WRITTEN), self._kernel)!r}"


def read(tx: Tx, kernel: Kernel, root: str) -> State:
    """All of it. `root` is empty, or the path of a directory."""
    names = Names(tx)
    return of_records(tx, names, root) | Look(kernel, names, root, meta.get(tx, COUNTER)).told()
