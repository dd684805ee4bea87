"""Conditions: one per type; `since` moves only when something changed."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.conditions import Condition, holds, put

TYPE = st.sampled_from(["Mounted", "Abandoned", "Ready"])
CONDITION = st.builds(Condition, TYPE, st.booleans(), st.floats(0, 1e9), st.sampled_from(["", "r"]))


@given(st.lists(CONDITION, max_size=8))
def test_each_type_is_there_once_as_it_was_last_put(news: list[Condition]) -> None:
    conditions: tuple[Condition, ...] = ()
    for new in news:
        conditions = put(conditions, new)
    assert len({c.type for c in conditions}) == len(conditions)
    last = {new.type: new for new in news}
    assert {c.type: (c.status, c.reason) for c in conditions} == {t: (c.status, c.reason) for t, c in last.items()}
    assert all(holds(conditions, t) == c.status for t, c in last.items())


def test_since_moves_only_with_status_or_reason() -> None:
    first = put((), Condition("Mounted", True, 1.0))
    assert put(first, Condition("Mounted", True, 2.0)) == first
    assert put(first, Condition("Mounted", False, 2.0))[0].since == 2.0
    assert put(first, Condition("Mounted", True, 2.0, "other"))[0].since == 2.0


def test_what_is_not_there_does_not_hold() -> None:
    assert not holds((), "Mounted")
