"""The official client of the Model Context Protocol talks to the server over HTTP and over standard streams."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from bot.accounts import Accounts, By
from tests.conftest import PROJECT
from tests.people import somebody
from tests.web.live import LiveSite, live_site
from tests.web.site import AGENT, ARTICLES, SECRET
from web.mcp.stdio import local_server
from web.problems import ApiError

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}

Talk = Callable[[Client], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    folder: Path = tmp_path_factory.mktemp("mcp")
    origins = ("https://shop.example",)
    with live_site(folder, ARTICLES, base_url="", widget_origins=origins) as running:
        yield running


def talk(site: LiveSite, talking: Talk, token: str = "", mode: str = "auto") -> Any:
    async def run() -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{site.base}/mcp", http_client=http), mode=mode) as client,
        ):
            return await talking(client)

    return asyncio.run(run())


def call(site: LiveSite, tool: str, token: str = "", **arguments: Any) -> CallToolResult:
    found: CallToolResult = talk(site, lambda client: client.call_tool(tool, arguments), token)
    return found


def structured(site: LiveSite, tool: str, token: str = "", **arguments: Any) -> dict[str, Any]:
    found = call(site, tool, token, **arguments)
    assert not found.is_error, found.content
    assert found.structured_content is not None
    return found.structured_content


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_listed_with_what_they_do_to_the_desk(site: LiveSite, mode: str) -> None:
    listed = talk(site, lambda client: client.list_tools(), mode=mode).tools

    hints = {tool.name: tool.annotations for tool in listed}
    assert list(hints) == ["search", "fetch", "ask", "open_ticket"]
    assert [hint.read_only_hint for hint in hints.values()] == [True, True, False, False]
    assert (hints["open_ticket"].destructive_hint, hints["open_ticket"].open_world_hint) == (False, True)
    assert listed[0].input_schema["required"] == ["query"]
    assert listed[1].input_schema["required"] == ["id"]


def test_what_search_finds_fetch_reads(site: LiveSite) -> None:
    found = structured(site, "search", query="I forgot my password")["results"]

    assert found[0] == {
        "id": "reset-password",
        "title": "Reset a forgotten password",
        "url": f"{site.base}/en/articles/reset-password#reset-it-yourself",
    }
    read = structured(site, "fetch", id="reset-password")
    assert read["text"].startswith("Reset it yourself in five minutes.")
    assert "## Reset it yourself\n\n" in read["text"]
    assert "Choose a new password." in read["text"]
    assert read["metadata"] == {"lang": "en", "topic": "accounts"}
    polish = structured(site, "fetch", id="pl/reset-password")
    assert (polish["title"], polish["metadata"]["lang"]) == ("Resetowanie zapomnianego hasła", "pl")


def test_a_question_gets_an_answer_with_its_source_or_an_honest_no(site: LiveSite) -> None:
    known = structured(site, "ask", question="how do I reset my password")
    unknown = structured(site, "ask", question="xylophone lessons")

    assert known["decision"] in ("answer", "suggest")
    assert unknown["decision"] == "unanswered"
    assert unknown["message"].startswith("I don't know this one yet.")
    assert (unknown["answer"], unknown["suggestions"]) == (None, [])
    kept = {question.id: question.text for question in site.app.state.desk.events.questions()}
    assert kept[unknown["question_id"]] == "xylophone lessons"


def test_a_ticket_sent_twice_is_one_ticket(site: LiveSite) -> None:
    sent = {"subject": "Printer", "body": "It is on fire.", "email": "ann@example.com"}

    first, again = structured(site, "open_ticket", **sent), structured(site, "open_ticket", **sent)
    other = structured(site, "open_ticket", **sent, idempotency_key="another")

    assert first == again
    assert other["number"] == first["number"] + 1
    ticket = site.app.state.desk.ticket(first["url"].rpartition("/")[2])
    assert (ticket.subject, ticket.email) == ("Printer", "ann@example.com")


def test_what_is_wrong_with_a_ticket_is_said_in_plain_words(site: LiveSite) -> None:
    refused = call(site, "open_ticket", subject="Printer", body="It is on fire.", email="nobody")

    assert refused.is_error
    assert refused.content[0].text.endswith("email: Enter an e-mail address like name@example.com.")


def test_internal_articles_are_there_for_an_agents_token_alone(site: LiveSite) -> None:
    seen = structured(site, "search", AGENT, query=f"verify a caller {SECRET}")["results"]

    assert "verify-caller" in [each["id"] for each in seen]
    assert SECRET in structured(site, "fetch", AGENT, id="verify-caller")["text"]
    public = [
        call(site, "search", query=f"verify a caller {SECRET}", limit=50),
        call(site, "ask", question=f"how do I verify a caller, {SECRET}"),
        call(site, "fetch", id="verify-caller"),
        call(site, "fetch", id="en/verify-caller"),
    ]
    assert [SECRET in str(found.content) for found in public] == [False] * 4
    assert [found.is_error for found in public] == [False, False, True, True]


def post(site: LiveSite, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{site.base}/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})


def test_a_token_that_does_not_work_is_refused_with_a_challenge(site: LiveSite) -> None:
    refused = post(site, Authorization="Bearer wrong")

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert post(site, Authorization=f"Bearer {AGENT}").status_code == 200


def test_a_token_that_has_expired_is_refused(site: LiveSite) -> None:
    accounts: Accounts = site.app.state.accounts
    earlier = replace(accounts, now=lambda: datetime.now(UTC) - timedelta(days=400))
    owner = somebody(accounts, "agent")
    expired, _ = earlier.make_token(owner.id, "old", owner.rights, 365, By("tests"))

    refused = post(site, Authorization=f"Bearer {expired}")

    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_page_of_another_site_may_not_call(site: LiveSite) -> None:
    own = {"Origin": site.base}
    rebound = {"Origin": "http://evil.example", "Host": "evil.example"}

    assert post(site, Origin="https://evil.example").json()["code"] == "foreign_origin"
    assert post(site, Origin="null").status_code == 403
    assert post(site, **rebound).status_code == 403
    assert post(site, **own).status_code == 200
    assert post(site, Origin="https://shop.example").status_code == 200


def test_over_standard_streams_the_same_tools_answer(site: LiveSite) -> None:
    command = ["-m", "web", "mcp", "--data", str(site.app.state.settings.data)]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    server = StdioServerParameters(command=sys.executable, args=command, env={**inherited, "PYTHONPATH": str(PROJECT)})

    async def run() -> list[Any]:
        async with Client(server) as client:
            tools = await client.list_tools()
            found = await client.call_tool("search", {"query": "vpn"})
            hidden = await client.call_tool("fetch", {"id": "verify-caller"})
            return [len(tools.tools), found.structured_content["results"][0], hidden.is_error]

    assert asyncio.run(run()) == [4, {"id": "vpn", "title": "Connect to the VPN", "url": "/en/articles/vpn"}, True]


def test_on_the_same_machine_a_token_opens_what_it_opens_over_http(site: LiveSite) -> None:
    async def fetched(token: str) -> bool:
        async with Client(local_server(site.app, token)) as client:
            return (await client.call_tool("fetch", {"id": "verify-caller"})).is_error

    assert (asyncio.run(fetched(AGENT)), asyncio.run(fetched(""))) == (False, True)
    with pytest.raises(ApiError) as refused:
        local_server(site.app, "wrong")
    assert refused.value.status == 401


def test_on_the_same_machine_a_token_that_was_revoked_meanwhile_opens_nothing(site: LiveSite) -> None:
    accounts: Accounts = site.app.state.accounts
    owner = somebody(accounts, "agent", email="leaver@example.com")
    secret, made = accounts.make_token(owner.id, "laptop", owner.rights, 30, By("tests"))

    async def read() -> list[CallToolResult]:
        async with Client(local_server(site.app, secret)) as client:
            before = await client.call_tool("fetch", {"id": "verify-caller"})
            accounts.revoke_token(made.id, By("tests"))
            return [before, await client.call_tool("fetch", {"id": "verify-caller"})]

    before, after = asyncio.run(read())
    assert (before.is_error, after.is_error) == (False, True)
    assert "This token does not work" in str(after.content)


def test_there_is_nothing_to_listen_to_without_sessions(site: LiveSite) -> None:
    refused = httpx2.get(f"{site.base}/mcp", headers=ACCEPT)

    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")


def test_without_the_package_the_door_says_how_to_install_it(site: LiveSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.mcp.http.find_spec", lambda _name: None)

    refused = post(site)

    assert refused.status_code == 501
    assert "pip install 'firstline[mcp]'" in refused.json()["detail"]
