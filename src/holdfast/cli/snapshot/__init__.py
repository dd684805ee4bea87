"""`holdfast snapshot`: a file per verb, imported when it is asked for."""

from cyclopts import App

app = App(name="snapshot", help="Snapshots: what a volume held at a moment.")
_VERBS = ("create", "list", "show", "mount", "restore", "clone", "set", "rename", "delete")
for _verb in _VERBS:
    app.command(f"holdfast.cli.snapshot.{_verb}:run", name=_verb)
