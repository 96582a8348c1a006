"""The HTTP API, over real routes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import AGENT, AUTHOR, bearer, ticket
from tests.web.site import ARTICLES, TWO_PRINTERS, open_site
from web.app import create_app
from web.desk import open_desk
from web.problems import Problem
from web.settings import Settings

KEY = {"Idempotency-Key": "0123456789abcdef"}
PROBLEM = "application/problem+json"


def ask(client: TestClient, question: str, **given: Any) -> dict[str, Any]:
    reply = client.post("/api/v1/ask", json={"question": question, **given})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def test_a_question_an_article_answers_gets_its_words_and_a_link_to_the_heading(client: TestClient) -> None:
    reply = ask(client, "I forgot my password")
    assert reply["decision"] == "answer"
    assert reply["answer"]["url"] == "/en/articles/reset-password#reset-it-yourself"
    assert "Open the password page." in reply["answer"]["text"]
    assert "<li>Open the password page.</li>" in reply["answer"]["html"]


def test_a_question_in_no_words_of_any_article_is_unanswered_with_a_reason(client: TestClient) -> None:
    reply = ask(client, "🙂🙂🙂")
    assert (reply["decision"], reply["answer"], reply["suggestions"], reply["confidence"]) == (
        "unanswered",
        None,
        [],
        0,
    )
    assert reply["reason"] == "No article shares a word or a meaning with the question."


def test_of_two_close_articles_the_reply_names_both_for_the_reader_to_choose(tmp_path: Path) -> None:
    with open_site(tmp_path, {**ARTICLES, **TWO_PRINTERS}) as site:
        reply = ask(site.client, "printer offline")
        typing = site.client.get("/api/v1/suggest", params={"q": "printer offline"}).json()
        alone = site.client.get("/api/v1/suggest", params={"q": "printer offline", "limit": 1}).json()
        answered = ask(site.client, "I forgot my password")
    assert (reply["decision"], reply["answer"]) == ("suggest", None)
    assert set(reply["between"]) == {"printer-windows", "printer-mac"}
    assert [suggestion["article_id"] for suggestion in reply["suggestions"]][:2] == reply["between"]
    assert typing["between"] == reply["between"]
    assert (len(alone["suggestions"]), alone["between"]) == (1, [])
    assert (answered["decision"], answered["between"]) == ("answer", [])


def test_the_question_s_own_language_wins_over_the_reader_s(client: TestClient) -> None:
    assert ask(client, "zapomniałem hasła", lang="en")["answer"]["lang"] == "pl"
    assert ask(client, "I forgot my password", lang="pl-PL")["answer"]["lang"] == "en"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "question", "field required"),
        ({"question": 7}, "question", "input should be a valid string"),
        (
            {"question": "x", "lang": "klingon"},
            "lang",
            "'klingon' is no language; use a two-letter code of ISO 639-1 such as en or pl",
        ),
        ({"question": "x", "chanel": "web"}, "chanel", "extra inputs are not permitted"),
        ({"question": "x", "session": "a b"}, "session", "string should match pattern '^[A-Za-z0-9_-]+$'"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, body: dict[str, Any], field: str, message: str) -> None:
    reply = client.post("/api/v1/ask", json=body)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json()["code"] == "invalid_request"
    assert reply.json()["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize(
    ("question", "detail"),
    [
        ("", "Type a question, in your own words."),
        (" \n\t ", "Type a question, in your own words."),
        ("x" * 100_000, "The question has 100,000 characters, at most 2,000 are read. Shorten it."),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(client: TestClient, question: str, detail: str) -> None:
    reply = client.post("/api/v1/ask", json={"question": question})
    assert (reply.status_code, reply.json()["code"], reply.json()["detail"]) == (422, "question_invalid", detail)


def test_a_request_over_two_megabytes_is_refused_before_it_is_read(client: TestClient) -> None:
    reply = client.post("/api/v1/ask", content=b"x" * 2_000_001, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_request_that_hides_its_length_is_counted_while_it_arrives(client: TestClient) -> None:
    chunks = (b"x" * 100_000 for _ in range(21))
    reply = client.post("/api/v1/ask", content=chunks, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_half_a_surrogate_pair_is_no_reason_to_fall_over(client: TestClient) -> None:
    reply = client.post(
        "/api/v1/ask", content=rb'{"question": "password \ud800"}', headers={"content-type": "application/json"}
    )
    assert reply.status_code == 200


def test_typing_suggests_and_keeps_nothing(client: TestClient, data: Path) -> None:
    found = client.get("/api/v1/suggest", params={"q": "forgot password", "limit": 1}).json()["suggestions"]
    assert [entry["article_id"] for entry in found] == ["reset-password"]
    assert client.get("/api/v1/suggest", params={"q": "  "}).json() == {"suggestions": [], "between": []}
    with sqlite3.connect(data / "firstline.db") as database:
        assert database.execute("SELECT count(*) FROM questions").fetchone() == (0,)
    database.close()


def test_what_is_being_typed_is_completed_with_marks_in_utf_16_and_keeps_nothing(tmp_path: Path) -> None:
    articles = {
        "en/accounts/emoji.md": "---\nid: emoji\ntitle: 😀 Reset 😀 a password 🔑\nsummary: Reset.\n---\nText.\n"
    }
    with open_site(tmp_path, articles) as site:
        (found,) = site.client.get("/api/v1/typeahead", params={"q": "resett pas", "lang": "pl"}).json()["suggestions"]
        assert site.questions == []
    units = found["title"].encode("utf-16-le")
    marked = [units[2 * start : 2 * end].decode("utf-16-le") for start, end in found["marks"]["title"]]
    assert marked == ["Reset", "password"]
    assert found["marks"]["title"] == [[3, 8], [14, 22]]
    assert {name: found[name] for name in ("article_id", "lang", "language", "topic", "heading", "url", "snippet")} == {
        "article_id": "emoji",
        "lang": "en",
        "language": "English",
        "topic": "accounts",
        "heading": "",
        "url": "/en/articles/emoji",
        "snippet": "Reset.",
    }


def test_too_little_typed_completes_to_nothing_and_three_words_count_by_meaning_too(client: TestClient) -> None:
    def ids(**query: Any) -> list[str]:
        return [row["article_id"] for row in client.get("/api/v1/typeahead", params=query).json()["suggestions"]]

    assert ids(q="vp") == ids(q="  ") == ids(q="zanzibar") == ids(q="verify who is calling") == []
    assert ids(q="vpn") == ids(q="client select connect vpn") == ["vpn"]
    assert ids(q="vpn", topic="accounts") == []


def test_a_question_may_be_exact_of_a_topic_and_follow_another(client: TestClient) -> None:
    def ask(**body: Any) -> dict[str, Any]:
        reply: dict[str, Any] = client.post("/api/v1/ask", json=body).json()
        return reply

    assert ask(question="I forgot my pasword")["corrected"] == "I forgot my password"
    assert ask(question="I forgot my pasword", exact=True)["corrected"] == ""
    first = ask(question="I forgot my password")
    assert (first["answer"]["article_id"], first["nothing"], first["context"]) == ("reset-password", "", "")
    elsewhere = ask(question="I forgot my password", topic="network")
    assert (elsewhere["decision"] != "answer", elsewhere["nothing"] in ("", "topic")) == (True, True)
    assert ask(question="I forgot my password", topic="no such topic")["nothing"] == "topic"
    assert ask(question="and choose a new one", after=first["id"])["context"] == "I forgot my password"
    assert ask(question="boil an egg", after=first["id"])["nothing"] == "articles"


def test_an_outcome_is_kept_and_one_of_an_unknown_question_is_refused(client: TestClient, data: Path) -> None:
    asked = ask(client, "I forgot my password")["id"]
    told = {"outcome": "not_solved", "article_id": "reset-password", "reason": "call me on +48 600 123 456"}
    assert client.post(f"/api/v1/questions/{asked}/outcome", json=told).status_code == 204
    with sqlite3.connect(data / "firstline.db") as database:
        assert database.execute("SELECT outcome, article_id, reason FROM outcomes").fetchall() == [
            ("not_solved", "reset-password", "call me on [phone]")
        ]
    database.close()
    reply = client.post("/api/v1/questions/nothing/outcome", json={"outcome": "solved"})
    assert (reply.status_code, reply.json()["code"]) == (404, "question_unknown")


def test_a_ticket_is_taken_once_for_one_key_with_what_was_shown(client: TestClient, data: Path) -> None:
    asked = ask(client, "I forgot my password")["id"]
    body = ticket(question_id=asked, declined=["reset-password"])
    first = client.post("/api/v1/tickets", json=body, headers=KEY)
    second = client.post("/api/v1/tickets", json=body, headers=KEY)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["number"] == 1
    with sqlite3.connect(data / "firstline.db") as database:
        rows = database.execute("SELECT subject, question_id, shown, declined FROM tickets").fetchall()
    database.close()
    assert rows == [("Printer", asked, '["reset-password"]', '["reset-password"]')]


def test_a_key_used_for_another_ticket_is_a_conflict(client: TestClient) -> None:
    client.post("/api/v1/tickets", json=ticket(), headers=KEY)
    reply = client.post("/api/v1/tickets", json=ticket(body="Something else"), headers=KEY)
    assert (reply.status_code, reply.json()["code"]) == (409, "idempotency_key_reused")


def test_every_wrong_field_of_a_ticket_is_named_at_once(client: TestClient) -> None:
    reply = client.post("/api/v1/tickets", json=ticket(subject=" ", email="ann at example"), headers=KEY)
    assert (reply.status_code, reply.json()["code"]) == (422, "ticket_invalid")
    assert reply.json()["errors"] == [
        {"field": "subject", "message": "Enter a subject, a few words about what you need."},
        {"field": "email", "message": "Enter an e-mail address like name@example.com."},
    ]


def test_a_ticket_needs_an_idempotency_key(client: TestClient) -> None:
    reply = client.post("/api/v1/tickets", json=ticket())
    assert reply.status_code == 422
    assert reply.json()["errors"] == [{"field": "idempotency-key", "message": "field required"}]


def test_sql_and_html_in_every_field_are_kept_as_text(client: TestClient, data: Path) -> None:
    evil = "'); DROP TABLE tickets; -- <script>alert(1)</script>"
    body = ticket(subject=evil, body=evil, declined=[evil])
    assert client.post("/api/v1/tickets", json=body, headers=KEY).status_code == 201
    with sqlite3.connect(data / "firstline.db") as database:
        assert database.execute("SELECT subject, body FROM tickets").fetchall() == [(evil, evil)]
    database.close()


def test_an_article_is_read_in_the_language_asked_for(client: TestClient) -> None:
    english = client.get("/api/v1/articles/reset-password").json()
    assert (english["lang"], english["translations"], english["url"]) == (
        "en",
        ["en", "pl"],
        "/en/articles/reset-password",
    )
    assert [section["anchor"] for section in english["sections"]] == ["", "reset-it-yourself"]
    assert client.get("/api/v1/articles/reset-password", params={"lang": "pl"}).json()["lang"] == "pl"
    missing = client.get("/api/v1/articles/reset-password", params={"lang": "de"})
    assert (missing.status_code, missing.json()["code"]) == (404, "article_unknown")
    assert missing.json()["detail"] == "There is no article 'reset-password' in de. It exists in en, pl."


def test_internal_articles_are_for_agents_alone(client: TestClient) -> None:
    assert client.get("/api/v1/articles/verify-caller").status_code == 404
    assert "verify-caller" not in client.get("/api/v1/suggest", params={"q": "verify a caller zanzibar"}).text
    assert "zanzibar" not in client.post("/api/v1/ask", json={"question": "how do I verify a caller"}).text
    beside = client.post(
        "/api/v1/agent/suggestions", json={"subject": "how do I verify a caller"}, headers=bearer(AGENT)
    ).json()
    assert beside["answer"]["article_id"] == "verify-caller"


def test_agents_see_suggestions_beside_a_ticket_and_tell_how_it_was_solved(client: TestClient, data: Path) -> None:
    sent = client.post("/api/v1/tickets", json=ticket(subject="I forgot my password"), headers=KEY).json()["id"]
    beside = client.get(f"/api/v1/tickets/{sent}/suggestions", headers=bearer(AGENT)).json()
    assert beside["answer"]["article_id"] == "reset-password"
    told = {"article_id": "reset-password", "text": "Sent the steps to ann@example.com"}
    solved = client.post(f"/api/v1/tickets/{sent}/resolution", json=told, headers=bearer(AGENT))
    assert solved.status_code == 204
    with sqlite3.connect(data / "firstline.db") as database:
        rows = database.execute("SELECT ticket_id, article_id, text FROM resolutions").fetchall()
    database.close()
    assert rows == [(sent, "reset-password", "Sent the steps to [email]")]


def test_a_resolution_says_something_and_belongs_to_a_ticket(client: TestClient) -> None:
    empty = client.post("/api/v1/tickets/x/resolution", json={}, headers=bearer(AGENT))
    assert (empty.status_code, empty.json()["code"]) == (422, "resolution_empty")
    unknown = client.post("/api/v1/tickets/x/resolution", json={"text": "done"}, headers=bearer(AGENT))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ticket_unknown")


def test_gaps_list_and_filter_what_nobody_could_answer(client: TestClient) -> None:
    ask(client, "frobnicate zzyzx")
    ask(client, "plugh quux")
    ask(client, "Plugh QUUX", lang="pl")
    everything = client.get("/api/v1/gaps", headers=bearer(AUTHOR)).json()["gaps"]
    assert [(gap["text"], gap["count"], gap["kinds"]) for gap in everything] == [
        ("plugh quux", 2, ["unanswered"]),
        ("frobnicate zzyzx", 1, ["unanswered"]),
    ]
    polish = client.get("/api/v1/gaps", params={"lang": "pl"}, headers=bearer(AUTHOR)).json()["gaps"]
    assert [(gap["text"], gap["count"]) for gap in polish] == [("plugh quux", 1)]
    assert client.get("/api/v1/gaps", params={"kind": "rejected"}, headers=bearer(AUTHOR)).json()["gaps"] == []


def test_deflection_counts_a_confirmed_solution(client: TestClient) -> None:
    asked = ask(client, "I forgot my password", session="one")["id"]
    client.post(f"/api/v1/questions/{asked}/outcome", json={"outcome": "solved"})
    assert client.get("/api/v1/reports/deflection", headers=bearer(AUTHOR)).json() == {
        "shown": 1,
        "confirmed": {"rate": 1.0, "denominator": 1, "count": 1, "interval": [pytest.approx(0.2065, abs=1e-4), 1.0]},
        "assumed": {"rate": None, "denominator": 0, "count": 0, "interval": None},
        "returned": {"rate": 0.0, "denominator": 1, "count": 0, "interval": [0.0, pytest.approx(0.7935, abs=1e-4)]},
    }


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("GET", "/api/v1/gaps", AGENT),
        ("GET", "/api/v1/reports/deflection", AGENT),
        ("GET", "/api/v1/tickets/x/suggestions", AUTHOR),
        ("POST", "/api/v1/tickets/x/resolution", AUTHOR),
        ("POST", "/api/v1/agent/suggestions", AUTHOR),
    ],
)
def test_a_missing_or_wrong_token_opens_nothing(client: TestClient, method: str, path: str, token: str) -> None:
    nobody = ({}, bearer("wrong"), bearer(""), bearer("fl_wrong"), {"Authorization": "Basic abc"})
    for headers, told in (*((each, (401, "unauthorized")) for each in nobody), (bearer(token), (403, "forbidden"))):
        reply = client.request(
            method, path, headers=headers, json={"subject": "x", "text": "x"} if method == "POST" else None
        )
        assert (reply.status_code, reply.json()["code"]) == told
        assert AUTHOR not in reply.text
        assert AGENT not in reply.text


def test_problems_have_one_shape_on_every_route(client: TestClient) -> None:
    for reply in (
        client.get("/api/v1/nothing"),
        client.put("/api/v1/ask"),
        client.post("/api/v1/ask", content=b"{", headers={"content-type": "application/json"}),
        client.get("/api/v1/gaps"),
    ):
        assert reply.headers["content-type"] == PROBLEM
        shown = Problem.model_validate(reply.json())
        assert shown.status == reply.status_code


def test_only_the_widget_s_origins_may_read_replies(client: TestClient) -> None:
    def allowed(origin: str) -> str | None:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        return client.options("/api/v1/ask", headers=headers).headers.get("access-control-allow-origin")

    assert allowed("https://shop.example") == "https://shop.example"
    assert allowed("https://elsewhere.example") is None


def test_a_locked_database_answers_questions_and_says_that_tickets_must_wait(
    app_settings: Settings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.database.LOCK_TIMEOUT_S", 0.05)
    desk, engine = open_desk(app_settings)
    with TestClient(create_app(app_settings, desk, engine)) as client:
        lock = sqlite3.connect(data / "firstline.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        reply = client.post("/api/v1/ask", json={"question": "I forgot my password"})
        sent = client.post("/api/v1/tickets", json=ticket(), headers=KEY)
        lock.execute("ROLLBACK")
        lock.close()
        again = client.post("/api/v1/tickets", json=ticket(), headers=KEY)
    assert reply.json()["decision"] == "answer"
    assert (sent.status_code, sent.json()["code"], sent.headers["retry-after"]) == (503, "store_unavailable", "5")
    assert sent.json()["detail"] == "The help desk cannot store this right now. Try again in a moment."
    assert again.json()["number"] == 1


def test_health_and_readiness_tell_the_snapshot(client: TestClient, app_settings: Settings) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    current = (app_settings.data / "current").read_text().strip()
    assert client.get("/readyz").json() == {"status": "ready", "snapshot": current}
