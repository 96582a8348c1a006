"""No article reaches anybody whom it is not for: every route is asked, with words made to lure it out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi.routing import iter_route_contexts

from bot.people import Role
from tests.people import somebody
from tests.web.site import AGENT, Site, open_site
from web.pages.failures import address_words

#: Stands in every part of the hidden articles and nowhere else, and is part of the name of a picture.
MARK = "quetzalcoatl"
PICTURE = f"pictures/{MARK}.svg"


def hidden(article_id: str, audience: str) -> str:
    return f"""---
id: {article_id}
title: Reset the {MARK} console
audience: {audience}
questions: [how do I reset the {MARK} console, who may open {MARK}]
keywords: [{MARK}key]
redirect_from: [{MARK}-old, /old/{MARK}.html]
---
Open the {MARK} console and reset it. ![{MARK}](../../{PICTURE})

## The {MARK} heading

1. Type {MARK} and press Enter.
2. Reset the password of {MARK}.
"""


ARTICLES = {
    "en/accounts/reset-password.md": """---
id: reset-password
title: Reset a forgotten password
questions: [how do I reset my password]
---
Reset it yourself. ![Steps](../../pictures/steps.svg)
""",
    "pl/accounts/reset-password.md": "---\nid: reset-password\n---\n# Resetowanie hasła\n\nZresetuj hasło.\n",
    "en/accounts/console.md": "# Open a console\n\nPress the Windows key, type cmd and press Enter.\n",
    "de/accounts/reset-password.md": f"---\nid: reset-password\naudience: internal\n---\n# Kennwort\n\nNur {MARK}.\n",
    f"en/{MARK}-topic/one.md": hidden(f"{MARK}-one", "internal"),
    f"en/{MARK}-topic/two.md": hidden(f"{MARK}-two", f"{MARK}-team"),
    f"en/accounts/{MARK}-three.md": hidden(f"accounts/{MARK}-three", "internal"),
    PICTURE: f'<svg xmlns="http://www.w3.org/2000/svg"><title>{MARK}</title></svg>',
    "pictures/steps.svg": '<svg xmlns="http://www.w3.org/2000/svg"><title>Steps</title></svg>',
}

#: Words that lie next to the hidden articles: what begins like them, is mistyped, or asks for the same.
LURES = (
    MARK,
    MARK[:5],
    MARK[:-1],
    "quetzalcoatel",
    f"{MARK}key",
    "reset the console",
    "how do I reset the console",
    "who may open the console",
    "the heading",
    "type and press Enter",
    "Kennwort",
)
IDS = (f"{MARK}-one", f"{MARK}-two", f"accounts/{MARK}-three", f"{MARK}-old", f"old/{MARK}.html")


@dataclass(frozen=True)
class Ask:
    """One request. `data` is a form, `json` a body of the API."""

    path: str
    query: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] | None = None
    json: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def each(path: str, name: str, values: tuple[str, ...] = LURES, **more: str) -> list[Ask]:
    return [Ask(path, {name: value, **more}) for value in values]


def posts(path: str, *names: str, values: tuple[str, ...] = LURES, **more: str) -> list[Ask]:
    return [Ask(path, data={**dict.fromkeys(names, value), **more}) for value in values]


def calls(path: str, *names: str, values: tuple[str, ...] = LURES, **more: Any) -> list[Ask]:
    headers = {"Idempotency-Key": "leaks-00000001"}
    return [Ask(path, json={**dict.fromkeys(names, value), **more}, headers=headers) for value in values]


def plain(*paths: str) -> list[Ask]:
    return [Ask(path) for path in paths]


#: What each route is asked, by method and path as FastAPI names it. A new route needs a line here.
REQUESTS: dict[str, list[Ask]] = {
    "GET /": [*plain("/", "/?lang=pl", "/?lang=de"), *each("/", "q")],
    "GET /topics/{slug:path}": plain(
        "/topics/accounts", f"/topics/{MARK}-topic", "/topics/_", "/topics/accounts?lang=de"
    ),
    "GET /{lang}/articles/{article_id:path}": [
        *plain("/en/articles/reset-password", "/de/articles/reset-password", "/pl/articles/reset-password?lang=de"),
        *plain(*(f"/{lang}/articles/{article}" for lang in ("en", "de") for article in IDS)),
        *plain(f"/en/articles/{MARK[:-2]}-one", "/en/articles/console"),
    ],
    "GET /search": [
        *each("/search", "q"),
        *each("/search", "q", exact="1"),
        *each("/search", "q", topic=f"{MARK}-topic"),
        *each("/search", "q", topic="accounts", lang="de"),
    ],
    "GET /search/meant": [Ask("/search/meant", {"q": lure, "article": one}) for lure in LURES[:6] for one in IDS[:3]],
    "GET /solved": plain("/solved"),
    "POST /outcome": [
        *posts("/outcome", "question", outcome="not_solved"),
        *(posts("/outcome", "article_id", values=IDS, outcome="solved", question_id="q1")),
    ],
    "POST /feedback": posts("/feedback", "article_id", values=IDS, lang="en", helpful="no"),
    "GET /ticket": [*each("/ticket", "subject"), *each("/ticket", "body"), *each("/ticket", "declined", IDS)],
    "POST /ticket": [*posts("/ticket", "subject", "body", email="ann@example.com"), *posts("/ticket", "body")],
    "POST /ticket/came": posts("/ticket/came", "subject", values=LURES[:1]),
    "GET /ticket/sent/{ticket_id}": plain("/ticket/sent/{ticket}"),
    "GET /ticket/{ticket_id}": plain("/ticket/{ticket}"),
    "GET /ticket/{ticket_id}/files/{attachment_id}": plain("/ticket/{ticket}/files/none"),
    "POST /ticket/{ticket_id}/answer": posts("/ticket/{ticket}/answer", "verdict", values=LURES[5:]),
    "POST /ticket/{ticket_id}/messages": posts("/ticket/{ticket}/messages", "text", values=LURES[5:7]),
    "GET /pictures/{name}": plain("/pictures/{hidden}", "/pictures/{shown}"),
    "GET /sitemap.xml": plain("/sitemap.xml"),
    "GET /sitemap-{number}.xml": plain("/sitemap-1.xml"),
    "GET /api/v1/suggest": [*each("/api/v1/suggest", "q"), *each("/api/v1/suggest", "q", body=MARK, lang="de")],
    "GET /api/v1/typeahead": [
        *each("/api/v1/typeahead", "q"),
        *each("/api/v1/typeahead", "q", topic=f"{MARK}-topic"),
        *each("/api/v1/typeahead", "q", lang="de"),
    ],
    "POST /api/v1/ask": [
        *(Ask("/api/v1/ask", json={"question": lure, "lang": lang}) for lure in LURES for lang in ("en", "de")),
        *(Ask("/api/v1/ask", json={"question": lure, "channel": "widget"}) for lure in LURES),
        *(Ask("/api/v1/ask", json={"question": lure, "channel": "agent"}) for lure in LURES),
        Ask("/api/v1/ask", json={"question": "and then?", "after": "{question}"}),
    ],
    "POST /api/v1/questions/{question_id}/outcome": calls(
        "/api/v1/questions/{question}/outcome", "article_id", values=IDS, outcome="solved"
    ),
    "GET /api/v1/articles/{article_id:path}": [
        *plain(*(f"/api/v1/articles/{one}" for one in (*IDS, "reset-password"))),
        Ask("/api/v1/articles/reset-password", {"lang": "de"}),
    ],
    "POST /api/v1/articles/{article_id:path}/feedback": [
        Ask(f"/api/v1/articles/{one}/feedback", json={"session": "leaks", "helpful": True}) for one in IDS
    ],
    "POST /api/v1/articles/{article_id:path}/flags": [
        Ask(f"/api/v1/articles/{one}/flags", json={"kind": "wrong"}) for one in IDS
    ],
    "POST /api/v1/tickets": calls("/api/v1/tickets", "subject", "body", email="ann@example.com"),
}
#: Of these, the routes that show nothing of these articles to anybody.
ALWAYS_PUBLIC = {
    "GET /sitemap-{number}.xml",
    "GET /sitemap.xml",
    "GET /solved",
    "GET /ticket/sent/{ticket_id}",
    "GET /ticket/{ticket_id}",
    "GET /ticket/{ticket_id}/files/{attachment_id}",
    "POST /api/v1/articles/{article_id:path}/feedback",
    "POST /api/v1/articles/{article_id:path}/flags",
    "POST /api/v1/questions/{question_id}/outcome",
    "POST /api/v1/tickets",
    "POST /feedback",
    "POST /ticket/came",
    "POST /ticket/{ticket_id}/answer",
    "POST /ticket/{ticket_id}/messages",
}
#: Routes that show nothing of any article, or nothing at all without a right that a reader has not.
WITHOUT_ARTICLES = (
    "/api", "/api/v1/openapi.json", "/api/v1/tickets", "/api/v1/widget", "/favicon.svg", "/healthz", "/logo",
    "/metrics", "/people", "/readyz", "/robots.txt", "/setup/{secret}", "/sign-in", "/sign-out", "/theme.css",
    "/welcome/{secret}", "/widget", "/widget-panel.js", "/widget.js",
)  # fmt: skip
#: Routes that need a right; each is asked as it is, and has to refuse.
CLOSED = (
    "/account", "/agent", "/authors", "/inbox", "/outbox", "/people",
    "/api/v1/agent/", "/api/v1/feedback", "/api/v1/flags", "/api/v1/gaps", "/api/v1/learned", "/api/v1/outbox",
    "/api/v1/publications", "/api/v1/reports/", "/api/v1/tickets", "/api/v1/webhooks/",
)  # fmt: skip
#: Of these, what a reader may do too: see to their own account, and be asked to sign in to the panel.
CLOSED_IN_PART = ("/account", "/agent/panel")
#: To the sign-in, or no.
REFUSALS = (303, 401, 403)


def routes(site: Site) -> Iterator[tuple[str, str]]:
    """(method, path) of everything the application answers; what is below /static is the same for everybody."""
    for route in iter_route_contexts(site.app.routes):
        assert route.path is not None
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, route.path
        assert route.methods or route.path == "/static"


def is_closed(method: str, path: str) -> bool:
    return f"{method} {path}" not in REQUESTS and path.startswith(CLOSED) and not path.startswith(CLOSED_IN_PART)


def requests_of(method: str, path: str) -> list[Ask] | None:
    if path.startswith("/api/v2/") or path == "/mcp":
        return []  # tests/web/test_leaks_elsewhere.py asks them
    if (known := REQUESTS.get(f"{method} {path}")) is not None:
        return known
    if path.startswith(CLOSED) or path in WITHOUT_ARTICLES:
        filled = re.sub(r"\{[^}]+\}", IDS[0], re.sub(r"\{\w+:int\}", "1", path))
        if method == "GET":
            return [*plain(filled), *each(filled, "q", LURES[:2])]
        if path.startswith("/api/"):
            return calls(filled, "subject", "text", values=LURES[:2])
        return posts(filled, "text", "email", "name", values=LURES[:2])
    return None


@dataclass
class Shelf:
    """The site, and names that only exist once it runs."""

    site: Site
    names: dict[str, str]

    def answers(self, method: str, ask: Ask) -> Iterator[tuple[str, int, str]]:
        """(where, status, text) of all that a request gave back, its own words taken out."""
        path = ask.path
        for name, value in self.names.items():
            path = path.replace("{" + name + "}", value)
        body = {
            key: self.names["question"] if value == "{question}" else value for key, value in (ask.json or {}).items()
        }
        given = {"params": ask.query or None, "headers": ask.headers}
        if method != "GET":
            given |= {"json": body} if ask.json is not None else {"data": ask.data or {"": ""}}
        reply = self.site.client.request(method, path, **given)
        asked_for = [one for one in IDS if one in path]
        said = [
            path,
            address_words(path),
            *asked_for,
            *ask.query.values(),
            *(ask.data or {}).values(),
            *map(str, body.values()),
        ]
        where = f"{method} {path} {ask.query} {reply.status_code}"
        yield f"{where} headers", reply.status_code, without(str(reply.headers), said)
        yield f"{where} body", reply.status_code, without(reply.text, said)


def without(text: str, said: list[str]) -> str:
    """A reply without the words that the request itself brought, which a page may say again."""
    text = unquote(text.replace("+", " ")).casefold()
    for words in sorted({unquote(part).casefold() for word in said for part in (word, word.strip("/"))}, key=len)[::-1]:
        if MARK in words or MARK[:5] in words:
            text = text.replace(words, "").replace(quote(words, safe="").casefold(), "")
    return text


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    rates = dict.fromkeys(("rate_tickets", "rate_questions", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    with open_site(tmp_path_factory.mktemp("leaks"), ARTICLES, **rates) as site:
        snapshot = site.app.state.desk.library.searcher.snapshot
        used = [(e.article.id, re.findall(r"/pictures/([\w.]+)", s.html)) for e in snapshot.entries for s in e.sections]
        (secret,) = {name for article, names in used for name in names if MARK in article}
        (shown,) = {name for article, names in used for name in names if MARK not in article}
        site.sign_in("agent")  # whose question and ticket lie in the same tables
        asked = site.client.post("/api/v1/ask", json={"question": "who may open the console"}).json()
        assert asked["answer"] or asked["suggestions"]
        ticket = {"subject": "Console", "body": "It is shut.", "email": "a@b.example", "question_id": asked["id"]}
        sent = site.client.post("/api/v1/tickets", json=ticket, headers={"Idempotency-Key": "of-an-agent"}).json()
        site.sign_out()
        yield Shelf(site, {"hidden": secret, "shown": shown, "question": asked["id"], "ticket": sent["id"]})


@dataclass
class Walk:
    """What came of asking every route: where the hidden articles show, by route, which CLOSED ones let somebody in, and
    which nobody asks.
    """

    leaks: dict[str, list[str]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    uncovered: list[str] = field(default_factory=list)


def walk(shelf: Shelf, roles: tuple[Role, ...] = ()) -> Walk:
    """Asks every route all it can be asked."""
    found = Walk()
    for method, path in routes(shelf.site):
        if (asks := requests_of(method, path)) is None:
            found.uncovered.append(f"{method} {path}")
            continue
        if roles:  # anew for each, since signing out is one of them
            shelf.site.sign_in(*roles, groups=("another-group",))
        for ask in asks:
            for where, status, text in shelf.answers(method, ask):
                if MARK in text or shelf.names["hidden"] in text:
                    found.leaks.setdefault(f"{method} {path}", []).append(where)
                if is_closed(method, path) and status not in REFUSALS:
                    found.opened.append(where)
    return found


@pytest.mark.parametrize("roles", [(), ("reader",)], ids=["nobody", "a reader of another group"])
def test_nothing_of_an_article_reaches_whom_it_is_not_for(shelf: Shelf, roles: tuple[Role, ...]) -> None:
    found = walk(shelf, roles)
    shelf.site.sign_out()
    assert found.uncovered == [], "give these routes requests in REQUESTS, or name them in CLOSED or WITHOUT_ARTICLES"
    assert (found.leaks, found.opened) == ({}, [])


def test_the_same_walk_finds_it_everywhere_as_an_agent(shelf: Shelf) -> None:
    """What looks for leaks sees them: an agent's walk finds the articles on every route that shows articles."""
    # Signing out is one of the routes: a token is not signed out.
    shelf.site.client.headers["Authorization"] = f"Bearer {AGENT}"
    found = walk(shelf)
    del shelf.site.client.headers["Authorization"]
    blind = set(REQUESTS) - set(found.leaks)
    assert blind == ALWAYS_PUBLIC
    assert any(where.startswith("GET /inbox/1 ") for where in found.opened)


