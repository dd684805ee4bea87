"""The Container Storage Interface, version 1.12: each call ensures that something is so.

CSI has no idempotency keys. A call joins a running operation with its goal; else it answers from the records and a
fresh look together; else it asks for an operation. That one is over is never the answer: the look is.
"""
