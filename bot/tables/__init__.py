"""The tables of the database, one module a noun. Importing the package makes `metadata` whole."""

from bot.tables.articles import article_feedback, article_flags, article_reads
from bot.tables.gaps import gap_history, gap_joined, gap_questions, gap_work, gaps
from bot.tables.learning import learned, learned_revision, learned_traces
from bot.tables.people import api_tokens, audit_log, people, people_links, people_sessions, server_secrets
from bot.tables.publications import publications
from bot.tables.questions import outcomes, questions
from bot.tables.reports import (
    form_sessions,
    report_articles,
    report_hours,
    report_log,
    report_spikes,
    report_state,
    report_subjects,
    report_tickets,
)
from bot.tables.retention import retention
from bot.tables.schema import Utc, metadata
from bot.tables.sending import outbox, webhooks_taken
from bot.tables.snapshots import (
    snapshot_contents,
    snapshot_files,
    snapshot_parts,
    snapshot_servers,
    snapshots_in_use,
    vector_generations,
)
from bot.tables.tickets import resolutions, ticket_attachments, ticket_history, ticket_messages, tickets

__all__ = [
    "Utc",
    "api_tokens",
    "article_feedback",
    "article_flags",
    "article_reads",
    "audit_log",
    "form_sessions",
    "gap_history",
    "gap_joined",
    "gap_questions",
    "gap_work",
    "gaps",
    "learned",
    "learned_revision",
    "learned_traces",
    "metadata",
    "outbox",
    "outcomes",
    "people",
    "people_links",
    "people_sessions",
    "publications",
    "questions",
    "report_articles",
    "report_hours",
    "report_log",
    "report_spikes",
    "report_state",
    "report_subjects",
    "report_tickets",
    "resolutions",
    "retention",
    "server_secrets",
    "snapshot_contents",
    "snapshot_files",
    "snapshot_parts",
    "snapshot_servers",
    "snapshots_in_use",
    "ticket_attachments",
    "ticket_history",
    "ticket_messages",
    "tickets",
    "vector_generations",
    "webhooks_taken",
]
