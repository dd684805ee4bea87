"""Mutants of operations and loops: when rows go, what is planned, and what is repaired."""

from tests.mutants.mutant import Mutant, Seeds, Suite

CONTROL = (
    Mutant(
        7, "record removed first: a volume's", "operations/volume/delete.py",
        "        resources.update(tx, msgspec.structs.replace(volume, operation=bound.drawn.operation))",
        "        resources.delete(tx, volume.uid)",
        Seeds(1), quick=True,
    ),
    Mutant(
        7, "record removed first: a mount's", "operations/attachment/unmount.py",
        "        pool, row, _ = around(tx, attachment.parent)\n        spec",
        "        resources.delete(tx, attachment.uid)\n"
        "        pool, row, _ = around(tx, attachment.parent)\n        spec",
        Seeds(5),
    ),
    Mutant(
        7, "the row of a volume that was abandoned goes", "operations/volume/create.py",
        "        mark_abandoned(tx, Volume, bound.drawn.uid, reason, bound.drawn.now)",
        "        resources.delete(tx, bound.drawn.uid)",
        Seeds(134),
    ),
    Mutant(
        4, "a repair takes away what is being made", "control/audit.py",
        "        return [s for s in seen if s.uid not in moved and not (s.item and s.item.operation in ops)]",
        "        return [s for s in seen if s.uid not in moved or ops]",
        Suite("tests/mutants/test_blind_spots.py", "repair", why="nothing is repaired there before all is well again"),
    ),
    Mutant(
        2, "a wanted mount counts as mounted by its record", "control/reconcile.py",
        "            if not self._looks.is_missing(attachment):", "            if attachment.status.ready:",
        Suite("tests/faces/test_reboot.py", "come_back", why="a wanted mount that stays away is excused there"),
    ),
    Mutant(
        10, "a copy of the database resumes", "control/counters.py",
        "        if stamped:\n", "        if stamped and not counter:\n",
        Suite("tests/faces/test_reboot.py", "db_backup", why="nobody restores a copy in the simulation"),
    ),
)  # fmt: skip
