"""One line a request, with an id that leads from a reply to the log; nothing in it that should not be."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from pydantic import SecretStr

from tests.web.conftest import ARTICLES
from tests.web.site import Site, open_site
from web import logs
from web.logs import Format, Json, Lines, Plain, Unhurried
from web.settings import Settings


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("logs"), ARTICLES, trusted_proxies=("10.0.0.7",)) as made:
        yield made


@contextmanager
def written(form: Format, *secrets: str) -> Iterator[io.StringIO]:
    """What is logged meanwhile; the root logger is as before afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    lines = logs.start(form, secrets, stream)
    lines.addFilter(lambda record: not record.name.startswith("http"))  # the test's own client
    try:
        yield stream
        lines.close()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_a_request_is_one_line_that_holds_no_word_of_the_question(site: Site) -> None:
    with written("json") as stream:
        reply = site.client.post("/api/v1/ask", json={"question": "I forgot my password, ann@example.com"})
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert line == {
        "time": line["time"],
        "level": "info",
        "logger": "firstline.access",
        "message": "POST /api/v1/ask 200",
        "request_id": reply.headers["x-request-id"],
        "method": "POST",
        "route": "/api/v1/ask",
        "status": 200,
        "ms": line["ms"],
        "decision": reply.json()["decision"],
    }


def test_an_id_is_taken_over_from_a_trusted_proxy_where_it_is_sane(site: Site) -> None:
    def answered(given: str, peer: str) -> str:
        site.client._transport.client = (peer, 5000)  # type: ignore[attr-defined]
        return site.client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]

    assert answered("0af7651916cd43dd8448eb211c80319c", "10.0.0.7") == "0af7651916cd43dd8448eb211c80319c"
    for given, peer in [
        ("0af7651916cd43dd8448eb211c80319c", "192.0.2.1"),
        ("short", "10.0.0.7"),
        ("a" * 65, "10.0.0.7"),
        ("forged\tINFO line", "10.0.0.7"),
    ]:
        assert len(answered(given, peer)) == 16


def test_a_problem_names_its_request(site: Site) -> None:
    refused = site.client.post("/api/v1/ask", json={})
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_a_fault_of_ours_is_a_problem_with_its_id_and_a_line_that_tells_no_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.client._transport, "raise_server_exceptions", False)
    monkeypatch.setattr(site.app.state, "limits", None)
    with written("json") as stream:
        broken = site.client.post("/api/v1/questions/0123456789abcdef/outcome", json={"outcome": "solved"})
    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert broken.status_code == 500
    assert {line["request_id"] for line in lines} == {broken.json()["request_id"]}
    assert [line["message"] for line in lines] == [
        "unexpected error in POST /api/v1/questions/{question_id}/outcome",
        "POST /api/v1/questions/{question_id}/outcome 500",
    ]
    assert "AttributeError" in lines[0]["fault"]


def test_each_of_several_processes_puts_its_number_into_its_lines() -> None:
    record = logging.LogRecord("bot", logging.INFO, "", 0, "ready", None, None)
    assert logs.formatter("plain", process=2).format(record).endswith(" INFO bot (2): ready")
    assert json.loads(logs.formatter("json", process=2).format(record))["process"] == 2
    assert "process" not in json.loads(logs.formatter("json").format(record))


def test_no_line_can_be_forged_and_no_secret_gets_out() -> None:
    try:
        raise ValueError("bad\n2026-01-01 INFO forged: hello\x1b[2K")
    except ValueError:
        fault = sys.exc_info()
    words = "mail to ann@example.com with hunter22\r\nINFO forged: token fl_0123456789abcdef \u2028 \u202e"
    record = logging.LogRecord("bot", logging.ERROR, "", 0, words, None, fault)
    plain = Plain(["hunter22"]).format(record)
    assert plain.partition(" ERROR ")[2].splitlines()[0] == (
        r"bot: mail to *** with ***\r\nINFO forged: token *** \u2028 \u202e"
    )
    assert all(line.startswith("    ") for line in plain.split("\n")[1:])
    assert r"\x1b[2K" in plain
    (line,) = Json(["hunter22"]).format(record).split("\n")
    assert json.loads(line)["message"] == "mail to *** with ***\r\nINFO forged: token *** \u2028 \u202e"


def test_the_secrets_of_all_settings_are_known() -> None:
    settings = Settings(
        metrics_token=SecretStr("0123456789abcdef"),
        smtp_url=SecretStr("smtp://me:p%40ssword@mail.example.com"),
        mail_from="help@example.com",
        database_url="postgresql+psycopg://desk:other-word@db/desk",
    )
    assert {"0123456789abcdef", "p%40ssword", "p@ssword", "other-word"} <= set(settings.secrets)


def test_a_log_that_nobody_reads_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_WAITING", 2)
    monkeypatch.setattr(logs, "_FAREWELL_S", 0.01)
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    lines = Lines(Plain([]), stream)
    for _ in range(5):
        lines.emit(logging.LogRecord("bot", logging.INFO, "", 0, "x" * 100_000, None, None))
    lines.close()
    assert lines.dropped >= 2
    os.close(reading)  # now whoever writes is told so, and comes to the end
    monkeypatch.setattr(logs, "_FAREWELL_S", 30)
    lines.close()
    with suppress(BrokenPipeError):
        stream.close()


def test_nor_one_that_is_written_without_a_thread() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as unread, os.fdopen(writing, "w") as stream:
        handler = Unhurried(stream)
        line = logging.LogRecord("bot", logging.INFO, "", 0, "x" * 1000, None, None)
        telling = threading.Thread(target=lambda: [handler.emit(line) for _ in range(200)], daemon=True)
        telling.start()
        telling.join(10)
        stopped = telling.is_alive()
        assert unread.read1(3000).startswith(b"x" * 1000 + b"\n")
        assert not stopped
