"""Search and ask on one page, what became of the answer, and whose forms are taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.web.site import ARTICLES, TWO_PRINTERS, Page, Site, open_site
from web.pages.visit import SESSION_COOKIE

#: Markup and SQL that must come back as the words they are.
NASTY = """<script>alert(1)</script><img src=x onerror=alert(2)>"'; DROP TABLE tickets; --{{1234*5678}}"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES) as opened:
        yield opened


@pytest.fixture
def two_printers(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, {**ARTICLES, **TWO_PRINTERS}) as opened:
        yield opened


# --- one page to search and to ask -------------------------------------------------------------------------------


def test_a_sure_answer_is_the_article_s_own_words_with_a_link_to_the_heading(site: Site) -> None:
    page = site.get("/search?q=I+forgot+my+password")
    assert "Open the password page and type your address." in page.one("div", cls="answer").text
    assert page.one("p", cls="source").text == "From “Reset it yourself” in the article “Reset a forgotten password”."
    assert "/en/articles/reset-password#reset-it-yourself" in page.links
    assert [button.text for button in page.all("button")][-3:] == ["This solved it", "It did not help", "Ask"]


def test_further_results_repeat_nothing_that_is_shown_above(site: Site) -> None:
    page = site.get("/search?q=password+login+account")
    results = [
        element.attrs["href"].partition("#")[0] for element in page.all("a") if "/articles/" in element.attrs["href"]
    ]
    assert page.all("h2")[0].text == "We found two articles that may help"
    assert "Further results" in page.main
    assert len(results) == len(set(results)) >= 3


def test_an_unanswered_question_is_told_honestly_with_the_next_step(site: Site) -> None:
    page = site.get("/search?q=boil+an+egg+slowly")
    assert page.all("h2")[0].text == "I don’t know this one yet"
    assert page.all("div", cls="answer") == []
    (question,) = site.questions
    ticket = next(link for link in page.links if link.startswith("/ticket?"))
    form = site.get(ticket).form("/ticket")
    assert dict(form.fields)["subject"] == "boil an egg slowly"
    assert dict(form.fields)["question_id"] == question.id


def test_a_mended_typing_error_is_shown(site: Site) -> None:
    page = site.get("/search?q=I+forgot+my+pasword")
    assert page.one("p", cls="corrected").text.splitlines() == [
        "Showing results for I forgot my password",
        "Search instead for I forgot my pasword",
    ]
    assert site.get("/search?q=I+forgot+my+password").all("p", cls="corrected") == []


def test_what_was_typed_can_be_searched_for_exactly(site: Site) -> None:
    page = site.get("/search?q=pasword+login&lang=pl")
    exact = next(link for link in page.links if "exact=1" in link)
    assert exact == "/search?q=pasword+login&exact=1&lang=pl"
    assert site.get(exact).all("p", cls="corrected") == []


def test_without_a_question_the_page_shows_the_box_and_examples_that_are_answered(site: Site) -> None:
    page = site.get("/search?q=+")
    examples = [link for link in page.links if link.startswith("/search?q=")]
    assert 2 <= len(examples) <= 4
    assert site.questions == []
    for example in examples:
        site.get(example)
    assert {question.decision for question in site.questions} == {"answer"}


def test_examples_are_in_the_reader_s_language(site: Site) -> None:
    assert "zapomniałem hasła" in site.get("/search?lang=pl").main


def test_a_question_that_is_too_long_is_told_and_kept_in_the_box(site: Site) -> None:
    page = site.get("/search?q=" + "x" * 2_001)
    assert page.status == 422
    assert "The question has 2,001 characters" in page.one("div", cls="summary").text
    (box,) = [element for element in page.all("input") if element.attrs.get("id") == "fl-q"]
    assert box.attrs["value"] == "x" * 2_001


@pytest.mark.parametrize("question", ["😀😀", "ꙮꙮꙮ", "???", "ว่าไง", "\u202eabc", "%00%01reset"])
def test_a_question_in_signs_nobody_expects_gets_a_page(site: Site, question: str) -> None:
    assert site.get(f"/search?q={question}").status == 200


def test_the_answer_comes_in_the_reader_s_language(site: Site) -> None:
    page = site.get("/search?q=zapomniałem+hasła&lang=pl")
    assert page.one("div", cls="prose").attrs["lang"] == "pl"
    assert "Hasło zresetujesz samodzielnie" in page.one("div", cls="answer").text
    assert site.questions[0].lang == "pl"


