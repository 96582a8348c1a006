"""Deliveries as GitHub, GitLab, Gitea and Forgejo send them."""

from __future__ import annotations

import hmac
import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.signing import SignatureInvalid, TimestampOutOfRange, sign
from bot.publishing.push import Push, PushUnreadable, check, read
from tests.bot.samples import NOON, after

SECRET = "a-secret-of-the-desk"
BODY = b'{"ref": "refs/heads/main"}'


def hexed(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), body, "sha256").hex()


def signed(at: int, secret: bytes = SECRET.encode()) -> dict[str, str]:
    return {"webhook-id": "w1", "webhook-timestamp": str(at), "webhook-signature": sign(secret, "w1", at, BODY)}


NOW = int(NOON.timestamp())
GOOD: dict[str, dict[str, str]] = {
    "GitHub": {"x-hub-signature-256": f"sha256={hexed()}", "x-hub-signature": "sha1=old"},
    "Gitea": {"x-gitea-signature": hexed(), "x-hub-signature-256": f"sha256={hexed()}", "x-gogs-signature": hexed()},
    "Forgejo": {"x-forgejo-signature": hexed(), "x-gitea-signature": hexed()},
    "GitLab": {"x-gitlab-token": SECRET},
    "GitLab, signed": signed(NOW),
}


@pytest.mark.parametrize("headers", GOOD.values(), ids=GOOD)
def test_who_knows_the_secret_is_let_in(headers: dict[str, str]) -> None:
    check(SECRET, headers, BODY, NOON)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature": f"sha1={hmac.digest(SECRET.encode(), BODY, 'sha1').hex()}"},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": f"sha256={hexed(b'other')}"},
        {"x-gitea-signature": hexed(secret="another-secret-of-it")},
        {"x-gitlab-token": "a-secret-of-the-des"},
        {"x-gitlab-token": "ż"},
        {"x-gitlab-token": SECRET, "x-hub-signature-256": "sha256=00"},
        {**signed(NOW), "webhook-id": "w2"},
    ],
)
def test_who_does_not_is_not(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        check(SECRET, headers, BODY, NOON)


def test_a_signature_with_a_time_is_good_for_five_minutes() -> None:
    with pytest.raises(TimestampOutOfRange):
        check(SECRET, signed(NOW), BODY, after(minutes=6))


def test_a_signing_token_of_gitlab_is_read_as_the_specification_has_it() -> None:
    token, key = "whsec_" + "QUFB" * 8, b"AAA" * 8
    check(token, signed(NOW, key), BODY, NOON)


@pytest.mark.parametrize(
    ("event", "sent", "push"),
    [
        ({"x-github-event": "push"}, {"ref": "refs/heads/main"}, Push("main")),
        (
            {"x-gitlab-event": "Push Hook"},
            {"ref": "refs/heads/a/b", "after": "1f", "project": {"default_branch": "main"}},
            Push("a/b", main="main"),
        ),
        ({"x-gitlab-event": "Push Hook"}, {"ref": "refs/heads/x", "after": "0" * 40}, Push("x", gone=True)),
        ({"x-github-event": "push"}, {"ref": "refs/heads/x", "deleted": True}, Push("x", gone=True)),
        ({"x-gitea-event": "push"}, {"ref": "refs/tags/v1"}, Push()),
        ({"x-github-event": "ping"}, {"zen": "Keep it logically awesome."}, Push()),
        ({"x-github-event": "issues"}, {"ref": "refs/heads/main"}, Push()),
        ({}, {"ref": 7}, Push()),
    ],
)
def test_what_was_pushed_is_read(event: dict[str, str], sent: dict[str, Any], push: Push) -> None:
    assert read(event, json.dumps(sent).encode()) == push


def test_a_form_is_read_as_well_as_json() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert read(form, f"payload={quote(BODY.decode())}".encode()) == Push("main")


@given(st.binary(max_size=60) | st.just(b"[" * 100_000) | st.builds(lambda n: json.dumps(n).encode(), st.integers()))
def test_nothing_that_is_sent_breaks_it(body: bytes) -> None:
    with suppress(PushUnreadable):
        read({}, body)
