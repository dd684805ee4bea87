"""`holdfast op cancel`."""

from holdfast.cli import screen
from holdfast.cli.common import Address, Form, OperationId, Yes, client, confirm
from holdfast.cli.op.leaving import steps, told


def run(op: OperationId, /, *, yes: Yes = False, form: Form = "table", address: Address = "") -> None:
    """Undo an operation that is not past its point of no return.

    Example: holdfast op cancel 876433c40a8444818d92e221ba3fdf77
    """
    with client(address) as connection:
        view = connection.operation(op)
        what = f"undo what the operation {view.kind} {view.resource.path} has done so far"
        confirm(what, yes, lambda: steps(screen.out(), view), form=form)
        told(connection.exit(op, "cancel"), form)
