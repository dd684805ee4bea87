"""Every failpoint in the code is visited by the matrix's scenarios, or named here with the test that visits it."""

import os
import pathlib
import re

import pytest

from holdfast.testing.matrix import Fault, Faults, Scenario, faults_for
from tests.crash.scenarios import scenarios
from tests.crash.theatre import SHM, Theatre

SOURCE = pathlib.Path(__file__).parents[2] / "src" / "holdfast"
ELSEWHERE = {
    "journal.take-over": "tests/unit: abandoning",
    "journal.newer": "tests/unit: a step of a newer version",
    "child.kill": "tests/host: a child past its deadline",
    "child.mkfs-xfs": "tests/crash/test_matrix.py in make proof; tests/host",
    "child.mkfs-btrfs": "tests/crash/test_matrix.py in make proof; tests/host",
    "child.fsck-xfs": "tests/crash/test_matrix.py in make proof; tests/host",
    "child.fsck-btrfs": "tests/crash/test_matrix.py in make proof; tests/host",
    "child.identify-xfs": "tests/conformance/kernels; tests/conformance",
    "child.identify-btrfs": "tests/conformance/kernels; tests/conformance",
    "child.thaw-image": "tests/conformance: a copy that was cut off while its source stood still",
    "child.grow-image": "tests/crash/test_matrix.py in make proof; tests/conformance/kernels",
    "volume.mark-discard": "tests/conformance: a copy that was cut off behind its mark",
    "volume.take-over-unfinished": "tests/conformance: a pool is taken over with what is unfinished in it",
    "volume.grow-discard": "tests/conformance: a resize that was interrupted twice",
    "volume.sync-copied": "tests/conformance: a copy in rounds",
    "purge.rmdir": "tests/faces/test_purge_crash.py: it is of no plan",
    "pool.unlink-new": "tests/conformance: a stamp that was killed before the pool's deletion",
}
FILES = (
    r"(?:_|host\.)files\.(?:mkdir|write|make_sparse|extend|rename|rename_noreplace|exchange|unlink|rmdir|sync|sync_all)"
    r"\("
)


def names_in_the_code() -> set[str]:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.parent.name == "testing":
            continue
        text = path.read_text()
        found.update(re.findall(r'effect\(\s*"([a-z.-]+)"', text))
        found.update(re.findall(FILES + r'\s*"([a-z.-]+)"', text))
        for name in re.findall(r'_files\.replace\(\s*"([a-z.-]+)"', text):
            found.update({f"{name}-discard", f"{name}-write", f"{name}-publish"})
        found.update(f"journal.{name}" for name in re.findall(r'_journal\.write\(\s*"([a-z-]+)"', text))
        found.update(f"journal.{name}" for name in re.findall(r'self\._(?:commit|step)\(\s*"([a-z-]+)"', text))
        found.update(f"array.{name}" for name in re.findall(r'\.change\(\s*"([a-z-]+)"', text))
        found.update(f"array.{name}" for name in re.findall(r'\.tag\(.*"(tag-[a-z]+)"', text))
        kinds = r'^    "([a-z-]+)": (?:mounting|checks|trims|growing|taking)\.'
        found.update(f"child.{name}" for name in re.findall(kinds, text, re.MULTILINE))
        found.update(f"child.{name}" for name in re.findall(r'"((?:mkfs|fsck|identify|copy)-[a-z0-9]+)": _', text))
    return found


def visited(base: str) -> set[str]:
    """By every scenario undisturbed, and killed late; by those on pools, killed everywhere."""
    found: set[str] = set()
    for scenario in scenarios(base, every=False):
        theatre = Theatre(scenario, base)
        try:
            found.update(_visits(scenario, theatre))
        finally:
            theatre.close()
    return {name.rpartition(".")[0] for name in found}


def _visits(scenario: Scenario, theatre: Theatre) -> set[str]:
    clean = theatre.play().breaker.visits
    kills = list(faults_for(clean, ("kill",)))
    effects = [fault for fault in kills if not fault.at.startswith(("journal.", "records."))]
    histories: list[Faults] = [(fault,) for fault in (kills if scenario.name.startswith("pool") else effects[-2:])]
    if scenario.name == "pool-delete":  # killed, and again while the next start stamps the mark
        histories.append((Fault("journal.submit.before", 1, "kill"), Fault("pool.stamp-write.after", 1, "kill")))
    return {name for faults in histories for name in theatre.play(faults).breaker.visits} | set(clean)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_every_failpoint_is_visited() -> None:
    seen = visited(str(SHM / f"holdfast-failpoints-{os.getpid()}"))
    known = names_in_the_code()
    assert len(known) > 40, "the search for failpoints in the code went blind"
    missing = known - seen - set(ELSEWHERE)
    assert not missing, f"never visited: {sorted(missing)}"
    unknown = {name for name in seen if name not in known and not name.startswith("records.")}
    assert not unknown, f"visited, but not found in the code: {sorted(unknown)}"
