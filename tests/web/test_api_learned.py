"""What was learned, over real routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import AGENT, AUTHOR, bearer, ticket
from web.desk import open_learning
from web.settings import Settings

KEY = {"Idempotency-Key": "0123456789abcdef"}
AUTHORS = bearer(AUTHOR)


def solve(client: TestClient, subject: str = "Locked out", key: str = "key-0001") -> str:
    """Opens a ticket that an agent solves with an article; its id."""
    sent = client.post("/api/v1/tickets", json=ticket(subject=subject), headers={"Idempotency-Key": key}).json()["id"]
    told = {"article_id": "reset-password"}
    assert client.post(f"/api/v1/tickets/{sent}/resolution", json=told, headers=bearer(AGENT)).status_code == 204
    return str(sent)


def confirm(client: TestClient, session: str) -> str:
    """Somebody's word: each session comes from a network of its own."""
    asked = client.post("/api/v1/ask", json={"question": "I forgot my password", "session": session}).json()["id"]
    somebody = TestClient(client.app, client=(f"of-{session}", 1))
    somebody.post(f"/api/v1/questions/{asked}/outcome", json={"outcome": "solved"})
    return str(asked)


def listed(client: TestClient, **given: Any) -> list[dict[str, Any]]:
    reply = client.get("/api/v1/learned", params=given, headers=AUTHORS)
    assert reply.status_code == 200, reply.text
    rows: list[dict[str, Any]] = reply.json()["learned"]
    return rows


def test_what_an_agent_chose_is_listed_and_traced_to_the_ticket(client: TestClient) -> None:
    sent = solve(client)

    (row,) = listed(client)
    assert {key: row[key] for key in row if key not in ("id", "created")} == {
        "article_id": "reset-password",
        "question": "Locked out",
        "body": "It is on fire.",
        "lang": "",
        "source": "agent",
        "status": "active",
        "sessions": 0,
        "rejected": 0,
    }
    traced = client.get(f"/api/v1/learned/{row['id']}", headers=AUTHORS).json()
    (trace,) = traced.pop("traces")
    assert traced == row
    assert trace == {
        "source": "agent",
        "at": row["created"],
        "ticket_id": sent,
        "question_id": "",
        "file": "",
        "row": "",
        "solved": True,
    }


def test_what_readers_said_counts_from_three_sessions_and_names_no_session(client: TestClient) -> None:
    asked = [confirm(client, "session-one"), confirm(client, "session-two")]
    (row,) = listed(client, status="pending")
    assert (row["source"], row["sessions"]) == ("end_user", 2)

    asked.append(confirm(client, "session-three"))
    (row,) = listed(client, status="active")
    traced = client.get(f"/api/v1/learned/{row['id']}", headers=AUTHORS)
    assert [trace["question_id"] for trace in traced.json()["traces"]] == asked
    assert "session-one" not in traced.text


def test_it_is_removed_restored_and_accepted(client: TestClient) -> None:
    confirm(client, "one")
    (row,) = listed(client)
    address = f"/api/v1/learned/{row['id']}"

    assert client.post(f"{address}/accept", headers=AUTHORS).json()["status"] == "active"
    assert client.delete(address, headers=AUTHORS).status_code == 204
    assert client.delete(address, headers=AUTHORS).status_code == 204
    assert [row["status"] for row in listed(client)] == ["removed"]

    refused = client.post(f"{address}/accept", headers=AUTHORS)
    assert (refused.status_code, refused.json()["code"]) == (409, "learned_removed")
    assert client.post(f"{address}/restore", headers=AUTHORS).json()["status"] == "active"


def test_the_list_is_filtered_and_comes_in_pages(client: TestClient) -> None:
    for number in range(3):
        solve(client, f"question {number}", f"key-000{number}")
    confirm(client, "one")

    def found(**given: Any) -> tuple[int, int]:
        body = client.get("/api/v1/learned", params=given, headers=AUTHORS).json()
        return body["total"], len(body["learned"])

    assert found() == (4, 4)
    assert found(source="agent", limit=2) == (3, 2)
    assert found(source="agent", limit=2, offset=2) == (3, 1)
    assert found(article="reset-password", status="pending") == (1, 1)
    assert found(article="vpn") == (0, 0)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"source": "rumour"}, "source"),
        ({"status": "x"}, "status"),
        ({"limit": 0}, "limit"),
        ({"offset": -1}, "offset"),
    ],
)
def test_a_filter_that_is_none_is_named(client: TestClient, given: dict[str, Any], field: str) -> None:
    reply = client.get("/api/v1/learned", params=given, headers=AUTHORS)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert [entry["field"] for entry in reply.json()["errors"]] == [field]


ROUTES = [
    ("GET", "/api/v1/learned/nothing"),
    ("DELETE", "/api/v1/learned/nothing"),
    ("POST", "/api/v1/learned/nothing/restore"),
    ("POST", "/api/v1/learned/nothing/accept"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_id_is_told(client: TestClient, method: str, path: str) -> None:
    reply = client.request(method, path, headers=AUTHORS)
    assert (reply.status_code, reply.json()["code"]) == (404, "learned_unknown")
    assert reply.json()["detail"] == "There is no learned question with the id 'nothing'."


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/learned"), *ROUTES])
def test_only_the_author_s_token_opens_it(client: TestClient, method: str, path: str) -> None:
    for headers, told in (({}, (401, "unauthorized")), (bearer(AGENT), (403, "forbidden"))):
        reply = client.request(method, path, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == told


def test_what_another_process_learns_is_taken_up_at_the_next_look(
    client: TestClient, app_settings: Settings, data: Path
) -> None:
    solve(client)
    (row,) = listed(client)
    library = client.app.state.desk.library  # type: ignore[attr-defined]
    assert library.refresh() is False

    store, engine = open_learning(app_settings)
    store.remove(row["id"])
    engine.dispose()

    assert library.refresh() is True
