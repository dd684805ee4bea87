"""Mutants of the records: what a commit means, who may write, and who may begin."""

from tests.mutants.mutant import Mutant, Seeds, Suite

EPOCHS = Suite(
    "tests/unit/engine/test_resume.py tests/unit/engine/test_cancel.py",
    why="a simulated death leaves no thread of the old epoch behind",
)

RECORDS = (
    Mutant(
        1, "synchronous=NORMAL", "records/sqlite.py",
        'True: "FULL"', 'True: "NORMAL"',
        Seeds(1),
    ),
    Mutant(
        1, "no intent is synced", "model/step.py",
        "    volatile: ClassVar[bool] = False", "    volatile: ClassVar[bool] = True",
        Seeds(1),
    ),
    Mutant(
        1, "an answered operation may be lost with the power", "engine/engine.py",
        "        durable: bool = True,", "        durable: bool = False,",
        Seeds(1),
    ),
    Mutant(
        6, "the numbers of changes that a loss of power took back are given again", "records/operations.py",
        '"changes", 1 << 20', '"changes", 0',
        Seeds(6000015),
    ),
    Mutant(
        1, "what a killed daemon left in the log counts as durable at the next start", "records/sqlite.py",
        "        self._persist()\n\n    def _persist", "        assert self._persist\n\n    def _persist",
        Suite(
            "tests/power/test_sqlite_power_loss.py", "a_restarted_process_shows",
            why="a simulated start writes before anybody is answered, and that syncs the log",
        ),
    ),
    Mutant(
        7, "claims outlive their operation", "records/claims.py",
        '    tx.run("DELETE FROM claims WHERE op=?", (op,))\n', "",
        Seeds(1),
    ),
    Mutant(
        10, "journal write without the epoch", "records/operations.py",
        '{names} WHERE id=? AND epoch=? AND state IN {_UNENDED}"\n'
        '    rows = tx.run(f"{sql} RETURNING changed", (*columns.values(), op, epoch))',
        '{names} WHERE id=? AND state IN {_UNENDED}"\n'
        '    rows = tx.run(f"{sql} RETURNING changed", (*columns.values(), op))',
        EPOCHS,
    ),
    Mutant(
        10, "what is over is changed again", "records/operations.py",
        'epoch=? AND state IN {_UNENDED}"\n    rows', 'epoch=?"\n    rows',
        EPOCHS,
    ),
    Mutant(
        10, "a claim bars nobody", "records/claims.py",
        '    return str(rows[0][0]) if rows else ""', '    return ""',
        Seeds(1), quick=True,
    ),
    Mutant(
        10, "a shared claim does not bar an exclusive one", "records/claims.py",
        "AND (mine.mode='exclusive' OR theirs.mode='exclusive')",
        "AND (mine.mode='exclusive' AND theirs.mode='exclusive')",
        Seeds(1),
    ),
    Mutant(
        10, "a restart resumes under the old epoch", "engine/engine.py",
        "                operations.new_epoch(tx, row.id)\n", "                pass\n",
        EPOCHS,
    ),
    Mutant(
        10, "a pivot that was begun can be undone", "engine/live.py",
        'step.pivot and row.state in ("intent", "done") for', 'step.pivot and row.state in ("done",) for',
        Seeds(8),
    ),
    Mutant(
        10, "a daemon whose state directory was replaced goes on writing", "records/sqlite.py",
        "            lost = self._guard.lost()\n            if lost:", '            lost = ""\n            if lost:',
        Suite(
            "tests/unit/records/test_statedir.py", "a_loss_is_noticed",
            why="the simulated state directory is never replaced",
        ),
    ),
)  # fmt: skip
