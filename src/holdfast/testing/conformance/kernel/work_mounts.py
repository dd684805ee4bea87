"""The conformance of children that bind and unmount: see `holdfast.testing.conformance.kernel.working`."""

import os

import pytest

from holdfast.host import mounttable
from holdfast.model.errors import Again, Damaged
from holdfast.testing.conformance.kernel.checks import (
    bind,
    device,
    made,
    opened,
    put,
    seen,
    sparse,
    within,
)
from holdfast.testing.conformance.kernel.harness import MIB, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, umount, work


class MountWorkConformance:
    """mount-tree, mount-node, mount-device, bind-device, umount."""

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_tree_is_bound_each_time_it_is_asked_for(self, machine: WorkHarness, *, read_only: bool) -> None:
        """Nothing of the child's holds it afterwards."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file", b"x")
        where = made(kernel, f"{base}/at")
        with opened(kernel, f"{base}/there") as fd, opened(kernel, where, os.O_PATH) as place:
            for _ in range(2):
                assert work(machine, "mount-tree", {"read_only": read_only}, fd, place) is None
        assert len(mounttable.below(where, kernel=kernel)) == 2
        found = seen(kernel, where)
        assert (found.root, found.read_only) == (within(kernel, f"{base}/there"), read_only)
        umount(machine, where)
        umount(machine, where)
        assert mounttable.below(where, kernel=kernel) == []

    def test_a_tree_is_not_bound_on_what_takes_none(self, machine: WorkHarness) -> None:
        """A file, and a directory that was removed."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/there")
        put(kernel, f"{base}/file")
        made(kernel, f"{base}/at")
        with opened(kernel, f"{base}/there") as fd:
            for name in ("file", "at"):
                with opened(kernel, f"{base}/{name}", os.O_PATH) as place:
                    if name == "at":
                        kernel.rmdir(f"{base}/at")
                    with pytest.raises(Again):
                        work(machine, "mount-tree", {"read_only": False}, fd, place)
        assert mounttable.below(base, kernel=kernel) == []

    def test_a_node_is_bound_while_its_device_is_attached(self, machine: WorkHarness) -> None:
        """Again before."""
        kernel, base = machine.kernel, machine.scratch
        path, node = sparse(kernel, f"{base}/disk", MIB), put(kernel, f"{base}/node")
        with opened(kernel, path, os.O_RDWR) as fd, opened(kernel, node, os.O_PATH) as place:
            with pytest.raises(Again):
                work(machine, "mount-node", {"read_only": False}, fd, place)
            with device(kernel, path) as loop:
                assert work(machine, "mount-node", {"read_only": False}, fd, place) is None
                assert kernel.stat(node).st_rdev == kernel.stat(loop.path).st_rdev
                umount(machine, node)

    def test_a_device_is_bound_and_its_file_system_mounted(self, machine: WorkHarness) -> None:
        """Of a device that is here already; what it shows must be what was made on it."""
        kernel, base = machine.kernel, machine.scratch
        path, uuid = image(machine)
        node, where = put(kernel, f"{base}/node"), made(kernel, f"{base}/at")
        with device(kernel, path) as loop:
            args = {"fs": "ext4", "uuid": uuid, "read_only": False}
            with opened(kernel, loop.path, os.O_RDWR) as fd:
                with opened(kernel, node, os.O_PATH) as place:
                    assert work(machine, "bind-device", {"read_only": False}, fd, place) is None
                assert kernel.stat(node).st_rdev == kernel.stat(loop.path).st_rdev
                with opened(kernel, where, os.O_PATH) as place:
                    with pytest.raises(Damaged):
                        work(machine, "mount-device", {**args, "uuid": machine.new_id()}, fd, place)
                    assert work(machine, "mount-device", args, fd, place) is None
                found = seen(kernel, where)
                number = kernel.stat(loop.path).st_rdev
                assert (found.fs, found.device) == ("ext4", (os.major(number), os.minor(number)))
            umount(machine, where)
            umount(machine, node)

    def test_an_unmount_is_repeatable(self, machine: WorkHarness) -> None:
        """What is not mounted needs none."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        bind(kernel, made(kernel, f"{machine.scratch}/there"), where)
        number = seen(kernel, where).id
        for _ in range(2):
            assert work(machine, "umount", {"path": where, "mount": number}) is None
        assert work(machine, "umount", {"path": f"{where}/missing", "mount": 1}) is None

    def test_an_unmount_of_another_mount_is_not_made(self, machine: WorkHarness) -> None:
        """Again: one that was put on top meanwhile is not ours to take away."""
        kernel, base = machine.kernel, machine.scratch
        where = made(kernel, f"{base}/at")
        bind(kernel, made(kernel, f"{base}/there"), where)
        number = seen(kernel, where).id
        bind(kernel, made(kernel, f"{base}/other"), where)
        with pytest.raises(Again):
            work(machine, "umount", {"path": where, "mount": number})
        assert len(mounttable.below(where, kernel=kernel)) == 2
        umount(machine, where)
        assert work(machine, "umount", {"path": where, "mount": number}) is None
