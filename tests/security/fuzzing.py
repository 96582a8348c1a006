"""Hostile requests: Schemathesis makes them for the programs' interfaces, our own strategy for pages and forms.

`python -m tests.security.fuzzing --examples 300` is the long run (`make fuzz`); the tests ask a few of each.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import schemathesis
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from bot.handoff.signing import key_of, sign
from tests.people import somebody, token
from tests.web.site import ARTICLES, Page, Site, open_site
from web.zendesk import answer_bot, articles, requests, search, sections, tickets, users, votes
from web.zendesk.ids import number
from web.zendesk.shelf import CATEGORY

#: Of somebody who may do everything.
ANYTHING = "fl_token-of-who-may-do-everything"
PUSH_SECRET, WEBHOOK_SECRET = "a-secret-of-the-fuzzer", "whsec_" + "c2VjcmV0IG9mIHRoZSBmdXp6ZXI6IDMyIGJ5dGVzLi4="
_REMOTE = "https://git.example/articles.git"
_JSON = re.compile(r"application/(problem\+)?json(;.*)?")
#: Words that break parsers, queries, headers, logs and pages.
WORDS = (
    "", " ", "0", "-1", "1e999", "99999999999999999999", "1;DROP TABLE tickets", "' OR '1'='1", "%", "%00", "a\x00b",
    "a\r\nX-Injected: 1", "../../../../etc/passwd", "..%2f..%2fetc", "\\\\evil\\share", "//evil.example",
    "/\\evil.example", "javascript:alert(1)", "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "%(secret)s",
    "{0.__class__}", "=cmd|' /C calc'!A0", "\u202egnp.exe", "\ufeff", "\ud7ff", "\uffff", "𝕬", "İ", "ß" * 50,
    "\u0301" * 30, "a" * 5_000, "en", "xx", "null", "true", "[]", "{}", "2026-11-22", "9999-12-31", "0000-00-00",
    "2026-13-45", "T" * 70, "(" * 200, "\t\v\f", "\u2028", "١٢",
)  # fmt: skip
_PARAMETERS = """q query lang topic exact article from to state next page per_page page[size] page[after] page[before]
label_names locale section category external_id sort_by sort_order id look revision seen sent done v changed helpful
days channel by of in only order subject body email declined question question_id token priority tier who text cursor
limit offset outcome include labels""".split()


@dataclass
class Findings:
    """What went wrong, the first of each kind by where; and how many requests were sent."""

    wrong: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    def add(self, where: str, what: str) -> None:
        self.wrong.setdefault(where, what[:1_500])


@dataclass
class Target:
    """A site with everything open, and ids that exist in it, by the names that addresses use for them."""

    site: Site
    ids: dict[str, list[Any]]

    def send(self, method: str, address: str, **given: Any) -> Any:
        return self.site.client.request(method, address, **given)


class _Nobody:
    """Publishes nothing, however often it is asked to."""

    def start(self) -> None:
        pass

    def busy(self) -> bool:
        return True


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """A site with tickets, questions, something learned, flags and people; nothing it does leaves this machine."""
    rates = dict.fromkeys(("rate_tickets", "rate_questions", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    secrets = {"push_secret": PUSH_SECRET, "webhook_secret": WEBHOOK_SECRET, "articles_remote": _REMOTE}
    logging.disable(logging.CRITICAL)  # it tells of every one
    try:
        with open_site(folder, ARTICLES, **rates, **secrets) as site:
            site.app.state.publishing._worker = _Nobody()
            token(site.accounts, "reader", "agent", "author", "admin", secret=ANYTHING)
            site.client.headers["Authorization"] = f"Bearer {ANYTHING}"
            yield Target(site, _ids(site))
    finally:
        logging.disable(logging.NOTSET)


def _ids(site: Site) -> dict[str, list[Any]]:
    """Makes one of everything."""
    asked = site.client.post("/api/v1/ask", json={"question": "I forgot my password"}).json()
    other = site.client.post("/api/v1/ask", json={"question": "The badge of the pangolin is refused"}).json()
    made = [
        site.client.post(
            "/api/v1/tickets",
            json={"subject": "My account is locked", "body": "b", "email": "ann@example.com", "question_id": one["id"]},
            headers={"Idempotency-Key": f"fuzzing-{at}"},
        ).json()["id"]
        for at, one in enumerate((asked, other, asked))
    ]
    site.client.post(f"/api/v1/tickets/{made[0]}/resolution", json={"article_id": "unlock-account", "text": "Wait."})
    site.client.post("/api/v1/articles/vpn/flags", json={"kind": "wrong", "comment": "no"})
    site.client.post("/api/v1/articles/vpn/feedback", json={"session": "fuzzing", "helpful": False})
    publication = site.client.post("/api/v1/publications", json={})
    gaps = site.client.get("/api/v1/gaps").json()
    flags = site.client.get("/api/v1/flags").json()
    learned = site.client.get("/api/v1/learned").json()
    return {
        "ticket_id": made,
        "question_id": [asked["id"], other["id"]],
        "article_id": ["reset-password", "vpn", "verify-caller", "old/help/password.html"],
        "gap_id": [gap["id"] for gap in gaps["gaps"]],
        "flag_id": [flag["id"] for flag in flags["flags"]],
        "learned_id": [row["id"] for row in learned["learned"]],
        "publication_id": [publication.json().get("id", 1)],
        "person_id": [somebody(site.accounts, "reader").id],
        "number": [1, 2],
        "sending_id": [1],
        "name": ["volume", "articles", "spikes"],
        "lang": ["en", "pl"],
        "slug": ["accounts"],
        "secret": ["x" * 43],
        "attachment_id": ["x"],
        "token_id": ["1"],
        "locale": ["en", "en-us", "*"],
        "language": ["en"],
        "section_id": [number("section", "accounts")],
        "category_id": [CATEGORY],
        "user_id": [1],
        "path": ["nowhere.json"],
    }


# --- interfaces of programs ----------------------------------------------------------------------------------------


def _zendesk_document() -> dict[str, Any]:
    """An OpenAPI document of the routes that programs written for Zendesk use; ours has none for them."""
    app = FastAPI()
    api = APIRouter(prefix="/api/v2")
    for part in (search, articles, sections, votes, answer_bot, requests, tickets, users):
        api.include_router(part.router)
    app.include_router(api)
    document = app.openapi()
    known = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
    return {
        **document,
        "paths": {
            path: {
                method: {
                    **operation,
                    "responses": {"default": {"description": "any"}},
                    "parameters": [*operation.get("parameters", ()), *(known if method == "get" else ())],
                }
                for method, operation in methods.items()
            }
            for path, methods in document["paths"].items()
            if path.endswith(".json") and "{locale}" not in path
        },
    }


def _mcp_document(target: Target) -> dict[str, Any]:
    """An OpenAPI document of calls of the tools that language models use, made of what the server says of them."""
    listed = target.send("POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=_MCP)
    calls = [
        _object(
            jsonrpc={"const": "2.0"},
            id={"type": "integer"},
            method={"const": "tools/call"},
            params=_object(name={"const": tool["name"]}, arguments=tool["inputSchema"]),
        )
        for tool in listed.json()["result"]["tools"]
    ]
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": calls}}}},
        "responses": {"default": {"description": "any"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "mcp", "version": "1"},
        "paths": {"/mcp": {"post": operation}},
    }


_MCP = {"Accept": "application/json, text/event-stream"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


#: What a reply of the documented API has to keep to; elsewhere only that the server did not fail, and speaks JSON.
_DOCUMENTED = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]


def programs(target: Target, examples: int, found: Findings, every: int = 1) -> None:
    """Sends `examples` requests that keep to the schema and as many that do not to one operation of `every` so many."""
    documents = [
        (target.send("GET", "/api/v1/openapi.json").json(), _DOCUMENTED, {}),
        (_zendesk_document(), [checks.not_a_server_error], {}),
        (_mcp_document(target), [checks.not_a_server_error], _MCP),
    ]
    for document, kept, headers in documents:
        for result in list(schemathesis.openapi.from_dict(document).get_all_operations())[::every]:
            operation = result.ok()
            where = f"{operation.method.upper()} {operation.path}"
            of_address = [
                parameter.name
                for parameter in operation.path_parameters
                if re.sub(r":\w+", "", parameter.name) in target.ids
            ]
            for mode in schemathesis.GenerationMode:

                def attack(case: Any, where: str = where, headers: Any = headers, kept: Any = kept) -> None:
                    given = _signed(case, headers)
                    address = case.formatted_path
                    reply = target.send(case.method, _sendable(address), **given)
                    found.requests += 1
                    try:
                        case.validate_response(reply, checks=kept)
                    except (Exception, BaseExceptionGroup) as error:  # one finding must not end the search for others
                        found.add(where, f"{case.method} {address} {given}: {error}")
                    if reply.status_code != 204 and not _typed(reply, where):
                        found.add(where, f"{case.method} {address}: {reply.headers.get('content-type')}")

                for known in (False, True) if of_address else (False,):
                    path = {name: target.ids[name][0] for name in of_address} if known else None
                    try:
                        cases = operation.as_strategy(mode, path_parameters=path)
                        _drive(cases, attack, max(1, examples // 2) if of_address else examples)
                    except Exception as error:
                        if type(error).__name__ not in ("Unsatisfiable", "InvalidArgument"):
                            found.add(where, f"{type(error).__name__}: {error}")


def _typed(reply: Any, where: str) -> bool:
    kind = reply.headers.get("content-type", "")
    return bool(_JSON.fullmatch(kind)) or (where.endswith(".csv") and kind.startswith("text/csv"))


def _sendable(address: str) -> str:
    return quote(address, safe="/%:@!$&'()*+,;=~-._")


def _signed(case: Any, headers: dict[str, str]) -> dict[str, Any]:
    """The request without the transport's own additions; webhooks carry a signature that is right."""
    kept = {
        name: value
        for name, value in {**dict(case.headers or {}), **headers}.items()
        if isinstance(value, str) and re.fullmatch(r"[\x20-\x7e]*", value) and name.lower() != "authorization"
    }
    given: dict[str, Any] = {"params": _plain(case.query), "headers": kept}
    if type(case.body).__name__ != "NotSet":
        try:
            body = json.dumps(case.body).encode()
        except (TypeError, ValueError):
            body = repr(case.body).encode()
        given["content"] = body
        given["headers"] = {"Content-Type": case.media_type or "application/json", **kept}
        if "/webhooks/" in case.path:
            now = int(time.time())
            key = PUSH_SECRET.encode() if case.path.endswith("push") else key_of(WEBHOOK_SECRET)
            given["headers"] |= {"webhook-id": "fuzz", "webhook-timestamp": str(now), "X-Gitlab-Token": PUSH_SECRET}
            given["headers"]["webhook-signature"] = sign(key, "fuzz", now, body)
    return given


