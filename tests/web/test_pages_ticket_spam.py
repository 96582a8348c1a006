"""What keeps scripts from the desk, and never costs a person a word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.web.site import AGENT, ARTICLES, Page, Site, open_site
from tests.web.test_pages_ticket import ODD, send, value
from web.limits import network

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site"), ARTICLES, form_min_seconds=3) as opened:
        yield opened


def typed(page: Page) -> dict[str, str]:
    return {name: value(page, name) for name in ODD}


def test_who_is_quicker_than_a_person_sends_once_more_and_loses_no_word(site: Site) -> None:
    before = site.tickets()
    site.set_clock(NOON)
    page = send(site, **ODD)
    assert (page.status, typed(page)) == (422, ODD)
    assert "whether a person or a program sent it" in page.one("div", cls="summary").text
    site.set_clock(NOON + timedelta(seconds=3))
    assert site.post("/ticket", page.form("/ticket").filled()).status == 303
    assert site.tickets() == before + 1


def test_a_form_that_was_open_over_night_is_shown_again_with_every_word(site: Site) -> None:
    site.set_clock(NOON)
    form = site.get("/ticket")
    site.set_clock(NOON + timedelta(hours=24, seconds=1))
    page = send(site, form, **ODD)
    assert (page.status, typed(page), value(page, "key")) == (422, ODD, value(form, "key"))
    assert "This form was open for a long time" in page.one("div", cls="summary").text
    site.set_clock(NOON + timedelta(hours=24, seconds=5))
    assert site.post("/ticket", page.form("/ticket").filled()).status == 303


@pytest.mark.parametrize("token", ["", "1795435200." + "0" * 64, "no token at all", "another form's"])
def test_a_time_nobody_signed_for_this_form_counts_as_none(site: Site, token: str) -> None:
    site.set_clock(NOON)
    given = value(site.get("/ticket"), "token") if token == "another form's" else token
    form = site.get("/ticket").form("/ticket").filled(**ODD, token=given)
    site.set_clock(NOON + timedelta(seconds=10))
    page = site.post("/ticket", form)
    assert (page.status, typed(page)) == (422, ODD)


def test_mending_a_wrong_field_needs_no_second_waiting(site: Site) -> None:
    site.set_clock(NOON)
    form = site.get("/ticket")
    site.set_clock(NOON + timedelta(seconds=10))
    page = send(site, form, **{**ODD, "email": "ann"})
    assert site.post("/ticket", page.form("/ticket").filled(email=ODD["email"])).status == 303


def test_a_field_no_person_sees_holds_back_who_fills_it_in(site: Site) -> None:
    site.set_clock(NOON)
    form = site.get("/ticket")
    trap = form.one("input", id="fl-website").attrs
    assert (trap["tabindex"], trap["autocomplete"]) == ("-1", "off")
    assert form.one("div", cls="trap").attrs["aria-hidden"] == "true"
    site.set_clock(NOON + timedelta(seconds=10))
    page = send(site, form, **ODD, website="https://spam.example")
    assert (page.status, typed(page), value(page, "website")) == (422, ODD, "")
    assert site.post("/ticket", page.form("/ticket").filled()).status == 303


def test_servers_over_one_database_read_each_other_s_forms(site: Site) -> None:
    from web.app import create_app

    site.set_clock(NOON)
    form = site.get("/ticket").form("/ticket").filled(**ODD)
    desk = site.app.state.desk
    other = create_app(site.app.state.settings, desk, site.app.state.engine)
    other.state.desk = desk
    site.set_clock(NOON + timedelta(seconds=10))
    assert other.state.tokens.age(form["token"][0], form["key"][0], NOON + timedelta(seconds=10)).seconds == 10


# --- too much in a short time ------------------------------------------------------------------------------------


def test_one_visitor_too_many_times_waits_and_keeps_every_word(tmp_path: Path) -> None:
    rates = {"rate_tickets": "2/hour", "rate_questions": "1/minute", "rate_typing": "1/hour", "rate_feedback": "1/hour"}
    with open_site(tmp_path, ARTICLES, **rates) as site:
        site.get("/search?q=boil+an+egg")
        busy = site.get("/search?q=boil+another+egg")
        assert (busy.status, busy.one("input", id="fl-q").attrs["value"]) == (429, "boil another egg")
        assert site.get("/search/meant?q=boil+another+egg&article=vpn").status == 429
        site.client.cookies.clear()
        wrong = send(site, **{**ODD, "email": "ann"})  # what could not be sent counts, too
        assert [wrong.status, *(send(site, **ODD).status for _ in range(2))] == [422, 303, 429]
        page = send(site, **ODD)
        assert typed(page) == ODD
        assert 3500 < int(page.response.headers["retry-after"]) <= 3600
        assert "wait 60 minutes" in page.one("div", cls="summary").text
        feedback = {"outcome": "solved", "question_id": "q1"}
        assert [site.post("/outcome", feedback).status for _ in range(2)] == [303, 429]
        comment = {"article_id": "vpn", "lang": "en", "helpful": "no", "details": "yes", "comment": "It <still> fails."}
        kept = site.post("/feedback", comment)
        assert (kept.status, kept.form("/feedback").filled()["comment"]) == (429, ["It <still> fails."])
        assert site.post("/feedback", {"article_id": "vpn", "lang": "en", "helpful": "yes"}).status == 429


@pytest.mark.parametrize(
    ("host", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_addresses_one_line_takes_at_will_count_as_one(host: str, counts_as: str) -> None:
    assert network(host) == counts_as


def test_an_address_may_do_as_much_as_ten_visitors_and_agents_as_much_as_they_like(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, rate_typing="1/hour", trusted_proxies=("10.0.0.0/8",)) as site:

        def statuses(client: TestClient, count: int, **headers: str) -> list[int]:
            return [client.get("/api/v1/suggest?q=how+do+I+connect", headers=headers).status_code for _ in range(count)]

        one = TestClient(site.app, client=("192.0.2.1", 1))
        proxy = TestClient(site.app, client=("10.0.0.7", 1))
        assert statuses(one, 11) == [200] * 10 + [429]
        # Whoever is no proxy of ours cannot borrow another address.
        assert statuses(one, 1, **{"x-forwarded-for": "192.0.2.9"}) == [429]
        assert statuses(proxy, 10, **{"x-forwarded-for": "192.0.2.3"}) == [200] * 10
        assert statuses(proxy, 1, **{"x-forwarded-for": "192.0.2.4, 192.0.2.3"}) == [429]
        assert statuses(one, 2, authorization=f"Bearer {AGENT}") == [200, 200]
        refused = one.get("/api/v1/suggest?q=how+do+I+connect")
    assert (refused.json()["code"], refused.headers["content-type"]) == (
        "too_many_requests",
        "application/problem+json",
    )
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
