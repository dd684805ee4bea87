"""Host entries and connections."""

from typing import Any

from holdfast.testing.flasharray.model import Entry
from holdfast.testing.flasharray.refusal import Refusal, check_name, named, of
from holdfast.testing.flasharray.state import State

Items = list[dict[str, Any]]
_UNKNOWN = "Host does not exist."


def _shown(state: State, host: Entry) -> dict[str, Any]:
    count = sum(name == host.name for name, _ in state.connections)
    return {"id": host.id, "name": host.name, "iqns": host.iqns, "nqns": host.nqns, "connection_count": count}


def get(state: State, query: dict[str, str], _body: Any) -> Items:
    """All, or those named; 400 for an unknown one."""
    found = [of(state.hosts, name, _UNKNOWN) for name in named(query)] if query.get("names") else state.hosts.values()
    return [_shown(state, host) for host in found]


def _check_initiators(state: State, own: str, body: Any) -> None:
    for key in ("iqns", "nqns"):
        for initiator in body.get(key, []):
            for host in state.hosts.values():
                if host.name != own and initiator in getattr(host, key):
                    raise Refusal(own, "The specified initiator is already in use.")


def post(state: State, query: dict[str, str], body: Any) -> Items:
    """Make one."""
    (name,) = named(query)
    check_name(name)
    if name in state.hosts:
        raise Refusal(name, "Host already exists.")
    _check_initiators(state, name, body)
    state.hosts[name] = Entry(state.ids(), name, list(body.get("iqns", [])), list(body.get("nqns", [])))
    return [_shown(state, state.hosts[name])]


def patch(state: State, query: dict[str, str], body: Any) -> Items:
    """Set its initiators."""
    host = of(state.hosts, named(query)[0], _UNKNOWN)
    _check_initiators(state, host.name, body)
    for key in ("iqns", "nqns"):
        if key in body:
            setattr(host, key, list(body[key]))
    return [_shown(state, host)]


def delete(state: State, query: dict[str, str], _body: Any) -> Items:
    """Only without connections."""
    host = of(state.hosts, named(query)[0], _UNKNOWN)
    if any(name == host.name for name, _ in state.connections):
        raise Refusal(host.name, "Host cannot be deleted due to existing connections.")
    del state.hosts[host.name]
    return []


def get_connections(state: State, query: dict[str, str], _body: Any) -> Items:
    """All, or those of hosts or volumes; 400 for an unknown one."""
    wanted_hosts = named(query, "host_names") if query.get("host_names") else None
    wanted_volumes = named(query, "volume_names") if query.get("volume_names") else None
    for name in wanted_hosts or []:
        of(state.hosts, name, _UNKNOWN)
    for name in wanted_volumes or []:
        of(state.volumes, name, "Volume does not exist.")
    return [
        {"host": {"name": host}, "volume": {"id": state.volumes[volume].id, "name": volume}, "lun": lun}
        for (host, volume), lun in sorted(state.connections.items())
        if (wanted_hosts is None or host in wanted_hosts) and (wanted_volumes is None or volume in wanted_volumes)
    ]


def post_connections(state: State, query: dict[str, str], _body: Any) -> Items:
    """Connect."""
    host = of(state.hosts, named(query, "host_names")[0], _UNKNOWN)
    volume = of(state.volumes, named(query, "volume_names")[0], "Volume does not exist.")
    if volume.destroyed_at is not None:
        raise Refusal(volume.name, "Volume has been destroyed.")
    key = (host.name, volume.name)
    if key in state.connections:
        raise Refusal(f"{host.name}/{volume.name}", "Connection already exists.")
    taken = {lun for (name, _), lun in state.connections.items() if name == host.name}
    state.connections[key] = next(lun for lun in range(1, 1 << 14) if lun not in taken)
    state.show(host, volume)
    return [{"host": {"name": host.name}, "volume": {"name": volume.name}, "lun": state.connections[key]}]


def delete_connections(state: State, query: dict[str, str], _body: Any) -> Items:
    """Cut."""
    host = of(state.hosts, named(query, "host_names")[0], _UNKNOWN)
    volume = of(state.volumes, named(query, "volume_names")[0], "Volume does not exist.")
    if state.connections.pop((host.name, volume.name), None) is None:
        raise Refusal(f"{host.name}/{volume.name}", "Connection does not exist.")
    state.hide(host, volume)
    return []
