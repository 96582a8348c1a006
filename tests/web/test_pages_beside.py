"""The panel beside a ticket: what an agent sees and does, and what leaves the desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.models import Ticket, TicketDraft
from tests.people import somebody, with_password
from tests.web.site import AGENT, ARTICLES, AUTHOR, SECRET, Page, Site, open_site

DESK = "https://desk.example.com"
PART = {"x-firstline-part": "panel"}
#: A browser says what kind of form it sends, an empty one too; this client does not.
NOTHING = {"nothing": ""}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES, panel_origins=(DESK,), base_url="https://help.example.org") as running:
        yield running


def ticket(site: Site, subject: str = "I forgot my password", number: int = 1, **given: Any) -> Ticket:
    values = {"body": "I am locked out since Monday.", "email": "ann.lee@example.com", "lang": "en", **given}
    made: Ticket = site.app.state.desk.open_ticket(TicketDraft(subject, **values), f"key-0000000{number}")
    return made


def panel(site: Site, ticket: Ticket, query: str = "") -> Page:
    return site.get(f"/agent/tickets/{ticket.id}{query}", **PART)


def post(site: Site, ticket: Ticket, action: str, **data: str) -> Page:
    return site.post(f"/agent/tickets/{ticket.id}/{action}", data, **PART)


def inserted(page: Page, article: str) -> dict[str, str]:
    """What the buttons of an article insert, by kind."""
    item = page.html.partition(f'data-article="{article}"')[2].partition("</li>\n<li class=")[0]
    buttons = [each for each in page.all("button") if "data-insert" in each.attrs]
    return {
        each.attrs["data-insert"]: each.attrs["data-text"]
        for each in buttons
        if each.attrs["data-text"] in unescaped(item)
    }


def unescaped(html: str) -> str:
    return html.replace("&#39;", "'").replace("&amp;", "&").replace("&#34;", '"')


def ranked(site: Site, made: Ticket) -> list[str]:
    told = site.client.get(f"/api/v1/tickets/{made.id}/suggestions", headers={"Authorization": f"Bearer {AGENT}"})
    return [article["article_id"] for article in told.json()["articles"]]


def test_the_panel_is_for_agents(site: Site) -> None:
    made = ticket(site)
    assert site.get(f"/agent/tickets/{made.id}").response.headers["location"].startswith("/sign-in?next=")
    site.sign_in("author")
    for address in ("", "/draft", "/draft.md"):
        assert site.get(f"/agent/tickets/{made.id}{address}").status == 403
    assert post(site, made, "solved", article_id="vpn").status == 403


def test_steps_and_the_link_in_the_requester_s_language_can_be_inserted(site: Site) -> None:
    site.sign_in("agent")
    found = inserted(panel(site, ticket(site, lang="pl")), "reset-password")

    polish = "Resetowanie zapomnianego hasła: https://help.example.org/pl/articles/reset-password"
    assert found["link"] == polish
    assert found["steps"].endswith(f"2. Choose a new password.\n\n{polish}")


def test_an_internal_article_has_no_link_and_asks_before_its_words_leave(site: Site) -> None:
    site.sign_in("agent")
    page = panel(site, ticket(site, f"how do I verify a caller, {SECRET}"))

    assert page.all("li", data_article="verify-caller")
    assert inserted(page, "verify-caller") == {"steps": f"Ask for the {SECRET} word before you unlock anything."}
    (button,) = [each for each in page.all("button") if SECRET in each.attrs.get("data-text", "")]
    assert "data-ask" in button.attrs
    assert "This article is internal. Insert its words anyway?" in page.html
    assert "team-only" not in page.html  # of a group this agent is not in
    given = {"subject": f"how do I verify a caller, {SECRET}"}
    told = site.client.post(
        "/api/v1/agent/suggestions", json=given, headers={"Authorization": f"Bearer {AGENT}"}
    ).json()
    assert [(each["article_id"], each["internal"], each["link"]) for each in told["articles"]][:1] == [
        ("verify-caller", True, "")
    ]


def test_what_solved_a_ticket_teaches_at_once_and_can_be_taken_back(site: Site) -> None:
    site.sign_in("agent")
    first, second = ticket(site, "quagga zebra", body="okapi"), ticket(site, "quagga zebra", 2, body="okapi again")
    before = ranked(site, second)

    page = post(site, first, "solved", article_id="vpn")

    assert "Learned: “quagga zebra” is solved by “Connect to the VPN”." in page.one("div", id="fl-panel-said").text
    assert before[:1] != ["vpn"]
    assert ranked(site, second)[:1] == ["vpn"]
    page = panel(site, second)
    assert f"#{first.number} quagga zebra" in page.html
    assert "Solved 1 ticket like this one" in page.html
    assert site.app.state.desk.ticket(first.id).state == "solved"
    assert f"/inbox/{first.number}" not in panel(site, first).links

    assert "Taken back." in post(site, first, "undo", **NOTHING).html
    assert ranked(site, second) == before
    assert site.app.state.desk.ticket(first.id).state == "received"
    assert "#1 quagga zebra" not in panel(site, second).html


def test_without_a_script_one_comes_back_to_the_ticket_and_nothing_typed_is_lost(site: Site) -> None:
    site.sign_in("agent")
    made = ticket(site)
    done = site.post(f"/agent/tickets/{made.id}/solved", {"article_id": "", "text": "Cleaned the keyboard."})
    assert (done.status, done.response.headers["location"]) == (303, "/inbox/1?said=solved#fl-panel")

    empty = site.post(f"/agent/tickets/{made.id}/solved", {"text": " "})
    assert (empty.status, empty.one("p", id="fl-how-error").text) == (
        422,
        "Error: Say in a few words how it was solved, or choose the article that did.",
    )
    long = post(site, made, "solved", text="a" * 2_001)
    assert (long.status, "a" * 2_001 in long.html) == (422, True)
    unsure = post(site, made, "flag", article_id="reset-password", comment="Which page?")
    assert (unsure.status, "Which page?" in unsure.html) == (422, True)
    assert unsure.one("p", id="fl-a1-error").text == "Error: Choose what is wrong with the article."
    assert post(site, made, "solved", article_id="team-only").status == 404


def test_an_article_the_requester_declined_is_marked_and_comes_last(site: Site) -> None:
    site.sign_in("agent")
    question = "my password"
    usual = ranked(site, ticket(site, question))
    declined = ticket(site, question, 2, declined=(usual[0],))

    assert ranked(site, declined) == [*usual[1:], usual[0]]
    assert "The requester saw this and it did not help." in panel(site, declined).html
    assert "Likely the answer" not in panel(site, declined).html


def test_what_the_requester_wrote_later_counts_too(site: Site) -> None:
    made = ticket(site, "It does not work", body="Please help.")
    site.app.state.desk.write(made.id, "requester", "I mean the VPN client, it does not connect to the VPN.")
    assert ranked(site, made)[:1] == ["vpn"]


def test_an_agent_looks_for_an_article_by_hand(site: Site) -> None:
    site.sign_in("agent")
    page = panel(site, ticket(site), "?look=authenticator")
    assert page.one("input", id="fl-look").attrs["value"] == "authenticator"
    assert "two-factor" in [each.attrs.get("data-article") for each in page.all("li")]
    assert "No article fits these words." in panel(site, ticket(site), "?look=%3F%3F").html


def test_a_draft_is_read_copied_and_saved(site: Site) -> None:
    site.sign_in("agent")
    made = ticket(site, "Badge of ann@example.com refused")
    post(site, made, "solved", text="Registered it again.")
    page, file = site.get(f"/agent/tickets/{made.id}/draft"), site.get(f"/agent/tickets/{made.id}/draft.md").response
    told = site.client.post(f"/api/v1/tickets/{made.id}/draft", headers={"Authorization": f"Bearer {AGENT}"}).json()

    assert page.one("textarea").text.removeprefix("\n") == file.text == told["markdown"]
    assert file.headers["content-disposition"] == 'attachment; filename="badge-of-email-refused.md"'
    assert "Badge of [email] refused" in file.text
    assert "1. Registered it again." in file.text
    assert "ann@example.com" not in page.html


# --- the panel of another desk -------------------------------------------------------------------------------------


def test_only_the_panel_may_be_framed_and_only_by_the_desks_in_the_settings(site: Site) -> None:
    for address, framed in (
        ("/agent/panel", DESK),
        ("/agent/panel/x", DESK),
        ("/agent/panels", "'none'"),
        ("/", "'none'"),
    ):
        policy = site.get(address).response.headers["content-security-policy"]
        assert policy.endswith(f"frame-ancestors {framed}")


def test_the_panel_has_a_sign_in_of_its_own_that_opens_nothing_else(site: Site) -> None:
    person = with_password(site.accounts, somebody(site.accounts, "agent"))
    given = {"email": person.email, "subject": "I forgot my password"}
    waiting = site.get("/agent/panel?subject=I+forgot+my+password")
    assert ("subject", "I forgot my password") in waiting.form("/agent/panel/sign-in").fields

    wrong = site.post("/agent/panel/sign-in", {**given, "password": "wrong"})
    assert (wrong.status, "do not go together" in wrong.html) == (403, True)
    done = site.post("/agent/panel/sign-in", {**given, "password": "correct horse battery staple"})
    assert (done.status, done.response.headers["location"]) == (303, "/agent/panel?subject=I+forgot+my+password")
    cookie, rules = done.response.headers["set-cookie"].split("; ", 1)
    assert rules == "Max-Age=2592000; Path=/agent/panel; HttpOnly; Secure; SameSite=None; Partitioned"

    page = site.get("/agent/panel?subject=I+forgot+my+password", cookie=cookie)
    assert page.all("li", data_article="reset-password")
    assert page.all("header") == []
    value = cookie.partition("=")[2]
    for elsewhere in (cookie, f"firstline_sign_in={value}"):
        assert site.get(f"/agent/tickets/{ticket(site).id}", cookie=elsewhere).status == 303
    foreign = site.post("/agent/panel/solved", given, cookie=cookie, sec_fetch_site="cross-site")
    assert foreign.status == 403
    left = site.post("/agent/panel/sign-out", NOTHING, cookie=cookie)
    assert left.status == 303
    assert [(row.action, row.actor) for row in site.accounts.log.find(limit=1).rows] == [("signed_out", person.email)]
    assert site.get("/agent/panel", cookie=cookie).forms[0].action == "/agent/panel/sign-in"


def test_somebody_who_does_not_work_on_tickets_is_told_so(site: Site) -> None:
    person = with_password(site.accounts, somebody(site.accounts, "author"))
    given = {"email": person.email, "password": "correct horse battery staple"}
    refused = site.post("/agent/panel/sign-in", given)
    assert (refused.status, "not among those who work on tickets" in refused.html) == (403, True)
    assert "set-cookie" not in refused.response.headers


def test_a_ticket_of_another_desk_teaches_too_and_is_not_alike_to_itself(site: Site) -> None:
    site.sign_in("agent")
    given = {"subject": "quagga zebra", "body": "okapi", "lang": "en"}
    solved = site.post("/agent/panel/solved", {**given, "article_id": "vpn"}, **PART)
    assert "Learned: “quagga zebra” is solved by “Connect to the VPN”." in solved.html
    assert "None is near enough to help." in solved.html
    assert "quagga zebra" in site.get("/agent/panel?subject=quagga+zebra+okapi").one("ol", cls="similar").text

    assert "Taken back." in site.post("/agent/panel/undo", given, **PART).html
    assert site.get("/agent/panel?subject=quagga+zebra+okapi").all("ol", cls="similar") == []
    flagged = site.post("/agent/panel/flag", {**given, "article_id": "vpn", "article_lang": "en", "kind": "wrong"})
    assert "Thank you." in flagged.html


def test_the_panel_copies_and_tells_only_the_desks_that_may_frame_it(site: Site) -> None:
    site.sign_in("agent")
    page = site.get("/agent/panel?subject=I+forgot+my+password")
    assert page.one("section", cls="agent-panel").attrs["data-origins"] == DESK
    assert "Copy the steps" in page.html
    assert "Insert the steps" not in page.html
    assert json.loads(page.one("section", cls="agent-panel").attrs["data-words"])["copied"].startswith("Copied.")
    assert "No ticket is open" in site.get("/agent/panel").html


# --- flags ---------------------------------------------------------------------------------------------------------


def flags(site: Site, query: str = "", token: str = AUTHOR) -> list[dict[str, Any]]:
    told = site.client.get(f"/api/v1/flags{query}", headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 200
    found: list[dict[str, Any]] = told.json()["flags"]
    return found


def test_a_flag_becomes_work_for_authors_until_it_is_done(site: Site) -> None:
    agent = site.sign_in("agent")
    made = ticket(site)
    data = {"article_id": "reset-password", "article_lang": "en", "kind": "missing", "comment": "Ask ann@example.com."}
    page = post(site, made, "flag", **data)
    assert "Those who keep the article see it on their list." in page.html
    assert "Flagged: A step is missing" in page.html
    assert site.get("/authors/flags").status == 403

    site.sign_in("author")
    listed = site.get("/authors/flags")
    assert ("Ask [email]." in listed.main, agent.name in listed.main) == (True, True)
    assert "/inbox/1" not in listed.links
    (flag,) = flags(site, "?state=open")
    close = f"/authors/flags/{flag['id']}/close"
    refused = site.post(close, {"close_as": "rejected", "reason": ""})
    assert (refused.status, "Say in a few words why nothing is changed" in refused.html) == (422, True)
    done = site.post(close, {"close_as": "done", "reason": "Added it."})
    assert done.response.headers["location"] == f"/authors/flags?changed={flag['id']}"
    assert "Done. Thank you." in site.get(done.response.headers["location"]).html
    assert "No open flags" in site.get("/authors/flags").html
    assert "Added it." in site.get("/authors/flags?state=done").html
    site.post(f"/authors/flags/{flag['id']}/reopen", NOTHING)
    assert [each["state"] for each in flags(site)] == ["open"]


def test_flags_are_filtered_by_kind_topic_and_article_and_say_what_changed(site: Site) -> None:
    agent = {"Authorization": f"Bearer {AGENT}"}
    for article, kind in (("vpn", "wrong"), ("reset-password", "outdated"), ("verify-caller", "wrong")):
        sent = site.client.post(f"/api/v1/articles/{article}/flags", json={"kind": kind}, headers=agent)
        assert (sent.status_code, sent.json()["changed"]) == (201, False)
    again = site.client.post("/api/v1/articles/vpn/flags", json={"kind": "wrong", "comment": "Gone."}, headers=agent)
    assert again.json()["id"] in {flag["id"] for flag in flags(site, "?article=vpn")}
    hidden = site.client.post("/api/v1/articles/team-only/flags", json={"kind": "wrong"}, headers=agent)
    assert hidden.status_code == 404

    site.sign_in("author")

    def titles(query: str) -> set[str]:
        return {
            each.text.strip()
            for each in site.get(f"/authors/flags{query}").all("h2")
            if each.attrs["id"].startswith("fl-group")
        }

    assert titles("?kind=wrong&topic=network") == {"Connect to the VPN"}
    assert len(titles("")) == 3
    assert "No flag fits" in site.get("/authors/flags?topic=none").html
    with site.app.state.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE article_flags SET version = 'other' WHERE article_id = 'vpn'")
    assert [flag["changed"] for flag in flags(site, "?article=vpn")] == [True]
    assert "changed since" in site.get("/authors/flags?topic=network").main


def test_a_flag_of_a_translation_is_compared_with_that_translation(site: Site) -> None:
    agent = {"Authorization": f"Bearer {AGENT}"}
    flagged = {"kind": "wrong", "lang": "pl"}
    assert site.client.post("/api/v1/articles/reset-password/flags", json=flagged, headers=agent).status_code == 201

    told = site.client.post("/api/v1/agent/suggestions", json={"subject": "I forgot my password"}, headers=agent)

    first = told.json()["articles"][0]
    assert (first["article_id"], first["lang"]) == ("reset-password", "en")
    assert [(flag["lang"], flag["changed"]) for flag in first["flags"]] == [("pl", False)]


def test_a_flag_is_closed_by_the_api_and_errors_say_what_to_do(site: Site) -> None:
    agent, author = ({"Authorization": f"Bearer {token}"} for token in (AGENT, AUTHOR))
    flag = site.client.post("/api/v1/articles/vpn/flags", json={"kind": "wrong"}, headers=agent).json()
    address = f"/api/v1/flags/{flag['id']}/close"
    assert site.client.post(address, json={"state": "done"}, headers=agent).status_code == 403
    refused = site.client.post(address, json={"state": "rejected"}, headers=author).json()
    assert (refused["code"], refused["detail"]) == (
        "flag_invalid",
        "Say in a few words why nothing is changed, so that the agent knows.",
    )
    closed = site.client.post(address, json={"state": "rejected", "reason": "It is right."}, headers=author).json()
    assert (closed["state"], closed["reason"]) == ("rejected", "It is right.")
    unknown = site.client.post("/api/v1/flags/none/close", json={"state": "done"}, headers=author).json()
    assert unknown["code"] == "flag_unknown"
    empty = site.client.post("/api/v1/agent/suggestions", json={"subject": " "}, headers=agent).json()
    assert empty["code"] == "ticket_empty"
