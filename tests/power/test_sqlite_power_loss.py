"""The database after a power cut at any moment: all that was acknowledged, in whole transactions, in their order."""

import copy
import os
from collections.abc import Iterator
from random import Random

import apsw
import pytest

from holdfast.model.errors import NoSpace
from holdfast.records import meta
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event
from holdfast.testing.power.images import Replay, images
from holdfast.testing.power.vfs import Handle, MemoryVfs
from tests.power.sqlite_judge import Judge, read
from tests.power.sqlite_report import report
from tests.power.sqlite_workload import PATH, TURN, Workload, every_third_durably, in_two

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SEEDS = (1, 2, 3, 4) if PROOF else (1,)
TRANSACTIONS, TORN = (120, 2.0) if PROOF else (60, 0.4)


def syncs(work: Workload, name: str) -> int:
    """How often a file of that name was synced."""
    numbers = {event.file for event in work.log if event.kind == "create" and event.name == name}
    return sum(event.kind == "sync" and event.file in numbers for event in work.log)


def killed_disks() -> Iterator[Disk]:
    """Of a process that was killed after a seeded choice of events, mostly of those right before a sync."""
    chosen, replay = Random(2), Replay()
    log = Workload(2, TRANSACTIONS).run().log
    for event, then in zip(log, [*log[1:], Event("mark")], strict=True):
        replay.do(event)
        if chosen.random() < (0.8 if then.kind == "sync" else 0.2 if PROOF else 0.02):
            disk = copy.deepcopy(replay.disk)
            disk.kill()
            yield disk


def opened(disk: Disk) -> tuple[SqliteRecords, MemoryVfs]:
    """By the next process."""
    vfs = MemoryVfs(disk)
    return SqliteRecords(ThreadRuntime(), PATH, vfs=vfs.name), vfs


@pytest.mark.parametrize("seed", SEEDS)
def test_every_image_has_all_that_was_acknowledged_in_whole_transactions_and_in_order(seed: int) -> None:
    work = Workload(seed, TRANSACTIONS).run()
    judge = Judge(work.log)
    for image in images(work.log, torn=TORN, seed=seed):
        judge.judge(image)
    report(f"images, seed {seed}", judge.figures())
    assert not judge.broken, judge.broken[:10]
    assert judge.seen["strictest"] == judge.seen["fullest"] == len(work.log) + 1
    assert judge.opened.total() >= 2000


def test_what_is_durable_stays_beside_what_is_not_which_goes_from_the_end_alone() -> None:
    """No image has a gap: whatever comes before a durable transaction stays with it."""
    work = Workload(4, TRANSACTIONS, write=every_third_durably).run()
    judge, control = Judge(work.log), Judge(work.log, ("acknowledged", "answered"))
    for image in images(work.log, torn=TORN, seed=4):
        judge.judge(image)
        control.judge(image)
    report("images, every third durable", judge.figures())
    assert not judge.broken, judge.broken[:10]
    assert control.verdicts["lost"] > 10, "what is not durable is not synced"


def test_the_workload_is_one_that_can_lose() -> None:
    """Groups, checkpoints, refusals, a kill that left a transaction visible but not acknowledged."""
    work = Workload(1, TRANSACTIONS).run()
    order = Judge(work.log).order
    assert 10 < work.commits < len(work.acknowledged) * 0.8, "groups of several"
    assert syncs(work, PATH) > 6, "checkpoints"
    assert work.refused
    assert not set(work.refused) & set(order), "what was refused is not there"
    assert set(work.acknowledged) < set(order), "what was killed in its commit is there"
    assert [order[turn - 1] for turn in work.acknowledged.values()] == list(work.acknowledged)


def test_the_same_seed_gives_the_same_writes_and_syncs() -> None:
    """So that an image that is wrong can be made again; SQLite's salt in the log is all that differs."""
    logs = [Workload(1, TRANSACTIONS).run().log for _ in range(2)]
    first, second = ([event._replace(data=b"") for event in log] for log in logs)
    assert first == second


