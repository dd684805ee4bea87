"""A look at a path never waits for a file system that is not ours."""

import os
import signal
from collections.abc import Callable

from holdfast.host import mountpoints
from holdfast.host.mountpoints import MountLook
from holdfast.model.observations import ForeignObject
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import MIB, opened, sparse
from tests.host.sickfs import sick


def look_in_time(runtime: ThreadRuntime, look: Callable[[], MountLook]) -> MountLook:
    found: list[MountLook] = []
    assert runtime.spawn("look", lambda: found.append(look())).join(5), "the look waits for a stopped server"
    return found[0]


def test_a_hung_fuse_at_the_path_is_foreign_at_once(runtime: ThreadRuntime, scratch: str) -> None:
    os.mkdir(f"{scratch}/source")
    image = sparse(f"{scratch}/disk", MIB)
    with (
        sick(f"{scratch}/at", 4096) as store,
        opened(f"{scratch}/source", os.O_RDONLY) as source,
        opened(image) as disk,
    ):
        at = store.path
        store.signal(signal.SIGSTOP)
        try:
            looks: list[Callable[[], MountLook]] = [
                lambda: mountpoints.look_tree(at, source),
                lambda: mountpoints.look_image(at, disk, "ext4"),
                lambda: mountpoints.look_image(at, disk, "btrfs"),
                lambda: mountpoints.look_image(at, disk, None),
            ]
            for look in looks:
                assert isinstance(look_in_time(runtime, look), ForeignObject)
        finally:
            store.signal(signal.SIGCONT)
