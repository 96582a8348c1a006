"""Migrations go up and down, with rows in every table, on both databases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from bot import tables as db
from bot.database import migrate
from bot.events import SqlEventStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
from bot.models import Who
from bot.work import Changes
from bot.worklist import Counts, SqlWorklist, Wanted
from tests.bot.rows import EMPTY, FILLED, TABLES, counts, fill, table_names
from tests.bot.samples import NOON, after, asked, draft, lesson
from tests.databases import DATABASES

_LATER = ("after", "further")
#: As the first version had it.
_FIRST_QUESTIONS = sa.Table(
    "questions", sa.MetaData(), *(column._copy() for column in db.questions.columns if column.name not in _LATER)
)


def _alembic(engine: sa.Engine, run: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(db.__file__).parent.parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, run)(config, revision)


def _differences(engine: sa.Engine) -> list[Any]:
    """What the tables of a database have that the code does not know, or lack. Comments stand in the code alone."""
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), db.metadata)
    steps = [step for entry in found for step in (entry if isinstance(entry, list) else [entry])]
    return [step for step in steps if step[0] != "modify_comment"]


@pytest.fixture(params=DATABASES)
def fresh(request: pytest.FixtureRequest) -> sa.Engine:
    """An engine on a new database of each kind, its tables made by the migrations."""
    made: sa.Engine = request.getfixturevalue({"sqlite": "engine", "postgresql": "new_postgres_engine"}[request.param])
    return made


def test_the_migrations_make_the_tables_the_code_works_with(fresh: sa.Engine) -> None:
    assert _differences(fresh) == []


def test_migrating_again_keeps_every_row(fresh: sa.Engine) -> None:
    fill(fresh)

    migrate(fresh)

    assert counts(fresh) == FILLED


def test_migrations_go_down_and_up_again_with_rows_in_every_table(fresh: sa.Engine) -> None:
    fill(fresh)

    _alembic(fresh, "downgrade", "base")
    assert table_names(fresh) == set()

    migrate(fresh)
    assert table_names(fresh) == TABLES
    assert counts(fresh) == EMPTY
    fill(fresh)
    assert counts(fresh) == FILLED


def test_each_migration_goes_down_and_up_on_its_own(fresh: sa.Engine) -> None:
    with fresh.connect() as connection:
        newest = MigrationContext.configure(connection).get_current_revision()

    _alembic(fresh, "downgrade", "-1")
    _alembic(fresh, "upgrade", "+1")

    with fresh.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest
    assert _differences(fresh) == []


def test_a_database_of_the_first_version_keeps_its_rows_and_can_go_back(fresh: sa.Engine) -> None:
    _alembic(fresh, "downgrade", "0001")
    with fresh.begin() as connection:
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

    migrate(fresh)

    assert SqlEventStore(fresh).question("q1") == asked()
    assert counts(fresh) == {**EMPTY, "questions": 1, "tickets": 1}
    earlier = SqlInbox(fresh, lambda: "").ticket("t")
    assert earlier is not None
    assert (earlier.topic, earlier.conversation, earlier.state, earlier.messages) == ("", (), "received", ())
    store = SqlLearningStore(fresh)
    assert (store.revision(), store.active()) == (0, ())
    store.learn([lesson()])
    assert (store.revision(), len(store.active())) == (1, 1)

    _alembic(fresh, "downgrade", "0001")
    assert table_names(fresh) == {"questions", "outcomes", "tickets", "resolutions"}
    with fresh.connect() as connection:
        assert connection.execute(sa.select(_FIRST_QUESTIONS.c.text)).scalar_one() == asked().text


def test_removing_a_learned_question_s_row_removes_its_traces(fresh: sa.Engine) -> None:
    fill(fresh)

    with fresh.begin() as connection:
        connection.execute(db.learned.delete())

    assert counts(fresh) == {**FILLED, "learned": 0, "learned_traces": 0}


def test_removing_a_question_removes_its_outcomes_and_removing_a_ticket_all_that_belongs_to_it(
    fresh: sa.Engine,
) -> None:
    fill(fresh)

    with fresh.begin() as connection:
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
    assert counts(fresh) == {**FILLED, **dict.fromkeys(gone, 0)}


def test_tickets_that_were_solved_before_states_were_kept_are_solved_and_keep_all_they_had(fresh: sa.Engine) -> None:
    fill(fresh)
    _alembic(fresh, "downgrade", "0002")
    assert SqlEventStore(fresh).resolved_with("ticket-1") == "printer-not-printing"

    migrate(fresh)

    ticket = SqlInbox(fresh, lambda: "").ticket("ticket-1")
    assert ticket is not None
    assert (ticket.state, ticket.body) == ("solved", draft().body)


def test_tickets_from_before_the_worklist_get_a_due_time_and_going_back_takes_notes_with_it(fresh: sa.Engine) -> None:
    ids = iter(f"ticket-{n}" for n in range(1, 10))
    inbox, worklist = SqlInbox(fresh, ids.__next__), SqlWorklist(fresh)
    for number in (1, 2, 3):
        inbox.submit(draft(), f"key-{number:04}", shown=(), at=NOON)
    inbox.say("ticket-1", "requester", "Anybody there?", after(hours=5))
    inbox.say("ticket-2", "agent", "Switch it on.", after(hours=1))
    worklist.note("ticket-2", "Among us.", "Kim", Who("kim", "Kim"), after(hours=9))
    worklist.change("ticket-3", Changes(state="on_hold"), Who("kim", "Kim"), after(hours=2))

    _alembic(fresh, "downgrade", "0005")
    with fresh.connect() as connection:
        kept = connection.exec_driver_sql("SELECT text FROM ticket_messages ORDER BY id").scalars().all()
    assert kept == ["Anybody there?", "Switch it on."]
    migrate(fresh)

    rows = worklist.find(Wanted(), NOON, "age").rows
    assert [(row.state, row.priority, row.tier, row.due, row.changed) for row in rows] == [
        ("received", "normal", 1, after(hours=13), after(hours=5)),
        ("answered", "normal", 1, None, after(hours=1)),
        ("received", "normal", 1, after(hours=8), NOON),
    ]
    inbox.say("ticket-1", "agent", "Yes.", after(hours=6))
    assert worklist.counts("", NOON) == Counts(unassigned=3, open=3, waiting=2)
