"""Every command of README and docs is run, and shows what the document shows."""
from tests.daemon import BIN
UNIT="/etc/systemd/system/holdfast.service"
PIP=f"mkdir -p /opt/holdfast/bin && ln -sf {BIN} /opt/holdfast/bin/holdfast"
STAND_INS = {
    "apt-get -qq install python3-venv e2fsprogs xfsprogs btrfs-progs util-linux psmisc curl openssl": ("", "command -v mkfs.xfs mkfs.btrfs mkfs.ext4 losetup fuser curl openssl >/dev/null"),
    "python3 -m venv /opt/holdfast && /opt/holdfast/bin/pip install --quiet .": ("", PIP),
    "/opt/holdfast/bin/pip install --quiet --upgrade .": ("", PIP),
    "systemctl daemon-reload && systemctl enable --now holdfast": ("","""
start() {
  ( export $(sed -n 's/^Environment=//p' /etc/systemd/system/holdfast.service)
    exec $(sed -n 's/^ExecStart=//p' /etc/systemd/system/holdfast.service) ) 2>>/var/log/holdfast &
  unit=$!
  until holdfast status >/dev/null 2>&1; do sleep 0.1; done
}
stop() { kill $unit; wait $unit; }
start"""),
    "systemctl start holdfast": ("","start"),
    "systemctl stop holdfast": ("","stop"),
    "systemctl restart holdfast": ("","stop && start"),
    "systemctl disable holdfast": ("","true"),
    "journalctl -u holdfast -o cat -n 1": ("", "tail -n 1 /var/log/holdfast"),
}
