"""A disk that is full, or takes no writing: questions are answered, and nobody is told that something was kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bot.database import open_engine, sqlite_url
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from kb.snapshot import current_id
from tests.bot.samples import asked
from tests.faults.servers import command, serving


def test_with_a_full_disk_asks_are_answered_and_what_was_acknowledged_is_there_afterwards(site_data: Path) -> None:
    database = site_data / "firstline.db"
    with serving(site_data, sqlite_url(database)) as server:
        early = server.ask()
        assert (server.tell(early["id"], "early"), server.ticket("key-before-it")[0]) == (204, 201)

        server.largest_file(1)
        during = server.ask()
        assert during["decision"] == "answer"
        assert server.tell(early["id"], "refused") == 503
        status, said = server.ticket("key-during-it")
        assert (status, said["code"]) == (503, "store_unavailable")
        assert server.get("/search?q=password")[0] == 200

        server.largest_file(-1)
        assert (server.tell(early["id"], "late"), server.ticket("key-during-it")[0]) == (204, 201)
        server.kill()

    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        told = [row[0] for row in connection.execute("SELECT reason FROM outcomes ORDER BY id")]
        keys = [row[0] for row in connection.execute("SELECT idempotency_key FROM tickets ORDER BY number")]
    assert (told, keys) == (["early", "late"], ["key-before-it", "key-during-it"])


def test_a_builder_that_fills_the_disk_says_so_and_the_snapshot_in_use_stays(site_data: Path) -> None:
    before = current_id(site_data)
    article = site_data.parent / "articles" / "en" / "network" / "vpn.md"
    article.write_text(article.read_text() + "\nThen sign in.\n")
    log = site_data.parent / "builder.log"
    with log.open("wb") as told:
        builder = command(site_data, "index", str(site_data.parent / "articles"), log=told, largest_file=4_096)
        assert builder.wait() == 2

    said = log.read_text().splitlines()[-1]
    assert said.startswith(f"firstline: {site_data}")
    assert " cannot be " in said
    assert current_id(site_data) == before
    assert [path.name for path in (site_data / "snapshots").iterdir()] == [before]


def test_a_database_that_cannot_be_written_is_said_in_its_own_words(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def _read_only(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    engine.dispose()

    with pytest.raises(StoreUnavailable, match=r"^The question could not be recorded: attempt to write a readonly"):
        SqlEventStore(engine).record_question(asked())
    assert SqlEventStore(engine).questions() == []


def test_a_server_over_a_folder_that_cannot_be_written_says_so_and_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "firstline.db").mkdir()
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        SqlEventStore(open_engine(sqlite_url(tmp_path / "firstline.db"))).questions()
