"""A list of very many volumes: page by page, whole and in order, in memory that does not grow with them."""

import os
import tracemalloc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.faces.csi.controller import Controller
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.listing import MOST
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.model.resources import Pool, PoolSpec, PoolStatus, Volume, VolumeSpec, VolumeStatus
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime

MANY = 100_000 if os.environ.get("HOLDFAST_PROOF") else 8_000
POOLS = 4
# Bytes that a page may take: a thousand volumes, read and shown.
PAGE = 24 << 20


@pytest.fixture
def controller() -> Iterator[Controller]:
    """Over records with so many volumes, in some pools; nothing of a daemon besides is asked for."""
    records = SqliteRecords(ThreadRuntime(), "/many-volumes", vfs="memdb")
    try:
        records.write(_fill)
        daemon = SimpleNamespace(records=records, member=SimpleNamespace(uid="m" * 32))
        yield Controller(cast("Any", daemon))
    finally:
        records.close()


def _fill(tx: Tx) -> None:
    for number in range(POOLS):
        uid = f"{number:032x}"
        spec = PoolSpec(driver="dir", config={}, place=f"/srv/{number}")
        resources.insert(tx, Pool(uid=uid, name=f"p{number}", created=0, spec=spec, status=PoolStatus(ready=True)))
        for each in range(MANY // POOLS):
            volume = Volume(
                uid=f"{number + 1:08x}{each:024x}", name=f"v{each:06}", parent=uid, created=0,
                spec=VolumeSpec(size=1 << 20, content="directory"), status=VolumeStatus(ready=True),
            )  # fmt: skip
            resources.insert(tx, volume)


def test_all_are_listed_once_and_no_page_takes_more_than_the_first(controller: Controller) -> None:
    ensuring = cast("Ensuring", None)
    seen, token, most, last = 0, "", 0, ("", "")
    tracemalloc.start()
    try:
        while True:
            tracemalloc.reset_peak()
            answer = controller.ListVolumes(csi.ListVolumesRequest(starting_token=token), ensuring)
            assert len(answer.entries) <= MOST
            for entry in answer.entries:
                now = entry.volume.volume_context["pool"], entry.volume.volume_context["name"]
                assert now > last
                last = now
            seen, token = seen + len(answer.entries), answer.next_token
            most = max(most, tracemalloc.get_traced_memory()[1])
            if not token:
                break
    finally:
        tracemalloc.stop()
    assert seen == MANY
    assert most < PAGE
