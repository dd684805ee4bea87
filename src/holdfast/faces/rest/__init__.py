"""REST /v1 on Litestar."""
