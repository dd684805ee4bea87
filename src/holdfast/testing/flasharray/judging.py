"""Whether what an array was sent obeyed it: asserted from the simulator's own log, which knows what was answered."""

from collections.abc import Iterator

from holdfast.drivers.flasharray import names
from holdfast.model.resources import Snapshot, Volume
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.testing.flasharray.model import Sent


class Disobeyed(AssertionError):
    """A request that must never be sent."""


def judge(log: list[Sent], *, strangers: frozenset[str] = frozenset()) -> int:
    """How many volumes were destroyed, erased or overwritten. Raise Disobeyed if one was not known to be free and ours.

    Known is what the last look that was answered said, behind the last change of the volume's connections; and that the
    volume bore the tags or, being half made, the name of whoever asks is what the driver's looks must have shown. One
    of the `strangers` may have connected it behind that look, which the array refuses by itself; else it was free at
    that very moment.
    """
    seen: dict[str, str] = {}
    named: dict[str, str] = {}
    judged = 0
    for sent in sorted(log, key=lambda sent: sent.asked):
        if sent.path == "volumes":
            named.update({item["id"]: item["name"] for item in sent.items})
        if sent.path == "connections":
            _note(sent, seen)
        elif is_destruction(sent) or is_overwriting(sent):
            name = named.get(sent.query.get("ids", ""), sent.query.get("names", ""))
            if "::hfp-" in name:  # a mark is connected to nobody
                continue
            judged += 1
            _must_be_free(sent, name, seen.get(name, "not looked at"), strangers=strangers)
    return judged


def _note(sent: Sent, seen: dict[str, str]) -> None:
    if sent.method in ("POST", "DELETE"):
        if sent.status != 200:  # nothing was changed
            return
        seen[sent.query["volume_names"]] = "changed since"
    elif sent.told and sent.query.get("volume_names"):
        seen[sent.query["volume_names"]] = "connected" if sent.items else "free"


def _must_be_free(sent: Sent, name: str, state: str, *, strangers: frozenset[str]) -> None:
    if state != "free":
        raise Disobeyed(f"{sent.method} of {name}, which was {state}")
    if set(sent.connected.get(name, ())) - strangers:
        raise Disobeyed(f"{sent.method} of {name} while it was connected to {sent.connected[name]}")


# -- by the records of that moment -----------------------------------------------------------------


def is_destruction(sent: Sent) -> bool:
    """Whether it destroys or erases a volume."""
    return sent.path == "volumes" and (sent.method == "DELETE" or bool((sent.body or {}).get("destroyed")))


def volumes_of(sent: Sent) -> Iterator[str]:
    """Uids of the volumes of ours that a request is about."""
    touched = sorted({*sent.connected, *sent.query.values()})
    return (found.uid for name in touched if "::" in name and (found := names.parse(name)) is not None)


def is_to_stay(tx: Tx, uid: str) -> bool:
    """Whether the records say so: it is neither being deleted nor undone, and was whole."""
    if any(is_claimed(tx, uid, kind) for kind in ("volume.delete", "snapshot.delete")):
        return False
    if any(is_claimed(tx, uid, kind, "undo") for kind in ("volume.create", "volume.clone", "snapshot.create")):
        return False
    record = resources.by_uid(tx, Volume, uid) or resources.by_uid(tx, Snapshot, uid)
    return record is not None and record.status.ready


def is_overwriting(sent: Sent) -> bool:
    """Whether it gives a volume that is there the content of another."""
    return sent.path == "volumes" and sent.method == "POST" and sent.query.get("overwrite") == "true"


def is_claimed(tx: Tx, uid: str, kind: str, direction: str = "") -> bool:
    """Whether such an operation under way has the volume for itself."""
    rows = tx.run(
        "SELECT o.direction FROM claims c JOIN operations o ON o.id=c.op"
        " WHERE c.item=? AND c.mode='exclusive' AND o.kind=? AND o.state IN ('running', 'undoing', 'parked')",
        (f"uid:{uid}", kind),
    )
    return any(not direction or row[0] == direction for row in rows)
