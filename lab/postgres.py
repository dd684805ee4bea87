"""A real PostgreSQL of one's own: in a temporary directory, on a unix socket only, gone at the end.

The server refuses to run as root, so where we are root it runs as `postgres`, Debian's account for it.
"""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

LONGEST_START = 30.0
LONGEST_STOP = 20.0


def binaries() -> str:
    """The directory of the newest installed server's programs, or an empty text."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else ""


class Server:
    """A running server. `dsn(database)` is what psycopg connects to."""

    def __init__(self, directory: str, user: str, process: "subprocess.Popen[bytes]") -> None:
        self._directory = directory
        self._user = user
        self.process = process

    def dsn(self, database: str = "postgres") -> str:
        """For psycopg."""
        return f"host={self._directory} user={self._user} dbname={database}"

    def execute(self, sql: str) -> None:
        """One statement as superuser, outside of a transaction."""
        import psycopg

        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.encode())

    def create_database(self, name: str, options: str = "ENCODING 'UTF8' LOCALE 'C'") -> str:
        """A new database; returns its DSN."""
        self.execute(f"CREATE DATABASE {name} {options} TEMPLATE template0")
        return self.dsn(name)


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """Start one; stop it by its pid, whatever happens."""
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    account = pwd.getpwnam(user)
    directory = tempfile.mkdtemp(prefix="holdfast-pg-")
    os.chown(directory, account.pw_uid, account.pw_gid)
    identity: dict[str, object] = {}
    if os.geteuid() == 0:
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data, log = os.path.join(directory, "data"), os.path.join(directory, "log")
    try:
        subprocess.run(
            [f"{binaries()}/initdb", "-A", "trust", "-N", "-U", user, "-E", "UTF8", "--locale=C", "-D", data],
            check=True, cwd=directory, stdout=subprocess.DEVNULL, **identity,
        )  # type: ignore[call-overload]  # fmt: skip
        options = {"listen_addresses": "", "unix_socket_directories": directory, "fsync": "off"}
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [f"{binaries()}/postgres", "-D", data, *(f"--{key}={value}" for key, value in options.items())],
                cwd=directory, stdout=out, stderr=out, stdin=subprocess.DEVNULL, **identity,
            )  # type: ignore[call-overload]  # fmt: skip
        server = Server(directory, user, process)
        try:
            _wait_until_ready(server, log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                process.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(directory)


def _wait_until_ready(server: Server, log: str) -> None:
    import psycopg

    end = time.monotonic() + LONGEST_START
    while True:
        try:
            psycopg.connect(server.dsn()).close()
            return
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > end:
                with open(log) as said:
                    raise RuntimeError(f"PostgreSQL did not start: {said.read()}") from None
        time.sleep(0.05)
