"""The model of a disk that forgets: what stays, what goes, what may be torn."""

import itertools
from collections.abc import Callable
from random import Random

import pytest

from holdfast.testing.power.disk import Disk
from holdfast.testing.power.file import SECTOR, File
from holdfast.testing.power.images import images

OLD, NEW = b"o" * SECTOR * 8, b"n" * SECTOR * 8


def synced(disk: Disk, name: str, content: bytes) -> File:
    """A file that is durable, name and all."""
    file = disk.create(name)
    file.write(content, 0)
    file.sync()
    disk.sync_directory()
    return file


def test_what_was_synced_stays_and_nothing_else() -> None:
    disk = Disk()
    file = synced(disk, "a", OLD)
    file.write(NEW, 0)
    file.truncate(10)
    assert disk.contents() == {"a": NEW[:10]}
    assert disk.image() == {"a": OLD}
    file.sync()
    assert disk.image() == {"a": NEW[:10]}


def test_what_was_synced_is_never_taken_back_by_what_was_synced_before() -> None:
    for seed in range(30):
        disk = Disk()
        file = synced(disk, "a", OLD)
        file.write(NEW, 0)
        file.sync()
        assert disk.image(Random(seed)) == {"a": NEW}


def test_a_file_without_its_name_on_the_disk_is_gone() -> None:
    disk = Disk()
    file = disk.create("a")
    file.write(NEW, 0)
    file.sync()
    assert disk.image() == {}
    disk.sync_directory()
    assert disk.image() == {"a": NEW}


def test_a_deleted_file_comes_back_until_the_directory_is_synced() -> None:
    disk = Disk()
    synced(disk, "a", OLD)
    disk.delete("a")
    assert disk.contents() == {}
    assert disk.image() == {"a": OLD}
    disk.sync_directory()
    assert disk.image() == {}


def test_a_name_that_is_given_again_is_the_old_file_the_new_one_or_none() -> None:
    found = set()
    for seed in range(100):
        disk = Disk()
        synced(disk, "a", OLD)
        disk.delete("a")
        new = disk.create("a")
        new.write(NEW, 0)
        new.sync()
        found.add(disk.image(Random(seed)).get("a"))
    assert found == {OLD, NEW, None}


def test_each_sector_of_an_unsynced_write_is_old_or_new_by_itself() -> None:
    seen = set()
    for seed in range(300):
        disk = Disk()
        synced(disk, "a", OLD).write(NEW[SECTOR:], 100)
        left = disk.image(Random(seed))["a"]
        assert left[:100] == OLD[:100]
        assert left[100 + len(NEW) - SECTOR :] == OLD[100 + len(NEW) - SECTOR :]
        edges = [100, *range(SECTOR, 8 * SECTOR, SECTOR), 100 + 7 * SECTOR]
        parts = [left[start:end] for start, end in itertools.pairwise(edges)]
        assert all(part in (OLD[: len(part)], NEW[: len(part)]) for part in parts), "a sector is never mixed"
        seen.add(tuple(part[:1] for part in parts))
    assert len(seen) > 50, "all of it, nothing of it, and many mixtures"


def test_a_later_write_may_stay_where_an_earlier_one_is_lost() -> None:
    seen = set()
    for seed in range(100):
        disk = Disk()
        file = synced(disk, "a", OLD)
        file.write(NEW[:SECTOR], 0)
        file.write(NEW[:SECTOR], SECTOR)
        left = disk.image(Random(seed))["a"]
        seen.add((left[:1], left[SECTOR : SECTOR + 1]))
    assert seen == {(b"o", b"o"), (b"o", b"n"), (b"n", b"o"), (b"n", b"n")}


def test_a_lost_write_before_one_that_stays_leaves_a_hole_of_zeros() -> None:
    disk = Disk()
    file = synced(disk, "a", b"")
    file.write(NEW, 0)
    file.write(NEW, len(NEW))
    left = {disk.image(Random(seed))["a"] for seed in range(100)}
    assert bytes(len(NEW)) + NEW in left


def test_a_cut_disk_has_forgotten_and_goes_on_from_there() -> None:
    disk = Disk()
    file = synced(disk, "a", OLD)
    file.write(NEW, 0)
    disk.crash()
    assert disk.contents() == disk.image() == {"a": OLD}
    left = disk.find("a")
    assert left is not None
    left.write(NEW, 0)
    assert disk.contents() == {"a": NEW}
    assert disk.image() == {"a": OLD}
    left.sync()
    assert disk.image() == {"a": NEW}


def test_a_killed_process_leaves_what_it_wrote_and_it_is_no_more_durable_for_that() -> None:
    disk = Disk()
    file = synced(disk, "a", OLD)
    file.write(NEW, 0)
    disk.kill()
    assert disk.contents() == {"a": NEW}
    assert disk.image() == {"a": OLD}


@pytest.mark.parametrize("end", [Disk.kill, Disk.crash])
def test_what_the_dead_still_have_open_reaches_nothing(end: Callable[[Disk], None]) -> None:
    asked: list[None] = []
    disk = Disk(alive=lambda: asked.append(None))
    file = synced(disk, "a", OLD)
    end(disk)
    asked.clear()
    file.write(NEW, 0)
    file.truncate(1)
    file.sync()
    assert file.data == NEW[:1], "they are not told"
    assert not asked
    assert disk.contents() == disk.image() == {"a": OLD}


def test_what_the_dead_do_is_in_no_log() -> None:
    disk = Disk(record=True)
    file = synced(disk, "a", OLD)
    disk.kill()
    log = list(disk.log or [])
    file.write(NEW, 0)
    assert disk.log == log
    with pytest.raises(ValueError, match="images"):
        disk.crash()


def test_a_full_disk_takes_what_does_not_grow() -> None:
    disk = Disk()
    file = synced(disk, "a", OLD)
    disk.room = len(OLD)
    file.write(NEW, 0)
    with pytest.raises(OSError, match="No space"):
        file.write(b"x", len(OLD))
    assert disk.contents() == {"a": NEW}
    disk.room = None
    file.write(b"x", len(OLD))


def test_a_log_has_the_strictest_and_the_fullest_image_of_every_prefix() -> None:
    disk = Disk(record=True)
    file = disk.create("a")
    file.write(b"1", 0)
    file.sync()
    disk.sync_directory()
    disk.mark("a is there")
    file.write(b"2", 0)
    disk.delete("a")
    found = {(image.kind, image.events): image.files for image in images(disk.log or [], torn=0, seed=1)}
    strictest = [found["strictest", events] for events in range(8)]
    fullest = [found["fullest", events] for events in range(8)]
    assert strictest == [{}, {}, {}, {}, *[{"a": b"1"}] * 4]
    assert fullest == [{}, {"a": b""}, *[{"a": b"1"}] * 4, {"a": b"2"}, {}]


def test_a_log_that_goes_on_after_something_begins_with_it() -> None:
    disk = Disk.holding({"a": b"1"}, record=True)
    file = disk.find("a")
    assert file is not None
    file.write(b"2", 0)
    file.sync()
    found = [image.files for image in images(disk.log or [], torn=0, seed=1, before={"a": b"1"})]
    assert found[0] == {"a": b"1"}
    assert found[-1] == found[-2] == {"a": b"2"}
