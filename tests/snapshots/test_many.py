"""Thousands of snapshots of one volume: each is there, each can go, and nothing else grows with their number."""

import os
from pathlib import Path

import pytest

from tests.needs import need, need_root
from tests.snapshots.place import done, place

MANY = 3000 if os.environ.get("HOLDFAST_PROOF") else 300
BLOCK = 4096


@pytest.mark.root
def test_each_of_very_many_snapshots_holds_its_moment(tmp_path: Path) -> None:
    need_root()
    need("mkfs.xfs")
    with place("xfs", tmp_path) as found:
        client = found.client
        done(client.create_volume("p", "v", "16MiB", "block"))
        (volume,) = client.volumes("p")
        with found.image(volume.uid).open("r+b", buffering=0) as disk:
            disk.write(b"x" * (1 << 20))
            for number in range(MANY):
                disk.seek(number % 256 * BLOCK)
                disk.write(number.to_bytes(8))
                done(client.create_snapshot("p", "v", f"s{number:05}"))
        shown = list(client.snapshots("p", "v"))
        assert [each.name for each in shown] == [f"s{number:05}" for number in range(MANY)]
        for number in range(0, MANY, 37):
            with found.image(shown[number].uid).open("rb") as image:
                image.seek(number % 256 * BLOCK)
                assert image.read(8) == number.to_bytes(8)
        assert client.audit() == []
        usage = client.snapshot_usage("p", "v", "s00000")
        assert usage.own is not None
        assert usage.own <= BLOCK
        for number in (0, MANY // 2, MANY - 1):
            done(client.delete_snapshot("p", "v", f"s{number:05}"))
        done(client.restore_snapshot("p", "v", "s00007"))
        with found.image(client.volume("p", "v").uid).open("rb") as image:
            image.seek(7 * BLOCK)
            assert image.read(8) == (7).to_bytes(8)
        assert len(list(client.snapshots("p", "v"))) == MANY - 3
        assert found.daemon.cli("snapshot", "list", "p/v", "--usage").returncode == 0
        assert client.audit() == []
