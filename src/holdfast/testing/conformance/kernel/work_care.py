"""The conformance of children that check and trim: see `holdfast.testing.conformance.kernel.working`."""

import os
from typing import Any

import pytest

from holdfast.host import checks
from holdfast.model.errors import Again
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.harness import Keeper
from holdfast.testing.conformance.kernel.checks import (
    gone,
    made,
    opened,
    sparse,
)
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS
from holdfast.testing.conformance.kernel.harness import MIB, SIZES, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, mount_image, umount, work


class CareWorkConformance:
    """check-look, check-read, fsck, trim."""

    @staticmethod
    def _look(machine: WorkHarness, path: str, fs: FileSystem, uuid: str) -> Any:
        with opened(machine.kernel, path) as fd:
            found = work(machine, "check-look", {"fs": fs, "uuid": uuid}, fd)
        return found and found["outcome"]

    @staticmethod
    def _fsck(machine: WorkHarness, path: str, fs: FileSystem) -> int:
        with opened(machine.kernel, path) as fd:
            status: int = work(machine, f"fsck-{fs}", {"fs": fs}, fd)["status"]
        return status

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_sound_file_system_is_clean_and_untouched(self, machine: WorkHarness, fs: FileSystem) -> None:
        """In each step, and in the check that has them all; of an image that may only be read."""
        kernel = machine.kernel
        path, uuid = image(machine, fs)
        for _ in range(2):
            assert self._look(machine, path, fs, uuid) is None
            assert self._fsck(machine, path, fs) == 0
        with opened(kernel, path) as fd:
            assert work(machine, "check-read", {}, fd) is None
            assert checks.check(machine.children, Keeper(), fd, fs, uuid).outcome == "clean"

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_another_file_system_or_none_is_damage(self, machine: WorkHarness, fs: FileSystem) -> None:
        """Another uuid, or blank."""
        path, uuid = image(machine, fs)
        assert self._look(machine, path, fs, machine.new_id()) == "damaged"
        assert self._look(machine, sparse(machine.kernel, f"{machine.scratch}/blank", MIB), fs, uuid) == "damaged"

    def test_a_damaged_ext4_is_told_by_its_tool_alone(self, machine: WorkHarness) -> None:
        """Its superblock is whole, and all of it can be read."""
        path, uuid = image(machine)
        machine.damage(path)
        assert self._look(machine, path, "ext4", uuid) is None
        assert self._fsck(machine, path, "ext4") & 4
        with opened(machine.kernel, path) as fd:
            assert work(machine, "check-read", {}, fd) is None
            assert checks.check(machine.children, Keeper(), fd, "ext4", uuid).outcome == "damaged"

    def test_a_blank_image_is_no_file_system_to_the_tool(self, machine: WorkHarness) -> None:
        """e2fsck(8): 8, an operational error."""
        assert self._fsck(machine, sparse(machine.kernel, f"{machine.scratch}/blank", MIB), "ext4") == 8

    def test_a_mounted_ext4_wants_a_replay(self, machine: WorkHarness) -> None:
        """Until it is unmounted."""
        path, uuid = image(machine)
        where = made(machine.kernel, f"{machine.scratch}/at")
        mount_image(machine, path, where, uuid)
        assert self._look(machine, path, "ext4", uuid) == "replay"
        umount(machine, where)
        assert self._look(machine, path, "ext4", uuid) is None

    def test_an_image_that_cannot_be_read_is_not_judged(self, machine: WorkHarness) -> None:
        """Again from each step that reads, and from the whole check; the tool gives up."""
        uuid = machine.new_id()
        with machine.frail(SIZES["ext4"]) as sick:
            machine.format(sick.path, "ext4", uuid)
            sick.fail()
            with opened(machine.kernel, sick.path) as fd:
                for name in ("check-look", "check-read"):
                    with pytest.raises(Again):
                        work(machine, name, {"fs": "ext4", "uuid": uuid}, fd)
                with pytest.raises(Again):
                    checks.check(machine.children, Keeper(), fd, "ext4", uuid)
            assert self._fsck(machine, sick.path, "ext4") == 8

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_mounted_image_is_trimmed(self, machine: WorkHarness, fs: FileSystem) -> None:
        """And proven to be the one that is mounted there: Again if it is not."""
        kernel, base = machine.kernel, machine.scratch
        where = made(kernel, f"{base}/at")
        path, uuid = image(machine, fs)
        args = {"path": where, "fs": fs, "uuid": uuid}
        other = sparse(kernel, f"{base}/other", MIB)
        with opened(kernel, path, os.O_RDWR) as fd, opened(kernel, other) as foreign:
            with pytest.raises(Again):
                work(machine, "trim", args, fd)
            mount_image(machine, path, where, uuid, fs)
            assert work(machine, "trim", args, fd) > 0
            with pytest.raises(Again):
                work(machine, "trim", args, foreign)
        umount(machine, where)
        assert gone(kernel, path)
