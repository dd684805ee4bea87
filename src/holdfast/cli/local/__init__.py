"""Commands that work on this machine itself and need no daemon."""
