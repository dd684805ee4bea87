"""What a failing run says."""


class Breach(AssertionError):
    """An invariant did not hold. `operation` is the one concerned, if one is."""

    def __init__(self, rule: int, what: str, operation: str = "") -> None:
        super().__init__(f"rule {rule}: {what}")
        self.rule = rule
        self.operation = operation
