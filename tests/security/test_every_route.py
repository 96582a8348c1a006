"""What holds for every route, found by walking them: headers, cookies, who may send forms, what is never shown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from tests.people import PASSWORD, somebody, with_password
from tests.web.site import ARTICLES, Site, open_site
from web.settings import Settings

CANARY = "quetzalcoatl"
#: Every secret a setting may hold, each with a word that nothing may ever show.
SECRETS: dict[str, Any] = {
    "articles_remote": f"https://ann:{CANARY}@git.example/a.git",
    "push_secret": f"{CANARY}-push-secret",
    "handoff_secret": f"{CANARY}-handoff",
    "metrics_token": f"{CANARY}-metrics-token-of-the-walk",
    "smtp_url": f"smtp://ann:{CANARY}@127.0.0.1:9",
    "webhook_secret": "whsec_cXVldHphbGNvYXRsIHdlYmhvb2tzIGFyZSBzaWduZWQ=",
    "spike_secret": "whsec_cXVldHphbGNvYXRsIHNwaWtlcyBhcmUgYWxsIHNpZ25lZA==",
}
SHOWN = (CANARY, "cXVldHphbGNvYXRs")
EVIL = "https://evil.example"
PICTURES = ("/favicon.svg", "/logo")
#: Scripts that every site may show; they hold nothing of anybody.
FOR_ALL_SITES = ("/widget.js", "/widget-panel.js")
#: A browser says so in one of these ways.
FOREIGN = (
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Referer": f"{EVIL}/help.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://help.example"},
    {"Origin": "http://help.example.evil.example"},
    {"Origin": "http://help.example@evil.example"},
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    rates = dict.fromkeys(("rate_tickets", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    desk = {
        "handoff": "zammad",
        "handoff_url": "https://desk.example",
        "handoff_group": "Users",
        "mail_from": "a@b.example",
    }
    spikes = {"spike_url": "https://spikes.example"}
    with open_site(tmp_path_factory.mktemp("walk"), ARTICLES, **rates, **desk, **spikes, **SECRETS) as opened:
        yield opened


def routes(site: Site, method: str) -> list[str]:
    """Addresses of all routes with a method; ids in them are made up, or of what there is always."""
    known = {"article_id": "reset-password", "lang": "en", "slug": "accounts", "name": "volume", "number": "1"}
    found = []
    for route in iter_route_contexts(site.app.routes):
        if method in (route.methods or ()):
            found.append(re.sub(r"\{(\w+)[^}]*\}", lambda match: known.get(match[1], "1"), route.path or ""))
    return [*found, *(["/static/site.css", "/static/none.css", "/nowhere"] if method == "GET" else [])]


def test_every_secret_of_the_settings_is_in_this_walk() -> None:
    assert {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr} == set(SECRETS)


def test_every_reply_has_the_policy_and_no_page_of_another_site_may_read_or_frame_it(site: Site) -> None:
    site.sign_in("admin", "author", "agent")
    for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
        for address in routes(site, method if method != "OPTIONS" else "GET"):
            reply = site.client.request(method, address, headers={"Origin": EVIL})
            seen = {name: reply.headers.get(name, "") for name in ("x-content-type-options", "referrer-policy")}
            assert seen == {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}, (method, address)
            policy = reply.headers["content-security-policy"]
            if address in PICTURES and reply.status_code == 200:  # may have styles of its own, and nothing else
                assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'"), (address, policy)
            else:
                assert ("default-src 'none'" in policy, "frame-ancestors 'none'" in policy) == (True, True), address
                assert "unsafe" not in policy
            assert address in FOR_ALL_SITES or "access-control-allow-origin" not in reply.headers, (method, address)
            assert "access-control-allow-credentials" not in reply.headers
    site.sign_out()


def test_nothing_that_another_site_sends_is_taken_from_somebody_who_is_signed_in(site: Site) -> None:
    """Cross-site request forgery, at every route that changes something: it is refused before anything is looked up."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for address in routes(site, method):
            if address.startswith("/api/v2/") or address == "/mcp" or "/webhooks/" in address:
                continue  # there a cookie counts for nothing, which test_leaks_elsewhere.py shows
            site.sign_in("admin", "author", "agent")
            for headers in FOREIGN:
                reply = site.client.request(method, address, data={"a": "b"}, headers=headers)
                refused = (403, 422) if address.startswith("/api/v1/") else (403,)  # this is no body of the API
                assert reply.status_code in refused, (method, address, headers, reply.text[:200])
    site.sign_in("admin", "author", "agent")
    ticket = {"subject": "Printer", "body": "It is on fire.", "email": "ann@example.com"}
    for address, body in (
        ("tickets", ticket),
        ("ask", {"question": "vpn"}),
        ("questions/1/outcome", {"outcome": "solved"}),
    ):
        for headers in FOREIGN:
            given = {"Idempotency-Key": "of-another-site", **headers}
            reply = site.client.post(f"/api/v1/{address}", json=body, headers=given)
            assert (reply.status_code, reply.json()["code"]) == (403, "foreign_origin")
    site.sign_out()
    assert site.tickets() == 0


