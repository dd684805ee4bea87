"""The Python client of the REST face: http.client over the unix socket, nothing else."""

from holdfast.client.client import Client

__all__ = ["Client"]
