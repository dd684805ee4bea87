"""Pods and their default protection."""

from typing import Any

from holdfast.testing.flasharray.model import Pod, remaining
from holdfast.testing.flasharray.refusal import Refusal, check_name, flag, named, of
from holdfast.testing.flasharray.state import State

Items = list[dict[str, Any]]
_UNKNOWN = "Pod does not exist."


def _shown(state: State, pod: Pod) -> dict[str, Any]:
    inside = [volume for volume in state.volumes.values() if volume.pod == pod.name]
    return {
        "id": pod.id, "name": pod.name, "quota_limit": pod.quota, **remaining(pod.destroyed_at, state.now()),
        "space": {
            "total_physical": sum(state.shelf.used(volume.serial) for volume in inside),
            "total_provisioned": sum(volume.size for volume in inside if volume.destroyed_at is None),
        },
    }  # fmt: skip


def get(state: State, query: dict[str, str], _body: Any) -> Items:
    """All, or those named; 400 for an unknown one."""
    found = [of(state.pods, name, _UNKNOWN) for name in named(query)] if query.get("names") else state.pods.values()
    return [_shown(state, pod) for pod in found]


def post(state: State, query: dict[str, str], body: Any) -> Items:
    """Make one."""
    (name,) = named(query)
    check_name(name)
    if name in state.pods:
        raise Refusal(name, "Pod already exists.")
    state.pods[name] = Pod(state.ids(), name, quota=body.get("quota_limit"))
    return [_shown(state, state.pods[name])]


def patch(state: State, query: dict[str, str], body: Any) -> Items:
    """Quota, destruction (only empty, or with its contents), recovery."""
    pod = of(state.pods, named(query)[0], _UNKNOWN)
    if body.get("destroyed") is True:
        inside = [volume for volume in state.volumes.values() if volume.pod == pod.name and volume.destroyed_at is None]
        if inside and not flag(query, "destroy_contents"):
            raise Refusal(pod.name, "Pod is not empty.")
        if any(list(state.hosts_of(volume.name)) for volume in inside):
            raise Refusal(pod.name, "Cannot destroy pod with connected volumes.")
        for volume in inside:
            volume.destroyed_at = state.now()
        pod.destroyed_at = state.now()
    elif body.get("destroyed") is False:
        pod.destroyed_at = None
    if "quota_limit" in body:
        pod.quota = body["quota_limit"]
    return [_shown(state, pod)]


def delete(state: State, query: dict[str, str], _body: Any) -> Items:
    """Eradicate."""
    pod = of(state.pods, named(query)[0], _UNKNOWN)
    if pod.destroyed_at is None:
        raise Refusal(pod.name, "Pod is not destroyed.")
    if state.weather.safe_mode:
        state.weather.note("SafeMode")
        raise Refusal(None, "Eradication is disabled.")
    if any(volume.pod == pod.name for volume in state.volumes.values()) and not flag(query, "eradicate_contents"):
        raise Refusal(pod.name, "Cannot eradicate pod with contents.")
    state.erase_pod(pod)
    return []


def get_protections(state: State, query: dict[str, str], _body: Any) -> Items:
    """Of pods."""
    found = [of(state.pods, name, _UNKNOWN) for name in named(query)]
    return [{"name": pod.name, "default_protections": pod.protections} for pod in found]


def patch_protections(state: State, query: dict[str, str], body: Any) -> Items:
    """Set them."""
    pod = of(state.pods, named(query)[0], _UNKNOWN)
    pod.protections = list(body.get("default_protections", []))
    return [{"name": pod.name, "default_protections": pod.protections}]
