"""`holdfast serve`."""

from holdfast import config as configuration
from holdfast.service import check as check_
from holdfast.service import serve as serve_


def serve(config: str | None, state: str | None, run: str | None, listen: str | None, *, check: bool) -> None:
    """Read the configuration, lay the command line over it, check it; then serve."""
    found = configuration.override(configuration.load(config), state, run, listen)
    if check:
        check_(found)
        print("The configuration is sound.")
        return
    serve_(found)
