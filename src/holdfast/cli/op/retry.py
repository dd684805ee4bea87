"""`holdfast op retry`."""

from holdfast.cli.common import Address, Form, OperationId, client
from holdfast.cli.op.leaving import told


def run(op: OperationId, /, *, form: Form = "table", address: Address = "") -> None:
    """Make a waiting operation try now.

    Example: holdfast op retry 876433c40a8444818d92e221ba3fdf77
    """
    with client(address) as connection:
        told(connection.exit(op, "retry"), form)
