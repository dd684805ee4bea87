"""Volumes, their tags, and snapshots."""

from typing import Any

from holdfast.testing.flasharray.model import Volume, remaining
from holdfast.testing.flasharray.refusal import Refusal, by_id, check_name, flag, named, of
from holdfast.testing.flasharray.state import State

Items = list[dict[str, Any]]
_UNKNOWN = "Volume does not exist."
_NO_SNAPSHOT = "No such volume or snapshot."


def _shown(state: State, volume: Volume) -> dict[str, Any]:
    pod = state.pods.get(volume.pod)
    return {
        "id": volume.id, "name": volume.name, "serial": volume.serial, "provisioned": volume.size,
        "created": int(volume.created * 1000), **remaining(volume.destroyed_at, state.now()),
        "connection_count": len(list(state.hosts_of(volume.name))),
        "pod": {"id": pod.id, "name": pod.name} if pod else None,
        "source": {"name": volume.source} if volume.source else None,
        "space": {"total_physical": state.shelf.used(volume.serial), "total_provisioned": volume.size},
    }  # fmt: skip


def _volumes(state: State, *, snapshots: bool) -> dict[str, Volume]:
    return {name: volume for name, volume in state.volumes.items() if bool(volume.origin) == snapshots}


def _asked(state: State, query: dict[str, str], *, snapshots: bool, message: str) -> list[Volume]:
    known = _volumes(state, snapshots=snapshots)
    found = [of(known, name, message) for name in named(query)] if query.get("names") else list(known.values())
    if "destroyed" in query:
        found = [volume for volume in found if (volume.destroyed_at is not None) == flag(query, "destroyed")]
    return found


def get(state: State, query: dict[str, str], _body: Any) -> Items:
    """All (the destroyed ones too), or those named; 400 for an unknown one."""
    return [_shown(state, volume) for volume in _asked(state, query, snapshots=False, message=_UNKNOWN)]


def _source(state: State, name: str) -> Volume:
    volume = of(state.volumes, name, _NO_SNAPSHOT)
    if volume.destroyed_at is not None:
        raise Refusal(name, "Volume has been destroyed.")
    return volume


def post(state: State, query: dict[str, str], body: Any) -> Items:
    """Make one, empty or as a copy; or with `overwrite` give it the content of another."""
    (name,) = named(query)
    check_name(name)
    pod = name.partition("::")[0] if "::" in name else ""
    if pod and (pod not in state.pods or state.pods[pod].destroyed_at is not None):
        raise Refusal(pod, "Pod does not exist.")
    source = _source(state, body["source"]["name"]) if "source" in body else None
    if source is None and not body.get("provisioned"):
        raise Refusal(name, "Invalid combination of parameters specified.")
    old = state.volumes.get(name)
    if old is not None:
        return _overwrite(state, query, old, source)
    protection = state.pods[pod].protections if pod else []
    if protection and query.get("with_default_protection", "true").lower() == "true":
        raise Refusal(name, "The simulator does not model protection groups.")
    size = source.size if source else int(body["provisioned"])
    tags = {key: value for key, value in (source.tags if source else {}).items() if value[1]}
    volume = Volume(state.ids(), name, state.serial(), size, state.now(), pod, tags=tags)
    if source is None:
        state.shelf.make(volume.serial, size)
    else:
        volume.source = source.name
        state.shelf.copy(source.serial, volume.serial)
    state.volumes[name] = volume
    return [_shown(state, volume)]


def _overwrite(state: State, query: dict[str, str], old: Volume, source: Volume | None) -> Items:
    if source is None or not flag(query, "overwrite"):
        raise Refusal(old.name, "Volume already exists.")
    if old.destroyed_at is not None:
        raise Refusal(old.name, "Volume has been destroyed.")
    state.shelf.copy(source.serial, old.serial)
    old.size, old.source = source.size, source.name
    return [_shown(state, old)]


def patch(state: State, query: dict[str, str], body: Any) -> Items:
    """Rename, resize, destroy, recover: one at a time."""
    volume = by_id(_volumes(state, snapshots=False), query, "ids", "names", _UNKNOWN)
    if len({"name", "destroyed", "provisioned"} & set(body)) != 1:
        raise Refusal(volume.name, "Invalid combination of parameters specified.")
    if "destroyed" in body:
        _destroy(state, volume, wanted=body["destroyed"])
    elif volume.destroyed_at is not None:
        raise Refusal(volume.name, "Volume has been destroyed.")
    elif "name" in body:
        _rename(state, volume, body["name"])
    else:
        if body["provisioned"] < volume.size and not flag(query, "truncate"):
            raise Refusal(volume.name, "The new size is smaller than the old one.")
        volume.size = int(body["provisioned"])
        state.shelf.resize(volume.serial, volume.size)
    return [_shown(state, volume)]


