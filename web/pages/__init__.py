"""The pages of the help centre, rendered on the server; they work without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

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
    reports,
    signing_in,
    site,
    sitemap,
    ticket,
    ticket_followed,
    widget,
)
from web.pages.failures import error_page

router = APIRouter(include_in_schema=False)
# `reading` comes last: its addresses begin with a language, which any word could be.
for part in (
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
    router.include_router(part.router)

__all__ = ["error_page", "router"]