def test_an_answer_in_another_language_is_marked(site: Site) -> None:
    page = site.get("/search?q=how+do+I+connect+to+the+vpn&lang=pl")
    assert page.one("div", cls="answer").text.count("English") == 1


# --- marked words ------------------------------------------------------------------------------------------------


def test_the_words_that_were_asked_for_are_marked_in_title_and_snippet(site: Site) -> None:
    page = site.get("/search?q=password+login+account")
    assert {mark.text.casefold() for mark in page.all("mark")} >= {"password", "account"}
    assert "Unlock a locked <mark>account</mark>" in page.html


# --- topics ------------------------------------------------------------------------------------------------------


def test_results_can_be_limited_to_a_topic_and_the_choice_be_taken_back(site: Site) -> None:
    page = site.get("/search?q=connect+password&lang=pl")
    choices = [link for link in page.links if link.startswith("/search?") and "topic=" in link]
    assert choices[:2] == [
        "/search?q=connect+password&topic=network&lang=pl",
        "/search?q=connect+password&topic=accounts&lang=pl",
    ]
    chosen = site.get(choices[1])
    assert [
        (a.text, a.attrs["href"]) for a in chosen.all("a", aria_current="true") if "/search" in a.attrs["href"]
    ] == [("Accounts", choices[1])]
    assert "/search?q=connect+password&lang=pl" in chosen.links
    assert not [link for link in chosen.links if "/articles/vpn" in link]
    assert {field.attrs["value"] for field in chosen.all("input", name="topic")} == {"accounts"}


def test_where_a_topic_has_nothing_the_others_are_offered(site: Site) -> None:
    page = site.get("/search?q=how+do+I+connect+to+the+vpn&topic=help-desk")
    assert page.all("h2")[0].text == "Nothing in “Help desk” answers this"
    assert "/search?q=how+do+I+connect+to+the+vpn" in page.links
    nowhere = site.get("/search?q=boil+an+egg+slowly&topic=help-desk")
    assert "Nothing in the other topics does either" in nowhere.main


def test_the_best_of_a_topic_is_no_answer_where_another_topic_has_it(site: Site) -> None:
    page = site.get("/search?q=how+do+I+connect+to+the+vpn&topic=accounts")
    assert page.all("div", cls="answer") == []


def test_a_topic_that_is_none_of_the_public_ones_counts_as_none(site: Site) -> None:
    for topic in ("internal", "nowhere", NASTY):
        page = site.get(f"/search?{urlencode({'q': 'I forgot my password', 'topic': topic})}")
        assert len(page.all("div", cls="answer")) == 1
        assert page.all("input", name="topic") == []


def test_a_question_in_a_language_without_articles_is_told_which_there_are(site: Site) -> None:
    page = site.get("/search?q=Kuinka+voin+nollata+unohtuneen+salasanani+tietokoneella")
    assert page.all("h2")[0].text == "We have no articles in the language of your question"
    assert "They are written in: English and Polski." in page.main


# --- follow-ups --------------------------------------------------------------------------------------------------

FOLLOW_UP = "and on a Mac?"


def follow_up(site: Site, page: Page, text: str) -> Page:
    (form,) = [form for form in page.forms if "after" in dict(form.fields)]
    return site.get(f"{form.action}?{urlencode(form.filled(q=text), doseq=True)}")


def test_a_follow_up_is_read_with_the_question_before_it_and_the_ticket_has_both(site: Site) -> None:
    page = follow_up(site, site.get("/search?q=I+forgot+my+password"), FOLLOW_UP)
    assert "We read this as a follow-up to “I forgot my password”." in page.main
    assert page.one("div", cls="answer").text.strip().startswith("Reset a forgotten password")
    assert [question.text for question in site.questions] == ["I forgot my password", FOLLOW_UP]
    assert site.questions[1].after == site.questions[0].id
    ticket = site.get(next(link for link in page.links if link.startswith("/ticket?subject"))).form("/ticket")
    assert dict(ticket.fields)["subject"] == f"I forgot my password {FOLLOW_UP}"
    alone = site.get("/search?q=and+on+a+Mac%3F")
    assert "/search?q=and+on+a+Mac%3F" in page.links
    assert "follow-up to" not in alone.main