def _destroy(state: State, volume: Volume, *, wanted: bool) -> None:
    if not wanted:
        volume.destroyed_at = None
        return
    if volume.destroyed_at is not None:
        raise Refusal(volume.name, "Volume has been destroyed.")
    if list(state.hosts_of(volume.name)):
        raise Refusal(volume.name, "Volume is connected.")
    volume.destroyed_at = state.now()


def _rename(state: State, volume: Volume, name: str) -> None:
    full = name if "::" in name or not volume.pod else f"{volume.pod}::{name}"
    check_name(full)
    if full in state.volumes:
        raise Refusal(full, "Volume already exists.")
    state.connections = {
        (host, full if each == volume.name else each): lun for (host, each), lun in state.connections.items()
    }
    del state.volumes[volume.name]
    volume.name = full
    state.volumes[full] = volume


def delete(state: State, query: dict[str, str], _body: Any) -> Items:
    """Eradicate what is destroyed."""
    return _eradicate(state, by_id(_volumes(state, snapshots=False), query, "ids", "names", _UNKNOWN))


def _eradicate(state: State, volume: Volume) -> Items:
    if volume.destroyed_at is None:
        raise Refusal(volume.name, "Volume is not destroyed.")
    if state.weather.safe_mode:
        state.weather.note("SafeMode")
        raise Refusal(None, "Eradication is disabled.")
    state.erase(volume)
    return []


# -- tags ------------------------------------------------------------------------------------------


def get_tags(state: State, query: dict[str, str], _body: Any) -> Items:
    """Of all volumes, or of those named, in namespaces."""
    known = _volumes(state, snapshots=False)
    names = query.get("resource_names")
    found = [of(known, name, _UNKNOWN) for name in named(query, "resource_names")] if names else list(known.values())
    spaces = query.get("namespaces", "default").split(",")
    return [
        {
            "resource": {"id": volume.id, "name": volume.name}, "namespace": space, "key": key, "value": value,
            "copyable": copyable,
        }
        for volume in found
        for (space, key), (value, copyable) in sorted(volume.tags.items())
        if space in spaces
    ]  # fmt: skip


def put_tags(state: State, query: dict[str, str], body: Any) -> Items:
    """Make or change some, all at once."""
    volume = by_id(_volumes(state, snapshots=False), query, "resource_ids", "resource_names", _UNKNOWN)
    if volume.destroyed_at is not None:
        raise Refusal(volume.name, "Volume has been destroyed.")
    if not 1 <= len(body) <= 30 or any(len(tag["value"]) > 256 or len(tag["key"]) > 64 for tag in body):
        raise Refusal(volume.name, "Invalid tags.")
    volume.tags = {
        **volume.tags,
        **{(tag.get("namespace", "default"), tag["key"]): (tag["value"], tag.get("copyable", True)) for tag in body},
    }
    return [{**tag, "resource": {"id": volume.id, "name": volume.name}} for tag in body]


# -- snapshots -------------------------------------------------------------------------------------


def get_snapshots(state: State, query: dict[str, str], _body: Any) -> Items:
    """All, or those named, or those of volumes."""
    found = _asked(state, query, snapshots=True, message=_NO_SNAPSHOT)
    if query.get("source_names"):
        found = [each for each in found if each.source in named(query, "source_names")]
    return [{**_shown(state, each), "suffix": each.name.rpartition(".")[2]} for each in found]


def post_snapshots(state: State, query: dict[str, str], body: Any) -> Items:
    """Make one."""
    volume = _source(state, named(query, "source_names")[0])
    name = f"{volume.name}.{body.get('suffix') or state.serial()[-6:]}"
    check_name(name)
    if name in state.volumes:
        raise Refusal(name, "Snapshot already exists.")
    taken = Volume(state.ids(), name, state.serial(), volume.size, state.now(), volume.pod, source=volume.name)
    taken.origin = volume.id
    state.shelf.copy(volume.serial, taken.serial)
    state.volumes[name] = taken
    return [{**_shown(state, taken), "suffix": name.rpartition(".")[2]}]


def patch_snapshots(state: State, query: dict[str, str], body: Any) -> Items:
    """Destroy, recover."""
    taken = of(_volumes(state, snapshots=True), named(query)[0], _NO_SNAPSHOT)
    _destroy(state, taken, wanted=bool(body.get("destroyed")))
    return [_shown(state, taken)]


def delete_snapshots(state: State, query: dict[str, str], _body: Any) -> Items:
    """Eradicate."""
    return _eradicate(state, of(_volumes(state, snapshots=True), named(query)[0], _NO_SNAPSHOT))
