from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.courier import Courier, Route
from bot.events import SqlEventStore
from bot.handoff.signing import key_of, verify
from bot.handoff.webhook import WebhookSink
from bot.inbox import SqlInbox
from bot.outbox import SqlOutbox
from bot.reports.days import Days
from bot.reports.spikes import SINK, Spikes, is_spike
from bot.tables import outbox
from tests.bot.reports.database import empty_database
from tests.bot.samples import asked, draft
from tests.receivers import LOOPBACK, Asked, Desk, running

WARSAW = ZoneInfo("Europe/Warsaw")
#: A Tuesday; the clock was put back 9 days before.
NOW = datetime(2026, 11, 3, 14, 0, tzinfo=WARSAW)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def _topic_of(article: str) -> str | None:
    return {"vpn": "network", "printer": "printing"}.get(article)


class _Office:
    """A desk with a number of questions every Tuesday from nine o'clock on, a minute apart."""

    def __init__(self, engine: sa.Engine | None = None) -> None:
        self.engine = engine or empty_database()
        self.outbox = SqlOutbox(self.engine)
        self._numbers = count()
        self._events = SqlEventStore(self.engine)
        self._inbox = SqlInbox(self.engine, (f"t{n}" for n in count()).__next__)

    def questions(self, number: int, *, weeks_ago: int = 0, article: str = "vpn", **given: Any) -> None:
        for n in range(number):
            shown = (article,) if article else ()
            self._events.record_question(
                asked(f"q{next(self._numbers)}", at=_at(weeks_ago, n), shown=shown, session="", **given)
            )

    def tickets(self, number: int, department: str, *, weeks_ago: int = 0) -> None:
        for n in range(number):
            key = f"key-{next(self._numbers)}"
            self._inbox.submit(draft(department=department), key, shown=(), at=_at(weeks_ago, n))

    def usual(self, *numbers: int, **given: Any) -> None:
        """So many of the last weeks, the latest first."""
        for week, number in enumerate(numbers, 1):
            self.questions(number, weeks_ago=week, **given)

    def server(self) -> Spikes:
        return Spikes(
            self.engine, Days(WARSAW), _topic_of, self.outbox, lambda spike: f"https://help.example/{spike.kind}"
        )

    def look(self, now: datetime = NOW) -> list[tuple[str, str, int, float]]:
        return [(spike.kind, spike.name, spike.count, spike.usual) for spike in self.server().look(now)]


def _at(weeks_ago: int, minutes: int) -> datetime:
    nine = datetime(2026, 11, 3, 9, tzinfo=WARSAW) - timedelta(weeks=weeks_ago)  # on the clock: nine in summer, too
    return (nine + timedelta(minutes=minutes)).astimezone(UTC)


@pytest.mark.parametrize(
    ("number", "usual", "spike"),
    [
        (9, 0.0, False),
        (10, 0.0, True),
        (11, 2.0, True),
        (16, 5.0, False),
        (17, 5.0, True),
        (42, 20.0, False),
        (43, 20.0, True),
        (199, 100.0, False),
        (200, 100.0, True),
    ],
)
def test_a_spike_is_ten_or_more_twice_the_usual_and_five_roots_above_it(
    number: int, usual: float, *, spike: bool
) -> None:
    assert is_spike(number, usual) is spike


def test_a_topic_and_the_desk_spike_and_what_is_usual_does_not() -> None:
    office = _Office()
    for article in ("vpn", "printer"):
        office.usual(3, 2, 4, 3, 3, article=article)
    office.questions(30)
    office.questions(3, article="printer")

    assert office.look() == [("questions", "", 33, 6.0), ("topic", "network", 30, 3.0)]


def test_tickets_of_a_department_spike() -> None:
    office = _Office()
    for weeks_ago in range(1, 6):
        office.tickets(2, "Sales", weeks_ago=weeks_ago)
        office.tickets(5, "Finance", weeks_ago=weeks_ago)
    office.tickets(12, "Sales")
    office.tickets(5, "Finance")

    assert ("department", "Sales", 12, 2.0) in office.look()


def test_earlier_weeks_count_up_to_the_same_time_of_the_clock_and_no_further() -> None:
    office = _Office()
    office.usual(*[120] * 5)  # until eleven o'clock
    office.questions(30)

    assert office.look(NOW.replace(hour=9, minute=30)) == []
    office.questions(40, article="")
    assert office.look(NOW.replace(hour=9, minute=30)) == [("questions", "", 60, 30.0)]


