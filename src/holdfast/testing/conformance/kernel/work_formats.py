"""The conformance of children that format: see `holdfast.testing.conformance.kernel.working`."""

import os

import pytest

from holdfast.host import formats, signatures
from holdfast.host.signatures import Blank, Holds
from holdfast.model.errors import Foreign, Refused
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.harness import Keeper
from holdfast.testing.conformance.kernel.checks import (
    bind,
    gone,
    made,
    opened,
    put,
    sparse,
)
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS
from holdfast.testing.conformance.kernel.harness import SIZES, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, mount_image, umount, work


class FormatWorkConformance:
    """mkfs, and what proves it."""

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_format_is_proven_by_what_is_read(self, machine: WorkHarness, fs: FileSystem) -> None:
        """And is made once: what holds something is foreign."""
        kernel, uuid = machine.kernel, machine.new_id()
        path = sparse(kernel, f"{machine.scratch}/disk", SIZES[fs])
        with opened(kernel, path, os.O_RDWR) as fd:
            formats.make(machine.children, Keeper(), fd, fs, uuid, "never", kernel=kernel)
            assert signatures.probe(fd, kernel) == Holds(fs, uuid)
            with pytest.raises(Foreign):
                formats.make(machine.children, Keeper(), fd, fs, machine.new_id(), "never", kernel=kernel)
            assert signatures.probe(fd, kernel) == Holds(fs, uuid)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_the_tool_itself_is_forced(self, machine: WorkHarness, fs: FileSystem) -> None:
        """The probe is the guard: what is there is gone, and the new one is empty."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine, fs)
        mount_image(machine, path, where, uuid, fs)
        put(kernel, f"{where}/file")
        umount(machine, where)
        assert gone(kernel, path)
        again = machine.new_id()
        with opened(kernel, path, os.O_RDWR) as fd:
            assert work(machine, f"mkfs-{fs}", {"fs": fs, "uuid": again}, fd) is None
            assert signatures.probe(fd, kernel) == Holds(fs, again)
        mount_image(machine, path, where, again, fs)
        assert "file" not in kernel.listdir(where)
        umount(machine, where)
        assert gone(kernel, path)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_format_that_fails_is_refused(self, machine: WorkHarness, fs: FileSystem) -> None:
        """Too small, or on a read-only mount; the latter is as it was."""
        kernel, base = machine.kernel, machine.scratch
        sparse(kernel, f"{made(kernel, f'{base}/there')}/large", SIZES[fs])
        bind(kernel, f"{base}/there", made(kernel, f"{base}/at"), read_only=True)
        for path in (sparse(kernel, f"{base}/small", 4096), f"{base}/at/large"):
            with opened(kernel, path) as fd, pytest.raises(Refused, match=f"mkfs-{fs} failed"):
                work(machine, f"mkfs-{fs}", {"fs": fs, "uuid": machine.new_id()}, fd)
        with opened(kernel, f"{base}/at/large") as fd:
            assert signatures.probe(fd, kernel) == Blank()
        kernel.umount(f"{base}/at")
