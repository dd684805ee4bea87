"""One-line changes against our own code, by the rule they break, each with the part of the ground that catches it."""

import dataclasses

MATRIX = "tests/crash/test_matrix.py"


@dataclasses.dataclass(frozen=True)
class Mutant:
    rule: int
    name: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]


def matrix(scenario: str) -> tuple[str, ...]:
    return (f"{MATRIX}::test_every_fault_at_every_failpoint_of_a_plan_ends_well[{scenario}]",)


MUTANTS = (
    Mutant(
        1, "the intent is kept in memory only", "engine/runner.py",
        "        self._journal.intent(live, idx, verdict)\n",
        '        live.set_step(idx, state="intent" if isinstance(verdict, Todo) else "skipped", attempt=1)\n',
        matrix("mount-block-undo"),
    ),
    Mutant(
        2, "after a crash the step is not looked at again", "engine/runner.py",
        "            verdict = verbs.judge(idx)\n            if not isinstance(verdict, Todo):\n",
        "            verdict = Todo()\n            if not isinstance(verdict, Todo):\n",
        matrix("volume-create-directory"),
    ),
    Mutant(
        3, "an unmounted disk is read as absence", "drivers/dir/looking.py",
        "    except Again as error:\n        return Unknown(error.detail)",
        "    except Again:\n        return Absent()",
        ("tests/conformance/test_dir_driver.py",),
    ),
    Mutant(
        3, "a failed read counts as blank", "host/signatures.py",
        '        return Unknown(f"a read failed: {error.strerror}")', "        return Blank()",
        ("tests/host/test_formats_unreadable.py",),
    ),
    Mutant(
        4, "the owner in a volume's mark is not compared", "drivers/dir/looking.py",
        "            if (mark.owner, mark.uid) != (pool.owner, uid):",
        "            if False:",
        ("tests/conformance/test_dir_driver.py",),
    ),
    Mutant(
        5, "undo only withdraws the rows", "engine/runner.py",
        "        return Undo(self._journal, live, verbs).leg()\n\n    def _begin(",
        '        return Ended(tuple(self._journal.end(live, "undone", lambda tx: live.request.withdrawn(tx, live.bound))))\n\n    def _begin(',
        matrix("volume-create-directory-undo"),
    ),
    Mutant(
        6, "done is what apply said", "engine/runner.py",
        "        return self._settle(live, verbs, idx, verbs.judge(idx), answer)",
        "        return self._settle(live, verbs, idx, Done(), answer)",
        matrix("volume-create-directory"),
    ),
    Mutant(
        7, "the record goes first", "operations/volume/delete.py",
        "        resources.update(tx, msgspec.structs.replace(volume, operation=bound.drawn.operation))",
        "        resources.delete(tx, volume.uid)",
        matrix("volume-delete-directory"),
    ),
    Mutant(
        8, "removal may cross a mount", "host/trees.py",
        "_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV",
        "_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS",
        ("tests/host/test_trees_mounts.py",),
    ),
    Mutant(
        8, "a mount inside the state directory is allowed", "host/mountpoints.py",
        "        if mounttable.is_under(path, own):", "        if False and own:",
        ("tests/host/test_mountpoints.py",),
    ),
    Mutant(
        9, "an abandoned child is taken for dead", "engine/runner.py",
        "            if not self._undertaker(child):", "            if False:",
        matrix("mount-directory"),
    ),
    Mutant(
        10, "a journal write without its epoch", "records/operations.py",
        "{names} WHERE id=? AND epoch=? AND state IN {_UNENDED}\"\n    rows = tx.run(f\"{sql} RETURNING changed\", (*columns.values(), op, epoch))",
        "{names} WHERE id=? AND state IN {_UNENDED}\"\n    rows = tx.run(f\"{sql} RETURNING changed\", (*columns.values(), op))",
        ("tests/unit/engine", "-k", "epoch or stale"),
    ),
    Mutant(
        3, "a check that cannot read says nothing", "host/checks.py",
        '            raise Again(f"The volume cannot be read at byte {at}: {error.strerror}.") from error',
        "            return",
        ("tests/host/test_care_unreadable.py",),
    ),
    Mutant(
        3, "a check without a verdict counts as clean", "host/checks.py",
        '    return "damaged" if status & 4 else None', '    return "damaged" if status & 4 else "clean"',
        ("tests/host/test_care_check.py",),
    ),
    Mutant(
        4, "a check repairs", "host/tools.py",
        '"-f", "-n", target', '"-f", "-y", target',
        ("tests/host/test_care_check.py",),
    ),
    Mutant(
        2, "what is trimmed is not looked at", "host/trims.py",
        "    if not isinstance(seen, Present) or seen.facts.id != kernel.statx(root).mount:",
        "    if False and seen:",
        ("tests/host/test_care_trim.py",),
    ),
)  # fmt: skip
