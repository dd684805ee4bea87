"""The request: what can be asked for, as plain data that binds, plans, and says what became true."""

import abc
from typing import TypeVar

import msgspec

from holdfast.model.operations import Problem, ResourceRef
from holdfast.model.step import Step
from holdfast.records.claims import Claim
from holdfast.records.contract import Tx

R = TypeVar("R", bound=msgspec.Struct)


class Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is drawn once per request, so that transactions can be rerun: ids and the time."""

    operation: str
    uid: str
    fs_uuid: str
    now: float
    member: str
    owner: str


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the names in a request meant when it was made: the resource, the claims, further uids by role."""

    ref: ResourceRef
    claims: tuple[Claim, ...]
    uids: dict[str, str] = {}


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drawn and bound together; stored beside the request."""

    drawn: Drawn
    uids: dict[str, str]


class Results:
    """Typed results of the steps, by their type."""

    def __init__(self, found: list[msgspec.Struct]) -> None:
        self._found = found

    def get(self, kind: type[R]) -> R:
        """The latest result of that type; KeyError if no step had one."""
        for result in reversed(self._found):
            if isinstance(result, kind):
                return result
        raise KeyError(kind.__name__)

    def find(self, kind: type[R], otherwise: R) -> R:
        """The latest result of that type, or `otherwise`: an older version's step had none."""
        return next((result for result in reversed(self._found) if isinstance(result, kind)), otherwise)


class _RequestMeta(msgspec.StructMeta, abc.ABCMeta):
    """Plain data with abstract verbs."""


class Request(msgspec.Struct, metaclass=_RequestMeta, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all requests; the tag is NOUN.VERB.VERSION. All verbs run inside a transaction and may be rerun.

    A HoldfastError out of `bind` or `plan` refuses the request; nothing of it stays.
    """

    @abc.abstractmethod
    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """Resolve names to uids and say what to claim."""

    @abc.abstractmethod
    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again, reserve rows, return the steps. Everything claimed is granted here."""

    @abc.abstractmethod
    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Write the rows that are true now that every step is done."""

    @abc.abstractmethod
    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Release the rows that `plan` reserved; the world is as before."""

    def failed(self, tx: Tx, bound: Bound, error: Problem) -> None:
        """Write down what its error says of what stays, before `withdrawn`."""

    def learned(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Write down what the steps found, before `abandoned`: nobody reads the journal of what is over."""

    @abc.abstractmethod
    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Mark what stays: the world was left as it is, and nobody knows how that is."""
