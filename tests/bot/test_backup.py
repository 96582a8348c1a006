"""A backup holds all of one moment, moves between SQLite and PostgreSQL, and is taken up whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.backup import Backup, back_up, tables_of
from bot.database import migrate, migrate_on, newest_revision, open_engine, sqlite_url
from bot.errors import BackupUnusable, RestoreRefused
from bot.restore import restore
from bot.tables import (
    form_sessions,
    metadata,
    people,
    snapshots_in_use,
    tickets,
    vector_generations,
    webhooks_taken,
)
from kb.snapshot import open_current
from tests.conftest import Index, Write
from tests.postgres import PostgresServer

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
New = Callable[[], sa.Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[New]:
    """Makes empty databases without tables."""
    made: list[sa.Engine] = []

    def _new() -> sa.Engine:
        if request.param == "sqlite":
            url = sqlite_url(tmp_path / f"{len(made)}.db")
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create()
        made.append(open_engine(url))
        return made[-1]

    yield _new
    for engine in made:
        engine.dispose()
        if request.param == "postgresql":
            request.getfixturevalue("postgres").drop(engine.url.render_as_string())


def save(engine: sa.Engine, target: Path, data: Path, told: Callable[[str], None] = lambda _: None) -> Backup:
    return back_up(engine, data, target, version="1.2.3", now=NOW, told=told)


def take_up(source: Path, engine: sa.Engine, data: Path, *, replace: bool = False) -> Backup:
    return restore(source, engine, data, replace=replace, told=lambda _: None)


def fill(engine: sa.Engine) -> None:
    """Two rows in every table there is, with what is hardest to carry over."""
    migrate(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            rows = [{column.name: value(column, n) for column in table.columns} for n in (1, 2)]
            connection.execute(table.insert(), rows)


def value(column: sa.Column[Any], n: int) -> Any:
    for key in column.foreign_keys:
        return value(key.column, n)
    if column.nullable and n == 2:
        return None
    if isinstance(column.type, sa.JSON):
        return {"słowo": [n, 1.5, None, True, "\u2028"]}
    if isinstance(column.type, sa.LargeBinary):
        return bytes(range(256)) * n
    if isinstance(column.type, sa.Date):
        return date(2024, 2, 28 + n - 1)
    if isinstance(column.type, sa.String):
        return f"żółw'{n}\"\n\\{column.name}"[: column.type.length]
    if isinstance(column.type, sa.Boolean):
        return n == 1
    if isinstance(column.type, sa.Float):
        return n / 3
    if isinstance(column.type, sa.Integer):
        return n
    return datetime(2026, 10, 25, n, 30, 0, 123456, tzinfo=UTC)  # Utc


def contents(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table of a backup, whatever the order of rows and columns."""
    with zipfile.ZipFile(path) as archive:
        columns = json.loads(archive.read("manifest.json"))["columns"]
        found = {}
        for name, described in columns.items():
            lines = archive.read(f"tables/{name}.jsonl").decode().split("\n")[:-1]
            rows = [dict(zip([c for c, _ in described], json.loads(line), strict=True)) for line in lines]
            found[name] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return found