def test_who_it_is_for_finds_it_everywhere(shelf: Shelf) -> None:
    site = shelf.site
    try:
        site.sign_in("agent")
        page = site.get(f"/search?q=how do I reset the {MARK} console")
        assert f"/en/articles/{MARK}-one" in " ".join(page.links)
        assert "Internal" in [tag.text for tag in page.all("span", cls="tag")]
        article = site.get(f"/en/articles/{MARK}-one")
        assert (article.status, article.response.headers["cache-control"]) == (200, "private, no-store")
        assert "Internal" in article.main
        assert "content-encoding" not in article.response.headers
        assert MARK in site.get(f"/en/articles/{MARK}-old").response.headers["location"].removesuffix(f"{MARK}-old")
        picture = site.client.get(f"/pictures/{shelf.names['hidden']}")
        assert (picture.status_code, picture.headers["cache-control"]) == (200, "private, no-store")
        assert f"/topics/{MARK}-topic" in site.get("/").links
        assert site.client.get(f"/api/v1/articles/{MARK}-one").json()["title"] == f"Reset the {MARK} console"
        found = site.client.get(f"/api/v1/typeahead?q={MARK[:6]}").json()["suggestions"]
        assert {row["article_id"] for row in found} >= {IDS[0], IDS[2]}
        assert site.get(f"/en/articles/{MARK}-two").status == 404
        assert MARK not in site.client.get("/sitemap.xml").text
        # The widget stands on other sites: it shows what anybody may read.
        widget = site.client.post("/api/v1/ask", json={"question": f"open {MARK}", "channel": "widget"})
        assert MARK not in without(widget.text, [f"open {MARK}"])

        site.sign_in("reader", groups=(f"{MARK}-team",))
        assert site.get(f"/en/articles/{MARK}-two").status == 200
        assert site.get(f"/en/articles/{MARK}-one").status == 404
        assert f"For {MARK}-team" in site.get(f"/topics/{MARK}-topic").main
    finally:
        site.sign_out()


