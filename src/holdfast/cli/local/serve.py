"""`holdfast serve`."""

from typing import Annotated

from cyclopts import Parameter


def run(
    *,
    config: Annotated[str | None, Parameter(metavar="FILE")] = None,
    check: Annotated[bool, Parameter(negative=())] = False,
    state: Annotated[str | None, Parameter(metavar="DIR")] = None,
    run: Annotated[str | None, Parameter(metavar="DIR")] = None,
    listen: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
) -> None:
    """Run the daemon in the foreground until SIGTERM. Mounts stay when it ends.

    Example: holdfast serve
    Example: holdfast serve --check --config /etc/holdfast/holdfast.toml

    Parameters
    ----------
    config
        The configuration file; by default /etc/holdfast/holdfast.toml, if it is there.
    check
        Say what is wrong with the configuration, and start nothing.
    state
        The daemon's own directory. It can be removed at any moment without touching a volume's data.
    run
        For the socket; lost at a reboot.
    listen
        unix:PATH; by default unix:RUN/holdfast.sock.
    """
    from holdfast import config as configuration
    from holdfast import service

    found = configuration.override(configuration.load(config), state, run, listen)
    if check:
        service.check(found)
        print("The configuration is sound.")
        return
    service.serve(found)
