"""The clients of a storm: each asks with keys of its own until it hears the end, and notes what it was told.

So each ended request is an acknowledgement that must hold; the nearest look is taken at once.
"""

import threading
from collections.abc import Callable

from tests.daemon import mounts_below
from tests.storm import cargo
from tests.storm.notes import Facts, Place
from tests.storm.settings import WAIT
from tests.storm.volumes import OfVolumes

MOST_VOLUMES, MOST_SNAPSHOTS = 6, 3


class Sailor(OfVolumes):
    """One client, on a thread of its own, with volumes and snapshots."""

    def start(self) -> None:
        """Let it sail."""
        self.thread = threading.Thread(target=self._sail, daemon=True)
        self.thread.start()

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
        if self._growable():
            deeds += [self._grow]
        if self._idle():
            deeds += [self._give_up]
        if self.notes.snapshots:
            deeds += [self._call]
        if self._showable():
            deeds += [self._show]
        if self.notes.snapshots and len(self.notes.volumes) < MOST_VOLUMES:
            deeds += [self._clone]
        if self._restorable():
            deeds += [self._restore]
        if self.notes.mounts:
            deeds += [self._unmount, self._unmount]
        return deeds

    # -- deeds -------------------------------------------------------------------------------------

    def _takeable(self) -> list[str]:
        """The disk's ext4 shares no blocks, so that a device in use there has no snapshot."""
        return [
            uid
            for uid, facts in sorted(self.notes.volumes.items())
            if not (facts.pool == "p" and facts.content == "block" and uid in self.notes.mounts)
            and uid not in self._broken
        ]

    def _idle(self) -> list[str]:
        """Snapshots that are not mounted."""
        return sorted(set(self.notes.snapshots) - set(self.notes.mounts))

    def _restorable(self) -> list[str]:
        """Snapshots of volumes that are not mounted."""
        return sorted(uid for uid, facts in self.notes.snapshots.items() if facts.of not in self.notes.mounts)

    def _showable(self) -> list[str]:
        """Nobody is given the device of an array's snapshot."""
        return [
            uid
            for uid in self._idle()
            if (self.notes.snapshots[uid].pool, self.notes.snapshots[uid].content) != ("a", "block")
        ]

    def _taken(self, uids: list[str]) -> tuple[str, Facts, str]:
        """One of these snapshots, and its volume's name."""
        uid = self._random.choice(uids)
        facts = self.notes.snapshots[uid]
        return uid, facts, self.notes.volumes[facts.of].name

    def _take(self) -> None:
        uid, facts = self._some(self._takeable())
        name = f"s{self._number}-{self._serial}"
        view = self._asked(
            "snapshot", facts, lambda key: self._client.create_snapshot(facts.pool, facts.name, name, WAIT, key),
            self._since.get(uid) if facts.fs else None,
        )  # fmt: skip
        if view is not None:
            taken = view.resource.uid
            self.notes.snapshots[taken] = facts._replace(name=name, of=uid)
            if uid in self.notes.written:
                self.notes.written[taken] = self.notes.written[uid]
            assert self._is_there(taken, facts.pool), f"taken, and not there: {facts.name}@{name}"

    def _give_up(self) -> None:
        uid, facts, volume = self._taken(self._idle())
        if self._asked(
            "give up", facts, lambda key: self._client.delete_snapshot(facts.pool, volume, facts.name, WAIT, key)
        ):  # fmt: skip
            del self.notes.snapshots[uid]
            self.notes.written.pop(uid, None)
            self.notes.gone.add(uid)
            assert not self._is_there(uid, facts.pool), f"deleted, and still there: {facts.name}"

    def _call(self) -> None:
        uid, facts, volume = self._taken(sorted(self.notes.snapshots))
        name = f"s{self._number}-{self._serial}r"
        if self._asked(
            "rename a snapshot", facts,
            lambda key: self._client.change_snapshot(facts.pool, volume, facts.name, {"name": name}, WAIT, key),
        ):  # fmt: skip
            self.notes.snapshots[uid] = facts._replace(name=name)

    def _show(self) -> None:
        uid, facts, volume = self._taken(self._showable())
        point = self._daemon.mnt / uid
        if facts.content == "block":
            point.touch()
        else:
            point.mkdir(exist_ok=True)
        if self._asked(
            "mount a snapshot", facts,
            lambda key: self._client.mount_snapshot(facts.pool, volume, facts.name, str(point), WAIT, key),
        ):  # fmt: skip
            self.notes.mounts[uid] = Place(str(point), True)
            assert str(point) in mounts_below(point), f"mounted, and not there: {facts.name}"
            text = self.notes.written.get(uid)
            found = cargo.read(str(point), facts.content, text) if text is not None else text
            assert found == text, f"the data of {facts.name} reads {found!r}, and was {text!r}"

    def _clone(self) -> None:
        taken, facts, volume = self._taken(sorted(self.notes.snapshots))
        name = f"v{self._number}-{self._serial}c"
        view = self._asked(
            "clone", facts,
            lambda key: self._client.clone_volume(facts.pool, volume, name, snapshot=facts.name, wait=WAIT, key=key),
        )  # fmt: skip
        if view is not None:
            uid = view.resource.uid
            self.notes.volumes[uid] = facts._replace(name=name, of="")
            if taken in self.notes.written:
                self.notes.written[uid] = self.notes.written[taken]
            assert self._is_there(uid, facts.pool), f"cloned, and not there: {name}"

    def _restore(self) -> None:
        uid, facts, volume = self._taken(self._restorable())
        if self._asked(
            "restore", facts, lambda key: self._client.restore_snapshot(facts.pool, volume, facts.name, WAIT, key)
        ):  # fmt: skip
            self.notes.volumes[facts.of] = self.notes.volumes[facts.of]._replace(size=facts.size)
            self.notes.written.pop(facts.of, None)
            if uid in self.notes.written:
                self.notes.written[facts.of] = self.notes.written[uid]