def _plain(query: Any) -> list[tuple[str, str]]:
    pairs = ((str(name), one) for name, value in dict(query or {}).items() for one in _each(value))
    return [(_utf8(name), _utf8(str(value))) for name, value in pairs]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _drive(strategy: Any, attack: Callable[[Any], None], examples: int) -> None:
    """Calls `attack` with so many values; the same ones on every run of the same code."""

    @seed(20261122)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(value: Any) -> None:
        attack(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()


# --- pages and forms -----------------------------------------------------------------------------------------------


def pages(target: Target, examples: int, found: Findings) -> None:
    """Reads every page with hostile parameters, and posts every form that any page has, and fields no page has."""
    chance = random.Random(20261122)  # noqa: S311
    gets = sorted({path for method, path in routes(target) if method == "GET"})
    posts = sorted({path for method, path in routes(target) if method == "POST"})
    fields: dict[str, list[str]] = {}
    for path in gets:
        reply = _ask(target, found, "GET", _filled(target, path, chance, wild=False))
        if reply is not None and reply.headers.get("content-type", "").startswith("text/html"):
            for form in Page(reply).forms:
                names = [name for name, _ in (*form.fields, *form.buttons)]
                fields.setdefault(_shape(form.action), []).extend(names)
    everything = sorted({name for names in fields.values() for name in names} | set(_PARAMETERS))
    for path in gets:
        for _ in range(examples):
            query = {chance.choice(_PARAMETERS): chance.choice(WORDS) for _ in range(chance.randint(0, 4))}
            _ask(target, found, "GET", _filled(target, path, chance), params=query)
    for path in posts:
        for _ in range(examples):
            of_form = fields.get(_shape(_filled(target, path, chance, wild=False)), everything)
            data = {name: chance.choice(WORDS) for name in of_form if chance.random() < 0.7}
            data |= {chance.choice(everything): chance.choice(WORDS)}
            kind = chance.random()
            given: dict[str, Any] = {"data": data}
            if kind < 0.1:
                given = {"content": chance.choice(WORDS).encode("utf-8", "replace"), "headers": {"Content-Type": _ODD}}
            elif kind < 0.2 and path == "/ticket":
                given |= {"files": [("attachments", (chance.choice(WORDS) or "x", b"\x00" * 10))]}
            _ask(target, found, "POST", _filled(target, path, chance), **given)


_ODD = "multipart/form-data; boundary=x"
#: Pages that end what the others need.
_ENDS = ("/sign-out", "/account/sign-out")


def routes(target: Target) -> Iterator[tuple[str, str]]:
    """(method, path) of everything that is no program's interface."""
    for route in iter_route_contexts(target.site.app.routes):
        path = route.path or ""
        if path.startswith("/api/v") or path in (*_ENDS, "/mcp", "/static"):
            continue
        for method in route.methods or ():
            yield method, path


def _filled(target: Target, path: str, chance: random.Random, *, wild: bool = True) -> str:
    """An address of a route, with ids that exist or with hostile ones."""

    def value(match: re.Match[str]) -> str:
        name = match[1].partition(":")[0]
        if wild and chance.random() < 0.3:
            return quote(chance.choice(WORDS).encode("utf-8", "replace"), safe="") or "x"
        return quote(str(chance.choice(target.ids.get(name) or ["x"])))

    return re.sub(r"\{([^}]+)\}", value, path)


def _shape(address: str) -> str:
    return re.sub(r"[0-9a-f]{12,}|\b\d+\b", "*", urlsplit(address).path)


def _ask(target: Target, found: Findings, method: str, address: str, **given: Any) -> Any:
    where = f"{method} {_shape(address)}"
    found.requests += 1
    try:
        reply = target.send(method, address, **given)
    except Exception as error:  # the server's own, which the client passes on
        found.add(where, f"{address} {given}: {type(error).__name__}: {error}")
        return None
    problems = [
        "server error" if reply.status_code >= 500 else "",
        "" if "content-security-policy" in reply.headers else "no policy",
        "header from outside" if "x-injected" in reply.headers else "",
        "leads elsewhere" if "evil.example" in reply.headers.get("location", "").partition("?")[0] else "",
        "script of a reader" if "<script>alert(1)</script>" in reply.text else "",
    ]
    for problem in filter(None, problems):
        found.add(f"{where} {problem}", f"{address} {given}: {reply.status_code} {reply.text[:300]}")
    return reply


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="requests of each kind to each operation")
    examples = parser.parse_args(arguments).examples
    found = Findings()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, target(Path(folder)) as opened:
        programs(opened, examples, found)
        pages(opened, examples, found)
    for where, what in found.wrong.items():
        print(f"{where}\n    {what}\n")  # noqa: T201
    print(f"{found.requests:,} requests in {time.monotonic() - started:.0f} s, {len(found.wrong)} findings")  # noqa: T201
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
