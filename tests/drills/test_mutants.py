"""A drill is no theatre: a Holdfast that is broken in one line, as others were, fails it."""

import os
import pathlib
import shutil
from typing import NamedTuple

import pytest

from holdfast.model.errors import DrillFailed
from tests.daemon import scratch
from tests.drills.place import NAMES, drill, left, tools

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SOURCE = pathlib.Path(__file__).parents[2] / "src" / "holdfast"

pytestmark = pytest.mark.root


class Broken(NamedTuple):
    """One line of `file` changed, and what the drill says of it. `also` takes away the guards behind it.

    A `slow` one never ends, and is waited for: it is played in `make proof`.
    """

    drill: str
    name: str
    file: str
    old: str
    new: str
    says: str
    also: tuple[tuple[str, str, str], ...] = ()
    slow: bool = False


# The driver disconnects a volume before it destroys it, whatever was done before.
UNGUARDED = (
    "drivers/flasharray/volumes.py",
    "        if self.disconnect(pool, volume, found, keeper):", "        if found.tags and False:",
)  # fmt: skip

# What never ends is not waited for so long.
HURRIED = ("drills/private.py", "PATIENCE = 60.0", "PATIENCE = 8.0")
NO_LAST_LOOK = (
    "engine/undo.py", '            if self._live.rows[idx].state != "undone":', "            if self._live.rows:"
)  # fmt: skip

