"""`holdfast serve`."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter


def run(
    *,
    config: Annotated[str | None, Parameter(metavar="FILE")] = None,
    check: Annotated[bool, Parameter(negative=())] = False,
    state: Annotated[str | None, Parameter(metavar="DIR")] = None,
    run: Annotated[str | None, Parameter(metavar="DIR")] = None,
    listen: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    csi: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
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
    csi
        unix:///PATH; serve the Container Storage Interface there, too.
    """
    with quick_imports():
        from holdfast import config as configuration
        from holdfast import service

    found = configuration.override(configuration.load(config), state, run, listen, csi)
    if check:
        service.check(found)
        print("The configuration is sound.")
        return
    service.serve(found)
    sys.stdout.flush()
    # The interpreter would wait for a thread whose call hangs. What it holds is journalled, and looked at again.
    os._exit(0)


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """A start is mostly imports: none of their objects is garbage, and structlog need not bring rich along.

    It would, for tracebacks in colour on a terminal, which no log of the daemon's has.
    """
    gc.disable()
    sys.modules["rich"] = None  # type: ignore[assignment]  # documented: an import of it then fails
    try:
        yield
    finally:
        del sys.modules["rich"]
        gc.freeze()
        gc.enable()
