"""`holdfast audit`."""

import sys
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, screen, words
from holdfast.cli.common import Address, Form, client
from holdfast.cli.screen import Line, Screen, Span
from holdfast.model.errors import OperationFailed
from holdfast.model.resources import Finding

_HEAD = ("KIND", "SUBJECT", "EVIDENCE", "REMEDY")
AGREE = "Records and world agree."


def run(
    *, repair: Annotated[bool, Parameter(negative=())] = False, form: Form = "table", address: Address = ""
) -> None:
    """Compare records and world both ways, now. The exit status is 0 only if nothing is left to look at.

    Example: holdfast audit
    Example: holdfast audit --repair

    Parameters
    ----------
    repair
        Do what is provably safe; say what was left, and why.
    """
    with client(address) as connection:
        found = connection.audit(repair=repair)
    if form != "table":
        output.dump(found, form)
    else:
        _show(found)
    if any(not each.repaired for each in found):
        sys.exit(OperationFailed.exit)


def _show(found: list[Finding]) -> None:
    out = screen.out()
    if found and out.terminal:
        out.show(*(line for each in found for line in _block(out, each)))
        left = sum(not each.repaired for each in found)
        out.show((), (words.count(left, "finding") + " left to look at." if left else "All of it is repaired.",))
        return
    rows = [[each.kind, each.subject, each.evidence, _remedy(each)] for each in found]
    output.table(_HEAD, rows, AGREE)


def _remedy(found: Finding) -> str:
    return "repaired" if found.repaired else found.remedy


def _block(out: Screen, found: Finding) -> Iterator[Line]:
    """On a terminal a finding has lines of its own: its subject is a path, and its evidence a sentence."""
    yield (Span(f"{found.kind}  ", "good" if found.repaired else "bad"), Span(found.subject, "bold"))
    yield from out.wrapped(found.evidence, "    ")
    if _remedy(found):
        arrow = out.sign("→", "->")
        yield from out.wrapped(f"{arrow} {_remedy(found)}", "    ", "good" if found.repaired else "")
