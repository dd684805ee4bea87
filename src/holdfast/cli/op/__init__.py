"""`holdfast op`: a file per verb, imported when it is asked for."""

from cyclopts import App

app = App(name="op", help="Operations: what runs, what waits and why, what ended how.")
for _verb in ("list", "show", "watch", "retry", "cancel", "abandon"):
    app.command(f"holdfast.cli.op.{_verb}:run", name=_verb)
