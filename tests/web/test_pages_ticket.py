"""The ticket form: an answer first, then the ticket, and no typed word ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import ARTICLES, TWO_PRINTERS, Page, Site, open_site

#: Nothing answers this one.
ODD = {"email": "ann@example.com", "subject": "Boiled egg", "body": "Too soft.\nEvery <day>."}
#: And this one has a sure answer.
SURE = {"email": "ann@example.com", "subject": "I forgot my password", "body": "how do I reset my password"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES) as opened:
        yield opened


def send(site: Site, page: Page | None = None, **typed: str) -> Page:
    """Fills in the form as a browser would and sends it."""
    return site.post("/ticket", (page or site.get("/ticket")).form("/ticket").filled(**typed))


def value(page: Page, name: str) -> str:
    return dict(page.form("/ticket").fields)[name]


# --- the way of a ticket -----------------------------------------------------------------------------------------


def test_a_ticket_nothing_answers_is_taken_at_once_and_gets_a_number(site: Site) -> None:
    sent = send(site, **ODD)
    address = sent.response.headers["location"]
    assert sent.status == 303
    page = site.get(address)
    assert page.one("p", cls="number").text == "1"
    assert "answers on this page" in page.main
    ticket = site.ticket(address)
    assert (ticket.subject, ticket.body, ticket.email, ticket.lang) == ("Boiled egg", ODD["body"], ODD["email"], "en")
    (question,) = site.questions
    assert (question.id, question.channel, question.decision) == (ticket.question_id, "ticket_form", "unanswered")


def test_a_sure_answer_is_shown_before_the_ticket_is_sent_with_all_that_was_typed(site: Site) -> None:
    page = send(site, **{**SURE, "body": "how do I reset my password\n\n  <b>please</b> & “soon”"})
    assert (page.status, page.title) == (200, "Does this answer it?")
    assert "Open the password page" in page.one("div", cls="answer").text
    assert site.tickets() == 0
    assert {name: value(page, name) for name in ("email", "subject", "body")} == {
        **SURE,
        "body": "how do I reset my password\n\n  <b>please</b> & “soon”",
    }
    assert page.response.headers["cache-control"] == "no-store"


def test_a_declined_answer_travels_with_the_ticket(site: Site) -> None:
    answer = send(site, **SURE)
    sent = site.post("/ticket", answer.form("/ticket").filled())
    ticket = site.ticket(sent.response.headers["location"])
    (question,) = site.questions
    assert (sent.status, ticket.declined, ticket.shown) == (303, ("reset-password",), question.shown)
    assert (ticket.question_id, ticket.body) == (question.id, SURE["body"])
    assert site.outcomes() == [("not_solved", "reset-password")]
    assert "which articles you were shown" in site.get(sent.response.headers["location"]).main


def test_an_answer_that_solved_it_sends_no_ticket(site: Site) -> None:
    answer = send(site, **SURE)
    page = site.post("/outcome", answer.form("/outcome").filled(button="solved"))
    assert page.response.headers["location"] == "/solved?from=ticket"
    assert "Your ticket was not sent" in site.get("/solved?from=ticket").main
    assert site.outcomes() == [("solved", "reset-password")]
    assert site.tickets() == 0


def test_an_answer_declined_on_the_search_page_is_not_shown_again(site: Site) -> None:
    search = site.get("/search?q=I+forgot+my+password").form("/outcome")
    declined = site.post("/outcome", search.filled(button="not_solved"))
    form = site.get(next(link for link in declined.links if link.startswith("/ticket?")))
    sent = send(site, form, email="ann@example.com", body="how do I reset my password")
    ticket = site.ticket(sent.response.headers["location"])
    assert (sent.status, ticket.declined) == (303, ("reset-password",))
    assert [question.id for question in site.questions] == [ticket.question_id]


def test_a_question_of_the_search_page_and_its_ticket_count_once(site: Site) -> None:
    search = site.get("/search?q=boil+an+egg")
    form = site.get(next(link for link in search.links if link.startswith("/ticket?")))
    sent = send(site, form, email="ann@example.com", body="Too soft.")
    (question,) = site.questions
    assert site.ticket(sent.response.headers["location"]).question_id == question.id
    assert question.channel == "web"


def test_a_declined_answer_does_not_hide_another_one(site: Site) -> None:
    form = site.get("/ticket?declined=vpn")
    page = send(site, form, **SURE)
    assert page.title == "Does this answer it?"
    sent = site.post("/ticket", page.form("/ticket").filled())
    assert site.ticket(sent.response.headers["location"]).declined == ("vpn", "reset-password")


def test_a_text_that_no_bot_can_read_reaches_a_person(site: Site) -> None:
    sent = send(site, email="ann@example.com", subject="😀", body="🔥🔥🔥")
    assert sent.status == 303
    assert site.ticket(sent.response.headers["location"]).body == "🔥🔥🔥"


def test_a_ticket_of_twenty_thousand_words_is_taken_whole(site: Site) -> None:
    body = "broken " * 20_000
    sent = send(site, **{**ODD, "body": body})
    assert site.ticket(sent.response.headers["location"]).body == body


# --- once and only once ------------------------------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_ticket_and_one_page(site: Site) -> None:
    form = site.get("/ticket")
    first, second = send(site, form, **ODD), send(site, form, **ODD)
    assert first.response.headers["location"] == second.response.headers["location"]
    assert site.tickets() == 1


def test_a_declined_answer_sent_twice_is_one_ticket(site: Site) -> None:
    answer = send(site, **SURE).form("/ticket").filled()
    first, second = site.post("/ticket", answer), site.post("/ticket", answer)
    assert first.response.headers["location"] == second.response.headers["location"]
    assert site.tickets() == 1


def test_two_forms_are_two_tickets(site: Site) -> None:
    assert send(site, **ODD).response.headers["location"] != send(site, **ODD).response.headers["location"]
    assert site.tickets() == 2


def test_a_form_changed_after_it_was_sent_asks_whether_it_is_another_ticket(site: Site) -> None:
    form = site.get("/ticket")
    send(site, form, **ODD)
    page = send(site, form, **{**ODD, "body": "Now too hard."})
    assert (page.status, value(page, "body")) == (409, "Now too hard.")
    assert "Your ticket arrived as you first wrote it." in page.one("div", cls="summary").text
    assert value(page, "key") != value(form, "key")
    assert site.post("/ticket", page.form("/ticket").filled()).status == 303
    assert site.tickets() == 2


# --- mistakes and bad luck ---------------------------------------------------------------------------------------


def test_what_is_missing_is_summed_up_with_links_to_the_fields(site: Site) -> None:
    page = send(site, subject="Printer is on fire")
    assert page.status == 422
    summary = page.one("div", cls="summary")
    assert summary.attrs["role"] == "alert"
    assert "2 things need a change" in summary.text
    assert [link for link in page.links if link.startswith("#fl-") and link not in ("#fl-main", "#fl-send")] == [
        "#fl-email",
        "#fl-body",
    ]
    assert value(page, "subject") == "Printer is on fire"
    email = next(element for element in page.all("input") if element.attrs.get("id") == "fl-email")
    assert (email.attrs["aria-invalid"], email.attrs["aria-describedby"]) == ("true", "fl-email-error fl-email-hint")
    assert page.one("title").text.startswith("Error: ")
    assert site.questions == []


def test_a_wrong_address_keeps_every_word(site: Site) -> None:
    page = send(site, **{**ODD, "email": "ann at example"})
    assert page.status == 422
    assert {name: value(page, name) for name in ODD} == {**ODD, "email": "ann at example"}


def test_too_long_a_subject_is_told_and_kept(site: Site) -> None:
    page = send(site, **{**ODD, "subject": "x" * 301})
    assert (page.status, value(page, "subject")) == (422, "x" * 301)
    assert "Shorten the subject to 300 characters or fewer." in page.main


def test_a_broken_database_loses_no_typed_word_and_the_same_form_can_be_sent_again(site: Site) -> None:
    form = site.get("/ticket")
    site.break_database()
    page = send(site, form, **ODD)
    assert (page.status, page.response.headers["retry-after"]) == (503, "5")
    assert {name: value(page, name) for name in ODD} == ODD
    assert value(page, "key") == value(form, "key")
    assert "Your ticket is not sent yet" in page.main


def test_a_broken_database_after_a_declined_answer_keeps_what_was_declined(site: Site) -> None:
    answer = send(site, **SURE)
    site.break_database()
    page = site.post("/ticket", answer.form("/ticket").filled())
    assert (page.status, value(page, "body"), value(page, "declined")) == (503, SURE["body"], "reset-password")


def test_articles_can_be_read_and_questions_asked_without_a_database(site: Site) -> None:
    with site.app.state.engine.begin() as connection:
        for table in ("outcomes", "resolutions", "questions", "tickets"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    page = site.get("/search?q=I+forgot+my+password")
    assert "Open the password page" in page.one("div", cls="answer").text
    assert site.post("/outcome", page.form("/outcome").filled(button="solved")).status == 303
    assert site.get("/en/articles/vpn").status == 200


# --- what the form shows -----------------------------------------------------------------------------------------


def test_the_address_fills_in_the_form(site: Site) -> None:
    page = site.get("/ticket?subject=VPN+%3Cb%3E&body=one%0D%0Atwo&email=a@b.example")
    assert [value(page, name) for name in ("subject", "body", "email")] == ["VPN <b>", "one\ntwo", "a@b.example"]


def test_a_question_too_long_for_a_subject_becomes_the_text(site: Site) -> None:
    page = site.get("/ticket?subject=" + "word+" * 100)
    assert (value(page, "subject"), value(page, "body")) == ("", "word " * 99 + "word")


def test_a_filled_in_form_shows_articles_beside_it_without_a_script_either(site: Site) -> None:
    page = site.get("/ticket?subject=I+forgot+my+password")
    links = [a for a in page.all("a") if a.attrs["href"].startswith("/en/articles/reset-password")]
    assert [(a.attrs["target"], a.attrs["rel"]) for a in links] == [("_blank", "noopener")]
    assert "hidden" not in page.one("section", cls="beside").attrs
    assert "hidden" in site.get("/ticket?subject=vpn").one("section", cls="beside").attrs
    assert site.questions == []


def test_the_form_tells_its_script_what_to_ask_and_is_told_of_politely(site: Site) -> None:
    page = site.get("/ticket?lang=pl")
    form = page.one("form", cls="ticket").attrs
    assert (form["data-suggest"], form["data-suggest-from"], form["data-lang"]) == ("/api/v1/suggest", "10", "pl")
    (status,) = [element for element in page.elements if element.attrs.get("role") == "status"]
    assert status.attrs["aria-live"] == "polite"
    assert "/static/ticket.js" in [element.attrs["src"].partition("?")[0] for element in page.all("script")]


def test_the_ticket_keeps_the_language_of_the_form(site: Site) -> None:
    page = site.get("/ticket?lang=pl")
    sent = site.post(page.form("/ticket").action, page.form("/ticket").filled(**ODD))
    assert sent.response.headers["location"].endswith("?sent=yes&lang=pl")
    assert site.ticket(sent.response.headers["location"]).lang == "pl"


# --- which of the two --------------------------------------------------------------------------------------------


def test_of_two_close_articles_the_form_asks_which_is_meant_and_neither_leads_to_sending(tmp_path: Path) -> None:
    with open_site(tmp_path, {**ARTICLES, **TWO_PRINTERS}) as site:
        page = site.get("/ticket?subject=printer+offline")
        after = site.get("/ticket?subject=printer+offline&declined=printer-mac")
    assert page.one("h2", id="fl-beside-title").text == "Which of these do you mean?"
    assert {row.attrs["data-article"] for row in page.all("li", cls="result")} == {"printer-windows", "printer-mac"}
    assert page.one("a", href="#fl-send").text == "Neither of these"
    assert "hidden" not in page.one("p", id="fl-neither").attrs
    assert after.one("h2", id="fl-beside-title").text == "These may help"
    assert [row.attrs["data-article"] for row in after.all("li", cls="result")] == ["printer-windows"]
    assert "hidden" in after.one("p", id="fl-neither").attrs