def test_every_row_of_every_table_comes_back_on_the_other_database_and_numbers_go_on(
    new_engine: New, tmp_path: Path, data: Path
) -> None:
    here = new_engine()
    fill(here)
    with here.begin() as connection:  # the highest number was given to a ticket that is gone
        connection.execute(tickets.delete().where(tickets.c.number == 2))
        if here.dialect.name == "postgresql":  # which does not count numbers that were not its own
            connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('tickets', 'number'), 2)")
    data.mkdir()
    (data / "notice.md").write_text("# Today\n")
    made = save(here, tmp_path / "one.zip", data)
    assert set(made.tables) == {table.name for table in metadata.sorted_tables} - {"vector_generations"}
    assert (tmp_path / "one.zip").stat().st_mode & 0o777 == 0o600
    there = open_engine(sqlite_url(tmp_path / "there.db"))
    take_up(tmp_path / "one.zip", there, tmp_path / "data2")
    assert (tmp_path / "data2" / "notice.md").read_text() == "# Today\n"
    save(there, tmp_path / "two.zip", data)
    back = new_engine()
    take_up(tmp_path / "two.zip", back, tmp_path / "data3")
    save(back, tmp_path / "three.zip", data)
    assert contents(tmp_path / "one.zip") == contents(tmp_path / "two.zip") == contents(tmp_path / "three.zip")
    for engine in (there, back):
        with engine.begin() as connection:
            row = {c.name: value(c, 9) for c in tickets.columns if c.name != "number"}
            assert connection.execute(tickets.insert().values(row)).inserted_primary_key == (3,)
    there.dispose()


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(new_engine: New, tmp_path: Path, data: Path) -> None:
    engine = new_engine()
    migrate(engine)
    data.mkdir()
    written: list[str] = []

    def write(what: str) -> None:
        """One transaction for each table that is about to be saved."""
        with engine.begin() as connection:
            connection.execute(form_sessions.insert().values(session=what, at=NOW, held_out=False))
            connection.execute(webhooks_taken.insert().values(id=what, at=NOW))
        written.append(what)

    save(engine, tmp_path / "one.zip", data, write)
    found = contents(tmp_path / "one.zip")
    assert len(written) > 30
    assert {row["session"] for row in found["form_sessions"]} == {row["id"] for row in found["webhooks_taken"]}


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(new_engine: New, tmp_path: Path, data: Path) -> None:
    old = new_engine()
    with old.begin() as connection:
        migrate_on(connection, "0011")
        table = tables_of(connection).tables["people"]
        connection.execute(table.insert().values({c.name: value(c, 1) for c in people.columns if c.name in table.c}))
    data.mkdir()
    assert save(old, tmp_path / "old.zip", data).revision == "0011"
    new = new_engine()
    take_up(tmp_path / "old.zip", new, data)
    with new.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        assert found == newest_revision()
        assert connection.execute(sa.select(people.c.id)).scalar_one() == value(people.c.id, 1)


