"""`holdfast volume delete`."""

from holdfast.cli import measuring, output, screen, words
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait, Yes, confirm
from holdfast.cli.screen import Cell, Line, Span
from holdfast.client import Client
from holdfast.model.names import split_volume
from holdfast.model.sizes import format_size
from holdfast.model.views import VolumeView

# How many of the newest operations are searched for the volume's last mount.
_BACK = 500


def run(
    name: VolumeName, /, *, yes: Yes = False, wait: Wait = True, form: Form = "table", address: Address = ""
) -> None:
    """Delete a volume and all that is in it. Refused while it is mounted.

    Example: holdfast volume delete fast/db
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    found = change.client.volume(pool, volume)

    def touched() -> list[Line]:
        takes = measuring.told(measuring.measure(address, found), found)
        fields: list[tuple[str, list[Cell]]] = [
            ("content", [f"{found.content} {found.fs or ''}".rstrip()]), ("size", [format_size(found.size)]),
            ("takes", [takes]), ("labels", [words.labels(found.labels)]),
            ("made", [words.ago(found.created_at)]), ("mounted", _mounted(change.client, found)),
        ]  # fmt: skip
        return list(output.page(screen.out(), fields))

    confirm(
        f"destroy the {found.content} volume {name} ({format_size(found.size)}) and all data in it", yes, touched,
        form=form,
    )  # fmt: skip
    change.end(change.client.delete_volume(pool, volume, change.seconds))


def _mounted(connection: Client, volume: VolumeView) -> list[Cell]:
    """Where it is now, else where and when it was put last, if that is still in the journal."""
    if volume.mounts:
        return [Span(f"now, at {path}", "bad") for path in volume.mounts]
    path = f"{volume.pool}/{volume.name}:"
    for view in connection.operations(limit=_BACK):
        if view.kind == "attachment.mount" and view.state == "done" and view.resource.path.startswith(path):
            where = view.resource.path.removeprefix(path)
            return [f"no; last at {where}, {words.ago(view.created_at)}"]
    return ["no"]
