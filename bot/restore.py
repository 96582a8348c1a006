"""Takes up a backup: verified first, then all of it in one transaction, then brought up to date."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from bot.backup import FORMAT, MANIFEST, PROGRAM, VECTORS, VERSIONS, Backup, digest, numbered, read_back, tables_of
from bot.database import acceptable, has_revision, migrate_on, reachable
from bot.errors import BackupUnusable, EntryRefused, RestoreRefused
from bot.patience import unlimited
from kb.published import in_use, publish
from kb.snapshot import open_snapshot, snapshots_folder

_ROWS_AT_ONCE = 200
#: Made anew by every server that starts: what holds only these is empty.
_NOTHING = frozenset(
    {VERSIONS, "server_secrets", "people_links", "learned_revision", "gap_work", "report_state", "retention"}
)

#: What a manifest says, beside program and format.
_SAID = {
    **dict.fromkeys(("version", "created", "database", "revision", "snapshot"), str),
    **dict.fromkeys(("tables", "columns", "counters", "files"), dict),
}
#: What reading a damaged archive raises: bits that are no bits of it, too few, or a method that nobody knows.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

#: The table that says which snapshot in the database is in use.
_POINTER = "snapshots_in_use"


def restore(source: Path, engine: sa.Engine, data: Path, *, replace: bool, told: Callable[[str], None]) -> Backup:
    """Puts a backup in place of an empty database and data folder; with `replace`, of whatever is there.

    Nothing is touched before the whole file is verified, and nothing is changed unless all of it is. Raises
    BackupUnusable, RestoreRefused where something is there, StoreUnavailable, SnapshotError or OSError.
    """
    with _opened(source) as archive:
        told("verifying")
        manifest = verify(source, archive)
        if not replace:
            _refuse_full(engine, data)
        snapshot = _unpack(archive, manifest, data, told)
        with reachable("The database could not be restored"), unlimited():
            _load(archive, manifest, engine, told)
        if snapshot:
            publish(data, snapshot)
        for name in manifest["files"]:
            if name.startswith("notices/"):
                (data / PurePosixPath(name).name).write_bytes(archive.read(name))
    return _described(manifest, source)


def verify(source: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest of a backup, every member of which is as it was written. Raises BackupUnusable."""
    try:
        manifest = json.loads(archive.read(MANIFEST))
        if manifest["program"] != PROGRAM:
            raise BackupUnusable(f"{source} is no backup of Firstline.")
        if manifest["format"] != FORMAT:
            raise BackupUnusable(
                f"{source} has format {manifest['format']}, this version reads format {FORMAT}. Use the version that "
                f"made it: {manifest['version']}."
            )
        for name, shape in _SAID.items():
            if not isinstance(manifest[name], shape):
                raise BackupUnusable(f"{source}: {name} in its manifest is {manifest[name]!r}. Use another backup.")
        expected, found = manifest["files"], {name for name in archive.namelist() if name != MANIFEST}
        if found != set(expected):
            raise BackupUnusable(
                f"{source}: {', '.join(sorted(found ^ set(expected))[:3])} does not belong or is missing."
            )
        for name, sha in expected.items():
            parts = PurePosixPath(name).parts
            if parts[0] not in ("tables", "snapshot", "notices") or ".." in parts or "\\" in name:
                raise BackupUnusable(f"{source}: {name!r} is no name of a member.")
            with archive.open(name) as member:
                if digest(member) != sha:
                    raise BackupUnusable(f"{source}: {name} was changed or is damaged. Use another backup.")
    except (KeyError, ValueError, TypeError, IndexError, *_DAMAGED) as error:
        raise BackupUnusable(f"{source} is damaged or no backup of Firstline: {error}. Use another one.") from error
    if not has_revision(manifest["revision"]):
        raise BackupUnusable(
            f"{source} was made by version {manifest['version']}, whose database (revision {manifest['revision']}) "
            "this version does not know. Install that version or a newer one."
        )
    return dict(manifest)


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(source)
    except _DAMAGED as error:
        raise BackupUnusable(f"{source} is damaged or no backup of Firstline: {error}. Use another one.") from error
    with archive:
        yield archive


def _refuse_full(engine: sa.Engine, data: Path) -> None:
    if found := in_use(data):
        raise RestoreRefused(
            f"{data} has a snapshot already ({found}). Name an empty folder, or write --replace to lose what is there."
        )
    with reachable("The database could not be read"), engine.connect() as connection:
        for table in tables_of(connection).sorted_tables:
            rows = sa.select(sa.literal(1)).select_from(table)
            if table.name == _POINTER:  # its one row is there from the beginning
                rows = rows.where(table.c.snapshot != "")
            if table.name not in _NOTHING and connection.execute(rows).first():
                raise RestoreRefused(
                    f"The database {engine.url.render_as_string()} is not empty: {table.name} has rows. Name an empty "
                    "one, or write --replace to lose what is there."
                )


