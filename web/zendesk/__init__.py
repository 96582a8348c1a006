"""The parts of Zendesk's API that its clients use to search, read, vote, ask and open tickets: below /api/v2."""

from __future__ import annotations

from fastapi import APIRouter, Request

from web.problems import ApiError
from web.zendesk import answer_bot, articles, requests, search, sections, tickets, users, votes
from web.zendesk.routes import ZendeskRoute

router = APIRouter(prefix="/api/v2", include_in_schema=False)
for part in (search, articles, sections, votes, answer_bot, requests, tickets, users):
    router.include_router(part.router)


async def _nothing_here(request: Request) -> None:
    raise ApiError(404, "endpoint_unknown", f"There is no {request.method} {request.url.path} here.")


router.add_api_route(
    "/{path:path}",
    _nothing_here,
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    route_class_override=ZendeskRoute,
)
