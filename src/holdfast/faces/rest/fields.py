"""Fields of bodies and parameters as the description shows them.

What is said here constrains nothing: the model's own checks do, and their messages say more than a pattern's.
"""

from typing import Annotated, Any, get_args

from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from msgspec import Meta

from holdfast.faces.rest.calls import Calls
from holdfast.model.lifetimes import LONGEST as LONGEST_LIFE
from holdfast.model.lifetimes import SHORTEST
from holdfast.model.names import LONGEST, LONGEST_VALUE, MOST_LABELS
from holdfast.model.operations import State
from holdfast.model.resources import ResourceState
from holdfast.model.sizes import LARGEST

LONGEST_WAIT = 3600
MOST = 1000
_NAME: dict[str, Any] = {
    "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
    "minLength": 1,
    "maxLength": LONGEST,
}
_ID = {"pattern": "^[0-9a-f]{32}$"}


def _parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """As Litestar's Schema has it."""
    names = {"minLength": "min_length", "maxLength": "max_length"}
    return {names.get(key, key): value for key, value in schema.items()}


def named() -> dict[str, Any]:
    """The schema of a name in a path."""
    return _parameter(_NAME)


# -- of bodies ---------------------------------------------------------------------------------------------

Name = Annotated[str, Meta(extra_json_schema=_NAME)]
Size = (
    Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": LARGEST})]
    | Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]{1,20}(\\.[0-9]{1,9})? ?(B|[KMGTPE]i?B)?$"})]
)
Limit = Size | None
_LabelName = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_VALUE})]
_LabelValue = Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_VALUE})]
Labels = Annotated[dict[_LabelName, _LabelValue], Meta(extra_json_schema={"maxProperties": MOST_LABELS})]
LabelChanges = Annotated[dict[_LabelName, _LabelValue | None], Meta(extra_json_schema={"maxProperties": MOST_LABELS})]
Lifetime = Annotated[float, Meta(extra_json_schema={"minimum": SHORTEST, "maximum": LONGEST_LIFE})]
AbsolutePath = Annotated[str, Meta(extra_json_schema={"pattern": "^/"})]

# -- parameters --------------------------------------------------------------------------------------------

Here = NamedDependency[Calls]
PoolName = Annotated[str, PathParameter(description="The pool's name.", schema_extra=_parameter(_NAME))]
VolumeName = Annotated[str, PathParameter(description="The volume's name.", schema_extra=_parameter(_NAME))]
MountId = Annotated[str, PathParameter(description="The mount's id.", schema_extra=_ID)]
OperationId = Annotated[str, PathParameter(description="The operation's id.", schema_extra=_ID)]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before; none for the first page.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many at the most.")]
InState = Annotated[
    str | None,
    QueryParameter(
        name="state", description="Only those in this state.", schema_extra={"enum": list(get_args(ResourceState))}
    ),
]
OperationState = Annotated[
    str | None,
    QueryParameter(name="state", description="Only those in this state.", schema_extra={"enum": list(get_args(State))}),
]
WithLabel = Annotated[
    list[str] | None,
    QueryParameter(
        name="label", description="Only those with this label: NAME, or NAME=VALUE. Given again, with all of them."
    ),
]
Wait = Annotated[
    float | None,
    QueryParameter(
        ge=0, le=LONGEST_WAIT, schema_extra={"minimum": 0},  # the framework forgets a zero
        description="Seconds to wait for the operation's end. Without it the answer is 202 as soon as it is durable.",
    ),
]  # fmt: skip
Forget = Annotated[bool, QueryParameter(description="Drop the records of a back end that is gone for good.")]
WaitForEnd = Annotated[
    float | None,
    QueryParameter(
        ge=0, le=LONGEST_WAIT, schema_extra={"minimum": 0},
        description="Seconds to wait for its end, also while it is parked. Then it is answered as it is.",
    ),
]  # fmt: skip
IfMatch = Annotated[
    str,
    HeaderParameter(
        name="If-Match",
        description="Do it only while the resource's ETag is one of these, else 412. `*` is any; weak ones match none.",
        schema_extra={"min_length": 1},
    ),
]
