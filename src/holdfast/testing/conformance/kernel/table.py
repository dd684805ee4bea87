"""The mount table, and who is on top where mounts lie on each other."""

import errno

from holdfast.host import mounttable
from holdfast.testing.conformance.kernel.checks import (
    bind,
    fails,
    home,
    made,
    opened,
    put,
    seen,
    within,
)
from holdfast.testing.conformance.kernel.harness import KernelHarness


class TableConformance:
    """mounts, and `holdfast.host.mounttable` over them."""

    def test_the_table_tells_what_is_mounted_where(self, machine: KernelHarness) -> None:
        """The part of the file system, the path, the device, and the mount that it is on."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/deep")
        made(kernel, f"{base}/at")
        on, before = home(kernel, base), kernel.mounts()
        bind(kernel, f"{base}/there/deep", f"{base}/at")
        found = seen(kernel, f"{base}/at")
        assert (found.path, found.root) == (f"{base}/at", within(kernel, f"{base}/there/deep"))
        assert (found.fs, found.source, found.device) == (on.fs, on.source, on.device)
        assert (found.parent, found.read_only) == (on.id, False)
        assert found.id not in {mount.id for mount in before}
        with opened(kernel, f"{base}/at") as fd:
            assert kernel.statx(fd).mount == found.id
        kernel.umount(f"{base}/at")
        assert found.id not in {mount.id for mount in kernel.mounts()}

    def test_what_is_mounted_inside_is_not_bound_along(self, machine: KernelHarness) -> None:
        """A bind is of one file system's tree, not of what covers parts of it."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/inner")
        put(kernel, f"{made(kernel, f'{base}/other')}/file")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/other", f"{base}/there/inner")
        bind(kernel, f"{base}/there", f"{base}/at")
        assert kernel.listdir(f"{base}/there/inner") == ["file"]
        assert kernel.listdir(f"{base}/at/inner") == []
        kernel.umount(f"{base}/at")
        kernel.umount(f"{base}/there/inner")

    def test_mounts_lie_on_each_other_and_the_last_is_on_top(self, machine: KernelHarness) -> None:
        """Each is on the one below it; they come away in turn."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/at")
        for name in ("one", "two"):
            put(kernel, f"{made(kernel, f'{base}/{name}')}/{name}")
            bind(kernel, f"{base}/{name}", f"{base}/at")
        table = mounttable.below(f"{base}/at", kernel=kernel)
        top = seen(kernel, f"{base}/at")
        (lower,) = (mount for mount in table if mount.id != top.id)
        assert top.root == within(kernel, f"{base}/two")
        assert (top.parent, lower.parent) == (lower.id, home(kernel, base).id)
        assert kernel.listdir(f"{base}/at") == ["two"]
        kernel.umount(f"{base}/at")
        assert seen(kernel, f"{base}/at").id == lower.id
        assert kernel.listdir(f"{base}/at") == ["one"]
        kernel.umount(f"{base}/at")
        assert mounttable.top_at(f"{base}/at", kernel=kernel) is None

    def test_a_mount_on_the_way_hides_what_is_mounted_below_it(self, machine: KernelHarness) -> None:
        """`top_at` says so on every machine."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/way')}/at")
        made(kernel, f"{made(kernel, f'{base}/cover')}/at")
        made(kernel, f"{base}/there")
        bind(kernel, f"{base}/there", f"{base}/way/at")
        bind(kernel, f"{base}/cover", f"{base}/way")
        assert mounttable.top_at(f"{base}/way/at", kernel=kernel) is None
        assert len(mounttable.below(f"{base}/way", kernel=kernel)) == 2
        with fails(errno.EINVAL):
            kernel.umount(f"{base}/way/at")
        kernel.umount(f"{base}/way")
        assert mounttable.top_at(f"{base}/way/at", kernel=kernel) is not None
        kernel.umount(f"{base}/way/at")

    def test_the_table_follows_renames_and_removals(self, machine: KernelHarness) -> None:
        """Above the mount point, and of what is mounted there."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/above')}/at")
        made(kernel, f"{base}/there")
        root = within(kernel, f"{base}/there")
        bind(kernel, f"{base}/there", f"{base}/above/at")
        kernel.rename(f"{base}/above", f"{base}/other")
        assert seen(kernel, f"{base}/other/at").root == root
        kernel.rename(f"{base}/there", f"{base}/moved")
        assert seen(kernel, f"{base}/other/at").root == within(kernel, f"{base}/moved")
        gone = within(kernel, f"{base}/moved")
        kernel.rmdir(f"{base}/moved")
        assert seen(kernel, f"{base}/other/at").root == f"{gone}//deleted"
        kernel.umount(f"{base}/other/at")

    def test_a_mount_below_a_mount_is_on_that_one(self, machine: KernelHarness) -> None:
        """And its path leads through it."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/inner")
        made(kernel, f"{base}/other")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        bind(kernel, f"{base}/other", f"{base}/at/inner")
        assert seen(kernel, f"{base}/at/inner").parent == seen(kernel, f"{base}/at").id
        assert mounttable.top_at(f"{base}/there/inner", kernel=kernel) is None
        kernel.umount(f"{base}/at/inner")
        kernel.umount(f"{base}/at")
