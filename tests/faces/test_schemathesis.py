"""Schemathesis over the OpenAPI description: whatever is sent, the answer is one that the description has."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import ask
from tests.needs import need

ROOT = Path(__file__).resolve().parents[2]
PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# Requests per route, of the fuzzing; the phase before it tries each constraint of the description by itself.
EXAMPLES = 100 if PROOF else 10
# A run that hangs fails; none is decided by time. In seconds.
LONGEST = 1800 if PROOF else 300
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,negative_data_rejection,unsupported_method,allow_header_conformance"
)
# Its stream has no end: test_rest_events has it.
NOT = "/v1/events"
# What no request of the admin's is granted, because nothing is parked, and nothing on an array.
NEVER = {
    ("GET", NOT), ("GET", "/metrics"),
    ("POST", "/v1/operations/{operation}/cancel"), ("POST", "/v1/operations/{operation}/abandon"),
    ("DELETE", "/v1/pools/{pool}/volumes/{volume}/connections/{host}"), ("POST", "/v1/pools/{pool}/recover"),
}  # fmt: skip
_COUNTED = re.compile(r'holdfast_http_requests_total\{method="(\w+)",route="([^"]*)",status="(\d+)"\} ([\d.]+)')


@pytest.fixture
def served() -> Iterator[Tcp]:
    """Over TLS, with what the hooks know of; wrong tokens are part of what is sent."""
    with tcp_daemon(limits="auth_failures = 1000000") as tcp:
        client, root = tcp.daemon.with_pool(), tcp.daemon.root
        for name in ("v", "y"):
            client.create_volume("p", name, "16MiB", content="filesystem", fs="ext4")
        for name in ("w", "x"):
            client.create_volume("p", name, "1MiB")
        for name in ("s", "t", "u"):
            client.create_snapshot("p", "v", name)
        client.create_snapshot("p", "y", "s")
        for place in ("q", "scratch", "scratch/in_mnt_db", "scratch/in_mnt_monday", "scratch/in_srv_fast"):
            (root / place).mkdir()
        client.create_pool("q", {"source": str(root / "q")})
        (root / "scratch/in_srv_old").mkdir()
        client.create_pool("old", {"source": str(root / "scratch/in_srv_old")})
        client.delete_pool("old", forget=True)
        yield tcp


def fuzz(tcp: Tcp, token: str, phases: str, checks: str = CHECKS, ident: str = "") -> None:
    """Run it with that token; it must find nothing, and the daemon must have nothing to complain of."""
    root = tcp.daemon.root
    (root / "openapi.json").write_bytes(ask(tcp.daemon, "GET", "/openapi.json").body)
    env = {
        **os.environ, "SCHEMATHESIS_HOOKS": "tests.faces.fuzz_hooks", "PYTHONPATH": str(ROOT),
        "HOLDFAST_FUZZ_PLACE": str(root / "scratch"), "HOLDFAST_FUZZ_TOKEN": f"fuzz {ident}",
    }  # fmt: skip
    done = subprocess.run(
        [
            need(str(Path(sys.executable).with_name("schemathesis"))), "run", str(root / "openapi.json"),
            "--url", f"https://localhost:{tcp.port}", "--tls-verify", tcp.ca, "--no-color", "--warnings", "off",
            *(("--header", f"Authorization: Bearer {token}") if token else ()), "--exclude-path", NOT,
            "--phases", phases, "--checks", checks, "--max-examples", str(EXAMPLES), "--generation-deterministic",
            "--continue-on-failure", "--request-timeout", "30",
        ],
        capture_output=True, text=True, timeout=LONGEST, env=env, cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-2000:]}"
    log = tcp.daemon.log.read_text()
    for word in ("level=error", "level=critical", "Traceback"):
        assert word not in log, log[log.index(word) - 200 :][:3000]


def answered(tcp: Tcp) -> Counter[tuple[str, str]]:
    """How many requests were granted, by method and route."""
    found: Counter[tuple[str, str]] = Counter()
    for method, route, status, count in _COUNTED.findall(ask(tcp.daemon, "GET", "/metrics").body.decode()):
        if status < "300" and route not in ("/metrics", "/openapi.json"):
            found[method, route] += int(float(count))
    return found


def recorded(tcp: Tcp) -> list[object]:
    """All that people can change; what the disk has free is not of that."""
    client = tcp.daemon.client()
    pools = [msgspec.structs.replace(pool, total=None, free=None) for pool in client.pools()]
    return [list(client.operations()), pools, list(client.volumes("p")), client.tokens()]


def test_an_admin_meets_only_documented_answers(served: Tcp) -> None:
    made = served.daemon.client().create_token("fuzz", "admin")
    before = answered(served)
    checks = f"{CHECKS},ignored_auth,use_after_free,ensure_resource_availability"
    fuzz(served, made.secret, "examples,coverage,fuzzing,stateful", checks, made.token.id)
    granted = answered(served) - before
    described = ask(served.daemon, "GET", "/openapi.json").said["paths"]
    routes = {(method.upper(), path) for path, item in described.items() for method in item}
    assert routes - granted.keys() <= NEVER


def test_no_change_of_a_viewer_gets_through(served: Tcp) -> None:
    token = served.token("fuzz", "viewer")
    then, before = recorded(served), answered(served)
    fuzz(served, token, "examples,coverage,fuzzing")
    granted = answered(served) - before
    assert {method for method, _route in granted} <= {"GET", "OPTIONS"}
    assert granted["GET", "/v1/pools/{pool}"]
    assert recorded(served) == then
    files = [(served.daemon.state / name).read_text() for name in ("audit.log", "refused.log")]
    trail = [json.loads(line) for line in "".join(files).splitlines()]
    refused = [line for line in trail if line["actor"] == "token:fuzz" and line["method"] not in ("GET", "OPTIONS")]
    assert refused
    assert all(line["status"] in (400, 403, 404, 405) and not line["operation"] for line in refused)


@pytest.mark.parametrize("token", ["", "hf_0123456789abcdef_" + "0" * 64], ids=["none", "unknown"])
def test_nothing_but_its_health_is_told_to_who_has_no_good_token(served: Tcp, token: str) -> None:
    then, before = recorded(served), answered(served)
    fuzz(served, token, "examples,coverage")
    assert set(answered(served) - before) == {("GET", "/healthz")}
    assert recorded(served) == then
