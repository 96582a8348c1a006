"""The webhook that tells us of a push to the repository of the articles."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from bot.errors import RemoteUnusable
from bot.handoff.signing import SignatureInvalid, TimestampOutOfRange
from bot.publishing import push
from bot.publishing.push import Push, PushUnreadable
from web.problems import ApiError
from web.publishing import Publishing, remote_of
from web.settings import Settings
from web.webhooks import raw

router = APIRouter()

ADDRESS = "/api/v1/webhooks/push"
#: In bytes: GitHub tells all that a push changed, and sends no delivery that is larger.
LONGEST = 25_000_000


class PushedOut(BaseModel):
    publication: int | None = Field(description="Its id; none where nothing is published for it.")
    detail: str = Field(description="What is done about it, in English.")


@router.post("/webhooks/push", status_code=202, summary="Somebody pushed articles")
async def pushed(request: Request, body: Annotated[bytes, Depends(raw)]) -> PushedOut:
    """GitHub, GitLab, Gitea and Forgejo send it ([how](publishing.md)). A push to the branch that is published asks for
    a publication; all else is answered and does nothing. Signed with `push_secret`.
    """
    settings: Settings = request.app.state.settings
    secret = settings.push_secret.get_secret_value()
    if not secret:
        raise ApiError(403, "closed", "The webhook is closed. Set push_secret to open it.")
    now = request.app.state.desk.now()
    try:
        push.check(secret, request.headers, body, now)
    except SignatureInvalid:
        raise ApiError(
            401,
            "signature_invalid",
            "The signature is missing or made with another secret. Give the sender the setting push_secret.",
        ) from None
    except TimestampOutOfRange:
        detail = "webhook-timestamp is more than five minutes from our clock. Send it anew."
        raise ApiError(401, "timestamp_out_of_range", detail) from None
    try:
        told = await asyncio.to_thread(push.read, request.headers, body)
    except PushUnreadable:
        raise ApiError(
            422, "invalid_request", "The body is no JSON object. Have it sent as application/json."
        ) from None
    return await asyncio.to_thread(_take, request.app.state.publishing, settings, told)


def _take(publishing: Publishing, settings: Settings, told: Push) -> PushedOut:
    if not told.branch:
        return PushedOut(publication=None, detail="Hello. Nothing to do: this is no push to a branch.")
    try:
        branch = remote_of(settings).branch or told.main
    except RemoteUnusable as error:
        raise ApiError(409, "remote_unusable", str(error)) from None
    if branch and told.branch != branch:
        return PushedOut(publication=None, detail=f"Nothing to do: {branch} is published, not {told.branch}.")
    if told.gone:
        return PushedOut(publication=None, detail=f"Nothing to do: {told.branch} was deleted. What is in use stays.")
    asked = publishing.ask("webhook", "")
    return PushedOut(publication=asked.id, detail="It is being published, unless something has to be mended first.")
