"""Every page in every state, as pictures are taken of them and axe looks into them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from playwright.sync_api import APIRequestContext, Page, Route, expect

from bot.people import Role
from tests.browser.beside_scenes import BESIDE
from tests.browser.help_centre import AGENT_TOKEN, sign_in
from tests.browser.host_site import REFUSED
from tests.browser.publishing_scenes import PUBLISHING
from tests.browser.report_scenes import spike

ANSWERED = "I forgot my passwrod"
SUGGESTED = "account"
#: Two articles are close, far enough from every threshold: each export of an encoder rounds a little differently.
CLOSE = "ticket"
UNKNOWN = "How long do I boil an egg for breakfast?"
#: What people asked before, so that the authors' page has something to show.
ASKED = (
    UNKNOWN,
    UNKNOWN,
    "Where is the bicycle shed?",
    "Can I bring my dog on Fridays?",
    "Wie bestelle ich Visitenkarten?",
)

#: How often, and how long apart, is looked whether the other desk refused a ticket.
_LOOKS, _LOOK_EVERY_MS = 40, 250

#: Brings a page into the state to be pictured.
Scene = Callable[[Page], None]


def ask_before(request: APIRequestContext) -> None:
    """Fills the pages of authors."""
    for question in ASKED:
        request.post("/api/v1/ask", data={"question": question, "channel": "web"})
    for outcome, question in (("not_solved", "My account is locked"), ("solved", "I forgot my password")):
        reply = request.post("/api/v1/ask", data={"question": question, "channel": "widget"}).json()
        told = {"outcome": outcome, "article_id": reply["answer"]["article_id"]}
        request.post(f"/api/v1/questions/{reply['id']}/outcome", data=told)


def _at(address: str) -> Scene:
    return lambda page: _go(page, address)


def _go(page: Page, address: str) -> None:
    page.goto(address)


def _ticket(page: Page, subject: str, body: str) -> None:
    page.goto("/ticket")
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill(body)


def _ticket_suggestions(page: Page) -> None:
    _ticket(page, "The printer on our floor does not print", "It says paper jam, but I see no paper.")
    expect(page.get_by_role("region", name="These may help").get_by_role("link").first).to_be_visible()


def _ticket_close(page: Page) -> None:
    def of_two(route: Route) -> None:
        """Two of whatever the server has are meant: each export of an encoder finds other questions close."""
        reply = route.fetch()
        address = route.request.url.partition("?")[0]
        found = (page.request.get(f"{address}?q={asked}").json() for asked in ("I forgot my password", "slow Wi-Fi"))
        two = [offer["suggestions"][0] for offer in found]
        route.fulfill(response=reply, json={"suggestions": two, "between": [each["article_id"] for each in two]})

    page.route("**/api/v1/suggest*", of_two)
    page.goto("/ticket")
    page.get_by_label("Subject").fill("the screen is black")  # typed: what an address brings, the server answers itself
    expect(page.get_by_role("link", name="Neither of these")).to_be_visible()


def _meant(page: Page) -> None:
    page.goto(f"/search?q={CLOSE}")
    page.get_by_role("region", name="What we found").get_by_role("link").first.click()
    expect(page.get_by_role("button", name="This solved it")).to_be_visible()


def _neither(page: Page) -> None:
    page.goto(f"/search?q={CLOSE}")
    page.get_by_role("button", name="Neither of these").click()
    expect(page.get_by_role("heading", name="Sorry that neither of them fits")).to_be_visible()


def _ticket_errors(page: Page) -> None:
    page.goto("/ticket")
    page.get_by_label("Subject").fill("Something is wrong")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _ticket_answer(page: Page) -> None:
    _ticket(page, "I forgot my password", "I cannot sign in since this morning.")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("button", name="No, send my ticket")).to_be_visible()


def _ticket_sent(page: Page) -> None:
    _ticket_answer(page)
    page.get_by_role("button", name="No, send my ticket").click()
    expect(page.get_by_role("heading", name="Your ticket is sent")).to_be_visible()


def _ticket_answered(page: Page) -> None:
    _ticket_sent(page)
    page.goto(page.url.partition("?")[0])
    ticket_id = page.url.rpartition("/")[2]
    page.request.post(
        f"/api/v1/tickets/{ticket_id}/messages",
        data={"text": "Your account was locked. It is open again:\nplease sign in with your new password."},
        headers={"Authorization": f"Bearer {AGENT_TOKEN}"},
    )
    page.reload()
    expect(page.get_by_role("button", name="I still need help")).to_be_visible()


def _typing(page: Page) -> None:
    page.goto("/")
    page.get_by_label("How can we help?").press_sequentially("forgoten pas")
    expect(page.get_by_role("option").first).to_be_visible()


def _follow_up(page: Page) -> None:
    page.goto("/search?q=How do I connect to the VPN?")
    page.get_by_label("Ask a follow-up question").fill("and on a Mac?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("We read this as a follow-up")).to_be_visible()


def _not_helpful(page: Page) -> None:
    page.goto("/en/articles/reset-password")
    page.get_by_role("region", name="Was this article helpful?").get_by_role("button", name="No").click()
    expect(page.get_by_role("button", name="Send to the authors")).to_be_visible()


def _did_not_help(page: Page) -> None:
    page.goto("/search?q=I+forgot+my+password")
    page.get_by_role("button", name="It did not help").click()
    expect(page.get_by_role("heading", name="Sorry that this did not help")).to_be_visible()


def _solved(page: Page) -> None:
    page.goto("/search?q=I+forgot+my+password")
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_role("heading", name="Good to hear")).to_be_visible()


def _authors(page: Page) -> None:
    sign_in(page, "author")
    page.goto("/authors")
    expect(page.get_by_role("table").first).to_be_visible()


def _reports(address: str, heading: str) -> Scene:
    def scene(page: Page) -> None:
        sign_in(page, "author")
        page.goto(f"/authors/reports{address}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()

    return scene


def _gap(page: Page) -> None:
    _authors(page)
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What people asked")).to_be_visible()


def _learned(page: Page) -> None:
    _authors(page)
    page.get_by_role("link", name="What we learned").click()
    expect(page.get_by_role("table").first).to_be_visible()


def _learned_trace(page: Page) -> None:
    _learned(page)
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Where it comes from")).to_be_visible()


def _outbox(page: Page) -> None:
    sign_in(page, "admin")
    page.goto("/outbox")


def _refused(page: Page) -> str:
    """Has somebody send a ticket that the other desk does not take, and waits for that; the ticket's id."""
    sent = {"subject": f"The {REFUSED} badge is refused", "body": "At the side door.", "email": "kim@example.com"}
    ticket: str = page.request.post(
        "/api/v1/tickets", data=sent, headers={"Idempotency-Key": f"refused-{uuid.uuid4().hex}"}
    ).json()["id"]
    page.goto(f"/ticket/{ticket}")
    told = page.get_by_text("Our ticket system cannot be reached")
    for _ in range(_LOOKS):
        if told.is_visible():
            break
        page.wait_for_timeout(_LOOK_EVERY_MS)
        page.reload()
    expect(told).to_be_visible()
    return ticket


