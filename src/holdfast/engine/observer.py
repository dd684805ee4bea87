"""Who measures the engine: told of what steps took and how operations ended. Never asked, never in the way."""


class Observer:
    """Hears nothing; a face overrides what it counts. Calls come from any thread, must be quick and never raise."""

    def acted(self, step: str, verb: str, seconds: float) -> None:
        """A step's verb (judge, apply, undone, unapply, persist) took so many seconds, whatever it answered."""

    def ended(self, kind: str, state: str, seconds: float) -> None:
        """An operation is over, so many seconds (of the wall clock) after it was asked for."""
