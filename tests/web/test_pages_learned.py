"""The authors' pages on what was learned: listed, traced, removed and brought back, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.learned import Lesson
from bot.models import Outcome, Question
from tests.bot.samples import after, draft, heard, lesson
from tests.web.site import ARTICLES, SECRET, Page, Site, open_site

EVIL = '<script>alert(1)</script> & "quoted"'
LIST = "/authors/learned"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES) as opened:
        yield opened


@pytest.fixture
def signed_in(site: Site) -> Site:
    site.sign_in("author")
    return site


def keep(site: Site, *lessons: Lesson) -> list[str]:
    """Learns lessons; the ids of all that is known, the newest first."""
    learning = site.app.state.desk.learning
    for each in lessons:
        if each.trace.source == "end_user":
            learning.hear(each)
        else:
            learning.learn([each])
    return [row.id for row in learning.find().rows]


def statuses(site: Site) -> list[str]:
    return [row.status for row in site.app.state.desk.learning.find().rows]


def shown(page: Page) -> list[str]:
    return [element.text.split(" en")[0].strip() for element in page.all("td", cls="words")]


def press(site: Site, page: Page, action: str) -> Page:
    """Presses a button and follows where it leads."""
    form = page.form(action)
    answer = site.post(action, form.filled() or {"": ""})
    assert answer.status == 303
    return site.get(answer.response.headers["location"])


# --- the door ------------------------------------------------------------------------------------------------------


def test_without_signing_in_nothing_is_shown_and_nothing_is_changed(site: Site) -> None:
    (learned_id,) = keep(site, heard("a question of somebody", "one"))
    for address in (LIST, f"{LIST}/{learned_id}"):
        page = site.get(address)
        assert (page.status, page.response.headers["location"].partition("?")[0]) == (303, "/sign-in")
        assert "somebody" not in page.html
    for action in ("accept", "remove", "restore"):
        answer = site.post(f"{LIST}/{learned_id}/{action}", {"status": ""})
        assert (answer.status, answer.response.headers["location"]) == (303, "/sign-in")
    assert statuses(site) == ["pending"]


def test_a_form_of_another_site_changes_nothing(signed_in: Site) -> None:
    (learned_id,) = keep(signed_in, lesson())
    answer = signed_in.post(f"{LIST}/{learned_id}/remove", {"x": "y"}, sec_fetch_site="cross-site")
    assert answer.status == 403
    assert statuses(signed_in) == ["active"]


def test_the_pages_are_kept_by_no_cache_and_link_to_each_other(signed_in: Site) -> None:
    assert LIST in signed_in.get("/authors").links
    page = signed_in.get(LIST)
    assert page.response.headers["cache-control"] == "private, no-store"
    assert "/authors" in page.links


# --- the list ------------------------------------------------------------------------------------------------------


def test_without_anything_learned_the_page_says_how_it_fills(signed_in: Site) -> None:
    page = signed_in.get(LIST)
    assert (page.status, page.title) == (200, "What we learned")
    assert "Nothing learned yet" in page.main
    assert "firstline learn" in page.main
    assert "Nothing that was learned fits" in signed_in.get(f"{LIST}?status=removed").main


def test_a_row_says_question_article_source_time_and_status(signed_in: Site) -> None:
    keep(
        signed_in,
        lesson("Locked out", article="reset-password"),
        lesson("VPN is down", "imported", article="vpn", at=after(hours=1)),
        heard("no sound", "one", article="gone-since", at=after(hours=2)),
    )
    rows = [" ".join(element.text.split()) for element in signed_in.get(LIST).all("tr")[1:]]
    assert rows == [
        "no sound en gone-since not there any more Only this article Readers · 1 visit 21 Nov 2026, 14:00 "
        "Waits: 1 of 3 visits Accept no sound Remove no sound",
        "VPN is down en Connect to the VPN Only this article Past ticket 21 Nov 2026, 13:00 Counts Remove VPN is down",
        "Locked out en Reset a forgotten password Only this article Agent 21 Nov 2026, 12:00 Counts Remove Locked out",
    ]
    assert "1 question waits for more visits or for you" in signed_in.get(LIST).main
    assert "/en/articles/vpn" in signed_in.get(LIST).links


def test_an_article_has_its_title_and_a_link_where_this_author_may_read_it(signed_in: Site) -> None:
    keep(signed_in, lesson(article="verify-caller"), lesson(article="team-only"))
    page = signed_in.get(LIST)
    assert f"Quixotic check of a caller ({SECRET})" in page.main
    assert "Only for the identity team" not in page.main
    assert ("team-only" in page.main, "not there any more" in page.main) == (True, False)
    assert "/en/articles/verify-caller" in page.links
    assert "/en/articles/team-only" not in page.links


def test_the_filter_narrows_by_article_source_and_status_and_keeps_what_was_chosen(signed_in: Site) -> None:
    keep(
        signed_in,
        lesson("a", article="reset-password"),
        lesson("b", "imported", article="vpn"),
        heard("c", "one", article="vpn"),
    )

    def found(query: str) -> set[str]:
        return set(shown(signed_in.get(f"{LIST}?{query}")))

    assert found("article=vpn") == {"b", "c"}
    assert found("source=agent") == {"a"}
    assert found("status=pending&article=vpn") == {"c"}
    assert found("source=x&status=y&page=z") == {"a", "b", "c"}
    page = signed_in.get(f"{LIST}?status=pending&source=end_user&article=vpn")
    chosen = [option.attrs["value"] for option in page.all("option") if "selected" in option.attrs]
    assert chosen == ["end_user", "pending"]
    assert page.one("input", id="fl-article").attrs["value"] == "vpn"


def test_more_than_a_page_holds_comes_in_pages(signed_in: Site) -> None:
    keep(signed_in, *(lesson(f"question {n}", at=after(minutes=n)) for n in range(51)))
    page = signed_in.get(LIST)
    assert len(shown(page)) == 50
    assert "51 questions · page 1 of 2" in page.main
    last = signed_in.get(f"{LIST}?page=2")
    assert shown(last) == ["question 0"]
    assert LIST in last.links

    (learned_id,) = [row.id for row in signed_in.app.state.desk.learning.find(offset=50).rows]
    signed_in.post(f"{LIST}/{learned_id}/remove", {"page": "2"})
    beyond = signed_in.get(f"{LIST}?page=9&source=agent")
    assert (beyond.status, beyond.response.headers["location"]) == (303, f"{LIST}?source=agent&page=2")


def test_what_people_typed_is_text(signed_in: Site) -> None:
    (learned_id,) = keep(signed_in, lesson(EVIL, "imported", body=EVIL, article=EVIL, file=EVIL, origin=EVIL))
    for address in (LIST, f"{LIST}/{learned_id}", f"{LIST}?changed={learned_id}", f"{LIST}?article=%3Cb%3E"):
        page = signed_in.get(address)
        assert page.status == 200
        assert "<script>alert" not in page.html
        assert "<b>" not in page.html
    assert signed_in.get(f"{LIST}/{learned_id}").title == EVIL


# --- the buttons ---------------------------------------------------------------------------------------------------


def test_one_is_removed_and_brought_back_where_it_was_removed(signed_in: Site) -> None:
    (learned_id,) = keep(signed_in, lesson("Locked out", article="vpn"))
    page = signed_in.get(f"{LIST}?status=active&article=vpn")

    page = press(signed_in, page, f"{LIST}/{learned_id}/remove")
    assert statuses(signed_in) == ["removed"]
    assert "Removed, and it stays so, whoever says it again: Locked out" in page.main
    assert "Nothing that was learned fits" in page.main

    page = press(signed_in, page, f"{LIST}/{learned_id}/restore")
    assert statuses(signed_in) == ["active"]
    assert "This counts now: Locked out" in page.main
    assert shown(page) == ["Locked out"]


def test_a_waiting_one_is_accepted(signed_in: Site) -> None:
    (learned_id,) = keep(signed_in, heard("no sound", "one"))
    page = press(signed_in, signed_in.get(LIST), f"{LIST}/{learned_id}/accept")
    assert statuses(signed_in) == ["active"]
    assert "Counts, you agreed" in page.main


def test_accepting_a_removed_one_and_an_unknown_one_are_told(signed_in: Site) -> None:
    (learned_id,) = keep(signed_in, lesson())
    signed_in.post(f"{LIST}/{learned_id}/remove", {"": ""})
    assert signed_in.post(f"{LIST}/{learned_id}/accept", {"": ""}).status == 409
    assert signed_in.post(f"{LIST}/nothing/remove", {"": ""}).status == 404
    assert signed_in.get(f"{LIST}/nothing").status == 404
    assert signed_in.get(f"{LIST}?changed=nothing").status == 200


# --- the trace -----------------------------------------------------------------------------------------------------


def test_the_trace_leads_to_tickets_files_and_questions(signed_in: Site) -> None:
    desk = signed_in.app.state.desk
    ticket = desk.open_ticket(draft(subject="I forgot my password", body="Call +48 600 123 456."), "key-0001")
    desk.resolve(ticket.id, "reset-password", "")
    learned_id = desk.learning.find().rows[0].id
    body = "Call +48 600 123 456."
    desk.learning.learn(
        [
            lesson("I forgot my password", "imported", article="reset-password", body=body, origin="T-7"),
            lesson("I forgot my password", article="reset-password", body=body, origin="erased"),
        ]
    )
    reply = desk.ask(Question("I forgot my password", body, session="visit"))
    desk.record_outcome(Outcome(reply.id, "not_solved"))

    page = signed_in.get(f"{LIST}/{learned_id}")

    assert page.title == "I forgot my password"
    assert "Call [phone]." in page.main
    assert [" ".join(text.split()) for text in shown(page)] == [
        "Solved ticket 1 with this article",
        "Row T-7 of tickets.jsonl",
        "Solved a ticket, which is not kept any more, with this article",
        "It did not help: “I forgot my password”",
    ]
    assert page.form(f"{LIST}/{learned_id}/remove")
