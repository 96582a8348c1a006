from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.learned import Counts, Trace
from bot.learning import MemoryLearningStore
from bot.past_tickets import Imported, PastTicket, import_past_tickets, read_past_tickets
from kb.errors import EvaluationFileError
from tests.bot.samples import NOON

ARTICLES = {"reset-password", "vpn"}


def row(number: int, **given: Any) -> dict[str, Any]:
    return {"id": str(number), "query": f"question {number}", "relevant": ["vpn"], **given}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.jsonl"


def put(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return file


def test_a_row_is_read_with_all_it_says(file: Path) -> None:
    put(
        file,
        {
            "id": 7,
            "query": "Cannot connect",
            "body": "Since today.",
            "relevant": ["vpn", "vpn", 12],
            "lang": "pt-BR",
            "created": "2026-05-01",
            "strength": "strong",
        },
        row(8, created="2026-05-01T12:00:00+02:00", body=None, lang=None),
    )

    assert read_past_tickets(file) == [
        PastTicket("7", "Cannot connect", "Since today.", "pt", datetime(2026, 5, 1, tzinfo=UTC), ("vpn", "12")),
        PastTicket("8", "question 8", "", "", datetime(2026, 5, 1, 10, tzinfo=UTC), ("vpn",)),
    ]


def test_each_article_of_a_row_is_learned_with_file_and_row(file: Path) -> None:
    store = MemoryLearningStore()
    put(file, row(1, relevant=["vpn", "reset-password"], created="2025-01-01"), row(2))

    done = import_past_tickets(file, store, ARTICLES, NOON)

    assert done == Imported(2, Counts(new=3, known=0, removed=0), without_article=0, skipped=0, unknown_articles=())
    assert {(question.article, question.text, question.weight) for question in store.active()} == {
        ("vpn", "question 1", 0.8),
        ("reset-password", "question 1", 0.8),
        ("vpn", "question 2", 0.8),
    }
    assert {trace for learned in store.find().rows for trace in learned.traces} == {
        Trace("imported", "1", datetime(2025, 1, 1, tzinfo=UTC), "tickets.jsonl"),
        Trace("imported", "2", NOON, "tickets.jsonl"),
    }


def test_a_row_that_names_an_unknown_article_is_left_out_whole(file: Path) -> None:
    store = MemoryLearningStore()
    put(file, row(1, relevant=["vpn", "gone"]), row(2), row(3, relevant=["gone", "lost"]), row(4, relevant=[]))

    done = import_past_tickets(file, store, ARTICLES, NOON)

    assert done == Imported(
        4, Counts(1, 0, 0), without_article=1, skipped=2, unknown_articles=(("gone", 2), ("lost", 1))
    )
    assert [question.text for question in store.active()] == ["question 2"]


def test_a_file_imported_twice_changes_nothing_and_what_was_removed_stays_so(file: Path) -> None:
    store = MemoryLearningStore()
    put(file, *(row(number) for number in range(5)))
    import_past_tickets(file, store, ARTICLES, NOON)
    store.remove(store.find().rows[0].id)
    before = store.find(), store.revision()

    done = import_past_tickets(file, store, ARTICLES, NOON)

    assert done.counts == Counts(new=0, known=4, removed=1)
    assert (store.find(), store.revision()) == before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "9"', "not valid JSON"),
        ('["9"]', "expected a JSON object, found list."),
        ('{"id": "9", "query": "x"}', "missing relevant; found the keys id, query."),
        ('{"id": 1.5, "query": "x", "relevant": []}', "id is 1.5, expected a text or a whole number."),
        ('{"id": true, "query": "x", "relevant": []}', "id is True, expected a text or a whole number."),
        ('{"id": "9", "query": 5, "relevant": []}', "query is 5, expected a text."),
        ('{"id": "9", "query": "x", "body": [], "relevant": []}', "body is [], expected a text."),
        ('{"id": "9", "query": "x", "relevant": "vpn"}', "relevant is 'vpn', expected a list of article ids."),
        ('{"id": "9", "query": "x", "relevant": [null]}', "relevant is [None], expected a list of article ids."),
        (
            '{"id": "9", "query": " ", "relevant": ["vpn"]}',
            "query and body are empty. Give the words of the ticket, or drop the line.",
        ),
        (
            '{"id": "9", "query": "x", "relevant": [], "lang": "klingon"}',
            "lang is 'klingon', expected a code of ISO 639-1 such as en or pl.",
        ),
        (
            '{"id": "9", "query": "x", "relevant": [], "created": "yesterday"}',
            "created is 'yesterday', expected a date or a time like 2026-05-01 or 2026-05-01T09:30:00Z.",
        ),
        (
            '{"id": "9", "query": "x", "relevant": [], "created": "0001-01-01T00:00:00+09:00"}',
            "created is '0001-01-01T00:00:00+09:00', expected a date or a time like",
        ),
        (
            '{"id": "2", "query": "x", "relevant": []}',
            "the id '2' was used before. Give each row its own id.",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_learned(file: Path, line: str, message: str) -> None:
    store = MemoryLearningStore()
    put(file, row(1), row(2))
    file.write_text(file.read_text() + line + "\n" + json.dumps(row(10)) + "\n")

    with pytest.raises(EvaluationFileError) as caught:
        import_past_tickets(file, store, ARTICLES, NOON)

    assert str(caught.value).startswith(f"{file}:3: {message}")
    assert (store.find().total, store.revision()) == (0, 0)


def test_a_file_without_a_row_is_told(file: Path) -> None:
    with pytest.raises(EvaluationFileError, match=r"tickets\.jsonl holds no ticket\.$"):
        read_past_tickets(put(file))
