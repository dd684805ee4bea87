"""What Schemathesis may not do to this machine, and what it may not do to itself; loaded by it as a module.

Its daemon is root's: paths in bodies are moved into a scratch directory, waits are cut short, and the token that it
comes with stays. Names and ids drawn from a pattern never meet what is there: two of three are made to.
"""

import itertools
import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure, ServerError
from schemathesis.core.parameters import ParameterLocation

PLACE, TOKEN = os.environ["HOLDFAST_FUZZ_PLACE"], os.environ["HOLDFAST_FUZZ_TOKEN"]
SPARED = f"{TOKEN}-no-more"
_turns = itertools.count()
# What there is to meet; ids as answers bring them. The pool `q` and the volumes
# `w` and `x` are there to be deleted and renamed, and so are the snapshots `t` and `u` of `v`; `y` is never mounted.
THERE = {"pool": "p", "volume": "v", "snapshot": "s"}


def tamed(value: Any) -> Any:
    """The value, with its absolute paths one name each below the scratch directory."""
    if isinstance(value, dict):
        return {key: tamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [tamed(each) for each in value]
    if isinstance(value, str) and value.startswith("/"):
        return f"{PLACE}/in{value.replace('/', '_')}"
    return value


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Each request, before it is sent. What it is made of may belong to other requests too, and is left alone."""
    case.body = tamed(case.body)
    wait = case.query.get("wait")
    if isinstance(wait, int | float) and 1 < wait <= 3600:
        case.query = {**case.query, "wait": 1}
    parts = case.path_parameters
    if "token" in parts:
        if parts["token"] in TOKEN.split():
            case.path_parameters = {"token": SPARED}
        return
    drawn = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    valid = drawn is not None and drawn.mode.is_positive
    renames = case.method == "PATCH" and isinstance(case.body, dict) and "name" in case.body
    if "mount" not in parts and (renames or case.method == "DELETE"):
        there = {"pool": "p", "volume": "x" if renames else "w"} if "volume" in parts else {"pool": "q"}
        if "snapshot" in parts:
            there = {"pool": "p", "volume": "v", "snapshot": "u" if renames else "t"}
        if valid or any(parts.get(part) == name for part, name in THERE.items()):
            case.path_parameters = {**parts, **there}
    elif valid and case.path.endswith("/import"):
        case.path_parameters = {"pool": "old"}
    elif valid and next(_turns) % 3:
        there = {**THERE, "volume": "y"} if case.path.endswith(("/check", "/restore")) else THERE
        case.path_parameters = {**parts, **{part: name for part, name in there.items() if part in parts}}


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """An operation and a mount to ask for."""
    if response.status_code in (200, 202) and "location" in response.headers:
        THERE["operation"] = response.json()["id"]
    elif response.status_code == 200 and case.method == "GET" and case.path.endswith("/mounts"):
        for mount in response.json()["items"]:
            THERE["mount"] = mount["id"]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """No room (507) is the client's to mend; and that our own token is never revoked is this file's doing."""
    spared = response.status_code == 404 and case.path_parameters == {"token": SPARED}
    return not spared and not (isinstance(failure, ServerError) and response.status_code == 507)
