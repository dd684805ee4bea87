"""`holdfast token`: a file per verb, imported when it is asked for."""

from cyclopts import App

app = App(name="token", help="Who may ask over TCP, and what.")
for _verb in ("create", "list", "revoke"):
    app.command(f"holdfast.cli.token.{_verb}:run", name=_verb)
