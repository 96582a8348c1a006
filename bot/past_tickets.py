"""A file of solved tickets to learn from, in the form that evaluations use."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.learned import Counts, Lesson, Trace
from bot.learning import LearningStore
from kb import languages
from kb.errors import EvaluationFileError
from kb.jsonl import read_objects


@dataclass(frozen=True, slots=True)
class PastTicket:
    """A solved ticket: `id` is its row's, `articles` are the ids of those that solved it, `at` when it was written."""

    id: str
    text: str
    body: str
    lang: str
    at: datetime | None
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's rows. `counts` are of pairs of a question and an article.

    `without_article` rows name none; `skipped` rows name one of `unknown_articles` (id and number of rows, the most
    named first) and are left out whole.
    """

    rows: int
    counts: Counts
    without_article: int
    skipped: int
    unknown_articles: tuple[tuple[str, int], ...]


def import_past_tickets(path: Path, learning: LearningStore, articles: Container[str], now: datetime) -> Imported:
    """Learns a file as a whole; a ticket that does not tell its time counts as of `now`.

    Raises EvaluationFileError or StoreUnavailable; nothing was learned then.
    """
    tickets = read_past_tickets(path)
    unknown: dict[str, int] = {}
    for ticket in tickets:
        for article in ticket.articles:
            if article not in articles:
                unknown[article] = unknown.get(article, 0) + 1
    wanted = [ticket for ticket in tickets if not unknown.keys() & set(ticket.articles)]
    return Imported(
        rows=len(tickets),
        counts=learning.learn(lessons(wanted, path.name, now)),
        without_article=sum(not ticket.articles for ticket in tickets),
        skipped=len(tickets) - len(wanted),
        unknown_articles=tuple(sorted(unknown.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def lessons(tickets: Sequence[PastTicket], file: str, now: datetime) -> list[Lesson]:
    """One for each ticket and article."""
    return [
        Lesson(article, ticket.text, ticket.body, ticket.lang, Trace("imported", ticket.id, ticket.at or now, file))
        for ticket in tickets
        for article in ticket.articles
    ]


def read_past_tickets(path: Path) -> list[PastTicket]:
    """The tickets of a JSONL file, in its order. Raises EvaluationFileError that names the line."""
    found: dict[str, PastTicket] = {}
    for line, row in read_objects(path, required=("id", "query", "relevant")):
        ticket = _ticket(row, f"{path}:{line}")
        if ticket.id in found:
            raise EvaluationFileError(f"{path}:{line}: the id {ticket.id!r} was used before. Give each row its own id.")
        found[ticket.id] = ticket
    if not found:
        raise EvaluationFileError(f"{path} holds no ticket.")
    return list(found.values())


def _ticket(row: dict[str, Any], where: str) -> PastTicket:
    identifier, relevant = row["id"], row["relevant"]
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        raise EvaluationFileError(f"{where}: id is {identifier!r}, expected a text or a whole number.")
    if not isinstance(relevant, list) or not all(
        isinstance(entry, str | int) and not isinstance(entry, bool) for entry in relevant
    ):
        raise EvaluationFileError(f"{where}: relevant is {relevant!r}, expected a list of article ids.")
    text, body = _text(row, "query", where), _text(row, "body", where)
    if not text.strip() and not body.strip():
        raise EvaluationFileError(f"{where}: query and body are empty. Give the words of the ticket, or drop the line.")
    lang = _text(row, "lang", where)
    if lang and not languages.normalise(lang):
        raise EvaluationFileError(f"{where}: lang is {lang!r}, expected a code of ISO 639-1 such as en or pl.")
    articles = tuple(dict.fromkeys(map(str, relevant)))
    return PastTicket(str(identifier), text, body, languages.normalise(lang) or "", _time(row, where), articles)


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise EvaluationFileError(f"{where}: {key} is {value!r}, expected a text.")
    return value or ""


def _time(row: dict[str, Any], where: str) -> datetime | None:
    """When the ticket was written; a time without a zone is UTC."""
    written = _text(row, "created", where)
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise EvaluationFileError(
            f"{where}: created is {written!r}, expected a date or a time like 2026-05-01 or 2026-05-01T09:30:00Z."
        ) from error
