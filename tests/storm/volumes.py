"""What a client of a storm does with volumes."""

import time

from holdfast.model.operations import OperationView
from holdfast.model.resources import Content
from tests.daemon import mounts_below
from tests.storm import cargo
from tests.storm.asking import Asker
from tests.storm.notes import Facts, Place
from tests.storm.seen import on_array
from tests.storm.settings import WAIT

# Of volumes that are made on the array.
ON_ARRAY = 0.25
SIZES: dict[Content, int] = {"directory": 2 << 20, "filesystem": 4 << 20, "block": 1 << 20}
STEP, LARGEST = 1 << 20, 6 << 20


class OfVolumes(Asker):
    """See the module."""

    def _free(self) -> list[str]:
        return sorted(set(self.notes.volumes) - set(self.notes.mounts))

    def _bare(self) -> list[str]:
        """Free, and without snapshots."""
        return sorted(set(self._free()) - {facts.of for facts in self.notes.snapshots.values()})

    def _growable(self) -> list[str]:
        """An ext4 needs a capability to grow; whose readers only read is not grown below them."""
        return [
            uid
            for uid, facts in sorted(self.notes.volumes.items())
            if facts.size < LARGEST
            and facts.content != "filesystem"
            and not (uid in self.notes.mounts and self.notes.mounts[uid].read_only)
        ]

    def _some(self, uids: list[str]) -> tuple[str, Facts]:
        uid = self._random.choice(uids)
        return uid, self.notes.volumes[uid]

    def _is_there(self, uid: str, pool: str) -> bool:
        if pool == "p":
            return (self._daemon.pool / "volumes" / uid).exists()
        return uid in on_array(self._daemon.array)

    def _draw(self) -> Facts:
        pool = "a" if self._random.random() < ON_ARRAY else "p"
        shares = (70, 20, 10) if pool == "p" else (0, 60, 40)
        content: Content = self._random.choices(("directory", "filesystem", "block"), shares)[0]
        name, fs = f"v{self._number}-{self._serial}", "ext4" if content == "filesystem" else None
        return Facts(name, SIZES[content], content, fs, pool)  # type: ignore[arg-type]  # ext4 is one

    def _create(self) -> None:
        facts = self._draw()
        view = self._asked(
            "create", facts,
            lambda key: self._client.create_volume(
                facts.pool, facts.name, facts.size, facts.content, facts.fs, WAIT, key
            ),
        )  # fmt: skip
        if view is not None:
            self.notes.volumes[view.resource.uid] = facts
            assert self._is_there(view.resource.uid, facts.pool), f"created, and not there: {facts.name}"

    def _rename(self) -> None:
        uid, facts = self._some(sorted(self.notes.volumes))
        name = f"v{self._number}-{self._serial}r"
        if self._asked(
            "rename", facts, lambda key: self._client.rename_volume(facts.pool, facts.name, name, WAIT, key)
        ):
            self.notes.volumes[uid] = facts._replace(name=name)

    def _mount(self) -> None:
        uid, facts = self._some(self._free())
        point, begun = self._daemon.mnt / uid, time.monotonic()
        place = Place(str(point), self._random.random() < 0.1)
        if facts.content == "block":
            point.touch()
        else:
            point.mkdir(exist_ok=True)
        if self._asked(
            "mount", facts,
            lambda key: self._client.mount(
                facts.pool, facts.name, place.path, read_only=place.read_only, wait=WAIT, key=key
            ),
        ):  # fmt: skip
            self.notes.mounts[uid] = place
            self._since[uid] = begun
            assert place.path in mounts_below(point), f"mounted, and not there: {facts.name}"
            self._load(uid, facts, place, begun)

    def _load(self, uid: str, facts: Facts, place: Place, begun: float) -> None:
        """What was written stays; the first time it is written."""
        text = self.notes.written.get(uid)
        if text is not None:
            found = cargo.read(place.path, facts.content, text)
            if facts.fs and found.startswith("OSError(") and self._full(begun):
                self._broken.add(uid)
                self.notes.refused["read: its file system broke on the full disk"] += 1
                return
            assert found == text, f"the data of {facts.name} reads {found!r}, and was {text!r}"
        elif not place.read_only and cargo.write(place.path, facts.content, uid):
            self.notes.written[uid] = uid

    def _unmount(self) -> None:
        uid = self._random.choice(sorted(self.notes.mounts))
        facts, path = self.notes.known[uid], self.notes.mounts[uid].path

        def ask(key: str) -> OperationView:
            return self._client.unmount(found[0], WAIT, key)

        found = self._until_answered(f"mounts at {path}", lambda: self._client.mounts(path))
        assert [mount.path for mount in found] == [path], f"an acknowledged mount is not known: {path}"
        if self._asked("unmount", facts, ask):
            del self.notes.mounts[uid]
            self._broken.discard(uid)
            self._since.pop(uid, None)
            assert not mounts_below(self._daemon.mnt / uid), f"unmounted, and still there: {facts.name}"

    def _delete(self) -> None:
        uid, facts = self._some(self._bare())
        if self._asked("delete", facts, lambda key: self._client.delete_volume(facts.pool, facts.name, WAIT, key)):
            del self.notes.volumes[uid]
            self.notes.written.pop(uid, None)
            self.notes.gone.add(uid)
            assert not self._is_there(uid, facts.pool), f"deleted, and still there: {facts.name}"

    def _grow(self) -> None:
        uid, facts = self._some(self._growable())
        size = facts.size + STEP
        if self._asked(
            "resize", facts, lambda key: self._client.resize_volume(facts.pool, facts.name, size, WAIT, key)
        ):
            self.notes.volumes[uid] = facts._replace(size=size)
