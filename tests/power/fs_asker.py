"""Somebody who asks for volumes and pools, notes what he was told, and so knows what must be true."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from holdfast.client import Client
from holdfast.model.errors import HoldfastError
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content

# What he asks for, and how often; a file system is dear to make.
KINDS = {
    "create-directory": 8, "create-block": 4, "create-filesystem": 1, "delete": 6, "rename": 5, "label": 2,
}  # fmt: skip
CONTENTS: dict[str, Content] = {
    "create-directory": "directory", "create-block": "block", "create-filesystem": "filesystem",
}  # fmt: skip
SIZES = {"directory": 1 << 20, "block": 1 << 20, "filesystem": 4 << 20}
_MOST = 6
_WAIT = 60.0


class Facts(NamedTuple):
    """What he was told of a volume."""

    uid: str
    content: Content
    label: str


class Deed(NamedTuple):
    """Asked with one key, however often; which names it may change, and what is true once it is done."""

    names: frozenset[str]
    ask: Callable[[Client], OperationView]
    told: Callable[[OperationView], None]


class Asker:
    """`there` are his volumes in pool `p` by name, `pools` his further pools with their places."""

    def __init__(self, number: int, seed: int, kinds: tuple[str, ...] = tuple(KINDS)) -> None:
        self._number, self._kinds = number, kinds
        self._random = random.Random(seed * 100 + number)
        self._serial = 0
        self.there: dict[str, Facts] = {}
        self.pools: dict[str, Path] = {}
        self.pools_gone: dict[str, Path] = {}
        self.doubt: Deed | None = None
        self.acknowledged = 0

    @property
    def doubtful(self) -> frozenset[str]:
        """Names of which either may be true."""
        return self.doubt.names if self.doubt else frozenset()

    def ask_until(self, over: threading.Event, address: str, acknowledged: Callable[[], None]) -> None:
        """What is not answered at the end stays in doubt, and is asked first the next time."""
        with Client(address) as client:
            try:
                while not over.is_set():
                    if self.ask(client):
                        acknowledged()
            except HoldfastError:
                if not over.is_set():
                    raise

    def ask(self, client: Client, deed: Deed | None = None) -> bool:
        """What is in doubt, or this deed, or any; whether it was acknowledged."""
        again = self.doubt is not None
        self.doubt = self.doubt or deed or self.deed(self._choose())
        view = self.doubt.ask(client)
        if not view.ended:
            return False
        # Under a failing disk mkfs fails, and so does what asked for it.
        assert view.state == "done" or again, f"{view.kind} {view.resource.path} is {view.state}: {view.error}"
        if view.state == "done":
            self.doubt.told(view)
            self.acknowledged += 1
        self.doubt = None
        return view.state == "done"

    def _choose(self) -> str:
        few = len(self.there) < _MOST
        fits = [kind for kind in self._kinds if (few if kind in CONTENTS else self.there)]
        return self._random.choices(fits, [KINDS[kind] for kind in fits])[0]

    # -- deeds -------------------------------------------------------------------------------------

    def deed(self, kind: str, name: str = "") -> Deed:
        """One of that kind, on a new volume or on that one, or any of his."""
        self._serial += 1
        key, new = f"{self._number}-{self._serial}", f"v{self._number}-{self._serial}"
        if kind in CONTENTS:
            return self._create(key, new, CONTENTS[kind])
        old = name or self._random.choice(sorted(self.there))
        if kind == "delete":
            return self._delete(key, old)
        if kind == "rename":
            return self._rename(key, old, new)
        return self._label(key, old)

    def _create(self, key: str, name: str, content: Content) -> Deed:
        def told(view: OperationView) -> None:
            self.there[name] = Facts(view.resource.uid, content, "")

        return Deed(
            frozenset({name}),
            lambda client: client.create_volume("p", name, SIZES[content], content, wait=_WAIT, key=key),
            told,
        )

    def _delete(self, key: str, name: str) -> Deed:
        def told(_view: OperationView) -> None:
            del self.there[name]

        return Deed(frozenset({name}), lambda client: client.delete_volume("p", name, _WAIT, key=key), told)

    def _rename(self, key: str, old: str, new: str) -> Deed:
        def told(_view: OperationView) -> None:
            self.there[new] = self.there.pop(old)

        return Deed(frozenset({old, new}), lambda client: client.rename_volume("p", old, new, _WAIT, key=key), told)

    def _label(self, key: str, name: str) -> Deed:
        def told(_view: OperationView) -> None:
            self.there[name] = self.there[name]._replace(label=key)

        return Deed(frozenset({name}), lambda client: client.label_volume("p", name, {"by": key}, _WAIT, key=key), told)

    def make_pool(self, name: str, place: Path) -> Deed:
        """A further pool."""

        def told(_view: OperationView) -> None:
            self.pools[name] = place

        config = {"source": str(place)}
        return Deed(frozenset({name}), lambda client: client.create_pool(name, config, wait=_WAIT, key=name), told)

    def delete_pool(self, name: str) -> Deed:
        """No longer."""

        def told(_view: OperationView) -> None:
            self.pools_gone[name] = self.pools.pop(name)

        key = f"delete {name}"
        return Deed(frozenset({name}), lambda client: client.delete_pool(name, _WAIT, key=key), told)
