"""A draft of an article made of a ticket: whose words, what is masked, and that it works as an article."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.draft import Masked, draft
from bot.models import Ticket, TicketMessage
from kb import articles
from kb.search import Query, Searcher
from kb.snapshot import open_current
from tests.bot.samples import NOON
from tests.conftest import Index, Write

PRINTERS = {
    "en/printing/toner.md": "---\nowner: print-team\n---\n# Replace the toner of the printer\n\nOpen its door.",
    "en/network/vpn.md": "# Connect to the VPN\n\nOpen the client.",
}
BODY = """Hello Tom,

my badge does not open the printer on floor 3 since Monday. Do I need a new badge? My number is +48 600 700 800.

Best regards,
Anna Nowak
Sales, Anna Nowak Consulting"""


def ticket(**given: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": "t1",
        "number": 7,
        "at": NOON,
        "subject": "RE: Badge refused by the printer!",
        "body": BODY,
        "email": "anna.nowak@example.com",
        "question_id": "",
        "shown": (),
        "declined": (),
        "lang": "en",
    }
    return Ticket(**{**values, **given})


@pytest.fixture
def searcher(write: Write, index: Index, data: Path) -> Searcher:
    index(write(PRINTERS))
    return Searcher(open_current(data))


EVERYBODY = frozenset({"public"})


def test_a_draft_says_the_problem_in_the_requester_s_words_and_the_answers_as_steps(searcher: Searcher) -> None:
    said = TicketMessage(
        NOON, "agent", "Hi Anna,\n1. Hold the badge for *five* seconds.\n2. Press Register.\nRegards,\nTom"
    )
    asked = TicketMessage(NOON, "requester", "Thank you, that is it.")
    made = draft(ticket(messages=(said, asked)), searcher, EVERYBODY, "Registered the badge again.")

    assert made.path == "en/printing/badge-refused-by-the-printer.md"
    assert (
        made.text
        == """---
id: badge-refused-by-the-printer
title: Badge refused by the printer
lang: en
status: draft
owner: print-team
questions:
- Badge refused by the printer!
- Do I need a new badge?
---

> [!NOTE]
> Write in one or two sentences who this is for and what it solves.

## The problem

> my badge does not open the printer on floor 3 since Monday. Do I need a new badge? My number is \\[phone\\].

## What solved it

1. Registered the badge again.
2. Hold the badge for \\*five\\* seconds.
3. Press Register.

> [!NOTE]
> Write what to do where this does not help. Then remove these boxes and publish it.
"""
    )


def test_a_draft_is_an_article_once_it_is_published_and_ranks_first_for_its_ticket(
    searcher: Searcher, write: Write, index: Index, data: Path
) -> None:
    made = draft(ticket(), searcher, EVERYBODY)
    source = write({made.path: made.text})
    assert [str(skipped) for skipped in articles.load(source).skipped] == [f"{made.path}: draft: status: draft"]
    write({made.path: made.text.replace("status: draft", "status: published")})
    assert articles.load(source).skipped == ()
    index(source)

    published = Searcher(open_current(data))
    hit = published.rank(Query("Badge refused by the printer!")).hits[0]
    assert published.entry(hit.article).article.id == "badge-refused-by-the-printer"


@pytest.mark.parametrize(
    "hostile",
    [
        "# big\n---\nid: other\n---",
        "```\nnever closed",
        "<script>alert(1)</script>",
        "title: [x\n- {a: &b *c",
        "\u2028 ż: 'q",
    ],
)
def test_whatever_was_typed_stays_text(searcher: Searcher, write: Write, hostile: str) -> None:
    made = draft(ticket(subject=f"vpn {hostile}", body=hostile), searcher, EVERYBODY, hostile)
    loaded = articles.load(write({"en/x.md": made.text.replace("status: draft", "status: published")}))
    (article,) = [article for article in loaded.articles if article.path == "en/x.md"]
    assert article.id.startswith("vpn")
    for markup in ("\n# ", "\n```", "<script"):
        assert markup not in article.body.replace("\\<", "")


def test_a_title_that_is_taken_or_has_no_latin_letters_still_gets_an_id_of_its_own(searcher: Searcher) -> None:
    assert draft(ticket(subject="Printing/toner"), searcher, EVERYBODY).name == "printing-toner.md"
    assert draft(ticket(subject="принтер", lang="ru"), searcher, EVERYBODY).name == "ticket-7.md"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Hi Tom, the VPN drops.", "the VPN drops."),
        ("Dzień dobry Panie Tomku,\nVPN nie działa\n\nPozdrawiam\nAnna Nowak", "VPN nie działa"),
        ("Anna Nowak cannot sign in, NOWAK is refused", "[name] cannot sign in, NOWAK is refused"),
        ("Thanks to the update it fails", "Thanks to the update it fails"),
        ("Hidden files vanish", "Hidden files vanish"),
    ],
)
def test_names_after_greetings_below_closings_and_of_the_requester_are_left_out(written: str, kept: str) -> None:
    assert Masked("anna.nowak@example.com")(written) == kept
