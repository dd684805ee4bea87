"""`holdfast db`."""

from cyclopts import App

app = App(name="db", help="The daemon's own database.")
app.command("holdfast.cli.daemon.backup:run", name="backup")