def test_with_fewer_than_four_weeks_nothing_is_said() -> None:
    office = _Office()
    office.usual(1, 1, 1, 1)  # of the fourth week only the afternoon may be known: its day does not count
    office.questions(50)

    assert office.look() == []
    office.usual(0, 0, 0, 0, 1)
    assert [kind for kind, *_ in office.look()] == ["questions", "topic"]


def test_what_agents_ask_makes_no_spike() -> None:
    office = _Office()
    office.usual(1, 1, 1, 1, 1)
    office.questions(50, channel="agent")

    assert office.look() == []


def test_a_spike_is_told_of_once_however_many_servers_look_and_its_count_grows() -> None:
    office = _Office()
    office.usual(1, 1, 1, 1, 1, article="")
    office.questions(20, article="")

    assert [len(office.server().look(NOW)), len(office.server().look(NOW))] == [1, 0]
    office.questions(5, article="")
    later = NOW + timedelta(minutes=5)
    assert office.look(later) == []

    (spike,) = office.server().since(NOW.date())
    assert (spike.count, spike.found_at, spike.looked_at) == (25, NOW, later)
    assert office.server().since(date(2026, 11, 4)) == ()
    with office.engine.connect() as connection:
        assert connection.execute(sa.select(outbox.c.key)).scalars().all() == [spike.key]


class _Receiver(Desk):
    def answer(self, asked: Asked) -> tuple[int, Any]:  # noqa: ARG002 - the same to each
        return 200, {}


def test_the_webhook_is_signed_tells_what_the_page_tells_and_is_sent_again_until_it_arrives(
    engine: sa.Engine,
) -> None:
    office = _Office(engine)
    office.usual(1, 1, 1, 1, 1, article="")
    office.questions(20, article="")
    office.look()
    now = [NOW]
    with running(_Receiver()) as receiver:
        receiver.faults = [503]
        sink = WebhookSink(receiver.url, key_of(SECRET), lambda: now[0], LOOPBACK)
        route = Route(SqlInbox(engine, str), office.outbox, events={SINK: sink})
        courier = Courier(office.outbox, route, owner="server", now=lambda: now[0], random=lambda: 1.0)
        courier.work()
        now[0] += timedelta(minutes=1)
        courier.work()
        first, second = receiver.requests

    assert first.headers["webhook-id"] == second.headers["webhook-id"] == office.server().since(NOW.date())[0].key
    verify(key_of(SECRET), second.headers["webhook-id"], second.headers["webhook-timestamp"],
           second.headers["webhook-signature"], second.body, now[0])  # fmt: skip
    assert json.loads(second.body)["type"] == "spike.found"
    assert json.loads(second.body)["data"] == {
        "day": "2026-11-03",
        "kind": "questions",
        "name": "",
        "count": 20,
        "usual": 1.0,
        "weeks": 4,
        "found": "2026-11-03T14:00:00+01:00",
        "url": "https://help.example/questions",
    }


def test_somebody_sees_to_a_spike_once_it_can_be_undone_and_counting_goes_on() -> None:
    office = _Office()
    office.usual(1, 1, 1, 1, 1)
    office.questions(20)
    office.look()
    spikes = office.server()
    spike = spikes.get(NOW.date(), "topic", "network")
    assert spike is not None

    assert [spikes.see(spike, "Ann", NOW), spikes.see(spike, "Ben", NOW)] == [True, False]
    office.questions(5)
    office.look(NOW + timedelta(hours=1))
    seen = spikes.get(NOW.date(), "topic", "network")
    assert seen is not None
    assert (seen.count, seen.seen_by, seen.seen_at) == (25, "Ann", NOW)
    assert [spikes.unsee(spike), spikes.unsee(spike)] == [True, False]
    assert [one.seen_by for one in spikes.since(NOW.date())] == ["", ""]
    assert spikes.get(NOW.date(), "topic", "printing") is None


def test_a_spike_shows_what_it_was_held_against() -> None:
    office = _Office()
    office.usual(3, 1, 2, 1, 1, 4)
    office.questions(20)
    office.look()
    (spike, _) = office.server().since(NOW.date())

    assert [number for _, number in office.server().weeks(spike)] == [1, 1, 2, 1, 3, 20]
