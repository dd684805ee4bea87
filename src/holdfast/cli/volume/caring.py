"""What a check or a trim has found: the operation leaves it in a condition of its volume."""

from holdfast.client import Client
from holdfast.model.conditions import Condition


def condition(connection: Client, pool: str, volume: str, kind: str) -> Condition | None:
    """The volume's condition of that type, as it is now."""
    found = connection.volume(pool, volume).conditions
    return next((each for each in found if each.type == kind), None)
