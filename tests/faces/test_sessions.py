"""Every command of the README and of docs/ is run, and shows what the document shows."""

import os
from pathlib import Path

import pytest

from tests.daemon import BIN
from tests.faces.documents import Command, Same, blocks
from tests.faces.session import Untrue, play, try_each
from tests.faces.shell import Hangs, shell
from tests.needs import need

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")))
# Each is one session, and shows all that comes.
SESSIONS = ["README.md", "docs/operating.md", "docs/drivers/btrfs.md", "docs/drivers/flasharray.md"]
# Else what takes longest is played in `make proof`, and in continuous integration behind `make test`.
PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# Run by others.
ELSEWHERE = {"make demo": "tests/faces/test_demo.py runs it", "make test": "this is part of it"}

UNIT = "/etc/systemd/system/holdfast.service"
# systemd is not the first process here: what the unit says is done by the shell.
SERVICE = f"""
start() {{
    (export $(sed -n 's/^Environment=//p' {UNIT}); exec $(sed -n 's/^ExecStart=//p' {UNIT})) 2>>/var/log/holdfast &
    unit=$!
    until holdfast status >/dev/null 2>&1; do kill -0 $unit || return; sleep 0.1; done
}}
stop() {{ kill $unit; wait $unit; }}
start"""
INSTALLED = f"mkdir -p /opt/holdfast/bin && ln -sf {BIN} /opt/holdfast/bin/holdfast"
TOOLS = ("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "losetup", "fuser", "curl", "openssl", "systemd-analyze")
ANOTHER = """holdfast serve --state /root/state --run /root/run &
until holdfast status --address unix:/root/run/holdfast.sock; do sleep 0.1; done
kill $! && wait $!"""
KEPT = "0b0e8a5a1c1f4b3f9a3a2c8a4c1d6e7f"
# By document and command: why it cannot be typed here, and what is typed instead.
STAND_INS = {
    "docs/operating.md": {
        "apt-get -qq install python3-venv e2fsprogs xfsprogs btrfs-progs util-linux psmisc curl openssl": (
            "packages come from the network; that they are there is seen", f"command -v {' '.join(TOOLS)} >/dev/null",
        ),
        "python3 -m venv /opt/holdfast && /opt/holdfast/bin/pip install --quiet .": ("the same", INSTALLED),
        "/opt/holdfast/bin/pip install --quiet --upgrade .": ("the same", INSTALLED),
        "systemctl daemon-reload && systemctl enable --now holdfast": ("systemd does not run", SERVICE),
        "systemctl start holdfast": ("the same", "start"),
        "systemctl stop holdfast": ("the same", "stop"),
        "systemctl restart holdfast": ("the same", "stop && start"),
        "systemctl disable holdfast": ("the same", "true"),
        "journalctl -u holdfast -o cat -n 1": ("without it there is no journal", "tail -n 1 /var/log/holdfast"),
    },
    "docs/cli.md": {
        f"holdfast pool recover array {KEPT}": (
            "its id is drawn", "holdfast pool recover array $(holdfast pool deleted array | sed -n '$s/ .*//p')",
        ),
        "holdfast serve": (
            "it ends when it is told to",
            ANOTHER,
        ),
        "holdfast op watch -o json | jq -r 'select(.state == \"parked\") | .reason'": (
            "the same", "timeout --signal INT 1 holdfast op watch -o json; [ $? = 124 ]",
        ),
    },
    "docs/configuration.md": {
        "holdfast serve --check --config FILE": (
            "FILE is the reader's", "holdfast serve --check --config packaging/holdfast.toml",
        ),
    },
}  # fmt: skip

AWAY, BACK = "mv /srv/fast /srv/away", "mv /srv/away /srv/fast"
STARTED = f"""
export PATH={BIN.parent}:$PATH
mkdir -p /etc/bash_completion.d /usr/local/share/zsh/site-functions /etc/fish/completions /etc/holdfast
mkdir -p /srv/fast /srv/slow /srv/www /srv/old /mnt/db
cp packaging/holdfast.toml /etc/holdfast
[ -S /run/holdfast/holdfast.sock ] || {{ holdfast serve 2>/root/log & daemon=$!; }}
until holdfast status; do sleep 0.1; done"""
ON_AN_ARRAY = """mkdir -p /srv/array
python -m holdfast.testing.flasharray /srv/array & array=$!
until [ -s /srv/array/address ]; do sleep 0.1; done
holdfast pool create array --driver flasharray --set pod=p --set gateway=$(cat /srv/array/address) --set settle=1 \
    --set token=file:/srv/array/token --set ca_file=/srv/array/ca.pem --set transport=loop --set fabric=/srv/array
holdfast volume create array/db --size 1GiB --content block"""
A_STRANGER_CONNECTS = """python - <<END
import json, ssl, urllib.request
base, tls = open("/srv/array/address").read(), ssl.create_default_context(cafile="/srv/array/ca.pem")
def ask(method, path, headers, body):
    url, data = f"https://{base}/api/2.21/{path}", json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), context=tls)
login = ask("POST", "login", {"api-token": open("/srv/array/token").read()}, {})
session = {"x-auth-token": login.headers["x-auth-token"]}
ask("POST", "hosts?names=esx-17", session, {"iqns": ["iqn.1998-01.com.example:esx-17"]})
volume = next(each for each in json.load(ask("GET", "volumes", session, {}))["items"] if "::hf-" in each["name"])
ask("POST", "connections?host_names=esx-17&volume_names=" + volume["name"], session, {})
END"""
ARRAY_GOES = "holdfast volume delete array/db --yes; holdfast pool delete array --yes; kill $array"
# Documents with examples, which need not show what comes; by an example, what must be so before it. Where that shows
# the id of an operation, it is the one which examples name from there on.
EXAMPLES = {
    "docs/cli.md": {
        "holdfast completion bash >/etc/bash_completion.d/holdfast": STARTED,
        "holdfast pool import old --set source=/srv/old":
        "for each in old moved; do mkdir -p /srv/$each && holdfast pool create $each --set source=/srv/$each && "
        "holdfast pool forget $each --yes; done",
        "holdfast pool adopt fast":
        "for each in old moved; do holdfast pool delete $each --yes; done; "
        "holdfast pool create fast --set source=/srv/fast",
        "holdfast pool deleted array":
        f"{ON_AN_ARRAY}; holdfast volume create array/gone --size 1GiB --content block && "
        "holdfast volume delete array/gone --yes",
        "holdfast volume resize array/db 40GiB": "holdfast volume delete array/gone --yes",
        "holdfast volume clone fast/db db-test": "holdfast volume rename fast/orders db",
        "holdfast volume clone fast/db slow/db":
        "mkdir /srv/slower && holdfast pool create slow --set source=/srv/slower",
        "holdfast volume trim fast/db": "holdfast volume mount fast/db /mnt/db",
        "holdfast volume disconnect array/db esx-17": A_STRANGER_CONNECTS,
        "holdfast volume delete fast/db":
        "holdfast volume unmount /mnt/db; holdfast volume delete fast/db-test --yes; "
        f"holdfast volume delete slow/db --yes; holdfast pool delete slow --yes; {ARRAY_GOES}",
        "holdfast snapshot create fast/db@monday":
        "holdfast volume create fast/db --size 1GiB; mkdir /mnt/monday",
        "holdfast snapshot restore fast/db@monday": "holdfast volume unmount /mnt/monday",
        "holdfast snapshot rename fast/db@monday before-upgrade":
        "holdfast snapshot set fast/db@before-upgrade --unprotected; "
        "holdfast snapshot delete fast/db@before-upgrade --yes; holdfast snapshot set fast/db@monday --unprotected",
        "holdfast snapshot delete fast/db@monday": "holdfast snapshot rename fast/db@before-upgrade monday",
        "holdfast op show 876433c40a8444818d92e221ba3fdf77":
        f"holdfast volume unmount /srv/www; {AWAY}; holdfast volume create fast/new --size 1GiB",
        "holdfast op watch 876433c40a8444818d92e221ba3fdf77": BACK,
        "holdfast op retry 876433c40a8444818d92e221ba3fdf77": f"{AWAY}; holdfast volume delete fast/new --yes",
        'holdfast op abandon 876433c40a8444818d92e221ba3fdf77 --reason "the disk is gone"':
        "holdfast volume delete fast/site --yes",
        "holdfast purge --dry-run": "holdfast pool forget fast --yes; kill $daemon; wait $daemon",
    },
    "docs/configuration.md": {
        "holdfast serve --check                    # says everything that is wrong, and starts nothing": STARTED,
    },
    "docs/rest.md": {
        "curl --unix-socket /run/holdfast/holdfast.sock http://localhost/v1/status": STARTED,
    },
}  # fmt: skip


def commands_of(document: str) -> list[Command]:
    """All that are run here."""
    found = [command for block in blocks((ROOT / document).read_text()) for command in block]
    return [command for command in found if command.text.split("  #")[0].rstrip() not in ELSEWHERE]


def stand_ins(document: str) -> dict[str, str]:
    return {command: typed for command, (_, typed) in STAND_INS.get(document, {}).items()}


@pytest.mark.parametrize("document", SESSIONS if PROOF else SESSIONS[:2])
def test_a_document_shows_what_comes(document: str) -> None:
    for tool in TOOLS:
        need(tool)
    with shell() as machine:
        play(machine, commands_of(document), stand_ins(document))


@pytest.mark.parametrize("document", EXAMPLES if PROOF else sorted(EXAMPLES)[1:])
def test_the_examples_of_a_document_succeed(document: str) -> None:
    need("curl")
    with shell() as machine:
        try_each(machine, commands_of(document), EXAMPLES[document], stand_ins(document))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_all_commands_are_run_somewhere(document: str) -> None:
    assert not commands_of(document) or document in SESSIONS or document in EXAMPLES


def test_what_stands_for_a_command_or_comes_before_it_stands_for_one_that_there_is() -> None:
    tables: list[tuple[str, set[str]]] = [(document, set(table)) for document, table in STAND_INS.items()]
    tables += [(document, set(table)) for document, table in EXAMPLES.items()]
    for document, named in tables:
        assert named <= {command.text for command in commands_of(document)}, document
    texts = "".join((ROOT / document).read_text() for document in DOCUMENTS)
    for command in ELSEWHERE:
        assert f"# {command} " in texts


TRUE = (
    "# echo one", "one",
    "# false", "# echo $?", "1",
    "# echo error: no >&2; false", "error: no",
    "# cat <<EOF", "two", "  lines", "EOF", "two", "lines",
    "# echo a \\", "b", "a b",
    "# seq 5", "1", "…", "5",
    "# cd /srv; one=1", "# echo $PWD $one", "/srv 1",
    "# (sleep 0.3; echo late >/srv/file) &", "# touch /srv/file", "# cat /srv/file", "late",
    "# hostname; ls -A /srv /mnt /run/holdfast 2>&1 | tail -n 1", "box", "…",
)  # fmt: skip
UNTRUE = [
    ("# echo one", "two"),
    ("# echo one",),
    ("# true", "one"),
    ("# echo one; echo two", "one"),
    ("# echo one; false", "one"),
    ("# echo error: it went well", "error: it went well"),
    ("# false", "# echo $?", "0"),
]


def told(*lines: str) -> list[Command]:
    return next(blocks("\n".join(("```console", *lines, "```"))))


def test_a_document_that_is_true_is_taken_and_one_that_is_not_is_not() -> None:
    with shell() as machine:
        play(machine, told(*TRUE), {})
        for lines in UNTRUE:
            with pytest.raises(Untrue):
                play(machine, told(*lines), {})
        with pytest.raises(Hangs):
            play(machine, told("# exit"), {})


ID, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SAME = [
    (f"the operation {ID}, and {ID}", f"the operation {OTHER}, and {OTHER}"),
    ("up 3 s, 1 volume", "up 2 h 5 min, 1 volume"),
    ("made  2026-11-21 16:30:19", "made 1999-01-01 00:00:01"),
    ("NAME  STATE\na     ready", "NAME       STATE\na          ready"),
    ("/dev/loop3", "/dev/loop17"),
    ("7.7 GiB free of 7.9 GiB", "512 MiB free of 1 TiB"),
    ("one\n…\nfour", "one\ntwo\nthree\nfour\n\n"),
    ("…", ""),
]
DIFFERENT = [
    (f"the operation {ID}, and {ID}", f"the operation {ID}, and {OTHER}"),
    ("up 3 s, 1 volume", "up 3 s, 2 volumes"),
    ("size  2 GiB", "size  3 GiB"),
    ("one\n…\nfour", "two\nfour"),
    ("one", "one\ntwo"),
    ("one\ntwo", "one"),
    ("1 parked", "none parked"),
    (".", "x"),
]


@pytest.mark.parametrize(("shown", "came"), SAME)
def test_what_differs_by_its_nature_is_the_same(shown: str, came: str) -> None:
    assert Same().difference(shown.splitlines(), came) == ""


@pytest.mark.parametrize(("shown", "came"), DIFFERENT)
def test_what_differs_otherwise_is_not(shown: str, came: str) -> None:
    assert Same().difference(shown.splitlines(), came) != ""


def test_an_id_of_the_document_is_the_one_of_the_run_in_later_commands() -> None:
    same = Same()
    assert same.difference([f"parked: {ID}"], f"parked: {OTHER}") == ""
    assert same.typed(f"holdfast op show {ID}") == f"holdfast op show {OTHER}"
    assert same.difference([f"done: {ID}"], f"done: {ID}") != ""
