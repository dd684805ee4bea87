"""How long what ends by itself may live."""

from holdfast.model.errors import Invalid

SHORTEST, LONGEST = 1, 100 * 366 * 86400


def end_of(what: str, lifetime: float | None, now: float) -> float | None:
    """When what lives that many seconds from `now` on ends, None for never; raise Invalid."""
    if lifetime is None:
        return None
    if not SHORTEST <= lifetime <= LONGEST:
        raise Invalid(f"{what} cannot live {lifetime:g} seconds.", "Give it from a second to a hundred years.")
    return now + lifetime
