"""The doctor finds what is broken and says what mends it; backup and restore from the command line."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bot.aside import Aside
from bot.database import migrate, migrate_on, open_engine, sqlite_url
from bot.tables import outbox, people, publications, questions
from tests import built
from tests.bot.test_backup import fill, value
from tests.conftest import Index, Write
from tests.postgres import PostgresServer
from tests.web.conftest import ARTICLES
from web.cli import app
from web.examination import Finding, examine
from web.settings import Settings

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


@pytest.fixture
def settings(write: Write, index: Index, data: Path) -> Settings:
    """Of a desk whose database and settings are well."""
    index(write(ARTICLES))
    built.database(data / "firstline.db")
    (data / "firstline.db").chmod(0o600)
    engine = open_engine(sqlite_url(data / "firstline.db"))
    with engine.begin() as connection:
        connection.execute(people.insert().values({column.name: value(column, 1) for column in people.columns}))
    engine.dispose()
    return Settings(data=data)


def found(settings: Settings, now: datetime = NOW) -> dict[str, Finding]:
    """What is not well, by name."""
    return {finding.name: finding for finding in examine(settings, now) if finding.state != "ok"}


def test_where_all_is_well_every_line_says_so(settings: Settings) -> None:
    names = [finding.name for finding in examine(settings, NOW)]
    assert names == [
        *("settings", "secrets", "disk", "snapshot", "encoder", "database", "schema", "clock", "outbox", "people"),
        *("spool", "open files", "time zone"),
    ]
    assert found(settings) == {}


def test_what_is_broken_fails_with_what_mends_it(settings: Settings, data: Path) -> None:
    (snapshot,) = (data / "snapshots").iterdir()
    passages = snapshot / "passages.jsonl"
    passages.write_text(passages.read_text().replace("five", "nine"))
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    broken = found(settings)
    assert {name: finding.state for name, finding in broken.items()} == {"snapshot": "fail", "schema": "fail"}
    assert "was changed after it was built" in broken["snapshot"].said
    assert "revision 9999 is of a newer version" in broken["schema"].said
    assert all(finding.fix for finding in broken.values())
    (data / "firstline.db").write_bytes(b"no database at all" * 500)
    assert found(settings)["database"].state == "fail"


def test_what_will_hurt_later_is_a_warning(settings: Settings, data: Path) -> None:
    (data / "firstline.db").chmod(0o644)
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        connection.execute(people.delete())
        late = {c.name: value(c, 1) for c in outbox.columns}
        late |= {"ticket_id": None, "state": "waiting", "next_at": NOW - timedelta(hours=1), "leased_until": None}
        connection.execute(outbox.insert().values(late))
        ahead = {c.name: value(c, 1) for c in questions.columns} | {"at": NOW + timedelta(hours=3)}
        connection.execute(questions.insert().values(ahead))
        stuck = {c.name: value(c, 1) for c in publications.columns} | {
            "state": "running",
            "began": NOW - timedelta(days=1),
        }
        connection.execute(publications.insert().values(stuck))
    engine.dispose()
    (data / "spool").mkdir()
    (data / "spool" / "left.jsonl").write_text("{}\n")
    os.utime(data / "spool" / "left.jsonl", (0, 0))
    with socket.socket() as nobody:  # bound and not listening: whoever connects is refused
        nobody.bind(("127.0.0.1", 0))
        address = f"smtp://127.0.0.1:{nobody.getsockname()[1]}"
        changed = settings.model_copy(update={"smtp_url": SecretStr(address), "mail_from": "help@example.com"})
        warned = found(changed)
    assert {finding.state for finding in warned.values()} == {"warn"}
    assert set(warned) == {"settings", "secrets", "outbox", "people", "clock", "publishing", "smtp_url", "spool"}
    assert warned["secrets"].fix == f"Run: chmod 600 {data / 'firstline.db'}"
    assert warned["outbox"].said == "letters that are late: 1"


def test_a_postgresql_that_is_there_and_one_that_is_not(settings: Settings, postgres: PostgresServer) -> None:
    url = postgres.create()
    there = settings.model_copy(update={"database_url": url})
    assert found(there)["schema"].said == "the database is empty"
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    said = [finding.said for finding in examine(there, datetime.now(UTC)) if finding.name in ("database", "clock")]
    assert said[0].startswith("PostgreSQL ")
    assert said[1:] == ["agrees with the database's"]
    shared = there.model_copy(update={"snapshots": "database", "data": settings.data / "empty"})
    stands = [(finding.name, finding.state) for finding in examine(shared, datetime.now(UTC))]
    assert ("snapshot", "warn") in stands
    assert ("database", "fail") in stands
    postgres.drop(url)
    gone = found(there)["database"]
    assert gone.state == "fail"
    assert "does not exist" in gone.said


def run(*words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, [*words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_commands_answer_with_codes_and_json(
    settings: Settings, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = run("doctor", "--data", str(data))
    assert (code, told["ok"]) == (0, True)
    engine = open_engine(settings.database)
    fill(engine)
    engine.dispose()
    code, saved = run("backup", "--to", str(tmp_path / "b.zip"), "--data", str(data))
    assert (code, saved["tables"]["tickets"]) == (0, 2)
    other = tmp_path / "other"
    code, restored = run("restore", "--from", str(tmp_path / "b.zip"), "--data", str(other))
    assert (code, restored) == (0, saved)
    assert (other / "current").read_text() == (data / "current").read_text()
    (tmp_path / "firstline.toml").write_text('tables = "three"\n')
    code, told = run("doctor", "--data", str(data))
    assert (code, told["ok"], told["checks"][0]["state"]) == (1, False, "fail")
    assert [folder.name for folder in (other / "snapshots").iterdir()] == [restored["snapshot"]]


def test_a_restore_says_that_servers_fetch_their_snapshot_from_the_database(
    settings: Settings, data: Path, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "b.zip")
    assert run("backup", "--to", file, "--data", str(data))[0] == 0
    url = postgres.create()
    monkeypatch.setenv("FIRSTLINE_DATABASE_URL", url)
    monkeypatch.setenv("FIRSTLINE_SNAPSHOTS", "database")
    done = CliRunner().invoke(app, ["restore", "--from", file, "--data", str(tmp_path / "other"), "--json"])
    postgres.drop(url)
    assert (done.exit_code, "Index the articles" in done.stderr) == (0, True)


def test_a_backup_is_written_over_none_that_is_there_unasked(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    file.write_text("last week's")
    command = ["backup", "--to", str(file), "--data", str(settings.data)]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, file.read_text()) == (2, "last week's")
    assert f"{file} exists. Name another file, or write --replace to lose what it holds." in done.stderr

    assert run(*command, "--replace")[0] == 0
    assert file.read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    "words", [("retention", "--dry-run"), ("erase", "--contact", "a@b.example", "--dry-run"), ("export",)]
)
def test_a_command_that_changes_nothing_leaves_the_schema_of_the_database_as_it_is(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    old = open_engine(sqlite_url(tmp_path / "firstline.db"))
    with old.begin() as connection:
        migrate_on(connection, "0011")
    more = ["--contact", "a@b.example", "--to", str(tmp_path / "out")] if words == ("export",) else []
    done = CliRunner().invoke(app, [*words, *more, "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "The database is of another version, and this command changes nothing." in done.stderr
    with old.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "0011"
    old.dispose()

    empty = tmp_path / "empty"
    empty.mkdir()
    assert CliRunner().invoke(app, [*words, *more, "--data", str(empty)]).exit_code == 2
    assert list(empty.iterdir()) == []


def test_what_was_set_aside_is_told_with_what_to_do_about_it(settings: Settings, data: Path) -> None:
    aside = Aside(data / "spool")
    aside.file("refused").parent.mkdir()
    aside.keep("refused", [b"one\n", b"two\n"])
    aside.keep("given-up", [b"three\n"])
    for file in (data / "spool").glob("*.jsonl"):
        os.utime(file, (0, 0))

    told = [finding for finding in examine(settings, NOW) if finding.name == "spool"]

    assert [(finding.state, finding.said.partition(",")[0]) for finding in told] == [
        ("warn", "events that the database refuses: 2"),
        ("warn", "outcomes of questions that are nowhere: 1"),
    ]