def test_a_follow_up_of_two_close_articles_is_still_asked_which_is_meant(two_printers: Site) -> None:
    page = follow_up(two_printers, two_printers.get(CLOSE), "printer offline again")
    meant = two_printers.get(next(link for link in choices(page) if "printer-mac" in link))
    assert "Restart the printing of Mac, then the printer." in meant.one("div", cls="answer").text
    assert follow_up(two_printers, meant, "printer offline").status == 200


# --- which of the two --------------------------------------------------------------------------------------------

CLOSE = "/search?q=printer+offline"


def choices(page: Page) -> list[str]:
    return [link for link in page.links if link.startswith("/search/meant?")]


def test_of_two_close_articles_the_reader_is_asked_which_is_meant(two_printers: Site) -> None:
    page = two_printers.get(CLOSE)
    assert page.all("h2")[0].text == "Which of these do you mean?"
    assert page.all("div", cls="answer") == []
    cards = [card.text for card in page.all("li", cls="result")][:2]
    assert ["The printer is offline" in card for card in cards] == [True, True]
    assert sorted("on Windows" in card for card in cards) == [False, True]
    assert len(choices(page)) == 2
    assert [button.text for button in page.all("button")][-2:] == ["Neither of these", "Ask"]
    assert [question.decision for question in two_printers.questions] == ["suggest"]


def test_the_one_that_was_meant_shows_its_answer_and_is_kept_as_opened_and_no_more(two_printers: Site) -> None:
    meant = next(link for link in choices(two_printers.get(CLOSE)) if "printer-mac" in link)
    page = two_printers.get(meant)
    assert "Restart the printing of Mac, then the printer." in page.one("div", cls="answer").text
    assert "/en/articles/printer-mac#steps-on-mac" in page.links
    assert [link for link in page.links if link.startswith("/en/articles/printer-windows")]
    assert two_printers.outcomes() == [("opened", "printer-mac")]
    assert len(two_printers.questions) == 1


def test_the_one_that_was_meant_may_have_solved_it(two_printers: Site) -> None:
    page = two_printers.get(next(link for link in choices(two_printers.get(CLOSE)) if "printer-mac" in link))
    two_printers.post("/outcome", page.form("/outcome").filled(button="solved"))
    assert two_printers.outcomes() == [("opened", "printer-mac"), ("solved", "printer-mac")]


def test_the_one_that_was_meant_may_not_help_either_and_the_ticket_knows(two_printers: Site) -> None:
    page = two_printers.get(next(link for link in choices(two_printers.get(CLOSE)) if "printer-mac" in link))
    declined = two_printers.post("/outcome", page.form("/outcome").filled(button="not_solved"))
    assert declined.title == "Sorry that this did not help"
    ticket = two_printers.get(next(link for link in declined.links if link.startswith("/ticket?"))).form("/ticket")
    assert dict(ticket.fields)["declined"] == "printer-mac"
    assert dict(ticket.fields)["question_id"] == two_printers.questions[0].id


def test_neither_of_the_two_leads_on_and_the_ticket_knows_both(two_printers: Site) -> None:
    form = two_printers.get(CLOSE).form("/outcome")
    page = two_printers.post("/outcome", form.filled(button="not_solved"))
    assert page.title == "Sorry that neither of them fits"
    assert not [link for link in page.links if "/articles/printer-" in link]
    ticket = two_printers.get(next(link for link in page.links if link.startswith("/ticket?"))).form("/ticket")
    assert {value for name, value in ticket.fields if name == "declined"} == {"printer-windows", "printer-mac"}
    assert dict(ticket.fields)["subject"] == "printer offline"
    ((outcome, _),) = two_printers.outcomes()
    assert outcome == "not_solved"


def test_the_choice_keeps_the_language_of_the_reader(two_printers: Site) -> None:
    page = two_printers.get(f"{CLOSE}&lang=pl")
    assert ["lang=pl" in link for link in choices(page)] == [True, True]
    meant = two_printers.get(choices(page)[0])
    assert [link for link in meant.links if link.startswith("/ticket?subject=") and "lang=pl" not in link] == []
    assert {element.attrs["value"] for element in meant.all("input", name="lang")} == {"pl"}