def test_what_somebody_signed_in_reads_stays_in_no_cache(site: Site) -> None:
    site.sign_in("admin", "author", "agent")
    site.client.post("/api/v1/ask", json={"question": "I forgot my password"})
    same = re.compile(
        r"/static/.+|/(theme\.css|widget(-panel)?\.js|favicon\.svg|robots\.txt|logo|sitemap.*|healthz|readyz|widget)|/api/v1/(widget|openapi\.json)"
    )
    for address in routes(site, "GET"):
        reply = site.client.get(address)
        if reply.status_code == 200 and not same.fullmatch(address) and not address.startswith("/api/v2/"):
            assert "no-store" in reply.headers.get("cache-control", ""), (
                address,
                reply.status_code,
                dict(reply.headers),
            )
    site.sign_out()


def cookies(reply: Any) -> list[str]:
    found: list[str] = reply.headers.get_list("set-cookie")
    return found


def test_every_cookie_is_for_http_alone_for_this_site_and_over_tls_for_tls(site: Site) -> None:
    with_password(site.accounts, somebody(site.accounts, "agent"))
    given = {"email": "agent@example.com", "password": PASSWORD}
    for scheme, marks in (("http", ("httponly", "samesite=lax")), ("https", ("httponly", "samesite=lax", "secure"))):
        base = f"{scheme}://help.example"
        kept = [
            *cookies(site.client.post(f"{base}/sign-in", data=given)),
            *cookies(site.client.get(f"{base}/search?q=vpn")),
            *cookies(site.client.post(f"{base}/agent/panel/sign-in", data=given)),
            *cookies(site.client.get(f"{base}/")),
        ]
        assert len(kept) >= 2
        for cookie in kept:
            parts = [part.strip().lower() for part in cookie.split(";")]
            wanted = ("httponly", "secure", "partitioned", "path=/agent/panel") if "panel" in parts[0] else marks
            assert set(wanted) <= set(parts), cookie
            assert not any(part.startswith("domain=") for part in parts), cookie
        names = {cookie.partition("=")[0] for cookie in kept}
        assert ("__Host-firstline_sign_in" in names) == (scheme == "https")
        site.client.cookies.clear()


