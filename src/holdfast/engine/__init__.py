"""Durable operations: submit, grant, run, undo, park, resume. Knows records and steps, not hosts or drivers."""
