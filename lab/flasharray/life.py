"""The life of volumes, snapshots, hosts and connections, by the vendor's own SDK (py-pure-client, BSD-2-Clause).

Run by the SDK's own interpreter path with address and CA file; prints nothing and ends with 0 if every answer is as the
SDK expects it and every refusal is one. Nothing here is Holdfast's, so that it proves the simulator.
"""

import sys
from typing import Any

from pypureclient import flasharray as fa  # type: ignore[import-not-found,unused-ignore]  # in the lab alone
from pypureclient.configuration import Configuration  # type: ignore[import-not-found,unused-ignore]  # likewise

MIB = 1 << 20


def ok(response: Any) -> list[Any]:
    """The items of an answer that must be one."""
    assert isinstance(response, fa.ValidResponse), response.errors
    return list(response.items or [])


def no(response: Any) -> None:
    """A refusal."""
    assert isinstance(response, fa.ErrorResponse)
    assert response.status_code == 400, response.status_code


def pods(client: Any) -> None:
    """One, without default protection."""
    ok(client.post_pods(names=["p"], pod=fa.PodPost()))
    no(client.post_pods(names=["p"], pod=fa.PodPost()))
    protection = fa.ContainerDefaultProtection(default_protections=[])
    ok(client.patch_container_default_protections(names=["p"], container_default_protection=protection))
    assert [pod.name for pod in ok(client.get_pods())] == ["p"]
    assert len(ok(client.get_arrays())) == 1


def volumes(client: Any) -> str:
    """Made, tagged, listed, renamed, grown; its id."""
    made = ok(
        client.post_volumes(names=["p::a"], volume=fa.VolumePost(provisioned=MIB), with_default_protection=False)
    )[0]
    assert len(made.serial) == 24
    assert made.serial == made.serial.upper()
    no(client.post_volumes(names=["p::a"], volume=fa.VolumePost(provisioned=MIB), with_default_protection=False))
    tag = fa.Tag(key="owner", value="somebody", namespace="holdfast", copyable=False)
    ok(client.put_volumes_tags_batch(resource_ids=[made.id], tag=[tag]))
    assert [each.value for each in ok(client.get_volumes_tags(namespaces=["holdfast"]))] == ["somebody"]
    ok(client.patch_volumes(ids=[made.id], volume=fa.VolumePatch(name="p::v")))
    ok(client.patch_volumes(ids=[made.id], volume=fa.VolumePatch(provisioned=2 * MIB), truncate=False))
    no(client.patch_volumes(ids=[made.id], volume=fa.VolumePatch(name="p::w", destroyed=True)))
    listed = ok(client.get_volumes(filter="name='p::*'"))
    assert [(each.name, each.provisioned, each.destroyed) for each in listed] == [("p::v", 2 * MIB, False)]
    no(client.get_volumes(names=["p::nobody"]))
    return str(made.id)


def hosts(client: Any) -> None:
    """An initiator belongs to one host; a host with connections stays."""
    ok(client.post_hosts(names=["h"], host=fa.HostPost(iqns=["iqn.2020-01.net.example:h"])))
    no(client.post_hosts(names=["i"], host=fa.HostPost(iqns=["iqn.2020-01.net.example:h"])))
    ok(client.post_connections(host_names=["h"], volume_names=["p::v"]))
    no(client.post_connections(host_names=["h"], volume_names=["p::v"]))
    assert [(each.host.name, each.volume.name) for each in ok(client.get_connections())] == [("h", "p::v")]
    assert ok(client.get_hosts(filter="iqns='iqn.2020-01.net.example:h'"))[0].connection_count == 1
    no(client.delete_hosts(names=["h"]))


def snapshots(client: Any) -> None:
    """Taken, copied from, restored, destroyed, eradicated."""
    ok(client.post_volume_snapshots(source_names=["p::v"], volume_snapshot=fa.VolumeSnapshotPost(suffix="s1")))
    source = fa.Reference(name="p::v.s1")
    ok(client.post_volumes(names=["p::c"], volume=fa.VolumePost(source=source), with_default_protection=False))
    assert ok(client.get_volumes_tags(resource_names=["p::c"], namespaces=["holdfast"])) == []
    ok(client.post_volumes(names=["p::c"], volume=fa.VolumePost(source=source), overwrite=True))
    taken = ok(client.get_volume_snapshots(source_names=["p::v"]))
    assert [each.name for each in taken] == ["p::v.s1"]
    ok(client.patch_volume_snapshots(names=["p::v.s1"], volume_snapshot=fa.VolumeSnapshotPatch(destroyed=True)))
    ok(client.delete_volume_snapshots(names=["p::v.s1"]))


def ends(client: Any, uid: str) -> None:
    """Disconnected, destroyed, recovered, destroyed again, eradicated."""
    no(client.patch_volumes(ids=[uid], volume=fa.VolumePatch(destroyed=True)))
    ok(client.delete_connections(host_names=["h"], volume_names=["p::v"]))
    no(client.delete_connections(host_names=["h"], volume_names=["p::v"]))
    no(client.delete_volumes(ids=[uid]))
    for wanted in (True, False, True):
        ok(client.patch_volumes(ids=[uid], volume=fa.VolumePatch(destroyed=wanted)))
    gone = ok(client.get_volumes(names=["p::v"]))[0]
    assert gone.destroyed
    assert 0 < gone.time_remaining <= 24 * 3600 * 1000
    no(client.post_volumes(names=["p::v"], volume=fa.VolumePost(provisioned=MIB), with_default_protection=False))
    no(client.post_connections(host_names=["h"], volume_names=["p::v"]))
    ok(client.delete_volumes(ids=[uid]))
    ok(client.delete_hosts(names=["h"]))
    ok(client.patch_pods(names=["p"], pod=fa.PodPatch(destroyed=True), destroy_contents=True))
    ok(client.delete_pods(names=["p"], eradicate_contents=True))
    assert ok(client.get_volumes()) == []
    assert ok(client.get_pods()) == []


def main() -> None:
    """All of it."""
    address, ca, token = sys.argv[1:4]
    client = fa.Client(address, api_token=token, verify_ssl=True, configuration=Configuration(ssl_ca_cert=ca))
    assert client.get_rest_version() == "2.21"
    pods(client)
    uid = volumes(client)
    hosts(client)
    snapshots(client)
    ends(client, uid)


if __name__ == "__main__":
    main()
