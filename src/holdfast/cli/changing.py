"""A change from its request to its end: waiting, how it ended, and the exit status that tells."""

from holdfast.cli import following, output, screen, timeline, words
from holdfast.cli.common import client
from holdfast.client import ended_well
from holdfast.model.operations import OperationView


class Change:
    """One command that submits an operation. `client` sends it, `seconds` is how long its answer may wait."""

    def __init__(self, address: str, form: str, wait: bool) -> None:
        self.client = client(address)
        self.seconds = following.LEG if wait else None
        self._form = form
        self._wait = wait

    def end(self, view: OperationView) -> OperationView:
        """Wait for it if so asked, and show how it ended; raises OperationFailed or Waiting."""
        out = screen.out()
        drawn = self._wait and not view.ended and following.can_draw(out, self._form)
        if self._wait:
            view = self._waited(view, drawn=drawn)
        if self._form != "table":
            output.dump(view, self._form)
        elif view.state == "done":
            lasted = f" in {words.lasting(timeline.took(view))}" if drawn else ""
            out.show((f"{view.kind} {view.resource.path}: ", timeline.state("done"), lasted))
        elif drawn:
            out.show(*timeline.lines(out, view, error=False))
        if self._wait or view.state not in ("queued", "running"):
            ended_well(view)
        elif self._form == "table":
            out.show(
                (f"{view.kind} {view.resource.path}: ", timeline.state(view.state)),
                (f"  {out.sign('→', '->')} Follow it: holdfast op watch {view.id}",),
            )
        return view

    def _waited(self, view: OperationView, *, drawn: bool) -> OperationView:
        try:
            return following.live(self.client, view) if drawn else following.quietly(self.client, view)
        except KeyboardInterrupt:
            following.interrupted(view)
