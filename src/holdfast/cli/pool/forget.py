"""`holdfast pool forget`."""

from holdfast.cli import output, screen, words
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
        fields = [(f"{each.pool}/{each.name}", [f"{each.content}, {format_size(each.size)}"]) for each in volumes]
        more = len(volumes) - _MOST
        rest: list[Line] = [(Span(f"and {words.count(more, 'volume')} more", "dim"),)] if more > 0 else []
        return [*output.page(screen.out(), fields[:_MOST]), *rest]

    what = f"forget the pool {name} and its {number}; their data stay where they are, unmanaged"
    confirm(what, yes, touched if volumes else None, form=form)
    change.end(change.client.delete_pool(name, change.seconds, forget=True))
