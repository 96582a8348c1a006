"""A database with rows in every table."""

from __future__ import annotations

from dataclasses import asdict
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from bot import tables as db
from bot.attachments import upload
from bot.database import shared_secret
from bot.events import SqlEventStore
from bot.feedback import Feedback, SqlFeedbackStore
from bot.flags import Flag, SqlFlagStore
from bot.gaps.models import Centre, Failure, Standing, Step
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
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
from tests.bot.samples import NOON, asked, draft, lesson, solved
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
    "snapshots_in_use", "snapshot_files", "snapshot_contents", "snapshot_parts", "snapshot_servers",
    "vector_generations",
}  # fmt: skip
EMPTY = dict.fromkeys(TABLES, 0) | {"learned_revision": 1, "gap_work": 1, "snapshots_in_use": 1, "retention": 1}
#: The question and the ticket of that hour differ in language and channel.
FILLED = dict.fromkeys(TABLES, 1) | {"report_hours": 2}
_CONTENT, _VECTORS = "0" * 64, "vectors_0"
_OF_SNAPSHOTS = (
    (db.snapshot_contents, {"sha256": _CONTENT, "stored": NOON, "damaged": False}),
    (db.snapshot_parts, {"sha256": _CONTENT, "number": 0, "bytes": b"bytes"}),
    (db.snapshot_files, {"snapshot": "s1", "path": "words.npz", "sha256": _CONTENT}),
    (db.snapshot_servers, {"server": "web-1", "snapshot": "s1", "seen": NOON}),
    (
        db.vector_generations,
        {"relation": _VECTORS, "snapshot": "s1", "sha256": _CONTENT, "rows": 1, "dimension": 2, "made": NOON},
    ),
)
SPIKE = Spike(NOON.date(), "questions", "", 40, 12.0, 8, NOON, NOON)


def table_names(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(db.metadata.tables[name])).scalar_one()
            for name in sorted(TABLES)
        }


def fill(engine: sa.Engine) -> None:
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
        for table, row in _OF_SNAPSHOTS:
            connection.execute(table.insert().values(row))
