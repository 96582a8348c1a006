"""Solved tickets like a new one: with the real encoders in two languages, and how they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.alike import AT_LEAST, SolvedTickets
from bot.events import MemoryEventStore
from bot.learning import MemoryLearningStore
from bot.library import Library
from bot.memory_inbox import MemoryInbox
from bot.solved import MemorySolvedStore
from tests.bot.samples import NOON, after, draft, lesson
from tests.conftest import Index, Write

TICKETS = {
    "Laptop does not charge": ("The battery stays at 5 percent although the cable is in.", "en", "Replaced the dock."),
    "Cannot open the shared calendar": ("Outlook says I have no permission for the team calendar.", "en", ""),
    "Drukarka nie drukuje": ("Drukarka na trzecim piętrze jest w trybie offline od rana.", "pl", "Włączona ponownie."),
    "Nie mogę zalogować się do VPN": ("Po aktualizacji Windows klient VPN odrzuca hasło.", "pl", ""),
}


class Desk:
    """Fakes of the stores over real articles."""

    def __init__(self, data: Path) -> None:
        self.inbox, self.learning = MemoryInbox(), MemoryLearningStore()
        self.events = MemoryEventStore(self.inbox.sent)
        self.store = MemorySolvedStore(self.events, self.inbox, self.learning)
        self.library = Library(data)
        self.solved = SolvedTickets(self.store, self.library)

    def solve(self, subject: str, body: str, lang: str, text: str, article: str = "") -> str:
        key = f"key-{len(self.events.resolutions):04}"
        ticket = self.inbox.submit(draft(subject=subject, body=body, lang=lang), key, shown=(), at=NOON)
        self.events.record_resolution(ticket.id, article, text, after(minutes=len(self.events.resolutions)))
        return ticket.id


@pytest.fixture(scope="module")
def desk(own_data: Path) -> Desk:
    made = Desk(own_data)
    for subject, (body, lang, text) in TICKETS.items():
        made.solve(subject, body, lang, text, "" if text else "vpn-connect")
    return made


@pytest.mark.parametrize(
    ("subject", "body", "lang", "found"),
    [
        (
            "Battery is not charging",
            "My laptop is plugged in, but the battery does not fill up.",
            "en",
            "Laptop does not charge",
        ),
        ("Drukarka offline", "Nasza drukarka nie drukuje, jest offline.", "pl", "Drukarka nie drukuje"),
        ("The printer is offline", "The printer on the third floor does not print.", "en", "Drukarka nie drukuje"),
        (
            "VPN odrzuca moje hasło",
            "Od aktualizacji nie mogę się połączyć z VPN.",
            "pl",
            "Nie mogę zalogować się do VPN",
        ),
    ],
)
def test_a_solved_ticket_is_found_by_its_meaning_in_its_own_and_in_another_language(
    desk: Desk, subject: str, body: str, lang: str, found: str
) -> None:
    similar = desk.solved.like(subject, body, lang)
    assert [alike.ticket.subject for alike in similar.found][:1] == [found]
    assert all(AT_LEAST <= alike.similarity <= 1 for alike in similar.found)


@pytest.mark.parametrize("lang", ["en", "pl"])
def test_a_ticket_about_something_else_finds_none(desk: Desk, lang: str) -> None:
    texts = {
        "en": ("Where do I hand in my travel expenses?", "I came back from Berlin and have receipts."),
        "pl": ("Gdzie oddać rower służbowy?", "Wracam z urlopu i nie wiem, komu go przekazać."),
    }
    assert desk.solved.like(*texts[lang], lang).found == ()


def test_nothing_is_read_before_somebody_asks_and_a_new_one_is_found_at_once(fake_library: Path) -> None:
    desk = Desk(fake_library)
    ticket = desk.solve("vpn drops each hour", "in the office", "en", "Changed the port.")
    desk.solved.refresh()
    assert desk.solved._searcher is None

    (alike,) = desk.solved.like("vpn drops each hour", "in the office").found
    assert (alike.ticket.origin, alike.ticket.text, round(alike.similarity, 3)) == (ticket, "Changed the port.", 1.0)
    assert desk.solved.like("vpn drops each hour", "in the office", leave_out=[ticket]).found == ()

    desk.learning.learn([lesson("vpn drops each hour", article="vpn", body="in the train", origin="their-1")])
    origins = {alike.ticket.origin for alike in desk.solved.like("vpn drops each hour", "in the office").found}
    assert origins == {ticket, "their-1"}
    desk.events.withdraw_resolution(ticket)
    assert [alike.ticket.origin for alike in desk.solved.like("vpn drops each hour", "in the train").found] == [
        "their-1"
    ]


def test_a_ticket_is_shown_once_with_all_articles_that_may_be_read(fake_library: Path) -> None:
    desk = Desk(fake_library)
    for article in ("vpn", "wifi", "secret"):
        desk.learning.learn([lesson("vpn drops", "imported", article=article, origin=f"row-{article}")])
    desk.learning.learn([lesson("vpn drops often", "imported", article="secret")])

    similar = desk.solved.like("vpn drops", readable=lambda article: article != "secret")
    assert [(alike.ticket.subject, set(alike.articles)) for alike in similar.found] == [("vpn drops", {"vpn", "wifi"})]
    assert similar.solved_with == {"vpn": 1, "wifi": 1}


def test_many_are_read_a_second_at_a_time_the_newest_first(fake_library: Path) -> None:
    desk = Desk(fake_library)
    for number in range(200):
        desk.solve(f"ticket of row {number}", "", "en", "Done.")
    seconds = iter(range(1_000))
    solved = SolvedTickets(desk.store, desk.library, clock=lambda: float(next(seconds)))

    first = solved.like("ticket of row 199")
    assert (first.whole, first.found[0].ticket.subject) == (False, "ticket of row 199")
    assert "ticket of row 0" not in {alike.ticket.subject for alike in solved.like("ticket of row 0").found}
    solved.refresh()
    solved.refresh()
    last = solved.like("ticket of row 0")
    assert (last.whole, last.found[0].ticket.subject) == (True, "ticket of row 0")


@pytest.fixture
def fake_library(write: Write, index: Index, data: Path) -> Path:
    index(
        write(
            {"en/network/vpn.md": "# Connect to the VPN\n\nOpen the client.", "en/network/wifi.md": "# Wi-Fi\n\nJoin."}
        )
    )
    return data
