"""Checking, trimming and renaming by operations: a whole control plane, with real children, mounts and time."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.control.daemon import Daemon, Settings
from holdfast.engine.submit import Caller
from holdfast.host import loops
from holdfast.model.conditions import Condition
from holdfast.model.errors import InUse, Invalid, WrongState
from holdfast.model.operations import OperationView
from holdfast.model.resources import Attachment, Content, FileSystem, Volume
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.records import resources
from holdfast.runtime.threads import ThreadRuntime
from tests.daemon import wait_until
from tests.host.care import SYSTEMS, write
from tests.host.parts import MIB, digest, opened, run, write_at

SIZES: dict[FileSystem | None, str] = {"ext4": "16MiB", "xfs": "300MiB", "btrfs": "120MiB", None: "1MiB"}
CHECK, TRIM = VolumeCheck(pool="p", name="v"), VolumeTrim(pool="p", name="v")


@dataclasses.dataclass
class World:
    daemon: Daemon
    root: str

    def ask(self, request: Asked) -> OperationView:
        view = self.daemon.engine.submit(request.checked(self.daemon.desk), Caller())
        return self.daemon.engine.watch.wait(view.id, 60.0)

    def done(self, request: Asked) -> OperationView:
        view = self.ask(request)
        assert view.state == "done", view
        return view

    def make(self, content: Content, fs: FileSystem | None = None) -> None:
        self.done(VolumeCreate(pool="p", name="v", size=SIZES[fs], content=content, fs=fs))

    def mount(self, *, directory: bool = True, read_only: bool = False) -> str:
        at = f"{self.root}/at"
        Path(at).mkdir() if directory else Path(at).touch()
        self.done(VolumeMount(pool="p", name="v", path=at, read_only=read_only))
        return at

    def volume(self) -> Volume:
        return self.daemon.records.read(lambda tx: resources.page(tx, Volume))[0]

    def condition(self, type_: str) -> Condition:
        (found,) = (condition for condition in self.volume().conditions if condition.type == type_)
        return found

    @property
    def image(self) -> str:
        return f"{self.root}/pool/volumes/{self.volume().uid}/disk.raw"


@pytest.fixture
def world(scratch: str) -> Iterator[World]:
    os.mkdir(f"{scratch}/pool")
    daemon = Daemon(ThreadRuntime(), Settings(f"{scratch}/state", f"{scratch}/run", threads=2))
    daemon.start()
    try:
        world = World(daemon, scratch)
        world.done(PoolCreate(name="p", config={"source": f"{scratch}/pool"}))
        yield world
        for attachment in daemon.records.read(lambda tx: resources.page(tx, Attachment)):
            world.ask(VolumeUnmount(path=attachment.spec.path))
    finally:
        daemon.stop()


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_check_of_a_sound_volume_says_clean_and_shows_its_look_as_done(world: World, fs: FileSystem) -> None:
    world.make("filesystem", fs)
    before = digest(world.image)
    view = world.done(CHECK)
    assert [(step.kind, step.state) for step in view.steps] == [("volume-checked", "done")]
    condition = world.condition("Checked")
    assert (condition.status, condition.reason) == (True, "clean")
    assert digest(world.image) == before


def test_another_check_with_the_same_verdict_has_its_own_time(world: World) -> None:
    world.make("filesystem", "ext4")
    world.done(CHECK)
    first = world.condition("Checked").since
    world.done(CHECK)
    assert world.condition("Checked").since > first


def test_a_damaged_volume_is_told_by_its_condition_and_nothing_else_changes(world: World) -> None:
    world.make("filesystem", "ext4")
    write_at(world.image, MIB, bytes(MIB))
    before, row = digest(world.image), world.volume()
    world.done(CHECK)
    condition = world.condition("Checked")
    assert not condition.status
    assert condition.reason.startswith("damaged: ")
    assert len(condition.reason) > len("damaged: ")
    assert digest(world.image) == before
    assert (world.volume().spec, world.volume().status) == (row.spec, row.status)


def test_a_check_finds_the_volume_clean_again_after_its_journal_was_replayed(world: World) -> None:
    world.make("filesystem", "ext4")
    at = world.mount()
    write(at, "file", 5000)
    run("cp", world.image, f"{world.root}/copy")
    world.done(VolumeUnmount(path=at))
    run("cp", f"{world.root}/copy", world.image)
    world.done(CHECK)
    condition = world.condition("Checked")
    assert (condition.status, condition.reason[:12]) == (False, "needs replay")
    world.done(VolumeMount(pool="p", name="v", path=at))
    assert os.path.getsize(f"{at}/file") == 5000
    world.done(VolumeUnmount(path=at))
    world.done(CHECK)
    assert world.condition("Checked").status


def test_a_mounted_volume_is_not_checked(world: World) -> None:
    world.make("filesystem", "ext4")
    at = world.mount()
    with pytest.raises(InUse, match=at) as caught:
        world.ask(CHECK)
    assert f"holdfast volume unmount {at}" in caught.value.hint
    assert world.volume().conditions == ()


def test_a_volume_that_somebody_uses_behind_our_back_is_not_checked(world: World) -> None:
    world.make("filesystem", "ext4")
    with opened(world.image) as image:
        device = loops.attach(image, autoclear=True)
    try:
        view = world.ask(CHECK)
    finally:
        os.close(device)
    assert view.state == "undone"
    assert view.error is not None
    assert (view.error.code, bool(view.error.hint)) == ("in-use", True)
    assert world.volume().conditions == ()


def test_what_was_read_while_somebody_began_to_use_the_volume_is_not_believed(world: World) -> None:
    world.make("filesystem", "ext4")
    devices: list[int] = []

    def hook(name: str) -> None:
        if name == "child.fsck-ext4.after":
            with opened(world.image) as image:
                devices.append(loops.attach(image, autoclear=True))

    world.daemon.runtime.hook = hook
    try:
        view = world.ask(CHECK)
    finally:
        world.daemon.runtime.hook = None
        for device in devices:
            os.close(device)
    assert devices, "the hook was not reached"
    assert (view.state, view.error and view.error.code) == ("undone", "in-use")
    assert world.volume().conditions == ()


@pytest.mark.parametrize("request_", [CHECK, TRIM], ids=["check", "trim"])
@pytest.mark.parametrize("content", ["directory", "block"])
def test_only_filesystem_volumes_are_checked_and_trimmed(world: World, content: Content, request_: Asked) -> None:
    world.make(content)
    with pytest.raises(Invalid, match="Only filesystem volumes") as caught:
        world.ask(request_)
    assert caught.value.hint


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_trim_gives_back_what_was_deleted_and_says_how_much(world: World, fs: FileSystem) -> None:
    world.make("filesystem", fs)
    at = world.mount()
    write(at, "large", 8 * MIB)
    os.unlink(f"{at}/large")
    run("sync", "-f", at)
    before = _taken(world)
    view = world.done(TRIM)
    assert [(step.kind, step.state) for step in view.steps] == [("volume-trimmed", "done")]
    condition = world.condition("Trimmed")
    assert condition.status
    number, words = condition.reason.split(" ", 1)
    assert int(number) >= 8 * MIB
    assert words == "bytes trimmed"
    # What was freed last is trimmed only after the journal let go of it.
    wait_until(lambda: bool(world.done(TRIM)) and _taken(world) <= before - 7 * MIB, "it is given back")


def _taken(world: World) -> int:
    return os.stat(world.image).st_blocks * 512


def test_a_volume_that_is_not_mounted_writable_is_not_trimmed(world: World) -> None:
    world.make("filesystem", "ext4")
    with pytest.raises(WrongState, match="not mounted writable") as caught:
        world.ask(TRIM)
    assert "holdfast volume mount p/v" in caught.value.hint
    world.mount(read_only=True)
    with pytest.raises(WrongState, match="not mounted writable"):
        world.ask(TRIM)


def test_what_was_mounted_over_the_volume_is_not_trimmed(world: World) -> None:
    world.make("filesystem", "ext4")
    at = world.mount()
    run("mount", "-t", "tmpfs", "holdfast-test", at)
    try:
        view = world.ask(TRIM)
    finally:
        run("umount", at)
    assert (view.state, view.error and view.error.code) == ("undone", "foreign")
    assert world.volume().conditions == ()


@pytest.mark.parametrize(("content", "fs"), [("directory", None), ("filesystem", "ext4"), ("block", None)])
def test_a_volume_is_renamed_while_it_is_mounted_and_unmounted_afterwards(
    world: World, content: Content, fs: FileSystem | None
) -> None:
    world.make(content, fs)
    at = world.mount(directory=content != "block")
    if content == "block":
        write_at(at, 0, b"precious")
    else:
        Path(f"{at}/file").write_bytes(b"precious")
    with opened(at, os.O_RDONLY) as held:
        mounted = os.fstat(held)
        world.done(VolumeRename(pool="p", name="v", new_name="w"))
        assert (os.stat(at).st_dev, os.stat(at).st_ino) == (mounted.st_dev, mounted.st_ino), "the very same mount"
    assert Path(at if content == "block" else f"{at}/file").read_bytes()[:8] == b"precious"
    assert world.daemon.repair.run(repair=False) == []
    world.done(VolumeUnmount(path=at))
    assert not os.path.ismount(at)
    world.done(VolumeMount(pool="p", name="w", path=at))
    assert Path(at if content == "block" else f"{at}/file").read_bytes()[:8] == b"precious"