def _unpack(archive: zipfile.ZipFile, manifest: dict[str, Any], data: Path, told: Callable[[str], None]) -> str:
    """The id of the snapshot, which lies whole in the data folder now and is not in use yet."""
    snapshot = str(manifest["snapshot"])
    data.mkdir(parents=True, exist_ok=True)
    target = snapshots_folder(data) / snapshot
    if not snapshot:
        return ""
    if PurePosixPath(snapshot).name != snapshot or snapshot.startswith("."):
        raise BackupUnusable(f"{snapshot!r} is no id of a snapshot. Use another backup.")
    told(f"snapshot {snapshot}")
    temporary = snapshots_folder(data) / f".restore-{os.getpid()}"
    temporary.mkdir(parents=True)
    try:
        for name in manifest["files"]:
            if name.startswith("snapshot/"):
                path = temporary / PurePosixPath(name).relative_to("snapshot")
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as member, path.open("wb") as file:
                    shutil.copyfileobj(member, file)
                    file.flush()
                    os.fsync(file.fileno())
        open_snapshot(temporary)
        if target.exists():
            shutil.rmtree(temporary)
            open_snapshot(target)
        else:
            temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return snapshot


def _load(archive: zipfile.ZipFile, manifest: dict[str, Any], engine: sa.Engine, told: Callable[[str], None]) -> None:
    """Empties the database, makes the schema of the backup, fills it and brings it up to date: all or nothing."""
    dialect = engine.dialect.name
    with engine.connect() as connection:
        if dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # says nothing within a transaction
            connection.commit()
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins none for changes of the schema
        else:
            # A server that holds a table would be waited for without end.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        for name in sa.inspect(connection).get_table_names():
            if name.startswith(VECTORS):  # whoever uses the database's vectors indexes again
                connection.exec_driver_sql(f'DROP TABLE "{name}"')
        tables_of(connection).drop_all(connection)
        migrate_on(connection, manifest["revision"])
        known = tables_of(connection)
        for table in known.sorted_tables:
            if table.name != VERSIONS:
                told(table.name)
                connection.execute(table.delete())  # a migration may have put rows in
        for table in known.sorted_tables:
            if table.name in manifest["tables"]:
                _fill(connection, table, _parts(archive, table, manifest["columns"], dialect))
        _go_on_counting(connection, known, manifest["counters"])
        migrate_on(connection, "head")
        connection.commit()
        if dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _fill(connection: sa.Connection, table: sa.Table, parts: Iterator[list[dict[str, Any]]]) -> None:
    """Raises BackupUnusable where the rows of a table are none of it."""
    try:
        with acceptable(f"{table.name} cannot be restored"):
            for rows in parts:
                connection.execute(table.insert(), rows)
    except EntryRefused as error:
        raise BackupUnusable(f"{error} Use another backup.") from error
    except (TypeError, KeyError, AttributeError, sa.exc.ArgumentError) as error:
        raise BackupUnusable(f"{table.name} cannot be restored: {error!r}. Use another backup.") from error


def _parts(
    archive: zipfile.ZipFile, table: sa.Table, known: dict[str, list[list[str]]], dialect: str
) -> Iterator[list[dict[str, Any]]]:
    rows, columns = list[dict[str, Any]](), known[table.name]
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            values = zip(columns, json.loads(line), strict=True)
            rows.append({name: read_back(value, what, dialect) for (name, what), value in values})
            if len(rows) >= _ROWS_AT_ONCE:
                yield rows
                rows = []
    if rows:
        yield rows


def _go_on_counting(connection: sa.Connection, known: sa.MetaData, counters: dict[str, int]) -> None:
    """Has the numbers that the database gives out go on after the last one that was ever given out."""
    for table in known.sorted_tables:
        if not (column := numbered(table)):
            continue
        highest = connection.execute(sa.select(sa.func.max(table.c[column]))).scalar_one() or 0
        last = max(int(highest), int(counters.get(table.name, 0)))
        if connection.dialect.name == "sqlite":
            if table.name in counters or highest:
                connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
                connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))
        elif last:
            sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column))).scalar_one()
            if sequence:
                connection.execute(sa.select(sa.func.setval(sequence, last)))


def _described(manifest: dict[str, Any], source: Path) -> Backup:
    names = ("created", "version", "database", "revision", "tables", "snapshot")
    return Backup(**{name: manifest[name] for name in names}, size=source.stat().st_size)
