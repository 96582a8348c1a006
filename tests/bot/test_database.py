from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import tables as db
from bot.database import migrate, open_engine, shared_secret, sqlite_url
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
from bot.patience import hurried, unlimited
from tests.bot.rows import FILLED, counts, fill
from tests.bot.samples import NOON, asked, draft, lesson, solved
from tests.databases import DATABASES, engine_of


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.fixture
def impatient(engine: sa.Engine, database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """As `engine`, but does not wait for a lock."""
    monkeypatch.setattr("bot.database.LOCK_TIMEOUT_S", 0.01)
    impatient = open_engine(sqlite_url(database))
    yield impatient
    impatient.dispose()


def test_two_servers_over_one_database_share_a_secret_and_another_name_has_another_one(engine: sa.Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(lambda _: shared_secret(engine, "forms"), range(8)))

    assert [len(secret) for secret in made] == [32]
    assert shared_secret(engine, "other") not in made


def test_the_number_of_a_removed_ticket_is_never_given_again(engine: sa.Engine) -> None:
    ids = iter(("ticket-1", "ticket-2"))
    inbox = SqlInbox(engine, lambda: next(ids))
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    with engine.begin() as connection:
        connection.execute(db.tickets.delete())

    assert inbox.submit(draft(), "key-0002", shown=(), at=NOON).number == 2


# --- SQLite ------------------------------------------------------------------------------------------------------


def test_sqlite_keeps_an_accepted_ticket_through_a_power_cut_and_readers_do_not_wait(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("name", ["with space", "a?b", "a#b", "a%20b", "a@b:c", "żółć"])
def test_the_database_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()

    engine = open_engine(sqlite_url(folder / "firstline.db"))
    migrate(engine)
    engine.dispose()

    assert [path.name for path in folder.iterdir()] == ["firstline.db"]


# --- a database that does not do -----------------------------------------------------------------------------------


def test_while_the_database_is_locked_no_ticket_is_kept_and_afterwards_the_same_one_is_taken(
    impatient: sa.Engine, database: Path
) -> None:
    ids = iter(("ticket-1", "ticket-2"))
    inbox = SqlInbox(impatient, lambda: next(ids))

    with _locked(database), pytest.raises(StoreUnavailable) as caught:
        inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    assert str(caught.value) == "The ticket could not be stored: database is locked."
    assert counts(impatient)["tickets"] == 0
    assert inbox.submit(draft(), "key-0001", shown=(), at=NOON).number == 1
    assert counts(impatient)["tickets"] == 1


def test_while_the_database_is_locked_no_event_is_kept_and_what_was_kept_can_be_read(
    impatient: sa.Engine, database: Path
) -> None:
    fill(impatient)
    events = SqlEventStore(impatient)

    with _locked(database):
        with pytest.raises(StoreUnavailable, match=r"^The question could not be recorded: database is locked\.$"):
            events.record_question(asked("q2"))
        with pytest.raises(StoreUnavailable, match=r"^The outcome could not be recorded: database is locked\.$"):
            events.record_outcome(solved(), NOON)
        with pytest.raises(StoreUnavailable, match=r"^The resolution could not be recorded: database is locked\.$"):
            events.record_resolution("ticket-1", "", "", NOON)
        with pytest.raises(StoreUnavailable, match=r"^What was learned could not be stored: database is locked\.$"):
            SqlLearningStore(impatient).learn([lesson("another")])
        assert len(SqlLearningStore(impatient).active()) == 1
        assert events.question("q1") == asked()

    assert counts(impatient) == FILLED


def test_a_read_only_database_takes_nothing_and_can_be_read(engine: sa.Engine, database: Path) -> None:
    fill(engine)
    read_only = open_engine(f"sqlite:///file:{database}?mode=ro&uri=true")

    with pytest.raises(
        StoreUnavailable, match=r"^The ticket could not be stored: attempt to write a readonly database\.$"
    ):
        SqlInbox(read_only, lambda: "ticket-2").submit(draft(), "key-0002", shown=(), at=NOON)
    with pytest.raises(StoreUnavailable, match=r"^The question could not be recorded: attempt to write a readonly"):
        SqlEventStore(read_only).record_question(asked("q2"))

    assert SqlEventStore(read_only).question("q1") == asked()
    read_only.dispose()
    assert counts(engine) == FILLED


def test_nobody_else_on_the_machine_can_read_a_new_database(database: Path) -> None:
    engine = open_engine(sqlite_url(database))
    migrate(engine)
    with engine.connect():
        beside = {path.name: oct(path.stat().st_mode & 0o777) for path in database.parent.glob("firstline.db*")}
    engine.dispose()
    assert set(beside.values()) == {"0o600"}


def test_a_database_in_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    engine = open_engine(sqlite_url(tmp_path / "file" / "firstline.db"))

    with pytest.raises(StoreUnavailable, match=r"^The database cannot be prepared: unable to open database file\.$"):
        migrate(engine)
    with pytest.raises(StoreUnavailable, match=r"^The ticket could not be read: unable to open database file\.$"):
        SqlInbox(engine, lambda: "ticket-1").ticket("ticket-1")


def test_a_file_that_is_no_database_is_told_and_left_as_it_is(database: Path) -> None:
    database.write_bytes(b"no database at all, but a letter to somebody " * 50)
    before = database.read_bytes()
    engine = open_engine(sqlite_url(database))

    with pytest.raises(StoreUnavailable, match=r"^The database cannot be prepared: file is not a database\.$"):
        migrate(engine)

    engine.dispose()
    assert database.read_bytes() == before


def test_a_database_without_tables_is_told(database: Path) -> None:
    engine = open_engine(sqlite_url(database))

    with pytest.raises(StoreUnavailable, match=r"^The questions could not be read: no such table: questions\.$"):
        SqlEventStore(engine).questions()

    engine.dispose()


def test_where_all_connections_are_in_use_the_store_is_unavailable(database: Path) -> None:
    engine = sa.create_engine(sqlite_url(database), pool_size=1, max_overflow=0, pool_timeout=0.01)

    with (
        engine.connect(),
        pytest.raises(
            StoreUnavailable,
            match=r"^The question could not be read: all connections to the database are in use\.$",
        ),
    ):
        SqlEventStore(engine).question("q1")

    engine.dispose()


def test_a_database_whose_package_is_not_installed_is_told_without_its_password() -> None:
    with pytest.raises(StoreUnavailable, match="needs the Python package cx_Oracle") as caught:
        open_engine("oracle+cx_oracle://ann:hunter2@127.0.0.1/x")
    assert "hunter2" not in str(caught.value)


# --- connections -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DATABASES)
def test_who_is_in_a_hurry_waits_for_a_free_connection_no_longer_than_for_the_database(
    kind: str, request: pytest.FixtureRequest
) -> None:
    pool = engine_of(request, kind).pool
    assert isinstance(pool, sa.QueuePool)
    with hurried(0.05):
        assert 0 < pool.timeout() <= 0.05
    with hurried(0.0):
        assert pool.timeout() == 0
    with unlimited():
        assert pool.timeout() == 5
    assert pool.timeout() == 5


def test_where_all_connections_are_in_use_who_is_in_a_hurry_is_told_at_once(engine: sa.Engine) -> None:
    with ExitStack() as held:
        for _ in range(15):
            held.enter_context(engine.connect())
        with pytest.raises(StoreUnavailable, match="all connections to the database are in use"), hurried(0.01):
            SqlEventStore(engine).question("q1")
