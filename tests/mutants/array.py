"""Mutants of what is done on an array, and of the devices that it shows here."""

from tests.mutants.mutant import Mutant, Seeds, Suite

VOLUMES, STEPS = "drivers/flasharray/volumes.py", "steps/connection.py"
COPYING = "drivers/flasharray/copying.py"

ARRAY = (
    Mutant(
        2,
        "an undo takes a list that is older than its disconnect for the connection",
        STEPS,
        "still shows it.\n        return long_past(",
        "still shows it.\n        return (lambda _ctx, _settle, found, taken: found)(",
        Seeds(114, array=True),
    ),
    Mutant(
        2,
        "a connection that is not listed is none, however late a request may come",
        STEPS,
        "Todo(Wanted(host)), Done())\n        return long_past(",
        "Todo(Wanted(host)), Done())\n        return (lambda _ctx, _settle, found, taken: found)(",
        Seeds(80, array=True),
    ),
    Mutant(
        2,
        "an operation ends while what it sent and got no answer to may still take effect",
        "engine/runner.py",
        "        if late > 0:",
        "        if late < 0:",
        Seeds(3103528931, array=True),
    ),
    Mutant(
        2,
        "the device that a start of the machine took is not looked for again",
        "steps/arrival.py",
        "isinstance(driver.look_device(pool, volume), Absent):",
        "volume.size < 0:",
        Suite("tests/array/test_arrival.py", why="few seeds start the machine between two steps of a mount"),
    ),
    Mutant(
        3,
        "a pod without a mark holds nothing",
        "drivers/flasharray/seeing.py",
        "        return Unknown(error.detail)",
        "        return Absent() if isinstance(error, NotMarked) else Unknown(error.detail)",
        Suite("tests/conformance/test_flasharray_driver.py", "hidden", why="nobody takes a mark away there"),
    ),
    Mutant(
        3,
        "an array that is away holds nothing",
        "drivers/flasharray/seeing.py",
        "        return Unknown(error.detail)",
        "        return Absent()",
        Seeds(1, array=True),
    ),
    Mutant(
        4,
        "the connections of strangers are cut with ours",
        VOLUMES,
        "        if strangers:\n            raise InUse(",
        "        if strangers and not found:\n            raise InUse(",
        Suite("tests/conformance/test_flasharray_driver.py", "stranger", why="use is looked at before a removal"),
    ),
    Mutant(
        4,
        "the owner in a volume's tags is not compared",
        "drivers/flasharray/seeing.py",
        '        if (said.owner, said.uid, said.id) != (pool.owner, volume.uid, item["id"]):',
        '        if (said.uid, said.id) != (volume.uid, item["id"]):',
        Suite("tests/conformance/test_flasharray_driver.py", "left_alone", why="a tag may change behind the last look"),
    ),
    Mutant(
        5,
        "a volume is destroyed without being disconnected",
        VOLUMES,
        "            if self.disconnect(pool, volume, found, keeper):",
        "            if found.tags and False:",
        Seeds(1, array=True),
    ),
    Mutant(
        5,
        "the undo of an attach leaves the device",
        "steps/device.py",
        "        found = self._is_gone(ctx)\n        return Done() if isinstance(found, Conflict) else found",
        "        return Done()",
        Seeds(1, array=True),
    ),
    Mutant(
        5,
        "the last pool goes, and the entry of the host stays",
        "operations/pool/delete.py",
        "if pool.status.connects and _is_last(tx, pool):",
        "if pool.status.connects and not place.uid:",
        Seeds(1, array=True),
    ),
    Mutant(
        7,
        "a pool is forgotten while devices of it are here",
        "operations/pool/forget.py",
        "return (*paths, DevicesGone(pool_ref(pool, bound.drawn.owner), known)) if known else paths",
        "return paths",
        Suite("tests/array/test_pools.py", "forgotten", why="a device is seldom left when a pool is forgotten"),
    ),
    Mutant(
        7,
        "what another operation made is unmade",
        VOLUMES,
        "            case Present(found) if found.tags is None or found.tags.operation == making.operation:",
        "            case Present(found):",
        Suite("tests/conformance/test_flasharray_driver.py", "another_operations", why="no two make one volume"),
    ),
    Mutant(
        6,
        "a restore on an array is noted before it is done",
        COPYING,
        """        session.change("restore", "POST", "volumes", query, {"source": {"name": held.name}})
        self._volumes.tag(pool, found.item["id"], "tag-restored", {"operation": operation})""",
        """        self._volumes.tag(pool, found.item["id"], "tag-restored", {"operation": operation})
        session.change("restore", "POST", "volumes", query, {"source": {"name": held.name}})""",
        Seeds(14, array=True, taking=True),
    ),
    Mutant(
        6,
        "a copy on an array is whole before it was settled",
        "steps/settling.py",
        "    def _do(self,",
        "    def judge(self, ctx: Context) -> object:\n        from holdfast.model.step import Done\n\n"
        "        return Done()\n\n    def _do(self,",
        Seeds(2, array=True, taking=True),
    ),
    Mutant(
        6,
        "what a mounted file system holds back is not in its snapshot",
        COPYING,
        "            self._children.run(keeper,",
        "            (lambda *_: None)(keeper,",
        Suite("tests/array/test_snapshots.py", "before_is_in_a_snapshot", why="tenants there sync what they write"),
    ),
    Mutant(
        3,
        "a restore overwrites what is in use",
        COPYING,
        "        if self._volumes.disconnect(",
        "        if not self._volumes and self._volumes.disconnect(",
        Suite("tests/conformance/test_flasharray_driver.py", "in_use_is_not_restored", why="its step looks before"),
    ),
)
