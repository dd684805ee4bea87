"""The conformance of children that copy: see `holdfast.testing.conformance.kernel.working`."""

import errno
import os

import pytest

from holdfast.host import journals
from holdfast.host.signatures import Holds, probe
from holdfast.model.errors import HoldfastError, Refused
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.kernel.checks import (
    attach,
    fails,
    get,
    gone,
    made,
    mount,
    mounted_at,
    opened,
    put,
    sparse,
)
from holdfast.testing.conformance.kernel.copying import whole
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS
from holdfast.testing.conformance.kernel.harness import MIB, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, work


class CopyWorkConformance:
    """take-image, thaw-image, settle-image, sync-device, identify, copy-tree."""

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_file_system_in_use_is_taken_as_it_is_at_one_moment(self, machine: WorkHarness, fs: FileSystem) -> None:
        """Without a sync by whoever writes, who is not hindered afterwards; the copy is whole once it is settled."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine, fs)
        copy = sparse(kernel, f"{machine.scratch}/copy", 0)
        with (
            mounted_at(kernel, fs, path, where), opened(kernel, path, os.O_RDWR) as one,
            opened(kernel, copy, os.O_RDWR) as other,
        ):  # fmt: skip
            put(kernel, f"{where}/file", b"kept")
            answer = work(machine, "take-image", {"fs": fs}, one, other)
            assert answer == {"taken": "frozen", "shared": True}
            put(kernel, f"{where}/later", b"lost")
        with opened(kernel, copy, os.O_RDWR) as fd:
            if journals.needs_replay(fd, fs, kernel):
                work(machine, "settle-image", {"fs": fs}, fd)
                assert not journals.needs_replay(fd, fs, kernel)
            assert probe(fd, kernel) == Holds(fs, uuid)
        assert gone(kernel, copy)
        with mounted_at(kernel, fs, copy, where):
            assert get(kernel, f"{where}/file") == b"kept"
            assert "later" not in kernel.listdir(where)

    def test_a_copy_of_what_was_not_frozen_is_settled_by_its_journal(self, machine: WorkHarness) -> None:
        """As after a power cut; the device that this takes is gone again."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, _ = image(machine)
        copy = sparse(kernel, f"{machine.scratch}/copy", 0)
        with (
            mounted_at(kernel, "ext4", path, where), opened(kernel, path) as one,
            opened(kernel, copy, os.O_RDWR) as other, opened(kernel, where) as root,
        ):  # fmt: skip
            put(kernel, f"{where}/file", b"kept")
            kernel.syncfs(root)
            whole(kernel, one, other)
            assert journals.needs_replay(other, "ext4", kernel)
            assert work(machine, "settle-image", {"fs": "ext4"}, other) is None
            assert not journals.needs_replay(other, "ext4", kernel)
        assert gone(kernel, copy)
        with mounted_at(kernel, "ext4", copy, where):
            assert get(kernel, f"{where}/file") == b"kept"

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_what_a_mounted_device_holds_back_is_written_out_and_a_copy_of_it_is_settled_on_a_device(
        self, machine: WorkHarness, fs: FileSystem
    ) -> None:
        """As on an array, whose copies hold what it was told; neither device is changed otherwise."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine, fs)
        copy = sparse(kernel, f"{machine.scratch}/copy", 0)
        held = attach(kernel, path)
        mount(kernel, fs, kernel.location(held), where)
        put(kernel, f"{where}/file", b"kept")
        assert work(machine, "sync-device", {"fs": fs}, held) is None
        with opened(kernel, path) as one, opened(kernel, copy, os.O_RDWR) as other:
            whole(kernel, one, other)
        kernel.umount(where)
        assert work(machine, "sync-device", {"fs": None}, held) is None
        kernel.close(held)
        assert gone(kernel, path)
        device = attach(kernel, copy)
        assert work(machine, "settle-image", {"fs": fs}, device) is None
        assert not journals.needs_replay(device, fs, kernel)
        assert probe(device, kernel) == Holds(fs, uuid)
        kernel.close(device)
        assert gone(kernel, copy)
        with mounted_at(kernel, fs, copy, where):
            assert get(kernel, f"{where}/file") == b"kept"

    def test_what_is_frozen_already_is_left_so_and_thawed_for_who_asks_for_that(self, machine: WorkHarness) -> None:
        """It may be somebody else's freeze."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, _ = image(machine)
        copy = sparse(kernel, f"{machine.scratch}/copy", 0)
        with (
            mounted_at(kernel, "ext4", path, where), opened(kernel, path, os.O_RDWR) as one,
            opened(kernel, copy, os.O_RDWR) as other, opened(kernel, where) as root,
        ):  # fmt: skip
            kernel.freeze(root)
            assert work(machine, "take-image", {"fs": "ext4"}, one, other) == {"taken": "", "shared": False}
            with fails(errno.EBUSY):
                kernel.freeze(root)
            for _ in range(2):
                assert work(machine, "thaw-image", {"fs": "ext4"}, one) is None
                with fails(errno.EINVAL):
                    kernel.thaw(root)
            assert work(machine, "take-image", {"fs": "ext4"}, one, other)["taken"] == "frozen"

    @pytest.mark.parametrize("fs", ["xfs", "btrfs"])
    def test_an_image_that_nobody_uses_is_shared_where_it_can_be(self, machine: WorkHarness, fs: FileSystem) -> None:
        """And left to be copied where it cannot; a thaw of what is not mounted is none."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, _ = image(machine)
        with opened(kernel, path, os.O_RDWR) as one:
            copy = sparse(kernel, f"{machine.scratch}/copy", 0)
            with opened(kernel, copy, os.O_RDWR) as other:
                answer = work(machine, "take-image", {"fs": "ext4"}, one, other)
                assert answer == {"taken": "idle", "shared": False}
                assert kernel.fstat(other).st_size == 0
            assert work(machine, "thaw-image", {"fs": "ext4"}, one) is None
        pool, _ = image(machine, fs, "pool")
        with mounted_at(kernel, fs, pool, where):
            inner, target = sparse(kernel, f"{where}/disk", 4 * MIB), sparse(kernel, f"{where}/copy", 0)
            with opened(kernel, inner, os.O_RDWR) as one, opened(kernel, target, os.O_RDWR) as other:
                uuid = machine.new_id()
                work(machine, "mkfs-ext4", {"fs": "ext4", "uuid": uuid}, one)
                answer = work(machine, "take-image", {"fs": "ext4"}, one, other)
                assert answer == {"taken": "idle", "shared": True}
                assert probe(other, kernel) == Holds("ext4", uuid)

    def test_a_device_in_use_is_flushed_and_shared_or_refused(self, machine: WorkHarness) -> None:
        """What is copied piece by piece while it is written is of no moment."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        pool, _ = image(machine, "xfs", "pool")
        with mounted_at(kernel, "xfs", pool, where):
            self._taken_raw(machine, where, shared=True)
        self._taken_raw(machine, machine.scratch, shared=False)

    @staticmethod
    def _taken_raw(machine: WorkHarness, directory: str, *, shared: bool) -> None:
        kernel = machine.kernel
        path, copy = sparse(kernel, f"{directory}/raw", MIB), sparse(kernel, f"{directory}/copy", 0)
        held = attach(kernel, path)
        assert kernel.write(held, b"written") == 7
        with opened(kernel, path, os.O_RDWR) as one, opened(kernel, copy, os.O_RDWR) as other:
            if shared:
                answer = work(machine, "take-image", {"fs": None}, one, other)
                assert answer == {"taken": "synced", "shared": True}
                assert get(kernel, copy)[:7] == b"written"
            else:
                with pytest.raises(Refused):
                    work(machine, "take-image", {"fs": None}, one, other)
        kernel.close(held)
        assert gone(kernel, path)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_file_system_gets_another_uuid_and_keeps_what_is_in_it(
        self, machine: WorkHarness, fs: FileSystem
    ) -> None:
        """By which it is known from then on."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, _ = image(machine, fs)
        with mounted_at(kernel, fs, path, where):
            put(kernel, f"{where}/file", b"kept")
        uuid = machine.new_id()
        with opened(kernel, path, os.O_RDWR) as fd:
            assert work(machine, f"identify-{fs}", {"fs": fs, "uuid": uuid}, fd) is None
            assert probe(fd, kernel) == Holds(fs, uuid)
            assert work(machine, f"fsck-{fs}", {"fs": fs}, fd)["status"] == 0
        with mounted_at(kernel, fs, path, where):
            assert get(kernel, f"{where}/file") == b"kept"

    def test_what_is_no_file_system_gets_no_uuid(self, machine: WorkHarness) -> None:
        """As its tool says."""
        path = sparse(machine.kernel, f"{machine.scratch}/blank", MIB)
        with opened(machine.kernel, path, os.O_RDWR) as fd, pytest.raises(HoldfastError):
            work(machine, "identify-ext4", {"fs": "ext4", "uuid": machine.new_id()}, fd)

    def test_a_tree_is_copied_without_what_is_mounted_in_it(self, machine: WorkHarness) -> None:
        """Into what is empty; modes too."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, made(kernel, f"{base}/one") + "/deep")
        kernel.mkdir(f"{base}/one/at", 0o700)
        put(kernel, f"{base}/one/deep/file", b"kept")
        path, _ = image(machine)
        made(kernel, f"{base}/other")
        with (
            mounted_at(kernel, "ext4", path, f"{base}/one/at"), opened(kernel, f"{base}/one") as one,
            opened(kernel, f"{base}/other") as other,
        ):  # fmt: skip
            put(kernel, f"{base}/one/at/inner")
            bare = kernel.clone_mount(one)
            assert work(machine, "copy-tree", {}, bare, other) is None
            kernel.close(bare)
        assert sorted(kernel.listdir(f"{base}/other")) == ["at", "deep"]
        assert kernel.listdir(f"{base}/other/at") == []
        assert get(kernel, f"{base}/other/deep/file") == b"kept"
        assert kernel.stat(f"{base}/one/at").st_mode == kernel.stat(f"{base}/other/at").st_mode

    def test_a_tree_is_copied_over_what_an_earlier_try_left(self, machine: WorkHarness) -> None:
        """Whole, half, or of what is gone by now: the copy is as its source."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, made(kernel, f"{base}/one") + "/deep")
        put(kernel, f"{base}/one/deep/file", b"kept")
        put(kernel, f"{base}/one/late", b"later")
        made(kernel, made(kernel, made(kernel, f"{base}/other") + "/gone") + "/deep")
        put(kernel, f"{base}/other/gone/deep/file", b"old")
        made(kernel, f"{base}/other/late")
        made(kernel, f"{base}/other/deep")
        put(kernel, f"{base}/other/deep/file", b"ke")
        with opened(kernel, f"{base}/one") as one, opened(kernel, f"{base}/other") as other:
            for _ in range(2):
                assert work(machine, "copy-tree", {}, one, other) is None
        assert sorted(kernel.listdir(f"{base}/other")) == ["deep", "late"]
        assert get(kernel, f"{base}/other/deep/file") == b"kept"
        assert get(kernel, f"{base}/other/late") == b"later"
