"""What an audit's repair must not touch on an array, and what it does not accuse."""

import pytest

from holdfast.drivers.flasharray.tags import NAMESPACE
from holdfast.testing.flasharray.model import Volume
from holdfast.testing.flasharray.weather import on
from tests.array.world import ArrayWorld


def only(world: ArrayWorld) -> Volume:
    """The volume that is not a mark."""
    (name,) = world.volumes()
    return world.array.state.volumes[name]


def bare(volume: Volume) -> dict[tuple[str, str], tuple[str, bool]]:
    """Take its tags away."""
    before, volume.tags = volume.tags, {}
    return before


@pytest.mark.root
def test_a_recorded_volume_whose_tags_are_gone_is_left_alone_by_a_repair(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    tags = bare(only(world))
    (found,) = client.audit(repair=True)
    assert (found.kind, found.subject, found.repaired) == ("drift", "p/v", False)
    assert "lost its tags" in found.evidence
    only(world).tags = tags
    assert client.audit() == []
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")


@pytest.mark.root
def test_an_unrecorded_volume_without_tags_is_left_alone_and_one_that_was_never_whole_is_removed(
    world: ArrayWorld,
) -> None:
    client = world.start()
    state = world.array.state
    named = world.array.state.pods["pod1"].name + "::hf-" + next(n for n in state.volumes).split("hfp-")[1][:9]
    orphan = f"{named}{'a' * 26}"
    state.volumes[orphan] = Volume(state.ids(), orphan, state.serial(), 1 << 20, state.now(), "pod1")
    state.shelf.make(state.volumes[orphan].serial, 1 << 20)
    (found,) = client.audit(repair=True)
    assert (found.kind, found.subject, found.repaired) == ("orphan", orphan, False)
    assert orphan in state.volumes
    state.erase(state.volumes[orphan])
    world.array.weather.answer(500, on("PUT", "volumes/tags/batch"), times=99)
    half = client.create_volume("p", "v", "1MiB", "block", wait=None)
    world.abandon(client, half, "")
    world.array.weather.troubles.clear()
    bare(only(world))
    client.audit(repair=True)
    assert world.volumes() == [], "its record says that it was never whole"
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")


@pytest.mark.root
def test_what_was_recovered_on_the_array_after_the_audit_saw_it_destroyed_is_not_destroyed_again(
    world: ArrayWorld,
) -> None:
    client = world.start(eradicate="never")
    world.ends(client, world.make(client), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    (name,) = world.destroyed()
    volume = world.array.state.volumes[name]
    assert (NAMESPACE, "owner") in volume.tags
    volume.destroyed_at = None
    (found,) = client.audit(repair=True)
    assert (found.kind, found.repaired) == ("orphan", False), "a volume is never removed by a repair"
    assert world.volumes() == [name]
    world.array.state.erase(volume)
