"""Signed webhooks of another desk, signed by the specification's own library and by openssl."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from bot.handoff.signing import SignatureInvalid, key_of, sign, verify
from tests.conftest import PROJECT
from tests.web.site import ARTICLES, SECRET, Site, open_site

WHSEC = "whsec_" + base64.b64encode(b"thirty-two random bytes, or more").decode()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOLVED = {
    "id": "4711",
    "subject": "tunnel thing is broken",
    "body": "Call me on +48 601 234 567.",
    "text": "Hi, see https://help.example/en/articles/vpn#steps. Bye",
    "desk_field": "ignored",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("bot.courier.Courier.start", lambda _self: None)
    given = {
        "webhook_secret": WHSEC,
        "base_url": "https://help.example",
        "handoff": "webhook",
        "handoff_url": "http://127.0.0.1:1",
        "outgoing_private_hosts": ("127.0.0.1",),
        "handoff_secret": WHSEC,
    }
    with open_site(tmp_path, ARTICLES, **given) as site:
        site.set_clock(NOW)
        yield site


def post(site: Site, what: str, data: Any, *, message: str = "msg_1", at: datetime = NOW, **wrong: str) -> Any:
    body = data if isinstance(data, str) else json.dumps(data)
    headers = {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(WHSEC).sign(message, at, body),
        "content-type": "application/json",
        **{name.replace("_", "-"): value for name, value in wrong.items()},
    }
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    return site.client.post(f"/api/v1/webhooks/{what}", content=body, headers=sent)


def notes(site: Site) -> list[dict[str, str]]:
    return [row.letter.payload for row in site.app.state.outbox.find().rows if row.letter.kind == "note"]


def test_a_new_ticket_gets_a_note_with_articles_for_agents_once(site: Site) -> None:
    asked = {"id": "4711", "subject": "how do I verify a caller", "email": "ann@example.com"}

    first, again = post(site, "ticket-created", asked), post(site, "ticket-created", asked)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["noted"]
    assert first.json()["suggested"][0] == "verify-caller"
    (note,) = notes(site)
    assert note["to"] == "4711"
    assert f"\n1. Quixotic check of a caller ({SECRET})\n" in note["text"]
    assert "\n   https://help.example/en/articles/verify-caller" in note["text"]
    assert "team-only" not in json.dumps([note, first.json()])
    assert site.questions == []


def test_by_mail_which_knows_no_internal_notes_only_public_articles_go_back(tmp_path: Path) -> None:
    given = {"smtp_url": "smtp://127.0.0.1:1", "mail_from": "desk@help.example", "handoff_to": "inbox@desk.example"}
    with open_site(tmp_path, ARTICLES, webhook_secret=WHSEC, handoff="smtp", **given) as site:
        site.set_clock(NOW)
        reply = post(site, "ticket-created", {"id": "4711", "subject": f"verify a caller {SECRET} who lost a password"})
        assert reply.json()["suggested"]
        assert "verify-caller" not in reply.json()["suggested"]
        assert SECRET not in json.dumps(notes(site))


def test_a_solved_ticket_teaches_at_once_and_once_with_personal_data_masked(site: Site) -> None:
    first = post(site, "ticket-solved", SOLVED)
    again = post(site, "ticket-solved", {**SOLVED, "subject": "another"}, at=NOW + timedelta(minutes=1))

    assert [reply.status_code for reply in (first, again)] == [202, 202]
    assert first.json() == {"article_id": "vpn"}
    learning = site.app.state.desk.learning
    (row,) = learning.find().rows
    assert (row.text, row.body, row.source) == ("tunnel thing is broken", "Call me on [phone].", "agent")
    assert [trace.origin for trace in learning.get(row.id).traces] == ["desk:4711"]
    found = site.client.get("/api/v1/suggest", params={"q": "tunnel thing is broken"}).json()["suggestions"]
    assert found[0]["article_id"] == "vpn"


@pytest.mark.parametrize(
    ("solved_at", "learned_at"),
    [
        ("2026-11-20T08:00:00+02:00", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20T08:00:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", datetime(1990, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", NOW),
    ],
)
def test_a_ticket_was_solved_when_its_desk_says_within_reason(site: Site, solved_at: str, learned_at: datetime) -> None:
    assert post(site, "ticket-solved", {**SOLVED, "solved_at": solved_at}).status_code == 202
    assert site.app.state.desk.learning.find().rows[0].at == learned_at


@pytest.mark.parametrize(
    ("told", "article"),
    [
        ({"article_id": "vpn", "text": ""}, "vpn"),
        ({"article_id": "no-such"}, ""),
        ({"text": "https://other.example/en/articles/vpn"}, ""),
        ({"text": "Restart it."}, ""),
        ({"text": "See http://[server]/path and https://help.example/en/articles/vpn."}, "vpn"),
    ],
)
def test_only_an_article_of_ours_is_learned(site: Site, told: dict[str, str], article: str) -> None:
    assert post(site, "ticket-solved", {**SOLVED, **told}).json() == {"article_id": article}
    assert site.app.state.desk.learning.find().total == (1 if article else 0)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"webhook_signature": "v1,AAAA"}, "signature_invalid"),
        ({"webhook_signature": ""}, "signature_invalid"),
        ({"webhook_signature": "v1,\xb3"}, "signature_invalid"),
        ({"webhook_id": "msg_2"}, "signature_invalid"),
        ({"webhook_id": ""}, "signature_invalid"),
        ({"webhook_timestamp": "1"}, "signature_invalid"),
        ({"webhook_timestamp": "soon"}, "signature_invalid"),
        ({"at": NOW - timedelta(minutes=6)}, "timestamp_out_of_range"),
        ({"at": NOW + timedelta(minutes=6)}, "timestamp_out_of_range"),
    ],
)
def test_what_is_forged_or_old_has_no_effect(site: Site, wrong: dict[str, Any], code: str) -> None:
    reply = post(site, "ticket-solved", SOLVED, **wrong)

    assert (reply.status_code, reply.json()["code"]) == (401, code)
    assert site.app.state.desk.learning.find().total == 0


def test_a_body_is_read_only_once_its_signature_was_right(site: Site) -> None:
    assert post(site, "ticket-solved", "{", webhook_signature="v1,AAAA").json()["code"] == "signature_invalid"
    assert post(site, "ticket-solved", "{").json()["code"] == "invalid_request"
    missing = post(site, "ticket-solved", {"id": "1"}, message="msg_3")
    assert [field["field"] for field in missing.json()["errors"]] == ["subject"]
    # What was refused may come again, mended.
    assert post(site, "ticket-solved", SOLVED, message="msg_3").json() == {"article_id": "vpn"}


def test_without_a_secret_webhooks_are_closed(tmp_path: Path) -> None:
    with open_site(tmp_path, {"en/vpn.md": ARTICLES["en/network/vpn.md"]}) as site:
        reply = post(site, "ticket-created", {"id": "1", "subject": "x"})
    assert (reply.status_code, reply.json()["code"]) == (403, "closed")


def test_our_signatures_are_those_of_the_specification() -> None:
    """The vector is the one of its libraries' own tests."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = sign(key_of(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    at = datetime.fromtimestamp(1614265330, UTC)
    verify(key_of(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", f"v1,AAAA v2,x {made}", body, at)
    with pytest.raises(SignatureInvalid):
        verify(key_of(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", made, body + b" ", at)


def test_the_example_of_the_documentation_signs_with_openssl(site: Site, tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "handoff.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sh\n(BODY=.*?)```", page, re.DOTALL)
    script = script.replace("curl", "printf '%s\\n'").replace("$(date +%s)", str(int(NOW.timestamp())))
    ran = subprocess.run(
        ["bash", "-eu", "-c", script], env={"PATH": "/usr/bin:/bin", "WEBHOOK_SECRET": WHSEC}, capture_output=True,
        text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    lines = ran.stdout.splitlines()
    headers = dict(line.split(": ", 1) for line in lines if line.startswith(("webhook-", "content-type")))
    body = lines[lines.index("--data-binary") + 1]

    reply = site.client.post("/api/v1/webhooks/ticket-solved", content=body, headers=headers)

    assert (reply.status_code, reply.json()) == (202, {"article_id": "reset-password"})
