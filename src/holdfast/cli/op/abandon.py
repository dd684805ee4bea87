"""`holdfast op abandon`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import screen
from holdfast.cli.common import Address, Form, OperationId, Yes, client, confirm
from holdfast.cli.op.leaving import steps, told


def run(
    op: OperationId,
    /,
    *,
    reason: Annotated[str, Parameter(metavar="WHY")],
    yes: Yes = False,
    form: Form = "table",
    address: Address = "",
) -> None:
    """End a waiting operation without touching the world. Its resource stays recorded, with a condition.

    Example: holdfast op abandon 876433c40a8444818d92e221ba3fdf77 --reason "the disk is gone"

    Parameters
    ----------
    reason
        Why; kept with the resource.
    """
    with client(address) as connection:
        view = connection.operation(op)
        what = f"give up the operation {view.kind} {view.resource.path} and leave the world just as it is"
        confirm(what, yes, lambda: steps(screen.out(), view), form=form)
        told(connection.exit(op, "abandon", reason), form)
