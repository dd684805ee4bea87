"""`holdfast pool`: a file per verb, imported when it is asked for."""

from cyclopts import App

app = App(name="pool", help="Places where volumes live.")
for _verb in ("create", "list", "show", "set", "delete", "forget", "import_", "adopt", "deleted", "recover"):
    app.command(f"holdfast.cli.pool.{_verb}:run", name=_verb.rstrip("_"))
