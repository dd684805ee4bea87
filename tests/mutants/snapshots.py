"""Mutants of snapshots, clones and restores."""

from tests.mutants.mutant import Mutant, Seeds, Suite

DRIVER, WORK = "tests/conformance/test_dir_simulated.py", "tests/conformance/kernels/test_work.py"
COPIES, RESTORE, TAKING = "drivers/dir/copies.py", "steps/restore.py", "host/taking.py"

SNAPSHOTS = (
    Mutant(
        2, "a restore is done when the volume is there", RESTORE,
        "lambda facts: Done() if facts.operation == ctx.operation else Todo(), _GONE)",
        "lambda facts: Done() if facts.tidy else Todo(), _GONE)",
        Seeds(1, taking=True),
    ),
    Mutant(
        3, "a volume with snapshots is deleted", "operations/volume/delete.py",
        "        if resources.has_children(tx, Snapshot, volume.uid):",
        "        if resources.has_children(tx, Snapshot, self.name):",
        Seeds(1, taking=True),
    ),
    Mutant(
        3, "a copy is published with its first round", COPIES,
        '                if not answer["shared"]:\n                    return self._round(access.fd, target, 0)',
        '                if not answer["shared"]:\n                    self._round(access.fd, target, 0)',
        Suite("tests/conformance/test_dir_driver.py", "rounds and plain", why="what it copies there takes one round"),
    ),
    Mutant(
        4, "a clone keeps the identity of its source", COPIES,
        "target, volume.fs, volume.fs_uuid,\n                anew=volume.fs_uuid != source.fs_uuid,",
        "target, volume.fs, source.fs_uuid or '',\n                anew=False,",
        Suite(DRIVER, "identity_of_its_own", why="two of one identity are never side by side there"),
    ),
    Mutant(
        4, "what is another owner's is taken over with the pool", "drivers/dir/importing.py",
        "            if mark.owner != pool.owner or mark.uid != name:", "            if mark.uid != name:",
        Suite(DRIVER, "Imports", why="nobody takes pools over there"),
    ),
    Mutant(
        4, "a pool is taken over before what is in it", "drivers/dir/importing.py",
        "            if mark.owner == owner:\n                return True\n",
        "            new = encode(msgspec.structs.replace(mark, owner=owner))\n"
        "            self._files.replace('pool.take-over', root, POOL_MARK, new)\n"
        "            if mark.owner == owner:\n                return True\n",
        Suite(DRIVER, "Imports", why="nobody takes pools over there"),
    ),
    Mutant(
        2, "another part of a compressed extent is the same", "host/extentctl.py",
        "_NOT_EXACT = 0x2 | 0x4 | 0x8 |", "_NOT_EXACT = 0x2 | 0x4 |",
        Suite("tests/host/test_changed.py", "another_part", why="nothing is compressed there"),
    ),
    Mutant(
        2, "what an image left while it was looked at is still its own", "host/changed.py",
        "not (_same(old, new) and _same(still, new))", "not _same(old, new)",
        Suite("tests/host/test_changed.py", "moves_while", why="nothing moves there"),
    ),
    Mutant(
        9, "a clock that jumps is believed", "control/expiry.py",
        "            self._even_since = now\n", "            self._even_since = 0.0\n",
        Suite("tests/unit/control/test_expiry.py", why="its daemons do not live that long"),
    ),
    Mutant(
        3, "a subvolume with others in it is snapshotted without them", "drivers/btrfs/subvolumes.py",
        "return self._kernel.fstat(tree).st_ino == _ROOT and not self._kernel.has_subvolumes(tree)",
        "return self._kernel.fstat(tree).st_ino == _ROOT",
        Suite("tests/conformance/test_btrfs_driver.py", "subvolumes_in_it", why="no tenant makes one there"),
    ),
    Mutant(
        5, "the undo of a restore leaves what it staged", RESTORE,
        "        return self._is_tidy(ctx)\n\n    def unapply",
        "        return Done()\n\n    def unapply",
        Seeds(1, taking=True),
    ),
    Mutant(
        6, "a mounted file system is copied while it is written", TAKING,
        "            kernel.freeze(root)\n", "            kernel.location(root)\n",
        Suite(WORK, "Copies and simulated", why="its tenants sync what they write"),
    ),
    Mutant(
        7, "what a volume was is left beside the restored one", RESTORE,
        '        """By its name."""\n        return self._is_tidy(ctx)',
        "        return self._is_restored(ctx)",
        Seeds(1, taking=True),
    ),
)  # fmt: skip
