"""No page has the browser ask anybody but this site; the scenes of tests/browser show the same in a real one."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.web.site import ARTICLES, open_site
from tests.web.test_leaks import Shelf, requests_of, routes
from web.middleware import CONTENT_SECURITY_POLICY

#: Attributes whose address a browser fetches by itself.
_FETCHED = frozenset(
    {"src", "srcset", "poster", "data", "background", "imagesrcset", "action", "formaction", "ping", "manifest"}
)
#: Links of these kinds are for people and search engines: nothing is fetched.
_ONLY_SAID = frozenset({"canonical", "alternate", "search", "next", "prev", "nofollow", "noopener", "noreferrer"})


class _Fetches(HTMLParser):
    """Addresses that a page has a browser fetch or send something to, and what runs without an address."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [value for name, value in given.items() if name in _FETCHED]
        if tag == "link" and not set(given.get("rel", "").split()) <= _ONLY_SAID:
            self.found.append(given.get("href", ""))
        if given.get("http-equiv", "").lower() == "refresh" or "style" in given or tag in ("iframe", "object", "embed"):
            self.found.append(f"//{tag}")  # none of ours has any


def _foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) and parts.netloc != "help.example"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder: Path = tmp_path_factory.mktemp("requests")
    with open_site(folder, ARTICLES, rate_sign_in="", rate_typing="") as site:
        asked = site.client.post("/api/v1/ask", json={"question": "how do I reset my password"}).json()
        ticket = {"subject": "Badge", "body": "![x](https://elsewhere.example/a.png)", "email": "a@b.example"}
        headers = {"Idempotency-Key": "requests-000001"}
        sent = site.client.post("/api/v1/tickets", json=ticket, headers=headers).json()
        site.sign_in("admin", "agent", "author")
        yield Shelf(site, {"hidden": "none.svg", "shown": "none.svg", "question": asked["id"], "ticket": sent["id"]})


def test_no_page_of_any_route_fetches_from_another_host_and_none_may(shelf: Shelf) -> None:
    seen, foreign, loose = 0, [], []
    for method, path in routes(shelf.site):
        if method != "GET" or path.startswith(("/api/v2/", "/mcp")):
            continue
        for ask in (requests_of(method, path) or [])[:1]:
            address = ask.path
            for name, value in shelf.names.items():
                address = address.replace("{" + name + "}", value)
            reply = shelf.site.client.get(address, params=ask.query or None)
            policy = reply.headers.get("content-security-policy", "")
            if policy.endswith("sandbox"):  # a picture, which may have styles of its own and nothing else
                assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
            elif policy.partition("; frame-ancestors")[0] != CONTENT_SECURITY_POLICY.partition("; frame-ancestors")[0]:
                loose.append(f"{path}: {policy}")
            if "text/html" in reply.headers.get("content-type", ""):
                seen += 1
                foreign += [f"{path}: {one}" for one in _Fetches(reply.text).found if _foreign(one)]
    assert foreign == []
    assert loose == []
    assert seen > 40


def test_styles_and_scripts_name_no_other_host() -> None:
    static = Path(__file__).parent.parent.parent / "web" / "static"
    for file in static.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "@import" not in text, file.name
        assert not [part for part in text.split("url(")[1:] if part.lstrip("\"' ").startswith(("http", "//"))], (
            file.name
        )
        for call in ("sendBeacon", "new WebSocket", "new EventSource", "importScripts"):
            assert call not in text or file.name == "preview.js", (file.name, call)
