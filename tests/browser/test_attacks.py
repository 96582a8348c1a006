"""Attacks in every text that people and authors give us, shown in a real browser without the pages' policy.

`bypass_csp` takes away what would stop a script in the end: what is tested is that none gets there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch
from tests.browser.host_site import HostPage, HostSite, host_site
from tests.people import token
from tests.security.vectors import vectors
from tests.web.live import LiveSite, live_site
from web.auth import COOKIE

pytestmark = pytest.mark.browser

AUDIT = (Path(__file__).parent.parent / "security" / "audit.js").read_text(encoding="utf-8")
ATTACKS = vectors()
#: A file with zero bytes is no article.
WRITTEN = [vector for vector in ATTACKS if "\0" not in vector.text]
EVERYTHING = "fl_token-of-who-may-do-everything"


#: So many attacks on one page, where they do not read on into each other.
_TOGETHER = 12


def groups() -> Iterator[list[str]]:
    together = [vector.text for vector in WRITTEN if not vector.swallows]
    for at in range(0, len(together), _TOGETHER):
        yield together[at : at + _TOGETHER]
    for vector in WRITTEN:
        if vector.swallows:
            yield [vector.text]


def article(at: int, texts: list[str]) -> str:
    """Attacks as title, in other front matter, as headings, and below."""
    fields = {name: json.dumps(texts[n % len(texts)]) for n, name in enumerate(_FIELDS)}
    matter = "".join(f"{name}: {value}\n" for name, value in fields.items())
    body = "\n\n".join(f"## {' '.join(text.split())}\n\n{text}" for text in texts)
    lists = f"questions: {json.dumps(texts)}\nkeywords: {json.dumps(texts)}\n"
    return (
        f"---\nid: attack-{at}\n{matter}{lists}---\nFirst words about alert 1.\n\n{body}\n\n## After\n\nLast words.\n"
    )


_FIELDS = ("title", "owner", "summary", "description")


@dataclass(frozen=True)
class Attacked:
    site: LiveSite
    page: Page
    host: HostSite
    watch: Watch

    def audit(self, *addresses: str, pages: list[tuple[str, str]] | None = None) -> None:
        """Loads pages in frames; nothing in them may run, load or lead elsewhere."""
        told = self.page.evaluate(AUDIT, {"addresses": list(addresses), "pages": pages or []})
        assert told["found"] == []
        assert told["loaded"] == len(addresses) + len(pages or [])
        assert self.watch.unexpected() == []

    def send(self, method: str, path: str, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {EVERYTHING}", **given.pop("headers", {})}
        reply = self.page.request.fetch(f"{self.site.base}{path}", method=method, headers=headers, **given)
        assert reply.ok, (path, given, reply.text())
        return reply


@pytest.fixture(scope="module")
def attacked(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    written = {f"en/attacks/attack-{at}.md": article(at, texts) for at, texts in enumerate(groups())}
    rates = dict.fromkeys(("rate_tickets", "rate_questions", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    pages = {"/": HostPage('data-title="Help" data-lang="en"')}
    with host_site(pages) as host:
        origins = (host.base,)
        with live_site(folder, written, form_min_seconds=0, widget_origins=origins, **rates) as site:
            host.help_centre = site.base
            accounts = site.app.state.accounts
            token(accounts, "reader", "agent", "author", "admin", secret=EVERYTHING)
            watch = Watch({site.base, host.base}, expected=["Failed to load resource"])  # pictures of this site
            context = browser.new_context(base_url=site.base, bypass_csp=True, reduced_motion="reduce")
            watch.begin(context)
            yield Attacked(site, context.new_page(), host, watch)
            context.close()


def test_no_attack_in_an_article_runs_loads_or_leads_elsewhere(attacked: Attacked) -> None:
    """Pages whole for attacks that stand together; of the others what stands in the page, several at once."""
    entries = attacked.site.app.state.desk.library.searcher.snapshot.entries
    assert len(entries) == sum(1 for _ in groups())
    whole = len(WRITTEN) // _TOGETHER
    alone = [
        (entry.article.id, "".join(f"<div>{section.html}</div>" for section in entry.sections))
        for entry in entries
        if int(entry.article.id.partition("-")[2]) >= whole // 2
    ]
    several = [alone[at : at + 10] for at in range(0, len(alone), 10)]
    parts = [(" ".join(name for name, _ in some), "".join(html for _, html in some)) for some in several]
    attacked.page.goto("/topics/attacks")
    attacked.audit(*(f"/en/articles/attack-{at}" for at in range(whole)), "/topics/attacks", "/", pages=parts)


def test_no_question_or_address_runs_where_it_is_shown_again(attacked: Attacked) -> None:
    page = attacked.page
    page.goto("/")
    given = [quote(vector.text, safe="") for vector in ATTACKS[::9]]
    attacked.audit(
        *(f"/search?q={text}&topic={text}&lang={text}" for text in given),
        *(f"/ticket?subject={text}&body={text}&email={text}&declined={text}" for text in given[::3]),
        *(f"/sign-in?next={text}&lang={text}" for text in given[::6]),
    )
    page.locator("input[name=q]").first.press_sequentially("alert 1")
    expect(page.get_by_role("option").first).to_be_visible()
    page.goto("/ticket?subject=alert+1+words")
    attacked.audit()


def test_no_words_of_a_requester_run_on_the_pages_of_requesters_agents_and_authors(attacked: Attacked) -> None:
    page = attacked.page
    site = attacked.site
    every = "\n".join(vector.text for vector in ATTACKS)
    for at in range(0, len(ATTACKS), 9):
        text = ATTACKS[at].text
        asked = attacked.send("POST", "/api/v1/ask", data={"question": text, "channel": "web"}).json()
        told = {"outcome": "not_solved", "reason": text[:200]}
        attacked.send("POST", f"/api/v1/questions/{asked['id']}/outcome", data=told)
    tickets = []
    for at in range(0, len(ATTACKS), 30):
        body = every if not at else "\n".join(vector.text for vector in ATTACKS[at : at + 30])
        sent = {"subject": ATTACKS[at].text[:150] + " x", "body": body, "email": f"a'{at}<x>@example.com"}
        headers = {"Idempotency-Key": f"attack-{at:04}"}
        reply = page.request.post("/api/v1/tickets", data=sent, headers=headers)
        if reply.status == 422:  # the address was none
            reply = page.request.post("/api/v1/tickets", data={**sent, "email": f"a'{at}@example.com"}, headers=headers)
        tickets.append(reply.json())
    first = tickets[0]
    attacked.send("POST", f"/api/v1/tickets/{first['id']}/messages", data={"text": every})
    attacked.send("POST", f"/api/v1/tickets/{first['id']}/resolution", data={"article_id": "attack-1", "text": every})
    attacked.send("POST", "/api/v1/articles/attack-1/flags", data={"kind": "wrong", "comment": every[:900]})
    shown = {"session": "attacker", "helpful": False, "reason": "wrong", "comment": every[:900]}
    attacked.send("POST", "/api/v1/articles/attack-1/feedback", data=shown)

    accounts = site.app.state.accounts
    known = accounts.store.by_email("reader-agent-author-admin@example.com")
    secret = accounts.start(known, "testclient")
    page.context.add_cookies([{"name": COOKIE, "value": secret, "url": site.base}])
    numbers = [ticket["number"] for ticket in tickets]
    attacked.audit(
        *(f"/ticket/{ticket['id']}" for ticket in tickets),
        *(f"/inbox/{number}" for number in numbers),
        *("/inbox?state=all", "/authors", "/authors/feedback", "/authors/flags", "/authors/learned", "/people/audit"),
        *("/authors/reports", "/authors/reports/articles", f"/agent/tickets/{first['id']}/draft", "/outbox"),
        *(f"/authors?q={quote(ATTACKS[at].text, safe='')}" for at in range(0, len(ATTACKS), 60)),
        *(f"/inbox?text={quote(ATTACKS[at].text, safe='')}" for at in range(0, len(ATTACKS), 60)),
        *(f"/agent/panel?subject={quote(ATTACKS[at].text, safe='')}" for at in range(0, len(ATTACKS), 60)),
    )
    for address in ("/inbox", f"/inbox/{numbers[0]}", f"/ticket/{first['id']}", "/authors", "/authors/reports"):
        page.goto(address)
    attacked.audit()


def test_no_attack_runs_in_the_widget_on_somebody_elses_page(attacked: Attacked) -> None:
    page = attacked.page.context.new_page()
    page.goto(f"{attacked.host.base}/")
    page.get_by_role("button", name="Help").click()
    page.get_by_role("dialog").get_by_role("textbox").first.fill("First words about alert 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("alert(1)")
    assert page.evaluate(AUDIT, {"addresses": [], "live": True})["found"] == []
    assert attacked.watch.unexpected() == []
    page.close()


def test_the_same_walk_sees_what_runs_loads_and_leads_elsewhere(browser: Browser) -> None:
    """What looks for attacks finds them where nothing was done about them."""
    watch = Watch(set())
    context = browser.new_context(bypass_csp=True)
    watch.begin(context)
    context.route("**/*", lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    page = context.new_page()
    page.goto("http://attacked.example/")
    raw = [[vector.name, vector.text] for vector in ATTACKS[::3] if vector.name.startswith(("html/", "svg/"))]
    told = page.evaluate(AUDIT, {"addresses": [], "pages": raw})
    seen = {line.partition(":")[0] for line in told["found"]}
    context.close()
    assert len(seen) > 0.8 * len(raw)
    assert any(line.startswith("dialog: 1") for line in watch.seen)
    assert any("evil.example" in line for line in watch.seen)
