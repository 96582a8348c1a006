"""The routes of all pages."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from fastapi.routing import APIRoute

from web.pages import (
    account,
    asking,
    beside,
    drafts,
    feedback,
    flags,
    gaps,
    inbox,
    inbox_ticket,
    learned,
    outbox,
    panel,
    people,
    publishing,
    reading,
    reference,
    report_spike,
    reports,
    signing_in,
    site,
    sitemap,
    ticket,
    ticket_followed,
    widget,
)

router = APIRouter(include_in_schema=False)
# `reading` comes last: its addresses begin with a language, which any word could be.
for part in (
    report_spike,
    account,
    asking,
    beside,
    drafts,
    feedback,
    flags,
    gaps,
    inbox,
    inbox_ticket,
    learned,
    outbox,
    panel,
    people,
    publishing,
    reference,
    reports,
    signing_in,
    site,
    sitemap,
    ticket,
    ticket_followed,
    widget,
    reading,
):
    for route in part.router.routes:  # to include a router works each of its routes out again
        cast(APIRoute, route).include_in_schema = False
    router.routes += part.router.routes
