"""Checking a file system: sound, damaged, waiting for its journal; and nothing is ever written."""

import os

import pytest

from holdfast.host import checks
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again, Refused
from holdfast.model.resources import FileSystem
from tests.host.care import SYSTEMS, check, damaged, mounted, sound, unreplayed
from tests.host.parts import MIB, digest, formatted, sparse
from tests.host.slowtools import script, server_with_path


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_sound_file_system_is_clean(children: ForkServerChildren, scratch: str, fs: FileSystem) -> None:
    image = sound(children, f"{scratch}/disk", fs)
    before, touched = digest(image), os.stat(image).st_mtime_ns
    assert check(children, image, fs).outcome == "clean"
    assert digest(image) == before
    assert os.stat(image).st_mtime_ns == touched


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_damaged_file_system_is_told_and_not_repaired(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = damaged(children, f"{scratch}/disk", fs)
    before, touched = digest(image), os.stat(image).st_mtime_ns
    for _ in range(2):
        found = check(children, image, fs)
        assert found.outcome == ("damaged" if fs == "ext4" else "unproven")
        assert found.headline() in found.report
        assert found.headline()
        assert len(found.report) <= 2000
    assert digest(image) == before
    assert os.stat(image).st_mtime_ns == touched


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_journal_that_was_not_replayed_is_no_damage_and_a_mount_replays_it(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = unreplayed(children, f"{scratch}/disk", fs)
    before = digest(image)
    found = check(children, image, fs)
    assert (found.outcome, found.headline()) == ("replay", found.report)
    assert "Mount it once" in found.report
    assert digest(image) == before
    with mounted(image) as at:
        assert os.path.getsize(f"{at}/late") == 5000
    assert check(children, image, fs).outcome == "clean"


@pytest.mark.parametrize("fs", SYSTEMS)
def test_another_file_system_than_the_recorded_one_is_damage(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    found = check(children, image, fs, uuid="f" * 32)
    assert found.outcome == "damaged"
    assert "formatted as" in found.report


def test_a_formatted_volume_that_reads_blank_is_damage(children: ForkServerChildren, scratch: str) -> None:
    found = check(children, sparse(f"{scratch}/disk", 8 * MIB), "ext4")
    assert (found.outcome, "reads blank" in found.report) == ("damaged", True)


def test_a_tool_that_is_not_installed_is_a_refusal_that_names_it(
    children: ForkServerChildren, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    with server_with_path(monkeypatch, f"{scratch}/bin") as poor, pytest.raises(Refused, match="e2fsck") as caught:
        check(poor, image, "ext4")
    assert "Install" in caught.value.hint


@pytest.mark.parametrize(
    ("fs", "tool", "status", "outcome"),
    [
        ("ext4", "e2fsck", 4, "damaged"),
        ("ext4", "e2fsck", 12, "damaged"),
        ("xfs", "xfs_repair", 1, "unproven"),
        ("xfs", "xfs_repair", 2, "replay"),
        ("btrfs", "btrfs", 1, "unproven"),
    ],
)
def test_a_status_means_what_the_manual_says(
    children: ForkServerChildren,
    scratch: str,
    monkeypatch: pytest.MonkeyPatch,
    fs: FileSystem,
    tool: str,
    status: int,
    outcome: str,
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", tool, f"echo it is so; exit {status}")
        assert check(server, image, fs).outcome == outcome


@pytest.mark.parametrize(
    ("fs", "tool", "status"),
    [*(("ext4", "e2fsck", status) for status in (1, 8, 16, 128)), ("xfs", "xfs_repair", 3)],
)
def test_a_tool_that_gave_up_has_found_nothing_either_way(
    children: ForkServerChildren,
    scratch: str,
    monkeypatch: pytest.MonkeyPatch,
    fs: FileSystem,
    tool: str,
    status: int,
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", tool, f"echo too new; exit {status}")
        with pytest.raises(Refused, match=f"status {status}: too new"):
            check(server, image, fs)


def test_bad_news_that_the_tool_does_not_repeat_is_none(
    children: ForkServerChildren, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", "e2fsck", f"test -e {scratch}/once && exit 0; touch {scratch}/once; exit 4")
        assert check(server, image, "ext4").outcome == "clean"
    assert os.path.exists(f"{scratch}/once")


def test_a_tool_that_was_killed_has_found_nothing(
    children: ForkServerChildren, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", "e2fsck", "kill -9 $$")
        with pytest.raises(Again, match="killed by signal 9"):
            check(server, image, "ext4")


def test_a_tool_that_hangs_is_killed_at_its_deadline_and_has_found_nothing(
    children: ForkServerChildren, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    monkeypatch.setattr(checks, "DEADLINE", 0.2)
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", "e2fsck", "exec sleep 100")
        with pytest.raises(Again, match="did not answer"):
            check(server, image, "ext4")


def test_of_a_long_report_the_end_is_kept_in_whole_lines(
    children: ForkServerChildren, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    with server_with_path(monkeypatch, f"{scratch}/bin") as server:
        script(f"{scratch}/bin", "e2fsck", 'for n in $(seq 2000); do echo "line $n is bad"; done; exit 4')
        report = check(server, image, "ext4").report
    lines = report.splitlines()
    assert lines[-1] == "line 2000 is bad"
    assert lines == [f"line {number} is bad" for number in range(2001 - len(lines), 2001)]
    assert 1900 < len(report) <= 2000