def test_what_an_agent_asks_is_kept_as_such_and_no_deflection(shelf: Shelf) -> None:
    site = shelf.site
    author = {"Authorization": "Bearer fl_token-of-the-authors"}
    before = site.client.get("/api/v1/reports/deflection", headers=author).json()
    site.sign_in("agent")
    site.get(f"/search?q=who may open {MARK}")
    site.sign_out()
    assert site.questions[-1].channel == "agent"
    assert site.client.get("/api/v1/reports/deflection", headers=author).json() == before


def test_signed_in_people_share_no_cache_with_others(shelf: Shelf, tmp_path: Path) -> None:
    site = shelf.site
    anybody = site.get("/", accept_encoding="gzip").response
    assert (anybody.headers["cache-control"], anybody.headers["content-encoding"]) == ("no-cache", "gzip")
    assert "Cookie" in anybody.headers["vary"]
    site.sign_in("reader")
    known = site.get("/", accept_encoding="gzip").response
    read = [site.client.get(f"/api/{path}").headers for path in ("v1/articles/reset-password", "v1/suggest?q=vpn")]
    site.sign_out()
    read.append(site.client.get("/api/v1/suggest?q=vpn", headers={"Authorization": f"Bearer {AGENT}"}).headers)
    assert {headers["cache-control"] for headers in read} == {"private, no-store"}
    assert known.headers["cache-control"] == "private, no-store"
    assert "content-encoding" not in known.headers
    assert somebody(site.accounts, "reader").name in known.text