def _outbox_dead(page: Page) -> None:
    _refused(page)
    sign_in(page, "admin")
    page.goto("/outbox?shown=dead")
    page.locator("summary", has_text="Discard").first.click()
    expect(page.get_by_label("Why").first).to_be_visible()


def send_ticket(page: Page, **given: str) -> int:
    """Has somebody send a ticket; its number. From now on the page is an agent's."""
    sign_in(page, "agent")
    sent = {"subject": "The printer is offline", "body": "It is the one on floor 3.", "email": "kim@example.com"}
    headers = {"Authorization": f"Bearer {AGENT_TOKEN}", "Idempotency-Key": uuid.uuid4().hex}
    number: int = page.request.post("/api/v1/tickets", data={**sent, **given}, headers=headers).json()["number"]
    return number


def reply_as_another(page: Page, text: str) -> None:
    """Has a colleague answer the ticket that the page shows."""
    ticket_id = page.locator(".case").get_attribute("data-id")
    headers = {"Authorization": f"Bearer {AGENT_TOKEN}"}
    page.request.post(f"/api/v1/tickets/{ticket_id}/messages", data={"text": text}, headers=headers)


def _inbox(page: Page) -> None:
    send_ticket(page)
    send_ticket(page, subject="Der Drucker im dritten Stock druckt seit gestern nur leere Seiten " * 3, lang="de")
    page.goto("/inbox?text=3")
    page.get_by_role("checkbox").first.check()
    expect(page.get_by_role("button", name="Set priority")).to_be_visible()


def _inbox_empty(page: Page) -> None:
    sign_in(page, "agent")
    page.goto("/inbox?view=on_hold")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def _inbox_ticket(page: Page) -> None:
    page.goto(f"/inbox/{send_ticket(page)}")
    page.keyboard.press("n")
    page.keyboard.type("The toner is a cheap one.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#fl-done")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def _inbox_note(page: Page) -> None:
    page.goto(f"/inbox/{send_ticket(page)}")
    page.keyboard.press("n")
    expect(page.get_by_role("button", name="Keep note")).to_be_visible()


