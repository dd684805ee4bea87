"""For all tests."""

import gc
import os
import signal

import pytest

# Whoever starts the tests in the background may have them ignore Ctrl-C, and so what they start: some try just that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Where the longest are: each worker begins with its share of them, so that none is left for the end.
LONG = (
    "tests/crash/test_matrix.py", "tests/lab/", "tests/mutants/", "tests/simulation/test_seeds.py", "tests/drills/",
    "tests/storm/", "tests/csi/test_fuzz.py", "tests/csi/test_storm.py", "tests/csi/test_sequences.py",
    "tests/array/test_lxd_15210.py", "tests/faces/test_sessions.py", "tests/faces/test_schemathesis.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the long ones to the beginnings of the workers' parts, which are equal (`--dist worksteal`)."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    long = [item for item in items if item.nodeid.startswith(LONG)]
    short = [item for item in items if not item.nodeid.startswith(LONG)]
    size = -(-len(items) // workers)
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        mine = long[worker::workers]
        room = max(0, size - len(mine))
        dealt += [*mine, *short[:room]]
        del short[:room]
    items[:] = [*dealt, *short]


def pytest_collection_finish() -> None:
    """What was imported and collected is no garbage, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
