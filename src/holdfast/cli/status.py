"""`holdfast status`: the page for three in the morning."""

from holdfast.cli import output
from holdfast.cli.common import client
from holdfast.model.sizes import format_size


def show(form: str) -> None:
    """The daemon, its pools, what waits and how to end it."""
    connection = client()
    status, pools, parked = connection.status(), connection.pools(), connection.operations("parked")
    if form != "table":
        output.dump({"daemon": status, "pools": pools, "parked": parked}, form)
        return
    print(f"holdfast {status.version} on {status.member}: {status.unfinished} unfinished, {status.parked} parked")
    if status.suspended:
        print(f"SUSPENDED: {status.suspended} `holdfast resume` ends it.")
    for pool in pools:
        room = (
            f"{format_size(pool.free or 0)} free of {format_size(pool.total)}"
            if pool.total
            else pool.reason.rstrip(".")
        )
        print(f"  pool {pool.name}: {room}, {format_size(pool.provisioned)} provisioned")
    for op in parked:
        for line in output.timeline(op):
            print(f"  {line}")