@pytest.mark.parametrize(
    ("address", "search"),
    [
        ("/search/meant", "/search"),
        ("/search/meant?q=printer+offline", "/search?q=printer+offline"),
        ("/search/meant?q=printer+offline&article=no-such-article", "/search?q=printer+offline"),
        ("/search/meant?q=who+verifies+a+caller&article=verify-caller", "/search?q=who+verifies+a+caller"),
        ("/search/meant?q=%00&article=printer-mac", "/search"),
    ],
)
def test_an_article_that_cannot_be_meant_leads_back_to_the_question(
    two_printers: Site, address: str, search: str
) -> None:
    page = two_printers.get(address)
    assert (page.status, page.response.headers["location"]) == (303, search)


def test_a_choice_without_a_question_of_ours_is_shown_and_nothing_is_kept(two_printers: Site) -> None:
    page = two_printers.get("/search/meant?q=printer+offline&article=printer-mac&question_id=no-such-question")
    assert page.status == 200
    assert two_printers.outcomes() == []


def test_a_choice_that_the_browser_fetches_ahead_is_not_kept(two_printers: Site) -> None:
    meant = choices(two_printers.get(CLOSE))[0]
    assert two_printers.get(meant, sec_purpose="prefetch").status == 200
    assert two_printers.outcomes() == []


def test_what_was_asked_is_text_on_the_page_of_a_choice(two_printers: Site) -> None:
    question = f"printer offline {NASTY}"
    page = two_printers.get(f"/search/meant?{urlencode({'q': question, 'article': 'printer-mac'})}")
    assert page.status == 200
    assert "<img src=x" not in page.html
    (box,) = [element for element in page.all("input") if element.attrs.get("id") == "fl-q"]
    assert box.attrs["value"] == question


# --- what became of it -------------------------------------------------------------------------------------------


def test_this_solved_it_is_recorded_and_thanked(site: Site) -> None:
    form = site.get("/search?q=I+forgot+my+password").form("/outcome")
    page = site.post("/outcome", form.filled(button="solved"))
    assert (page.status, page.response.headers["location"]) == (303, "/solved")
    assert site.get("/solved").title == "Good to hear"
    assert site.outcomes() == [("solved", "reset-password")]


def test_it_did_not_help_is_recorded_and_leads_on_with_the_question_and_what_was_declined(site: Site) -> None:
    form = site.get("/search?q=I+forgot+my+password").form("/outcome")
    page = site.post("/outcome", form.filled(button="not_solved"))
    assert (page.status, page.title) == (200, "Sorry that this did not help")
    assert site.outcomes() == [("not_solved", "reset-password")]
    assert not [link for link in page.links if "/articles/reset-password" in link]
    ticket = site.get(next(link for link in page.links if link.startswith("/ticket?"))).form("/ticket")
    assert dict(ticket.fields) == {
        "key": dict(ticket.fields)["key"],
        "token": dict(ticket.fields)["token"],
        "website": "",
        "question_id": site.questions[0].id,
        "declined": "reset-password",
        "email": "",
        "subject": "I forgot my password",
        "body": "",
    }


def test_none_of_several_suggestions_helped(site: Site) -> None:
    form = site.get("/search?q=password+login+account").form("/outcome")
    assert [value for _, value in form.buttons] == ["solved", "not_solved"]
    site.post("/outcome", form.filled(button="not_solved"))
    assert site.outcomes() == [("not_solved", "")]


@pytest.mark.parametrize("told", ["solved", "not_solved"])
def test_an_outcome_of_a_question_nobody_knows_still_gets_a_kind_word(site: Site, told: str) -> None:
    page = site.post("/outcome", {"question_id": "no-such-id", "outcome": told, "question": ""})
    assert page.status in (200, 303)
    assert site.outcomes() == []


def test_an_outcome_that_is_none_is_refused(site: Site) -> None:
    assert site.post("/outcome", {"question_id": "x", "outcome": "opened"}).status == 400


# --- the session -------------------------------------------------------------------------------------------------


def test_reading_sets_no_cookie(site: Site) -> None:
    for address in ("/", "/topics/accounts", "/en/articles/vpn", "/search", "/ticket", "/authors", "/api", "/nothing"):
        assert "set-cookie" not in site.get(address).response.headers


def test_a_question_starts_a_session_that_scripts_cannot_read(site: Site) -> None:
    cookie = site.get("/search?q=vpn").response.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Max-Age" not in cookie and "expires" not in cookie.lower()  # noqa: PT018
    site.get("/search?q=printer")
    assert len({question.session for question in site.questions}) == 1
    assert len(site.questions[0].session) >= 24


