"""CSI broken: calls answered from the records, staging that is not looked at, mount points left."""

from tests.mutants.mutant import Mutant, Seeds, Suite

USING, NODES, GROUPS = "faces/csi/using.py", "tests/csi/test_nodes.py", "tests/csi/test_groups.py"

CSI = (
    Mutant(
        2, "what is staged is there by its record", USING,
        "        if self.is_there(row) and row.status.ready and not",
        "        if row.status.ready and not",
        Seeds(5, csi=True),
    ),
    Mutant(
        6, "what is recorded as published counts as unpublished", USING,
        "            if row is None or row.parent != volume:",
        "            if row is None or row.parent != volume or row.spec.use == use:",
        Seeds(1, csi=True),
    ),
    Mutant(
        7, "a mount point that was published at is left", "steps/points.py",
        '            return Todo(reason=f"{self.path} is still there")', "            return Done()",
        Seeds(1, csi=True),
    ),
    Mutant(
        4, "what is mounted by others at a path is taken for nothing", USING,
        "        if row is None and top is not None:", "        if row is None and top is None:",
        Suite(NODES, "no_record_knows", why="nobody mounts by hand below the kubelet's directory there"),
    ),
    Mutant(
        6, "a volume is unstaged under what is published", "faces/csi/node.py",
        "            if using.is_there(row) or os.path.lexists(os.path.dirname(row.spec.path)):",
        "            if using.is_there(row) and not row.spec.path:",
        Suite(NODES, "wrong_order", why="it asks for that only now and then, and each mount is a mount of its own"),
    ),
    Mutant(
        1, "the volumes of a group are frozen one after the other", "host/taking.py",
        "            if not moment.enter_context(_frozen(kernel, each)):\n                return []\n",
        "            with _frozen(kernel, each):\n                pass\n",
        Suite(GROUPS, "in_order", why="of whoever writes to two volumes in turn the simulation knows nothing"),
    ),
    Mutant(
        6, "what an earlier attempt of a group published stays", "drivers/dir/grouping.py",
        "            if not self._makes.unmake(pool, volume, making):\n", "            if False:\n",
        Suite(GROUPS, "all_are_there_or_none", why="it has that seldom, and this always"),
    ),
)  # fmt: skip
