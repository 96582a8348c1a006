from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from bot import tables as db
from bot.attachments import upload
from bot.database import migrate, open_engine, shared_secret, sqlite_url
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.feedback import Feedback, SqlFeedbackStore
from bot.flags import Flag, SqlFlagStore
from bot.gaps.models import Centre, Failure, Standing, Step
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
from bot.models import Who
from bot.outbox import Letter, SqlOutbox
from bot.people import ApiToken, Link
from bot.publishing.store import SqlPublicationStore
from bot.readership import SqlReadStore
from bot.reports import changes
from bot.reports.days import Days
from bot.reports.hold_out import HoldOut
from bot.reports.rollup import Rollup
from bot.reports.spikes import Spike
from bot.webhooks import SqlWebhooks
from bot.work import Changes
from bot.worklist import Counts, SqlWorklist, Wanted
from tests.bot.samples import NOON, after, asked, draft, lesson, solved
from tests.people import accounts_over, somebody

TABLES = {
    "questions", "outcomes", "tickets", "resolutions", "learned", "learned_traces", "learned_revision",
    "ticket_attachments", "ticket_messages", "ticket_history", "server_secrets", "article_reads", "article_feedback",
    "outbox", "webhooks_taken",
    "article_flags", "publications",
    "gaps", "gap_questions", "gap_joined", "gap_history", "gap_work",
    "report_log", "report_state", "report_hours", "report_articles", "report_subjects", "report_tickets",
    "report_spikes", "form_sessions",
    "people", "people_sessions", "people_links", "api_tokens", "audit_log", "retention",
}  # fmt: skip
EMPTY = dict.fromkeys(TABLES, 0) | {"learned_revision": 1, "gap_work": 1, "retention": 1}
#: The question and the ticket of that hour differ in language and channel.
FILLED = dict.fromkeys(TABLES, 1) | {"report_hours": 2}
SPIKE = Spike(NOON.date(), "questions", "", 40, 12.0, 8, NOON, NOON)
_LATER = ("after", "further")
#: As the first version had it.
_FIRST_QUESTIONS = sa.Table(
    "questions", sa.MetaData(), *(column._copy() for column in db.questions.columns if column.name not in _LATER)
)


def _tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def _counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(db.metadata.tables[name])).scalar_one()
            for name in sorted(TABLES)
        }


def _fill(engine: sa.Engine) -> None:
    events, inbox = SqlEventStore(engine), SqlInbox(engine, iter(("file-1", "ticket-1")).__next__)
    events.record_question(asked())
    events.record_outcome(solved(), NOON)
    inbox.attach("key-0001", upload("notes.txt", b"offline"), NOON)
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.say(ticket.id, "agent", "Switch it on.", NOON)
    events.record_resolution(ticket.id, "printer-not-printing", "Switched it on.", NOON)
    shared_secret(engine, "forms")
    SqlLearningStore(engine).learn([lesson()])
    accounts = accounts_over(engine)
    person = somebody(accounts, "admin")  # writes the audit log, too
    accounts.start(person, "192.0.2.7")
    accounts.store.offer(Link("digest", "reset", person.id, NOON, NOON))
    accounts.store.add_token(ApiToken("t1", "digest", "fl_abc", "t", person.id, person.rights, NOON, NOON))
    SqlReadStore(engine).add({("printer-not-printing", NOON.date()): 1})
    SqlOutbox(engine).post(Letter("zammad", "ticket", "zammad-ticket-1", ticket.id, ticket.id), NOON)
    SqlWebhooks(engine).keep("msg_1", NOON)
    SqlFeedbackStore(engine).keep(Feedback("printer-not-printing", "session", NOON, "en", helpful=True))
    SqlPublicationStore(engine).ask("webhook", "", NOON)
    SqlFlagStore(engine).add(Flag("flag-1", "printer-not-printing", "en", "wrong", NOON, "agent-1"))
    store, failed = SqlGapStore(engine), Failure("q1", NOON, "Where?", unanswered=True)
    centres = tuple(Centre(gap_id, "encoder", np.ones(2, np.float32), 1) for gap_id in ("a", "b"))
    store.save(Step(centres, joined={"b": "a"}, homes=((failed, "a"),)), 0)
    store.change("a", "close", Standing("closed", decided=NOON))
    HoldOut(engine, 0.5, b"key").enter("session", NOON)
    Rollup(engine, Days(ZoneInfo("UTC"))).refresh(60)
    with engine.begin() as connection:
        changes.asked(connection, NOON)
        connection.execute(db.report_spikes.insert().values(asdict(SPIKE)))


def _alembic(engine: sa.Engine, run: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(db.__file__).parent.parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, run)(config, revision)


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


# --- migrations --------------------------------------------------------------------------------------------------


