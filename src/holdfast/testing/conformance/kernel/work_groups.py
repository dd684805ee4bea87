"""The conformance of a child that takes several images: see `holdfast.testing.conformance.kernel.working`."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from holdfast.model.errors import Refused
from holdfast.testing.conformance.kernel.checks import attach, get, gone, made, mounted_at, opened, put, sparse
from holdfast.testing.conformance.kernel.harness import MIB, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, work

NAMES = ("one", "two")


@contextlib.contextmanager
def _pairs(machine: WorkHarness) -> Iterator[tuple[int, ...]]:
    """Two images and the empty files of their copies, open."""
    with contextlib.ExitStack() as held:
        fds = []
        for name in NAMES:
            path, _ = image(machine, "ext4", name)
            copy = sparse(machine.kernel, f"{machine.scratch}/copy-{name}", 0)
            fds += [held.enter_context(opened(machine.kernel, each, os.O_RDWR)) for each in (path, copy)]
        yield tuple(fds)


class GroupWorkConformance:
    """take-group."""

    def test_each_is_as_it_was_and_whoever_writes_goes_on(self, machine: WorkHarness) -> None:
        """The copies are whole."""
        kernel = machine.kernel
        places = {name: made(kernel, f"{machine.scratch}/at-{name}") for name in NAMES}
        with _pairs(machine) as fds, contextlib.ExitStack() as held:
            for name, place in places.items():
                held.enter_context(mounted_at(kernel, "ext4", f"{machine.scratch}/{name}", place))
                put(kernel, f"{place}/file", name.encode())
            assert work(machine, "take-group", {"fs": ["ext4", "ext4"]}, *fds) == ["frozen", "frozen"]
            for place in places.values():
                put(kernel, f"{place}/later", b"lost")
        for name, place in places.items():
            assert gone(kernel, f"{machine.scratch}/{name}")
            with mounted_at(kernel, "ext4", f"{machine.scratch}/copy-{name}", place):
                assert get(kernel, f"{place}/file") == name.encode()
                assert "later" not in kernel.listdir(place)

    def test_what_nobody_uses_is_taken_with_what_is_mounted(self, machine: WorkHarness) -> None:
        """Of which there is nothing to freeze."""
        kernel, place = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        with _pairs(machine) as fds, mounted_at(kernel, "ext4", f"{machine.scratch}/two", place):
            assert work(machine, "take-group", {"fs": ["ext4", "ext4"]}, *fds) == ["idle", "frozen"]
            assert kernel.fstat(fds[1]).st_size == kernel.fstat(fds[0]).st_size

    def test_one_that_somebody_holds_frozen_keeps_none_of_the_others(self, machine: WorkHarness) -> None:
        """It may be somebody else's freeze."""
        kernel = machine.kernel
        places = [made(kernel, f"{machine.scratch}/at-{name}") for name in NAMES]
        with _pairs(machine) as fds, contextlib.ExitStack() as held:
            for name, place in zip(NAMES, places, strict=True):
                held.enter_context(mounted_at(kernel, "ext4", f"{machine.scratch}/{name}", place))
            free, frozen = (held.enter_context(opened(kernel, place)) for place in places)
            kernel.freeze(frozen)
            assert work(machine, "take-group", {"fs": ["ext4", "ext4"]}, *fds) == []
            kernel.thaw(frozen)
            kernel.freeze(free)
            kernel.thaw(free)

    def test_a_device_that_is_written_to_has_no_moment(self, machine: WorkHarness) -> None:
        """And nobody is frozen for it."""
        kernel, place = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        raw, copy = sparse(kernel, f"{machine.scratch}/raw", MIB), sparse(kernel, f"{machine.scratch}/copy", 0)
        held = attach(kernel, raw)
        with (
            _pairs(machine) as fds, mounted_at(kernel, "ext4", f"{machine.scratch}/one", place),
            opened(kernel, raw, os.O_RDWR) as source, opened(kernel, copy, os.O_RDWR) as target,
            opened(kernel, place) as root,
        ):  # fmt: skip
            with pytest.raises(Refused):
                work(machine, "take-group", {"fs": ["ext4", None]}, *fds[:2], source, target)
            kernel.freeze(root)
            kernel.thaw(root)
        kernel.close(held)
        assert gone(kernel, raw)
