"""A backup: everything the database holds and the snapshot in use, in one file that any other server takes up.

A ZIP archive, so that it moves from SQLite to PostgreSQL and back:

manifest.json            program, format, versions, the schema's revision, rows and SHA-256 of every member
tables/<name>.jsonl      the rows of a table, each a list in the order of its columns; times in UTC, bytes as base64
snapshot/…               the files of the snapshot in use
notices/notice*.md       the banner above the pages

It holds tickets, addresses, password hashes and the secrets of links: whoever has it has all of that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from bot.database import reachable
from bot.errors import BackupFailed
from bot.patience import unlimited
from kb.errors import SnapshotMissing
from kb.snapshot import MANIFEST_FILE as SNAPSHOT_MANIFEST
from kb.snapshot import current_id, read_manifest, snapshots_folder

PROGRAM, FORMAT = "firstline backup", 1
MANIFEST = "manifest.json"
#: The revision of the schema, which the manifest says instead.
VERSIONS = "alembic_version"
#: How tables of vectors begin that the database searches, and the table that lists them: they are made of the snapshot.
VECTORS = "vectors_"
GENERATIONS = "vector_generations"
_ROWS_AT_ONCE = 500
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. `tables` are rows by table; `snapshot` is "" where none was in use; `size` is in bytes."""

    created: str
    version: str
    database: str
    revision: str
    tables: dict[str, int]
    snapshot: str
    size: int = 0


def back_up(
    engine: sa.Engine, data: Path, target: Path, *, version: str, now: datetime, told: Callable[[str], None]
) -> Backup:
    """Writes a backup, whole or not at all; servers go on writing meanwhile, and it holds one moment of the database.

    `version` is the program's; `told` hears what is being saved. Raises BackupFailed, StoreUnavailable, SnapshotError
    or OSError.
    """
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    # Nobody else on this machine may read it, from its first byte on.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                made = _write(_Members(archive), engine, data, version, now, told)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return Backup(**{name: made[name] for name in ("created", "version", "database", "revision", "tables", "snapshot")},
                  size=target.stat().st_size)  # fmt: skip


def _write(
    members: _Members, engine: sa.Engine, data: Path, version: str, now: datetime, told: Callable[[str], None]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "program": PROGRAM,
        "format": FORMAT,
        "version": version,
        "created": now.isoformat(timespec="seconds"),
        "database": engine.dialect.name,
    }
    with reachable("The database could not be saved"), unlimited(), _one_moment(engine) as connection:
        known = tables_of(connection)
        if VERSIONS not in known.tables:
            raise BackupFailed(
                "The database is empty: there is nothing to save. Start the server once, or name another."
            )
        made["revision"] = connection.execute(sa.select(known.tables[VERSIONS].c.version_num)).scalar_one()
        made["columns"], made["tables"] = {}, {}
        for table in known.sorted_tables:
            if table.name not in (VERSIONS, GENERATIONS):
                told(table.name)
                made["columns"][table.name] = [[column.name, kind(column)] for column in table.columns]
                made["tables"][table.name] = members.lines(f"tables/{table.name}.jsonl", _rows(connection, table))
        made["counters"] = counters(connection, known)
    made["snapshot"] = _save_snapshot(members, data, told)
    for path in sorted(data.glob("notice*.md")):
        members.file(f"notices/{path.name}", path)
    made["files"] = members.hashes
    members.text(MANIFEST, json.dumps(made, indent=1))
    return made


def _save_snapshot(members: _Members, data: Path, told: Callable[[str], None]) -> str:
    try:
        snapshot = current_id(data)
    except SnapshotMissing:
        return ""
    folder = snapshots_folder(data) / snapshot
    told(f"snapshot {snapshot}")
    for name in (SNAPSHOT_MANIFEST, *read_manifest(folder)["files"]):
        members.file(f"snapshot/{name}", folder / name)
    return snapshot


class _Members:
    """Writes the members of an archive, and keeps the SHA-256 of each."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.hashes: dict[str, str] = {}

    def lines(self, name: str, rows: Iterator[list[Any]]) -> int:
        count = 0
        with self._open(name) as write:
            for row in rows:
                write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                count += 1
        return count

    def file(self, name: str, path: Path) -> None:
        with path.open("rb") as file, self._open(name) as write:
            while chunk := file.read(_CHUNK):
                write(chunk)

    def text(self, name: str, text: str) -> None:
        with self._open(name) as write:
            write(text.encode())

    @contextmanager
    def _open(self, name: str) -> Iterator[Callable[[bytes], None]]:
        digest = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as member:

            def write(chunk: bytes) -> None:
                digest.update(chunk)
                member.write(chunk)

            yield write
        self.hashes[name] = digest.hexdigest()


# --- rows as JSON, the same of either database ---------------------------------------------------------------------


@contextmanager
def _one_moment(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees the database as it is now, whatever others write."""
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with engine.connect().execution_options(**options) as connection:
            yield connection
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # Python's driver begins none for reading
        yield connection
        connection.rollback()


def tables_of(connection: sa.Connection) -> sa.MetaData:
    """The tables that are there, whichever version made them, without those of vectors."""
    known = sa.MetaData()
    known.reflect(connection, only=lambda name, _: not name.startswith(VECTORS))
    return known


def kind(column: sa.Column[Any]) -> str:
    """What a column holds: `time`, `day`, `bytes`, or `plain` for what JSON has itself."""
    if isinstance(column.type, sa.DateTime):
        return "time"
    if isinstance(column.type, sa.Date):
        return "day"
    return "bytes" if isinstance(column.type, sa.LargeBinary) else "plain"


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[list[Any]]:
    kinds = [kind(column) for column in table.columns]
    found = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(sa.select(table))
    for row in found:
        yield [written(value, what) for value, what in zip(row, kinds, strict=True)]


def written(value: Any, what: str) -> Any:
    """A value of the database as JSON."""
    if value is None or what == "plain":
        return value
    if what == "time":
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    return value.isoformat() if what == "day" else base64.b64encode(value).decode("ascii")


def read_back(value: Any, what: str, dialect: str) -> Any:
    """The value of JSON as the database takes it. Raises ValueError where it is none of its kind."""
    if value is None or what == "plain":
        return value
    if what == "time":
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=None) if dialect == "sqlite" else moment
    return date.fromisoformat(value) if what == "day" else base64.b64decode(value, validate=True)


def numbered(table: sa.Table) -> str:
    """The column whose numbers the database gives out, "" where there is none."""
    columns = list(table.primary_key.columns)
    given = len(columns) == 1 and isinstance(columns[0].type, sa.Integer) and columns[0].autoincrement
    return str(columns[0].name) if given else ""


def counters(connection: sa.Connection, known: sa.MetaData) -> dict[str, int]:
    """The last number given out, by table: a ticket's number is never given twice, though the ticket was erased."""
    if connection.dialect.name == "sqlite":
        if not sa.inspect(connection).has_table("sqlite_sequence"):
            return {}
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
        return {str(name): int(last) for name, last in rows if name in known.tables}
    found = {}
    for table in known.sorted_tables:
        if column := numbered(table):
            sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column))).scalar_one()
            if sequence:
                last = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()
                found[table.name] = int(last[0]) if last[1] else 0
    return found


def digest(member: IO[bytes]) -> str:
    """The SHA-256 of all that is left of a file."""
    made = hashlib.sha256()
    while chunk := member.read(_CHUNK):
        made.update(chunk)
    return made.hexdigest()
