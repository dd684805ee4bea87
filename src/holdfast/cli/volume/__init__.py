"""`holdfast volume`: a file per verb, imported when it is asked for."""

from cyclopts import App

app = App(name="volume", help="Volumes: directories, file systems and block devices.")
_VERBS = (
    "create",
    "list",
    "show",
    "mount",
    "unmount",
    "label",
    "rename",
    "resize",
    "clone",
    "check",
    "trim",
    "connections",
    "disconnect",
    "delete",
)
for _verb in _VERBS:
    app.command(f"holdfast.cli.volume.{_verb}:run", name=_verb)