def test_vectors_that_the_database_searches_are_not_saved_and_after_a_restore_none_are_believed_to_be_there(
    new_engine: New, tmp_path: Path, data: Path
) -> None:
    engine = new_engine()
    fill(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE vectors_ab (number integer)")
    data.mkdir()
    assert not [name for name in save(engine, tmp_path / "one.zip", data).tables if name.startswith("vector")]
    take_up(tmp_path / "one.zip", engine, data, replace=True)
    assert not sa.inspect(engine).has_table("vectors_ab")
    with engine.connect() as connection:
        assert not connection.execute(vector_generations.select()).all()


def test_a_database_that_a_server_has_only_prepared_is_empty(new_engine: New, tmp_path: Path, data: Path) -> None:
    full, prepared = new_engine(), new_engine()
    fill(full)
    data.mkdir()
    save(full, tmp_path / "one.zip", data)
    migrate(prepared)
    take_up(tmp_path / "one.zip", prepared, data)
    with pytest.raises(RestoreRefused, match="is not empty"):
        take_up(tmp_path / "one.zip", prepared, data)


def test_a_database_with_published_snapshots_is_not_empty(new_engine: New, tmp_path: Path, data: Path) -> None:
    engine = new_engine()
    migrate(engine)
    data.mkdir()
    save(engine, tmp_path / "one.zip", data)
    with engine.begin() as connection:
        connection.execute(snapshots_in_use.update().values(snapshot="s1"))
    with pytest.raises(RestoreRefused, match="snapshots_in_use has rows"):
        take_up(tmp_path / "one.zip", engine, data)


def test_what_is_there_is_never_lost_unasked_and_never_half(new_engine: New, tmp_path: Path, data: Path) -> None:
    engine = new_engine()
    fill(engine)
    data.mkdir()
    save(engine, tmp_path / "one.zip", data)
    before = contents(tmp_path / "one.zip")
    with pytest.raises(RestoreRefused, match=r"is not empty: .* has rows"):
        take_up(tmp_path / "one.zip", engine, data)
    changed(tmp_path / "one.zip", tmp_path / "twice.zip", "tables/tickets.jsonl", lambda text: text + text)
    with pytest.raises(BackupUnusable, match=r"(UNIQUE|unique) constraint"):
        take_up(tmp_path / "twice.zip", engine, data, replace=True)
    save(engine, tmp_path / "two.zip", data)
    assert contents(tmp_path / "two.zip") == before
    with engine.begin() as connection:
        connection.execute(tickets.delete())
    take_up(tmp_path / "one.zip", engine, data, replace=True)
    save(engine, tmp_path / "three.zip", data)
    assert contents(tmp_path / "three.zip") == before


def changed(source: Path, target: Path, name: str, change: Callable[[bytes], bytes], *, honest: bool = True) -> None:
    """Copies a backup with one member changed; an `honest` one says so in its manifest."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        for member in old.namelist():
            content = change(old.read(member)) if member == name else old.read(member)
            if honest and member == name and member != "manifest.json":
                manifest["files"][name] = hashlib.sha256(content).hexdigest()
            if member != "manifest.json":
                new.writestr(member, content)
        text = json.dumps(manifest).encode()
        new.writestr("manifest.json", change(text) if name == "manifest.json" else text)


def test_a_damaged_or_foreign_file_touches_nothing(tmp_path: Path, write: Write, index: Index, data: Path) -> None:
    index(write({"en/vpn.md": "# VPN\n\nOpen the client.\n"}))
    engine = open_engine(sqlite_url(data / "firstline.db"))
    migrate(engine)
    good = tmp_path / "good.zip"
    made = save(engine, good, data)
    (tmp_path / "short.zip").write_bytes(good.read_bytes()[:-1000])
    (tmp_path / "text.zip").write_text("hello")
    changed(good, tmp_path / "damaged.zip", "tables/people.jsonl", lambda text: text + b"\n", honest=False)
    changed(
        good,
        tmp_path / "newer.zip",
        "manifest.json",
        lambda text: text.replace(b'"' + made.revision.encode() + b'"', b'"9999"'),
    )
    changed(good, tmp_path / "format.zip", "manifest.json", lambda text: text.replace(b'"format": 1', b'"format": 2'))
    other = tmp_path / "other"
    fresh = open_engine(sqlite_url(tmp_path / "fresh.db"))
    for name, words in {
        "short": "is damaged or no backup",
        "text": "is damaged or no backup",
        "damaged": "tables/people.jsonl was changed or is damaged",
        "newer": "revision 9999.* does not know",
        "format": "has format 2, this version reads format 1",
    }.items():
        with pytest.raises(BackupUnusable, match=words):
            take_up(tmp_path / f"{name}.zip", fresh, other)
    assert not other.exists()
    assert sa.inspect(fresh).get_table_names() == []
    take_up(good, fresh, other)
    assert open_current(other).id == open_current(data).id
    engine.dispose()
    fresh.dispose()


def test_whatever_is_wrong_with_a_file_is_told_as_a_backup_that_cannot_be_used(tmp_path: Path, data: Path) -> None:
    engine, fresh = (open_engine(sqlite_url(tmp_path / name)) for name in ("a.db", "b.db"))
    fill(engine)
    data.mkdir()
    good = tmp_path / "good.zip"
    save(engine, good, data)
    with zipfile.ZipFile(good) as archive:
        rows = archive.getinfo("tables/tickets.jsonl")
        manifest = json.loads(archive.read("manifest.json"))
    bad: list[Path] = []
    for bit in range(8):  # within what is compressed: zlib finds most of it before any hash is compared
        bytes_ = bytearray(good.read_bytes())
        bytes_[rows.header_offset + 90 + (rows.compress_size - 20) // 8 * bit] ^= 1 << bit
        bad.append(tmp_path / f"bit-{bit}.zip")
        bad[-1].write_bytes(bytes_)
    for name in manifest.keys() - {"program", "format"}:
        left = {key: value for key, value in manifest.items() if key != name}
        bad.append(tmp_path / f"without-{name}.zip")
        changed(good, bad[-1], "manifest.json", lambda _, left=left: json.dumps(left).encode())  # type: ignore[misc]
    for n, content in enumerate((b"nonsense\n", b"7\n")):
        bad.append(tmp_path / f"rows-{n}.zip")
        changed(good, bad[-1], "tables/people.jsonl", lambda _, content=content: content)  # type: ignore[misc]
    for file in bad:
        with pytest.raises(BackupUnusable):
            take_up(file, fresh, tmp_path / "there")
    assert sa.inspect(fresh).get_table_names() == []
    engine.dispose()
    fresh.dispose()
