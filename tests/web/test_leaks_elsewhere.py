"""No hidden article reaches anybody through other people's protocols: each of their routes is asked for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from fastapi.routing import iter_route_contexts

from tests.people import token
from tests.web.elsewhere import requests_of
from tests.web.site import AGENT, Site, open_site

#: Stands in every part of the hidden articles and nowhere else.
MARK = "quetzalcoatl"
IDS = (f"{MARK}-one", f"{MARK}-two", "reset-password")
TOPIC = f"{MARK}-topic"
LURES = (MARK, f"{MARK}key", "how do I reset the console", "Kennwort")


def hidden(article_id: str, audience: str) -> str:
    return f"""---
id: {article_id}
title: Reset the {MARK} console
audience: {audience}
questions: [how do I reset the {MARK} console, who may open {MARK}]
keywords: [{MARK}key]
tags: [{MARK}tag]
---
Open the {MARK} console and reset it.
"""


ARTICLES = {
    "en/accounts/reset-password.md": "---\nid: reset-password\n---\n# Reset a password\n\nReset it yourself.\n",
    "de/accounts/reset-password.md": f"---\nid: reset-password\naudience: internal\n---\n# Kennwort\n\nNur {MARK}.\n",
    "en/accounts/console.md": "# Open a console\n\nPress the Windows key, type cmd and press Enter.\n",
    f"en/{TOPIC}/one.md": hidden(IDS[0], "internal"),
    f"en/{TOPIC}/two.md": hidden(IDS[1], f"{MARK}-team"),
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    rates = dict.fromkeys(("rate_tickets", "rate_questions", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    with open_site(folder, ARTICLES, **rates) as opened:
        yield opened


def shown(site: Site) -> dict[str, str]:
    """By route, a reply with a word of a hidden article that the request itself did not bring."""
    found: dict[str, str] = {}
    for route in iter_route_contexts(site.app.routes):
        path = route.path or ""
        if not (path.startswith("/api/v2/") or path == "/mcp"):
            continue
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            for address, query, body in requests_of(method, path, IDS, TOPIC, LURES):
                reply = site.client.request(method, address, params=query, json=body, headers=ACCEPT)
                text = unquote(reply.text.replace("+", " ")).casefold()
                for word in sorted({*query.values(), *LURES}, key=len, reverse=True):
                    text = text.replace(f"query={word.casefold()}", "").replace(f"label_names={word.casefold()}", "")
                for one in IDS:  # a tool says again which article there is not
                    text = text.replace(f"no article '{one}'", "").replace(f"/{one}'. take an id", "")
                if MARK in text:
                    found[f"{method} {path}"] = f"{address} {query}: {text[:300]}"
    return found


def test_nobody_without_a_token_finds_a_word_of_them_signed_in_or_not(site: Site) -> None:
    site.sign_in("agent")
    assert shown(site) == {}
    site.sign_out()


def test_a_readers_token_finds_no_word_of_them_either(site: Site) -> None:
    site.client.headers["Authorization"] = f"Bearer {token(site.accounts, 'reader', secret='fl_token-of-a-reader')}"
    assert site.client.get("/api/v2/users/me.json").json()["user"]["role"] == "end-user"
    found = shown(site)
    del site.client.headers["Authorization"]
    assert found == {}


def test_a_token_that_is_nobodys_is_not_helped_by_a_cookie_beside_it(site: Site) -> None:
    site.sign_in("agent")
    for given in ("Bearer other", "Basic YTpi"):
        for address in ("/api/v2/help_center/articles.json", "/api/v2/users/me.json", "/api/v2/tickets.json"):
            assert site.client.get(address, headers={"Authorization": given}).status_code == 401
    site.sign_out()


def test_the_same_walk_finds_them_as_an_agent(site: Site) -> None:
    site.client.headers["Authorization"] = f"Bearer {AGENT}"
    found = shown(site)
    del site.client.headers["Authorization"]

    centre = "/api/v2/help_center"
    assert set(found) >= {
        "POST /mcp",
        f"GET {centre}/articles.json",
        f"GET {centre}/{{locale}}/articles/search.json",
        f"GET {centre}/articles/search.json",
        f"GET {centre}/articles/{{article_id:int}}.json",
        f"GET {centre}/articles/{{article_id:int}}/translations.json",
        f"GET {centre}/deflection/suggestions.json",
        f"GET {centre}/sections.json",
        f"GET {centre}/sections/{{section_id:int}}.json",
        f"GET {centre}/sections/{{section_id:int}}/articles.json",
        f"GET {centre}/categories/{{category_id:int}}/articles.json",
        f"GET {centre}/categories/{{category_id:int}}/sections.json",
    }
    assert all(f"{MARK}-team" not in text and f"{MARK}-two" not in text for text in found.values())
