"""What can be asked of each resource, by method and path. A handler answers items, or raises Refusal."""

from collections.abc import Callable
from typing import Any

from holdfast.testing.flasharray import hosts, pods, volumes
from holdfast.testing.flasharray.refusal import Refusal
from holdfast.testing.flasharray.state import State

Handler = Callable[[State, dict[str, str], Any], list[dict[str, Any]]]


def _arrays(state: State, _query: dict[str, str], _body: Any) -> list[dict[str, Any]]:
    used = sum(state.shelf.used(volume.serial) for volume in state.volumes.values())
    return [
        {
            "id": state.id, "name": "simulated", "version": "6.4.10", "os": "Purity//FA",
            "capacity": 100 << 40, "space": {"total_physical": used},
        }
    ]  # fmt: skip


def _interfaces(_state: State, _query: dict[str, str], _body: Any) -> list[dict[str, Any]]:
    return [{"name": "ct0.eth4", "enabled": True, "services": ["iscsi"], "eth": {"address": "127.0.0.1"}}]


def _ports(state: State, _query: dict[str, str], _body: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": "ct0.eth4",
            "iqn": f"iqn.2010-06.com.purestorage:flasharray.{state.id[:8]}",
            "portal": "127.0.0.1:3260",
        }
    ]


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "arrays"): _arrays,
    ("GET", "network-interfaces"): _interfaces,
    ("GET", "ports"): _ports,
    ("GET", "pods"): pods.get,
    ("POST", "pods"): pods.post,
    ("PATCH", "pods"): pods.patch,
    ("DELETE", "pods"): pods.delete,
    ("GET", "container-default-protections"): pods.get_protections,
    ("PATCH", "container-default-protections"): pods.patch_protections,
    ("GET", "volumes"): volumes.get,
    ("POST", "volumes"): volumes.post,
    ("PATCH", "volumes"): volumes.patch,
    ("DELETE", "volumes"): volumes.delete,
    ("GET", "volumes/space"): volumes.get,
    ("GET", "volumes/tags"): volumes.get_tags,
    ("PUT", "volumes/tags/batch"): volumes.put_tags,
    ("GET", "volume-snapshots"): volumes.get_snapshots,
    ("POST", "volume-snapshots"): volumes.post_snapshots,
    ("PATCH", "volume-snapshots"): volumes.patch_snapshots,
    ("DELETE", "volume-snapshots"): volumes.delete_snapshots,
    ("GET", "hosts"): hosts.get,
    ("POST", "hosts"): hosts.post,
    ("PATCH", "hosts"): hosts.patch,
    ("DELETE", "hosts"): hosts.delete,
    ("GET", "connections"): hosts.get_connections,
    ("POST", "connections"): hosts.post_connections,
    ("DELETE", "connections"): hosts.delete_connections,
}

__all__ = ["HANDLERS", "Refusal"]
