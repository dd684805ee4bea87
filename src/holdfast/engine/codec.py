"""How requests, steps and verdicts are written in the journal: JSON with a tag. Secrets are refused."""

from typing import Any, cast

import msgspec

from holdfast.engine.request import Bound, Request
from holdfast.model.operations import OperationView, Problem
from holdfast.model.ready import ready
from holdfast.model.resources import Finding
from holdfast.model.secrets import Secret
from holdfast.model.step import Done, Step, Todo
from holdfast.records.operations import OperationRow
from holdfast.records.steps import StepRow


class UnknownTag(LookupError):
    """A newer Holdfast wrote this; the operation parks and nothing else stops."""


def _refuse(value: Any) -> Any:
    if isinstance(value, Secret):
        raise TypeError("a plan holds a SecretRef, never a secret")
    raise TypeError(f"{type(value).__name__} has no place in the journal")


_encoder = msgspec.json.Encoder(enc_hook=_refuse)


def encode(value: Any) -> str:
    """JSON text of plain data; TypeError for a secret."""
    return _encoder.encode(value).decode()


class _Tagged(msgspec.Struct):
    type: str


class Codec:
    """Knows the released requests and steps by tag."""

    def __init__(self, requests: tuple[type[Request], ...], steps: tuple[type[Step], ...]) -> None:
        self.requests = {str(kind.__struct_config__.tag): kind for kind in requests}
        self.steps = {str(kind.__struct_config__.tag): kind for kind in steps}
        typed = [kind for step in steps for kind in (step.Result, step.Facts) if kind is not None]
        ready(*requests, *steps, *typed, _Tagged, Bound, Problem, OperationRow, StepRow, OperationView, Finding)

    def request(self, text: str) -> Request:
        """Decode a request; UnknownTag for a newer one."""
        return cast("Request", self._decode(text, self.requests))

    def step(self, text: str) -> Step:
        """Decode a step; UnknownTag for a newer one."""
        return cast("Step", self._decode(text, self.steps))

    @staticmethod
    def _decode(text: str, kinds: dict[str, Any]) -> object:
        tag = msgspec.json.decode(text, type=_Tagged).type
        if tag not in kinds:
            raise UnknownTag(tag)
        return msgspec.json.decode(text, type=kinds[tag])


def encode_baseline(verdict: Done | Todo) -> str:
    """The first verdict, as the journal keeps it."""
    if isinstance(verdict, Done):
        return encode({"verdict": "done"})
    return encode({"verdict": "todo", "facts": verdict.facts})


def decode_facts(step: Step, baseline: str) -> Any:
    """The facts of a Todo baseline, as the step's `Facts`, or None."""
    facts = msgspec.json.decode(baseline).get("facts") if baseline else None
    return None if facts is None or step.Facts is None else msgspec.convert(facts, step.Facts)


def decode_result(step: Step, result: str) -> Any:
    """The typed result of a step, or None."""
    return None if not result or step.Result is None else msgspec.json.decode(result, type=step.Result)
