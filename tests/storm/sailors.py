"""The clients of a storm: each asks with keys of its own until it hears the end, and notes what it was told.

So each ended request is an acknowledgement that must hold; the nearest look is taken at once.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from holdfast.client import Client
from holdfast.model.errors import NoSpace, Unavailable
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content
from tests.daemon import mounts_below
from tests.storm import cargo
from tests.storm.notes import Facts, Notes, Place
from tests.storm.place import StormDaemon
from tests.storm.seen import on_array
from tests.storm.settings import ANSWER, PATIENCE, SEED, WAIT

MOST_VOLUMES, MOST_SNAPSHOTS = 6, 3
# Of volumes that are made on the array.
ON_ARRAY = 0.25
SIZES: dict[Content, int] = {"directory": 2 << 20, "filesystem": 4 << 20, "block": 1 << 20}
T = TypeVar("T")
Ask = Callable[[str], OperationView]


class Sailor:
    """One client, on a thread of its own. `full(since)` tells whether the pool was full since that moment.

    Once it is `over` it begins nothing more; once it is `wrecked`, nobody waits for what it is told.
    """

    def __init__(
        self,
        daemon: StormDaemon,
        number: int,
        over: threading.Event,
        wrecked: threading.Event,
        full: Callable[[float], bool],
    ) -> None:
        self._daemon, self._number, self._full = daemon, number, full
        self._over, self._wrecked = over, wrecked
        self._random = random.Random(SEED * 1000 + number)
        self._serial = 0
        self._client = Client(daemon.address, ANSWER)
        self.notes = Notes()
        # Mounted file systems that shut themselves down: one that shares blocks needs room for its first write.
        self._broken: set[str] = set()
        self._since: dict[str, float] = {}
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._sail, daemon=True)

    def _sail(self) -> None:
        try:
            while not self._over.is_set():
                self._random.choice(self._possible())()
                self._over.wait(self._random.uniform(0, 0.05))
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.error = error
        finally:
            self._client.close()

    def _possible(self) -> list[Callable[[], None]]:
        deeds: list[Callable[[], None]] = []
        if len(self.notes.volumes) < MOST_VOLUMES:
            deeds += [self._create]
        if self.notes.volumes:
            deeds += [self._rename]
        if self._free():
            deeds += [self._mount, self._mount]
        if self._bare():
            deeds += [self._delete]
        if self._takeable() and len(self.notes.snapshots) < MOST_SNAPSHOTS:
            deeds += [self._take]
        if self.notes.snapshots:
            deeds += [self._give_up]
        if self.notes.snapshots and len(self.notes.volumes) < MOST_VOLUMES:
            deeds += [self._clone]
        if self._restorable():
            deeds += [self._restore]
        if self.notes.mounts:
            deeds += [self._unmount, self._unmount]
        return deeds

    # -- asking ------------------------------------------------------------------------------------

    def _until_answered(self, what: str, ask: Callable[[], T | None]) -> T:
        """Ask until there is an answer; what was cut off is asked again, and so is what the full disk refused."""
        end, cut = time.monotonic() + PATIENCE, False
        while True:
            assert time.monotonic() < end, f"client {self._number} gets no answer to: {what}"
            assert not self._wrecked.is_set(), "the storm failed before this client did"
            try:
                answer = ask()
            except Unavailable:
                self.notes.unclear += not cut
                cut = True
            except NoSpace as error:
                self.notes.refused[error.code] += 1
            else:
                if answer is not None:
                    return answer
                continue
            time.sleep(0.05)

    def _asked(self, deed: str, facts: Facts, ask: Ask, since: float | None = None) -> OperationView | None:
        """Ask with one key until it ended; None if it was undone. Any other refusal is an error of the daemon.

        What a disk that was full `since` then has done to it, if that is not now, may be why it is refused.
        """
        self._serial += 1
        key, begun = f"{self._number}-{self._serial}", time.monotonic()

        def ended() -> OperationView | None:
            view = ask(key)
            return view if view.ended else None

        view = self._until_answered(f"{deed} {facts.name}", ended)
        if view.state == "done":
            self.notes.acknowledged[deed if facts.pool == "p" else f"{deed}, on the array"] += 1
            return view
        assert view.error is not None, view
        if facts.pool == "a" and facts.fs and deed == "create" and view.error.detail.startswith("Formatting"):
            self.notes.interrupted += 1  # a half-made format is never gone on with
            return None
        self.notes.refused[f"{deed}: {view.error.code}"] += 1
        broke = since is not None and view.error.detail.startswith("Its file system has met an error")
        needed = facts.pool == "p" and self._full(since if broke and since is not None else begun)
        assert needed, f"without need: {deed} {facts.name} is {view.state}: {view.error}"
        return None

    # -- deeds -------------------------------------------------------------------------------------

    def _free(self) -> list[str]:
        return sorted(set(self.notes.volumes) - set(self.notes.mounts))

    def _bare(self) -> list[str]:
        """Free, and without snapshots."""
        return sorted(set(self._free()) - {facts.of for facts in self.notes.snapshots.values()})

    def _takeable(self) -> list[str]:
        """On the disk; its ext4 shares no blocks, so that a device in use has no snapshot."""
        return [
            uid
            for uid, facts in sorted(self.notes.volumes.items())
            if facts.pool == "p"
            and not (facts.content == "block" and uid in self.notes.mounts)
            and uid not in self._broken
        ]

    def _restorable(self) -> list[str]:
        """Snapshots of volumes that are not mounted."""
        return sorted(uid for uid, facts in self.notes.snapshots.items() if facts.of not in self.notes.mounts)

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
        uid, facts = self._some(sorted(self.notes.mounts))
        path = self.notes.mounts[uid].path

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

    def _take(self) -> None:
        uid, facts = self._some(self._takeable())
        name = f"s{self._number}-{self._serial}"
        view = self._asked(
            "snapshot", facts, lambda key: self._client.create_snapshot("p", facts.name, name, WAIT, key),
            self._since.get(uid) if facts.fs else None,
        )  # fmt: skip
        if view is not None:
            taken = view.resource.uid
            self.notes.snapshots[taken] = facts._replace(name=name, of=uid)
            if uid in self.notes.written:
                self.notes.written[taken] = self.notes.written[uid]
            assert self._is_there(taken, "p"), f"taken, and not there: {facts.name}@{name}"

    def _give_up(self) -> None:
        uid = self._random.choice(sorted(self.notes.snapshots))
        facts = self.notes.snapshots[uid]
        volume = self.notes.volumes[facts.of].name
        if self._asked(
            "give up", facts, lambda key: self._client.delete_snapshot("p", volume, facts.name, WAIT, key)
        ):  # fmt: skip
            del self.notes.snapshots[uid]
            self.notes.written.pop(uid, None)
            self.notes.gone.add(uid)
            assert not self._is_there(uid, "p"), f"deleted, and still there: {facts.name}"

    def _clone(self) -> None:
        taken = self._random.choice(sorted(self.notes.snapshots))
        facts = self.notes.snapshots[taken]
        volume, name = self.notes.volumes[facts.of].name, f"v{self._number}-{self._serial}c"
        view = self._asked(
            "clone", facts,
            lambda key: self._client.clone_volume("p", volume, name, snapshot=facts.name, wait=WAIT, key=key),
        )  # fmt: skip
        if view is not None:
            uid = view.resource.uid
            self.notes.volumes[uid] = facts._replace(name=name, of="")
            if taken in self.notes.written:
                self.notes.written[uid] = self.notes.written[taken]
            assert self._is_there(uid, "p"), f"cloned, and not there: {name}"

    def _restore(self) -> None:
        uid = self._random.choice(self._restorable())
        facts = self.notes.snapshots[uid]
        volume = self.notes.volumes[facts.of].name
        if self._asked(
            "restore", facts, lambda key: self._client.restore_snapshot("p", volume, facts.name, WAIT, key)
        ):  # fmt: skip
            self.notes.written.pop(facts.of, None)
            if uid in self.notes.written:
                self.notes.written[facts.of] = self.notes.written[uid]
