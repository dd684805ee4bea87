"""What came of it, in the records, with nothing in it that differs between two runs of the same."""

from collections.abc import Iterable

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.model.conditions import Condition
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.records import resources
from holdfast.records.contract import Tx

Rows = tuple[tuple[object, ...], ...]


class Outcome(msgspec.Struct, frozen=True):
    """Which of the two operations were done, and all resources by their names."""

    done: tuple[bool, bool]
    pools: Rows
    volumes: Rows
    snapshots: Rows
    attachments: Rows


def outcome_of(daemon: Daemon, done: tuple[bool, bool]) -> Outcome:
    """As the records are now."""

    def fn(tx: Tx) -> Outcome:
        pools, volumes, snapshots = resources.page(tx, Pool), resources.page(tx, Volume), resources.page(tx, Snapshot)
        names = {resource.uid: resource.name for resource in (*pools, *volumes, *snapshots)}
        return Outcome(
            done,
            _rows((p.name, p.status.ready, p.generation, _labels(p.spec.labels), p.spec.limit) for p in pools),
            _rows(
                (
                    names[v.parent], v.name, v.spec.content, v.spec.size, v.status.ready, v.status.formatted,
                    v.generation, _labels(v.spec.labels), _conditions(v.conditions),
                )
                for v in volumes
            ),
            _rows(
                (names[s.parent], s.name, s.spec.size, s.status.ready, s.spec.protected, _conditions(s.conditions))
                for s in snapshots
            ),
            _rows(
                (names[a.parent], a.spec.path, a.spec.read_only, a.status.ready, _conditions(a.conditions))
                for a in resources.page(tx, Attachment)
            ),
        )  # fmt: skip

    return daemon.records.read(fn)


def _rows(found: Iterable[tuple[object, ...]]) -> Rows:
    return tuple(sorted(found, key=repr))


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _conditions(conditions: tuple[Condition, ...]) -> tuple[tuple[str, bool], ...]:
    return tuple(sorted((condition.type, condition.status) for condition in conditions))
