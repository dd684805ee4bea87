"""What Schemathesis may not do to this machine, and what it may not do to itself; loaded by it as a module.

Its daemon is root's: paths in bodies are moved into a scratch directory, waits are cut short, and the token that it
comes with stays. Names and ids drawn from a pattern never meet what is there: every other one is made to.
"""

import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response

PLACE, TOKEN = os.environ["HOLDFAST_FUZZ_PLACE"], os.environ["HOLDFAST_FUZZ_TOKEN"]
# What there is to meet; ids as answers bring them.
THERE = {"pool": "p", "volume": "v"}


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
    """Each request, before it is sent."""
    case.body = tamed(case.body)
    wait = case.query.get("wait")
    if isinstance(wait, int | float) and 1 < wait <= 3600:
        case.query["wait"] = 1
    parts = case.path_parameters
    if parts.get("token") in TOKEN.split():
        parts["token"] = f"{TOKEN}-no-more"
    for part, name in THERE.items():
        given = parts.get(part)
        if isinstance(given, str) and given.isalnum() and sum(given.encode()) % 2:
            parts[part] = name


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """An operation to ask for."""
    if response.status_code in (200, 202) and "location" in response.headers:
        THERE["operation"] = response.json()["id"]