BROKEN = (
    Broken(
        "ceph-csi-4762", "a mount hides what is in its directory", "host/mountpoints.py",
        "    if directory and kernel.listdir(path):\n", "    if directory and not path:\n",
        "files in the directory left empty: attachment.restore is done instead of undone",
    ),
    Broken(
        "longhorn-10416", "what cannot be read is formatted", "host/mounting.py",
        '        raise Again(f"The volume cannot be read: {found.reason}.")\n',
        '        found = Holds(fs, uuid) if not os.system(f"mkfs.ext4 -qF {source}") else found\n',
        "gone between look and mount: the image was written to",
    ),
    Broken(
        "longhorn-10416", "a device that cannot be opened counts as blank", "host/signatures.py",
        '        return Unknown(f"it cannot be opened for reading: {error.strerror}")', "        return Blank()",
        "gone between look and mount: attachment.mount is undone instead of waiting",
    ),
    Broken(
        "longhorn-13668", "what the device shows at a mount is not compared", "host/mounting.py",
        "    if found != Holds(fs, uuid):", "    if False:",
        "device reads zeros at mount: attachment.mount is done instead of undone",
    ),
    Broken(
        "longhorn-13668", "a format is not proven", "host/formats.py",
        "    found = signatures.probe(fd, kernel)\n    if found != Holds(fs, uuid):\n        raise Again(",
        "    found = signatures.probe(fd, kernel)\n    if not found:\n        raise Again(",
        "zeros from mkfs on: volume.create is done instead of waiting",
    ),
    Broken(
        "longhorn-13668", "an image is formatted until it looks so", "host/formats.py",
        '    children.run(keeper, f"mkfs-{fs}", {"fs": fs, "uuid": uuid}, (fd,), DEADLINE)\n',
        '    for _ in "12":\n        children.run(keeper, f"mkfs-{fs}", {"fs": fs, "uuid": uuid}, (fd,), DEADLINE)\n',
        "an image was formatted twice",
    ),
    Broken(
        "longhorn-14042", "a failed read counts as blank", "host/signatures.py",
        '        return Unknown(f"a read failed: {error.strerror}")', "        return Blank()",
        "reads fail at a mount: attachment.mount is undone instead of waiting",
    ),
    Broken(
        "longhorn-14042", "what cannot be read is formatted when it is made", "host/formats.py",
        '        raise Again(f"Whether the device is blank cannot be told: {found.reason}. Nothing was written.")',
        "        return",
        "reads fail on a new volume: mkfs ran on what could not be read",
    ),
    Broken(
        "lxd-12624", "undo only withdraws the rows", "engine/runner.py",
        "        return Undo(self._journal, live, verbs).leg()\n\n    def _begin(",
        "        self._journal.end(live, 'undone', lambda tx: live.request.withdrawn(tx, live.bound))\n"
        "        return Ended()\n\n    def _begin(",
        "killed between two undos: nothing passed the failpoint",
    ),
    Broken(
        "lxd-12624", "after a crash what is not recorded was not done", "engine/engine.py",
        "            return Live(row, rows, children, self._codec, clock)",
        "            return Live(row, rows if row.direction == 'forward' else [], children, self._codec, clock)",
        "killed between two undos: a loop device is left",
    ),
    Broken(
        "lxd-12624", "what is left of an unfinished volume is not looked for", "drivers/dir/making.py",
        "        names = [unfinished(pool, volume, making.operation, attempt) for attempt in attempts]\n",
        "        names: list[str] = []\n",
        "killed amid the discarding: nothing passed the failpoint",
    ),
    Broken(
        "lxd-15210", "what is connected counts as gone", "drivers/flasharray/volumes.py",
        "                return Present(found.name)\n", "                return Absent()\n",
        "the device never appears: left is ",
    ),
    Broken(
        "lxd-15210", "a device that is busy is not waited for", "steps/device.py",
        "        found = self._is_gone(ctx)\n        return Done() if isinstance(found, Conflict) else found\n",
        "        return Done()\n",
        "the device is busy when it is to be taken back: it was disconnected below its user",
    ),
    Broken(
        "lxd-15210", "an error in the undo is its end", "engine/undo.py",
        "        if answer is not None:\n            return self._verbs.wait(answer.reason)\n",
        "        if answer is not None:\n            live = self._live\n"
        "            end = self._journal.end(live, 'undone', lambda tx: live.request.withdrawn(tx, live.bound))\n"
        "            return Ended(tuple(end))\n",
        "and the answers to connect and disconnect are lost: left is ",
    ),
    Broken(
        "lxd-15210", "an error in the undo is dropped", "engine/undo.py",
        "            return self._verbs.wait(verdict.reason, verdict.within)\n"
        "        if isinstance(verdict, Conflict):",
        "            return self._accept(idx)\n        if isinstance(verdict, Conflict):",
        "and the array is away for the whole undo: ", (NO_LAST_LOOK, UNGUARDED, HURRIED), slow=True,
    ),
    Broken(
        "lxd-15210", "a volume is deleted without being disconnected", "steps/connection.py",
        '        """Cut again."""\n        found = self._is_cut(ctx)\n',
        '        """Cut again."""\n        found = Done()\n',
        "the device never appears: ", (UNGUARDED, HURRIED), slow=True,
    ),
    Broken(
        "lxd-16177", "what was connected for a while stays so", "operations/connecting.py",
        "    return *arriving(place, what, member), *steps, *leaving(place, what, member, back=False)\n",
        "    return *arriving(place, what, member), *steps\n",
        "its file system is checked: connected is [",
    ),
    Broken(
        "lxd-16177", "every connection counts as found", "steps/connection.py",
        "        return not ctx.result(Connected).made\n", "        return True\n",
        "its file system is checked: connected is [",
    ),
)  # fmt: skip


# Of each drill.
FIRST = [next(each for each in BROKEN if each.drill == name and not each.slow) for name in NAMES]


@pytest.mark.parametrize("broken", BROKEN if PROOF else FIRST, ids=lambda broken: f"{broken.drill}: {broken.name}")
def test_a_broken_holdfast_fails_the_drill(broken: Broken) -> None:
    tools()
    with scratch() as root:
        shutil.copytree(SOURCE, root / "holdfast")
        for name, old, new in ((broken.file, broken.old, broken.new), *broken.also):
            file = root / "holdfast" / name
            text = file.read_text()
            assert text.count(old) == 1, f"{name} has changed; bring this up to date"
            file.write_text(text.replace(old, new))
        done = drill(root / "tmp", "run", broken.drill, PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE="1")
        assert (done.status, left(root)) == (DrillFailed.exit, []), done
        assert done.out.splitlines()[-1].startswith("FAILED: ")
        assert broken.says in done.out


def test_an_unchanged_copy_passes(tmp_path: pathlib.Path) -> None:
    tools()
    shutil.copytree(SOURCE, tmp_path / "holdfast")
    with scratch() as root:
        done = drill(root / "tmp", "run", "--all", PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
        assert done.status == 0, done


def test_every_drill_has_one() -> None:
    assert {broken.drill for broken in BROKEN} == set(NAMES)
