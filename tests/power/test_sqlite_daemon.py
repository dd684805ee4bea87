"""The daemon after a power cut at any moment of its work: it starts, ends what was under way, and keeps its word."""

import os
import pathlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from holdfast.testing.power.events import Event
from holdfast.testing.power.images import images
from tests.power.sqlite_report import report
from tests.power.sqlite_universe import History, recorded, restarted, restore

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
STARTS = 3000 if PROOF else 150
SEED = 1


@pytest.fixture
def scratch() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="holdfast-power-", dir="/dev/shm") as path:
        yield pathlib.Path(path)


def starts(scratch: pathlib.Path, history: History, log: Sequence[Event], most: int) -> tuple[Counter[str], list[str]]:
    """Start on a seeded sample of a log's images; the figures, and what was wrong."""
    chosen = Random(SEED)
    share = 2 * most / (4 * len(log))
    counts: Counter[str] = Counter()
    broken: list[str] = []
    for image in images(log, torn=0.5, seed=SEED):
        if chosen.random() > share:
            continue
        restore(scratch, image, history.world(image.events, chosen))
        resumed, wrong = restarted(scratch, SEED, history.promised(image.events))
        counts.update({"starts": 1, image.kind: 1, "with work to resume": bool(resumed), "resumed": resumed})
        broken += [f"the {image.kind} image after {image.events} events: {what}" for what in wrong]
    return counts, broken


def test_the_daemon_starts_on_every_image_and_every_operation_acknowledged_as_done_is_done(
    scratch: pathlib.Path,
) -> None:
    history = recorded(scratch, SEED)
    promised = len(history.promised(len(history.log)))
    counts, broken = starts(scratch, history, history.log, STARTS)
    report("daemon", f"{dict(counts)}, {promised} operations acknowledged, {len(broken)} wrong")
    assert not broken, broken[:10]
    assert counts["starts"] >= 100
    assert counts["with work to resume"] > counts["starts"] / 4
    assert min(counts[kind] for kind in ("strictest", "fullest", "torn")) > 10
    assert promised == 31


def without_syncs_of_commits(log: Sequence[Event]) -> list[Event]:
    """What SQLite leaves out when told `synchronous=NORMAL`: the log's own name and head stay synced."""
    wals = {event.file for event in log if event.kind == "create" and event.name.endswith("-wal")}
    after = [*(event.kind for event in log[1:]), ""]
    return [
        Event("mark", name="unsynced")
        if event.kind == "sync" and event.file in wals and then != "sync-directory"
        else event
        for event, then in zip(log, after, strict=True)
    ]


def test_a_control_whose_commits_are_not_synced_is_seen_to_break_its_word(scratch: pathlib.Path) -> None:
    history = recorded(scratch, SEED)
    _, broken = starts(scratch, history, without_syncs_of_commits(history.log), 60)
    lost = [what for what in broken if "lost: " in what]
    report("daemon, control without syncs of commits", f"{len(broken)} wrong, {len(lost)} lost, such as {lost[:1]}")
    assert len(lost) > 10, broken[:10]
