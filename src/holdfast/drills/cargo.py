"""A volume with data that must not be lost, and what is demanded of it in every drill."""

import os

from holdfast.drills import looks
from holdfast.drills.report import Scene
from holdfast.drills.stage import POOL, Stage
from holdfast.model.resources import Use
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount

# By what its mount is for: its name, and the directory that it is mounted at.
_NAMES: dict[Use, tuple[str, str]] = {"mount": ("precious", "mnt"), "stage": ("staged", "staging")}
_BYTES = 256 << 10


class Cargo:
    """A small ext4 volume, not mounted, with a file of random bytes in it."""

    def __init__(self, stage: Stage, use: Use = "mount") -> None:
        self._stage = stage
        self.name, directory = _NAMES[use]
        self.path = stage.path(directory)
        os.mkdir(self.path)
        stage.do(stage.new(self.name))
        self.mount = VolumeMount(pool=POOL, name=self.name, path=self.path, use=use)
        stage.do(self.mount)
        with open(os.path.join(self.path, self.name), "wb") as file:
            file.write(os.urandom(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        self._data = looks.checksum(file.name)
        stage.do(VolumeUnmount(path=self.path))
        self.image = stage.image(self.name)
        self._formatted = stage.formatted()
        self.remember()

    def remember(self) -> None:
        """The image as it is now, which a mount that succeeds changes."""
        self._sum = looks.checksum(self.image.path)

    def untouched(self, scene: Scene) -> None:
        """While its device is ill, nobody wrote to it, and nothing is mounted."""
        same = looks.checksum(self.image.path) == self._sum
        scene.found(same, "image unchanged", "the image was written to")
        idle = not self._stage.mounts()
        scene.found(idle, "nothing mounted", "something is mounted")

    def whole(self, scene: Scene) -> None:
        """Mounted, with its data, and formatted that one time; it is unmounted again."""
        scene.found(self._stage.mounts() == [self.path], "then mounted", "it is not mounted")
        self.intact(scene, self.path)
        self._stage.do(VolumeUnmount(path=self.path))
        self.remember()

    def intact(self, scene: Scene, path: str) -> None:
        """At that path is its data, and it was formatted that one time."""
        file = os.path.join(path, self.name)
        same = os.path.exists(file) and looks.checksum(file) == self._data
        scene.found(same, "data intact", "the data is lost")
        scene.found(self._stage.formatted() == self._formatted, "no mkfs", "mkfs ran")


def formatted_once(stage: Stage, scene: Scene, name: str, runs: int) -> None:
    """The new volume has the file system that mkfs made: since it had run `runs` times, once on each image."""
    scene.found(looks.is_ext4(stage.image(name).path), "the volume has its ext4", "the volume has no ext4")
    since = stage.formatted()[runs:]
    once = len(since) == len(set(since)) > 0
    scene.found(once, "no image formatted twice", "an image was formatted twice")