def test_a_session_that_was_there_before_the_sign_in_is_not_the_one_after_it(site: Site) -> None:
    person = with_password(site.accounts, somebody(site.accounts, "agent"))
    planted = site.accounts.start(person, "somebody else")
    site.hold(planted)
    reply = site.client.post("/sign-in", data={"email": "agent@example.com", "password": PASSWORD})
    assert reply.status_code == 303
    assert planted not in reply.headers["set-cookie"]
    assert site.accounts.of_session(planted) is None
    site.client.cookies.clear()


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example",
     "/%09/evil.example", "\\\\evil.example", "http:evil.example", "/x\r\nSet-Cookie: a=b", "https:///evil.example"],
)  # fmt: skip
def test_no_address_in_a_request_leads_to_another_site(site: Site, address: str) -> None:
    with_password(site.accounts, somebody(site.accounts, "agent"))
    given = {"email": "agent@example.com", "password": PASSWORD, "next": address}
    replies = [
        site.client.post("/sign-in", data=given),
        site.client.post("/sign-in", params={"next": address}, data=given),
        site.client.get("/sign-in", params={"next": address}),
        site.client.get("/search/meant", params={"q": "vpn", "article": address}),
        site.client.get(f"http://help.example//{quote(address.lstrip('/'))}"),
        site.client.get(f"http://help.example/{quote(address)}"),
    ]
    for reply in replies:
        location = reply.headers.get("location", "/")
        assert re.match(r"(http://help\.example)?/(?![/\\\\])", location), (address, location)
        assert not re.search(r"[\r\n\t]", location)
        assert "a=b" not in str(cookies(reply))
    site.client.cookies.clear()


def test_no_secret_of_the_settings_is_on_a_page_or_in_a_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.sign_in("admin", "author", "agent")
    shown = []
    for address in (*routes(site, "GET"), "/api/v1/openapi.json"):
        reply = site.client.get(address)
        shown += [address for word in SHOWN if word in reply.text or word in str(reply.headers)]
    site.sign_out()
    assert shown == []
    assert not any(word in caplog.text or word in repr(site.app.state.settings) for word in SHOWN)


def test_nobody_writes_a_line_into_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """What a request brings is one line of the log at most, whatever it holds (CWE-117)."""
    caplog.set_level(logging.DEBUG)
    line = "x\r\n2026-11-22 12:00:00 INFO signed in: admin\x1b[31m"
    quoted = "x%0d%0a2026-11-22%2012:00:00%20INFO%20signed%20in:%20admin%1b[31m"
    for address in (
        f"/{quoted}",
        f"/en/articles/{quoted}",
        f"/search?q={quoted}",
        f"/pictures/{quoted}",
        f"/api/v1/{quoted}",
    ):
        site.client.get(address, headers={"User-Agent": "x", "X-Request-ID": "a\tb"})
    site.client.post("/sign-in", data={"email": line, "password": line})
    site.client.get("/api/v1/tickets", headers={"Authorization": "Bearer fl_x"})
    ticket = {"subject": line, "body": line, "email": "ann@example.com"}
    site.client.post("/api/v1/tickets", json=ticket, headers={"Idempotency-Key": "of-a-log-line"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("web", "bot", "kb"))]
    assert [message for message in ours if re.search(r"[\r\n\x1b]", message)] == []


def test_health_pages_tell_nobody_more_than_that_it_runs(site: Site) -> None:
    assert site.client.get("/healthz").json() == {"status": "ok"}
    assert set(site.client.get("/readyz").json()) == {"status", "snapshot"}
    assert site.client.get("/docs").status_code == 404
    for reply in (site.client.get("/"), site.client.get("/nowhere"), site.client.get("/api/v1/nowhere")):
        assert "server" not in reply.headers
        assert "x-powered-by" not in reply.headers


def test_static_files_and_pictures_lead_out_of_no_folder(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(CANARY)
    ways = [
        "../web/settings.py", "..%2f..%2fweb%2fsettings.py", "%2e%2e/%2e%2e/pyproject.toml", "....//....//etc/passwd",
        "..%5c..%5cpyproject.toml", "%2fetc%2fpasswd", "//etc/passwd", "..%c0%afetc/passwd", "%00", "site.css%00.png",
        ".", "..", "../templates/layout.html", "firstline.db", "..%2f..%2fdata%2ffirstline.db",
    ]  # fmt: skip
    for beginning in ("/static/", "/pictures/", "/sitemap-", "/topics/", "/en/articles/", "/ticket/1/files/", "/"):
        for way in ways:
            reply = site.client.get(f"{beginning}{way}")
            assert reply.status_code < 500, (beginning, way)
            for word in ("SecretStr", "root:", "[project]", "SQLite format", "{% block"):
                assert word not in reply.text, (beginning, way)
