"""`holdfast db backup`."""

import os
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output
from holdfast.cli.common import Address, Form, client


def run(path: Annotated[str, Parameter(metavar="PATH")], /, *, form: Form = "table", address: Address = "") -> None:
    """Copy the database, while it is in use, to a new file on the daemon's machine.

    A daemon that starts on the copy resumes nothing until `holdfast resume`.

    Example: holdfast db backup /var/backups/holdfast.db

    Parameters
    ----------
    path
        The new file.
    """
    where = os.path.abspath(path)
    with client(address) as connection:
        found = connection.backup(where)
    if form != "table":
        output.dump(found, form)
    else:
        output.lines([(f"The database was copied to {where}.",)])
