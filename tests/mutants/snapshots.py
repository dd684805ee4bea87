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
        "            if volume.fs_uuid != source.fs_uuid:",
        "            volume = volume if volume.of else source\n            if volume.fs_uuid != source.fs_uuid:",
        Suite(DRIVER, "identity_of_its_own", why="two of one identity are never side by side there"),
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