def test_a_session_that_is_none_of_ours_is_replaced(site: Site) -> None:
    site.client.cookies.set(SESSION_COOKIE, "<b>short</b>")
    site.get("/search?q=vpn")
    assert "<" not in site.questions[0].session


def test_a_page_fetched_ahead_is_no_question(site: Site) -> None:
    assert site.get("/search?q=vpn", sec_purpose="prefetch").status == 200
    assert site.questions == []


# --- words are words ---------------------------------------------------------------------------------------------


def assert_harmless(page: Page) -> None:
    assert [
        element.attrs.get("src") for element in page.all("script") if "static" not in element.attrs.get("src", "")
    ] == []
    assert [element.attrs["src"] for element in page.all("img")] == ["/favicon.svg"]
    assert "<script>alert" not in page.html
    assert "7006652" not in page.main


def test_markup_and_sql_in_every_field_come_back_as_words(site: Site) -> None:
    pages = [
        site.client.get("/search", params={"q": NASTY, "lang": NASTY}),
        site.client.get(
            "/ticket", params=dict.fromkeys(("email", "subject", "body", "question_id", "declined"), NASTY)
        ),
        site.client.get("/topics/accounts", params={"lang": NASTY, "page": NASTY}),
        site.client.get("/" + NASTY.replace("/", "").replace("?", "")),
        site.client.post(
            "/outcome",
            data={"outcome": "not_solved", **dict.fromkeys(("question", "question_id", "article_id"), NASTY)},
        ),
        site.client.post(
            "/ticket", data=dict.fromkeys(("email", "subject", "body", "key", "question_id", "declined"), NASTY)
        ),
        site.client.post(
            "/ticket",
            data=site.get("/ticket").form("/ticket").filled(email="a@b.example", subject=NASTY, body=NASTY, sure=NASTY),
        ),
        site.client.post("/sign-in", data=dict.fromkeys(("email", "password", "next"), NASTY)),
    ]
    site.sign_in("author")
    pages.append(site.client.get("/authors", params=dict.fromkeys(("text", "kind", "in", "days"), NASTY)))
    pages.append(site.client.get("/authors"))
    assert "DROP TABLE" in pages[-1].text  # the authors see what was asked
    for response in pages:
        if response.status_code != 303:
            assert_harmless(Page(response))
    assert site.tickets() == 1


# --- whose forms are taken ---------------------------------------------------------------------------------------

FORMS = ("/ticket", "/outcome", "/sign-in", "/sign-out", "/setup/x", "/welcome/x")


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/help.example"},
        {"origin": "http://help.example.evil.example"},
        {"sec_fetch_site": "cross-site", "origin": "http://help.example"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_a_form_of_another_site_is_refused(site: Site, address: str, headers: dict[str, str]) -> None:
    data = {"email": "a@b.example", "subject": "Printer", "body": "Broken", "outcome": "solved"}
    page = site.post(address, data, **headers)
    assert (page.status, page.title) == (403, "We did not take that form")
    assert "set-cookie" not in page.response.headers
    assert site.tickets() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://help.example"},
        {"referer": "http://help.example/ticket"},
        {"sec_fetch_site": "same-origin"},
    ],
    ids=lambda headers: " ".join(headers) or "none",
)
def test_a_form_of_this_site_is_taken(site: Site, headers: dict[str, str]) -> None:
    typed = {"email": "a@b.example", "subject": "Printer", "body": "It is on fire."}
    page = site.post("/ticket", site.get("/ticket").form("/ticket").filled(**typed), **headers)
    assert page.status == 303


def test_a_body_that_is_no_form_is_refused(site: Site) -> None:
    response = site.client.post("/ticket", json={"subject": "Printer"})
    assert response.status_code == 415
    assert site.client.post("/outcome", files={"body": b"x"}).status_code == 415


def test_a_form_with_a_thousand_fields_is_refused(site: Site) -> None:
    many = site.post("/ticket", {f"field{n}": "x" for n in range(1_000)})
    assert (many.status, many.one("p", cls="lead").text) == (
        400,
        "The form has more fields than any of ours. Go back, reload the page and try again.",
    )
    assert (
        site.post("/outcome", {"outcome": "?"}).one("p", cls="lead").text == "Go back, reload the page and try again."
    )
