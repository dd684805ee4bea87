"""The conformance of children that mount images: see `holdfast.testing.conformance.kernel.working`."""

import pytest

from holdfast.host import mounttable
from holdfast.model.errors import Again, Damaged, InUse, Refused
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.kernel.checks import (
    bind,
    device,
    get,
    gone,
    loops_of,
    made,
    opened,
    put,
    seen,
    sparse,
)
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS
from holdfast.testing.conformance.kernel.harness import SIZES, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, mount_image, umount


class ImageWorkConformance:
    """mount-image."""

    @pytest.mark.parametrize("read_only", [False, True])
    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_an_image_is_mounted_through_one_device_that_goes_with_its_mounts(
        self, machine: WorkHarness, fs: FileSystem, *, read_only: bool
    ) -> None:
        """A second mount shares it; what was written is there the next time."""
        kernel, base = machine.kernel, machine.scratch
        path, uuid = image(machine, fs)
        where = [made(kernel, f"{base}/{name}") for name in ("one", "two")]
        mount_image(machine, path, where[0], uuid, fs)
        mount_image(machine, path, where[1], uuid, fs, read_only=read_only)
        (loop,) = loops_of(kernel, path)
        assert loop.autoclear
        put(kernel, f"{where[0]}/file", b"kept")
        assert get(kernel, f"{where[1]}/file") == b"kept"
        assert seen(kernel, where[1]).read_only == read_only
        for each in where:
            assert loops_of(kernel, path) == [loop]
            umount(machine, each)
        assert gone(kernel, path)
        mount_image(machine, path, where[0], uuid, fs)
        assert get(kernel, f"{where[0]}/file") == b"kept"
        umount(machine, where[0])
        assert gone(kernel, path)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_an_image_that_does_not_show_what_was_made_on_it_is_damaged(
        self, machine: WorkHarness, fs: FileSystem
    ) -> None:
        """Another uuid, another kind, nothing at all; nothing is mounted or stays attached."""
        kernel, base = machine.kernel, machine.scratch
        where = made(kernel, f"{base}/at")
        path, uuid = image(machine, fs)
        blank = sparse(kernel, f"{base}/blank", SIZES[fs])
        other: FileSystem = "xfs" if fs == "ext4" else "ext4"
        cases: list[tuple[str, FileSystem, str]] = [
            (path, fs, machine.new_id()),
            (path, other, uuid),
            (blank, fs, uuid),
        ]
        for wrong, kind, wanted in cases:
            with pytest.raises(Damaged):
                mount_image(machine, wrong, where, wanted, kind)
            assert gone(kernel, wrong)
        assert mounttable.below(base, kernel=kernel) == []

    def test_an_image_that_cannot_be_read_is_not_judged(self, machine: WorkHarness) -> None:
        """Again, and nothing stays."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        with machine.frail(SIZES["ext4"]) as sick:
            uuid = machine.new_id()
            machine.format(sick.path, "ext4", uuid)
            sick.fail()
            with pytest.raises(Again):
                mount_image(machine, sick.path, where, uuid)
            assert gone(kernel, sick.path)
        assert mounttable.below(where, kernel=kernel) == []

    def test_a_damaged_file_system_that_the_kernel_refuses_is_not_mounted(self, machine: WorkHarness) -> None:
        """Again, for the kernel alone does not tell damage from a bad moment; nothing stays."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine)
        machine.damage(path)
        with pytest.raises(Again, match="ext4"):
            mount_image(machine, path, where, uuid)
        assert gone(kernel, path)
        assert mounttable.below(where, kernel=kernel) == []

    def test_an_image_on_a_read_only_device_is_refused(self, machine: WorkHarness) -> None:
        """Somebody attached it so; the device stays his."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine)
        with device(kernel, path, read_only=True) as loop:
            with pytest.raises(Refused):
                mount_image(machine, path, where, uuid)
            assert loops_of(kernel, path) == [loop]

    def test_a_busy_mount_stays(self, machine: WorkHarness) -> None:
        """InUse: a file is open, or something is mounted below; an image's device stays, too."""
        kernel, base = machine.kernel, machine.scratch
        where = made(kernel, f"{base}/at")
        path, uuid = image(machine)
        mount_image(machine, path, where, uuid)
        put(kernel, f"{where}/file")
        made(kernel, f"{where}/inner")
        with opened(kernel, f"{where}/file"), pytest.raises(InUse):
            umount(machine, where)
        bind(kernel, made(kernel, f"{base}/there"), f"{where}/inner")
        with pytest.raises(InUse):
            umount(machine, where)
        assert len(loops_of(kernel, path)) == 1
        umount(machine, f"{where}/inner")
        umount(machine, where)
        assert gone(kernel, path)