def test_what_begins_after_an_acknowledgement_comes_after_it() -> None:
    """So that the first so many transactions in their order are also the first in everybody's eyes."""
    work = Workload(1, TRANSACTIONS).run()
    latest = 0
    for event in work.log:
        words = event.name.split() if event.kind == "mark" else ["nothing"]
        if words[0] == "acknowledged":
            latest = max(latest, int(words[1]))
        if words[0] == "begun":
            assert work.acknowledged.get(int(words[1]), latest + 1) > latest


def shown_by(records: SqliteRecords) -> int:
    """What a client is told."""
    return records.read(lambda tx: meta.get(tx, TURN))


@pytest.mark.parametrize("full", [False, True], ids=["with-room", "on-a-full-disk"])
def test_what_a_restarted_process_shows_stays_when_the_power_goes_then(full: bool) -> None:
    """Killed at any moment; what is read from the page cache after the start must be on the disk."""
    shown = 0
    for disk in killed_disks():
        disk.room = sum(map(len, disk.contents().values())) if full else None
        try:
            records, vfs = opened(disk)
        except NoSpace:
            assert full
            continue
        turn = shown_by(records)
        disk.crash()
        disk.room = None
        records.close()
        vfs.close()
        assert read(disk).turn == turn
        shown += 1
    assert shown > 40


def test_a_control_that_only_reads_is_seen_to_show_what_a_power_cut_takes_away() -> None:
    taken = 0
    for disk in killed_disks():
        vfs = MemoryVfs(disk)
        raw = apsw.Connection(PATH, vfs=vfs.name)
        raw.execute("PRAGMA locking_mode=EXCLUSIVE")
        there = raw.execute("SELECT 1 FROM sqlite_schema WHERE name='meta'").get
        turn = raw.execute("SELECT value FROM meta WHERE name=?", (TURN,)).get if there else None
        disk.crash()
        raw.close(True)
        vfs.close()
        taken += turn is not None and read(disk).turn < turn
    assert taken > 10


def test_a_power_cut_during_the_recovery_from_another_loses_nothing() -> None:
    work = Workload(3, TRANSACTIONS).run()
    judge, chosen, firsts = Judge(work.log), Random(3), 0
    for first in images(work.log, torn=0.2, seed=3):
        if chosen.random() > (0.01 if PROOF else 0.002):
            continue
        firsts += 1
        disk = Disk.holding(first.files, record=True)
        read(disk)
        for second in images(disk.log or [], torn=1.0, seed=firsts, before=first.files):
            judge.judge(second, judge.promised[first.events])
    report("images of a cut during recovery", judge.figures())
    assert not judge.broken, judge.broken[:10]
    assert judge.opened.total() > 100


class Deaf(Handle):
    """The control: syncs nothing."""

    def xSync(self, flags: int) -> None:
        pass


class Nameless(Handle):
    """The control: never syncs the directory."""

    def xSync(self, _flags: int) -> None:
        self._file.sync()


class DeafVfs(MemoryVfs):
    handle = Deaf


class NamelessVfs(MemoryVfs):
    handle = Nameless


def with_synchronous(word: str) -> Workload:
    """The same workload, and PRAGMA synchronous of each connection, which thinks that it is as it should be."""
    return Workload(1, 15, tune=lambda records: records._raw.pragma("synchronous", word))


CONTROLS = {
    "synchronous-normal": (with_synchronous("NORMAL"), "lost"),
    "synchronous-off": (with_synchronous("OFF"), "lost"),
    "a-sync-that-does-nothing": (Workload(1, 15, vfs=DeafVfs), "lost"),
    "the-directory-never-synced": (Workload(1, 15, vfs=NamelessVfs), "lost"),
    "one-request-in-two-commits": (Workload(1, 15, write=in_two), "half a transaction"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_seen_to_lose(name: str) -> None:
    work, verdict = CONTROLS[name]
    judge = Judge(work.run().log)
    for image in images(work.log, torn=0.2, seed=1):
        judge.judge(image)
    report(f"control {name}", judge.figures())
    assert judge.verdicts[verdict] > 10, judge.verdicts
    assert judge.lost or verdict != "lost"
