"""`holdfast pool forget`."""

from holdfast.cli import words
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, PoolName, Wait, Yes, confirm
from holdfast.cli.screen import Line, Span
from holdfast.model.sizes import format_size

# More volumes than this are counted, not named.
_MOST = 20


def run(name: PoolName, /, *, yes: Yes = False, wait: Wait = True, form: Form = "table", address: Address = "") -> None:
    """Drop a pool's records and touch nothing: for a back end that is gone for good.

    Its volumes' data stay where they are, unmanaged. Refused while one of them is mounted.

    Example: holdfast pool forget slow
    """
    change = Change(address, form, wait)
    volumes = list(change.client.volumes(name))
    number = words.count(len(volumes), "volume")

    def touched() -> list[Line]:
        named: list[Line] = [
            (f"{volume.pool}/{volume.name}  {volume.content} {format_size(volume.size)}",)
            for volume in volumes[:_MOST]
        ]
        more = len(volumes) - _MOST
        return [*named, *([(Span(f"and {words.count(more, 'volume')} more", "dim"),)] if more > 0 else [])]

    what = f"forget the pool {name} and its {number}; their data stay where they are, unmanaged"
    confirm(what, yes, touched if volumes else None, form=form)
    change.end(change.client.delete_pool(name, change.seconds, forget=True))