def test_the_migrations_make_the_tables_the_code_works_with(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_migrating_again_keeps_every_row(engine: sa.Engine) -> None:
    _fill(engine)

    migrate(engine)

    assert _counts(engine) == FILLED


def test_migrations_go_down_and_up_again_with_rows_in_every_table(engine: sa.Engine) -> None:
    _fill(engine)

    _alembic(engine, "downgrade", "base")
    assert _tables(engine) == set()

    migrate(engine)
    assert _tables(engine) == TABLES
    assert _counts(engine) == EMPTY
    _fill(engine)
    assert _counts(engine) == FILLED


def test_each_migration_goes_down_and_up_on_its_own(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        newest = MigrationContext.configure(connection).get_current_revision()

    _alembic(engine, "downgrade", "-1")
    _alembic(engine, "upgrade", "+1")

    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []


def test_a_database_of_the_first_version_keeps_its_rows_and_can_go_back(engine: sa.Engine) -> None:
    _alembic(engine, "downgrade", "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tickets (id, idempotency_key, fingerprint, at, subject, body, email, question_id, session, "
            "shown, declined, lang) VALUES ('t', 'k', 'f', '2026-11-21 12:00', 's', 'b', 'e', '', '', '[]', '[]', '')"
        )
        connection.execute(
            _FIRST_QUESTIONS.insert().values(
                **{
                    name: value
                    for name, value in (asdict(asked()) | {"shown": list(asked().shown)}).items()
                    if name not in _LATER
                }
            )
        )

    migrate(engine)

    assert SqlEventStore(engine).question("q1") == asked()
    assert _counts(engine) == {**EMPTY, "questions": 1, "tickets": 1}
    earlier = SqlInbox(engine, lambda: "").ticket("t")
    assert earlier is not None
    assert (earlier.topic, earlier.conversation, earlier.state, earlier.messages) == ("", (), "received", ())
    store = SqlLearningStore(engine)
    assert (store.revision(), store.active()) == (0, ())
    store.learn([lesson()])
    assert (store.revision(), len(store.active())) == (1, 1)

    _alembic(engine, "downgrade", "0001")
    assert _tables(engine) == {"questions", "outcomes", "tickets", "resolutions"}
    with engine.connect() as connection:
        assert connection.execute(sa.select(_FIRST_QUESTIONS.c.text)).scalar_one() == asked().text


def test_removing_a_learned_question_s_row_removes_its_traces(engine: sa.Engine) -> None:
    _fill(engine)

    with engine.begin() as connection:
        connection.execute(db.learned.delete())

    assert _counts(engine) == {**FILLED, "learned": 0, "learned_traces": 0}


def test_removing_a_question_removes_its_outcomes_and_removing_a_ticket_all_that_belongs_to_it(
    engine: sa.Engine,
) -> None:
    _fill(engine)

    with engine.begin() as connection:
        connection.execute(db.questions.delete())
        connection.execute(db.tickets.delete())

    gone = (
        "outbox",
        "outcomes",
        "questions",
        "resolutions",
        "ticket_attachments",
        "ticket_history",
        "ticket_messages",
        "tickets",
    )
    assert _counts(engine) == {**FILLED, **dict.fromkeys(gone, 0)}


def test_tickets_that_were_solved_before_states_were_kept_are_solved_and_keep_all_they_had(engine: sa.Engine) -> None:
    _fill(engine)
    _alembic(engine, "downgrade", "0002")
    assert SqlEventStore(engine).resolved_with("ticket-1") == "printer-not-printing"

    migrate(engine)

    ticket = SqlInbox(engine, lambda: "").ticket("ticket-1")
    assert ticket is not None
    assert (ticket.state, ticket.body) == ("solved", draft().body)


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
    assert _counts(impatient)["tickets"] == 0
    assert inbox.submit(draft(), "key-0001", shown=(), at=NOON).number == 1
    assert _counts(impatient)["tickets"] == 1


def test_while_the_database_is_locked_no_event_is_kept_and_what_was_kept_can_be_read(
    impatient: sa.Engine, database: Path
) -> None:
    _fill(impatient)
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

    assert _counts(impatient) == FILLED


def test_a_read_only_database_takes_nothing_and_can_be_read(engine: sa.Engine, database: Path) -> None:
    _fill(engine)
    read_only = open_engine(f"sqlite:///file:{database}?mode=ro&uri=true")

    with pytest.raises(
        StoreUnavailable, match=r"^The ticket could not be stored: attempt to write a readonly database\.$"
    ):
        SqlInbox(read_only, lambda: "ticket-2").submit(draft(), "key-0002", shown=(), at=NOON)
    with pytest.raises(StoreUnavailable, match=r"^The question could not be recorded: attempt to write a readonly"):
        SqlEventStore(read_only).record_question(asked("q2"))

    assert SqlEventStore(read_only).question("q1") == asked()
    read_only.dispose()
    assert _counts(engine) == FILLED


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


def test_tickets_from_before_the_worklist_get_a_due_time_and_going_back_takes_notes_with_it(engine: sa.Engine) -> None:
    ids = iter(f"ticket-{n}" for n in range(1, 10))
    inbox, worklist = SqlInbox(engine, ids.__next__), SqlWorklist(engine)
    for number in (1, 2, 3):
        inbox.submit(draft(), f"key-{number:04}", shown=(), at=NOON)
    inbox.say("ticket-1", "requester", "Anybody there?", after(hours=5))
    inbox.say("ticket-2", "agent", "Switch it on.", after(hours=1))
    worklist.note("ticket-2", "Among us.", "Kim", Who("kim", "Kim"), after(hours=9))
    worklist.change("ticket-3", Changes(state="on_hold"), Who("kim", "Kim"), after(hours=2))

    _alembic(engine, "downgrade", "0005")
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT text FROM ticket_messages ORDER BY id").scalars().all()
    assert kept == ["Anybody there?", "Switch it on."]
    migrate(engine)

    rows = worklist.find(Wanted(), NOON, "age").rows
    assert [(row.state, row.priority, row.tier, row.due, row.changed) for row in rows] == [
        ("received", "normal", 1, after(hours=13), after(hours=5)),
        ("answered", "normal", 1, None, after(hours=1)),
        ("received", "normal", 1, after(hours=8), NOON),
    ]
    inbox.say("ticket-1", "agent", "Yes.", after(hours=6))
    assert worklist.counts("", NOON) == Counts(unassigned=3, open=3, waiting=2)


def test_a_database_whose_package_is_not_installed_is_told_without_its_password() -> None:
    with pytest.raises(StoreUnavailable, match="needs the Python package cx_Oracle") as caught:
        open_engine("oracle+cx_oracle://ann:hunter2@127.0.0.1/x")
    assert "hunter2" not in str(caught.value)
