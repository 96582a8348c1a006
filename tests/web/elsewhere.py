"""What the routes of other people's protocols are asked, to lure out articles that are not for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from web.zendesk.ids import number
from web.zendesk.shelf import CATEGORY

#: (path, query, JSON body) of one request.
Request = tuple[str, dict[str, str], dict[str, Any] | None]
_SEARCHED = ("/articles/search.json", "/deflection/suggestions.json", "/search.json")


def requests_of(
    method: str, path: str, articles: tuple[str, ...], topic: str, lures: tuple[str, ...]
) -> Iterator[Request]:
    """Requests of a route of Zendesk's API or of MCP: for each hidden article, its topic, and words next to it."""
    section = number("section", topic)
    names = {
        "{locale}": "de",
        "{language}": "de",
        "{path:path}": "nowhere.json",
        "{section_id:int}": str(section),
        "{category_id:int}": str(CATEGORY),
        "{number:int}": "1",
        "{user_id:int}": "1",
    }
    for name, value in names.items():
        path = path.replace(name, value)
    if path == "/mcp":
        for tool, argument in (("search", "query"), ("ask", "question")):
            for lure in lures:
                yield path, {}, _call(tool, argument, lure)
        for article in articles:
            for lang in ("", "en/", "de/"):
                yield path, {}, _call("fetch", "id", f"{lang}{article}")
    elif "{article_id:int}" in path:
        for article in articles:
            yield path.replace("{article_id:int}", str(number("article", article))), {}, _body(method, {})
    elif not path.endswith(".json"):  # the same function at another address
        yield path, {"query": lures[0]}, _body(method, {"enquiry": lures[0]})
    elif method != "GET":
        for lure in lures:
            yield path, {}, _body(method, {"enquiry": lure, "reference": "leaks"})
    else:
        yield path, {}, None
        if path.endswith("/articles.json") or path.endswith(_SEARCHED):
            yield path, {"section": str(section), "label_names": topic, "per_page": "100"}, None
        if path.endswith(_SEARCHED):
            for lure in lures:
                yield path, {"query": lure, "per_page": "100"}, None
                yield path, {"query": lure, "section": str(section)}, None


def _call(tool: str, argument: str, value: str) -> dict[str, Any]:
    params = {"name": tool, "arguments": {argument: value}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _body(method: str, body: dict[str, Any]) -> dict[str, Any] | None:
    return body if method != "GET" else None