def _inbox_keys(page: Page) -> None:
    page.goto(f"/inbox/{send_ticket(page)}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def _inbox_conflict(page: Page) -> None:
    page.goto(f"/inbox/{send_ticket(page)}")
    reply_as_another(page, "I am on my way.")
    page.keyboard.press("r")
    page.keyboard.type("Somebody will come.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="That is not done yet")).to_be_visible()


def _inbox_escalate(page: Page) -> None:
    page.goto(f"/inbox/{send_ticket(page)}")
    page.keyboard.press("e")
    expect(page.get_by_label("Why")).to_be_focused()


def _menu(page: Page) -> None:
    sign_in(page, "admin")
    page.goto("/account")  # where the open menu lies over nothing that could be pressed
    page.locator(".person summary").click()
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


def _person(page: Page) -> None:
    sign_in(page, "admin")
    page.goto("/people")
    page.get_by_role("table").get_by_role("link", name="Agent", exact=True).click()
    expect(page.get_by_role("heading", name="Their way in")).to_be_visible()


def _person_link(page: Page) -> None:
    sign_in(page, "admin")
    page.goto("/people/add")
    page.get_by_label("E-mail address").fill(f"{uuid.uuid4().hex}@example.com")
    page.get_by_label("Name", exact=True).fill("Robin Newcomer")
    page.get_by_role("checkbox", name="Agent").check()
    page.get_by_role("button", name="Add and show the link").click()
    expect(page.get_by_role("heading", name="Robin Newcomer may join")).to_be_visible()


def _welcome(page: Page) -> None:
    _person_link(page)
    link = page.get_by_label("Link").input_value()
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("heading", name="Set your password")).to_be_visible()


def _as(role: Role, address: str) -> Scene:
    def scene(page: Page) -> None:
        sign_in(page, role)
        page.goto(address)

    return scene


def _token(page: Page) -> None:
    _as("agent", "/account")(page)
    page.get_by_label("What it is for").fill("The ticket system")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


def _not_signed_in(page: Page) -> None:
    page.goto("/sign-in?next=/authors")
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_focused()


PAGES: Mapping[str, Scene] = {
    "home": _at("/"),
    "sign-in-wrong": _not_signed_in,
    "account": _as("admin", "/account"),
    "account-token": _token,
    "people": _as("admin", "/people"),
    "people-add": _as("admin", "/people/add"),
    "people-person": _person,
    "people-link": _person_link,
    "people-audit": _as("admin", "/people/audit"),
    "welcome": _welcome,
    "forbidden": _as("reader", "/inbox"),
    "menu": _menu,
    "home-polish": _at("/?lang=pl"),
    "topic": _at("/topics/accounts"),
    "article": _at("/en/articles/reset-password"),
    "article-picture": _at("/en/articles/paper-jam"),
    "article-table": _at("/en/articles/onedrive-sync"),
    "article-polish": _at("/pl/articles/reset-password"),
    "article-not-helpful": _not_helpful,
    "search-empty": _at("/search"),
    "search-typing": _typing,
    "search-follow-up": _follow_up,
    "search-answer": _at(f"/search?q={ANSWERED}"),
    "search-suggestions": _at(f"/search?q={SUGGESTED}"),
    "search-close": _at(f"/search?q={CLOSE}"),
    "search-meant": _meant,
    "search-neither": _neither,
    "search-unknown": _at(f"/search?q={UNKNOWN}"),
    "search-solved": _solved,
    "search-did-not-help": _did_not_help,
    "ticket": _at("/ticket"),
    "ticket-polish": _at("/ticket?lang=pl"),
    "ticket-suggestions": _ticket_suggestions,
    "ticket-close": _ticket_close,
    "ticket-errors": _ticket_errors,
    "ticket-answer": _ticket_answer,
    "ticket-sent": _ticket_sent,
    "ticket-answered": _ticket_answered,
    "authors-sign-in": _at("/authors"),
    "authors": _authors,
    "authors-reports": _reports("?by=weekday&of=channel", "Questions and tickets · By weekday"),
    "authors-reports-articles": _reports("/articles", "Most rejected"),
    "authors-spike": spike,
    "gap": _gap,
    "authors-learned": _learned,
    "authors-learned-trace": _learned_trace,
    "outbox": _outbox,
    "outbox-dead": _outbox_dead,
    "ticket-stuck": lambda page: _go(page, f"/ticket/{_refused(page)}"),
    **BESIDE,
    **PUBLISHING,
    "inbox": _inbox,
    "inbox-empty": _inbox_empty,
    "inbox-ticket": _inbox_ticket,
    "inbox-note": _inbox_note,
    "inbox-escalate": _inbox_escalate,
    "inbox-keys": _inbox_keys,
    "inbox-conflict": _inbox_conflict,
    "api": _at("/api"),
    "widget": _at("/widget"),
    "not-found": _at("/en/articles/no-such-article"),
}
