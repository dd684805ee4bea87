"""Mutants of the engine: what it writes before it acts, what it believes, and how it goes back."""

from tests.mutants.mutant import Mutant, Seeds, Suite

ENDLESS = "it takes minutes until a simulated undo that never ends is told from one that waits"
UNDO = "tests/unit/engine/test_undo.py"

ENGINE = (
    Mutant(
        1, "the intent is kept in memory only", "engine/runner.py",
        "            self._journal.intent(live, idx, verdict)\n",
        '            live.set_step(idx, state="intent" if isinstance(verdict, Todo) else "skipped", attempt=1)\n',
        Seeds(1), quick=True,
    ),
    Mutant(
        1, "another attempt is not journalled", "engine/runner.py",
        "                self._journal.attempt(live, idx)\n",
        "                live.set_step(idx, attempt=live.rows[idx].attempt + 1)\n",
        Seeds(44),
    ),
    Mutant(
        1, "visible counts as durable: what an earlier life did is not synced", "engine/runner.py",
        "            lost = None if live.returned == idx else verbs.persist(idx)\n",
        "            lost = None\n",
        Suite(
            "tests/unit/engine/test_the_cycle.py",
            why="the power would have to fail right after a restart, before anything else is synced",
        ),
    ),
    Mutant(
        2, "cached answer across the crash: what was seen before it is not looked at again", "engine/live.py",
        "        self.fresh: int | None = None", "        self.fresh: int | None = row.cursor",
        Seeds(30), quick=True,
    ),
    Mutant(
        2, "an act is repeated after a crash without a look", "engine/runner.py",
        "            verdict = verbs.judge(idx)\n            if not isinstance(verdict, Todo):\n",
        "            verdict = Todo()\n            if not isinstance(verdict, Todo):\n",
        Seeds(4),
    ),
    Mutant(
        4, "baseline forgotten: undo takes away what was there before", "engine/journal.py",
        '            "state": "intent" if isinstance(verdict, Todo) else "skipped",\n            "baseline"',
        '            "state": "intent",\n            "baseline"',
        Suite(UNDO, why=ENDLESS),
    ),
    Mutant(
        5, "undo only withdraws the rows", "engine/runner.py",
        "        return Undo(self._journal, live, verbs).leg()\n\n    def _begin(",
        "        rows = lambda tx: live.request.withdrawn(tx, live.bound)\n"
        '        return Ended(tuple(self._journal.end(live, "undone", rows)))\n\n    def _begin(',
        Seeds(1), quick=True,
    ),
    Mutant(
        5, "undo from memory instead of a look: what is not noted as done was not done", "engine/undo.py",
        'in ("intent", "done"):', 'in ("done",):',
        Seeds(1),
    ),
    Mutant(
        5, "what is to be undone is forgotten over a restart", "engine/engine.py",
        "            return Live(row, rows, children, self._codec, clock)",
        '            return Live(row, rows if row.direction == "forward" else [], children, self._codec, clock)',
        Seeds(1),
    ),
    Mutant(
        5, "reply-lost taken as not done: undo passes the step over", "engine/runner.py",
        "        return self._settle(live, verbs, idx, verbs.judge(idx), answer)",
        '        live.set_step(idx, state="intent" if answer is None else "pending")\n'
        "        return self._settle(live, verbs, idx, verbs.judge(idx), answer)",
        Seeds(4),
    ),
    Mutant(
        5, "the second look dropped, the one at all undone steps together", "engine/undo.py",
        "            if not isinstance(verdict, Done):\n                self._journal",
        "            if not verdict:\n                self._journal",
        Suite(UNDO, why="no undo of today's steps brings back what another took away"),
    ),
    Mutant(
        5, "undo in the order of doing", "engine/undo.py",
        "        for idx in reversed(range(len(self._live.steps))):\n            if self._live.rows[idx].state in",
        "        for idx in range(len(self._live.steps)):\n            if self._live.rows[idx].state in",
        Suite(UNDO, why=ENDLESS),
    ),
    Mutant(
        5, "undo acts on what is unclear", "engine/undo.py",
        "        if isinstance(verdict, Unclear):\n"
        "            return self._verbs.wait(verdict.reason, verdict.within)\n"
        "        if isinstance(verdict, Conflict):",
        "        if isinstance(verdict, Conflict):",
        Suite(UNDO, why="an act on what cannot be seen fails there in the same way"),
    ),
    Mutant(
        6, "done is what apply said", "engine/runner.py",
        "        return self._settle(live, verbs, idx, verbs.judge(idx), answer)",
        "        believed = answer or live.steps[idx].Result\n"
        "        return self._settle(live, verbs, idx, verbs.judge(idx) if believed else Done(), answer)",
        Seeds(104), quick=True,
    ),
    Mutant(
        9, "what is abandoned leaves its child behind alive", "engine/exits.py",
        "            self._bury(op)\n", "",
        Suite("tests/unit/engine/test_children.py", why="what waits for its child is hardly ever abandoned there"),
    ),
    Mutant(
        7, "claims go when it parks", "engine/journal.py",
        '        self._commit("park", live, columns, lambda _tx: None)',
        '        self._commit("park", live, columns, lambda tx: claims.release(tx, live.id))',
        Seeds(1),
    ),
    Mutant(
        7, "claims go when the way back begins", "engine/journal.py",
        '{**columns, "tries": 0}, fn)', '{**columns, "tries": 0}, lambda tx: fn(tx) or claims.release(tx, live.id))',
        Seeds(1),
    ),
    Mutant(
        7, "claim in memory only: a restart knows nothing of it", "engine/engine.py",
        "                operations.new_epoch(tx, row.id)\n",
        "                operations.new_epoch(tx, row.id)\n"
        '                tx.run("DELETE FROM claims WHERE op=?", (row.id,))\n',
        Seeds(1),
    ),
    Mutant(
        9, "abandoned child taken as dead", "engine/runner.py",
        "            if not self._undertaker(child):", "            if not child.pid:",
        Seeds(25),
    ),
    Mutant(
        9, "a child is known in memory only", "engine/journal.py",
        '        self._commit("child", live, {}, lambda tx: steps.add_child(tx, live.id, child), durable=False)\n', "",
        Seeds(19), quick=True,
    ),
    Mutant(
        9, "children of an earlier run are not read", "engine/engine.py",
        "(steps.of(tx, op), steps.children(tx, op))", "(steps.of(tx, op), steps.children(tx, op)[:0])",
        Seeds(25),
    ),
)  # fmt: skip
