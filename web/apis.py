"""What the HTTP API, version 1, has beside asking and reading: for agents, authors, operators and other programs."""

from __future__ import annotations

from web import (
    api,
    beside_api,
    gaps_api,
    outbox_api,
    publishing_api,
    push_webhook,
    reports_api,
    tickets_api,
    webhooks,
    widget,
)

router = api.part()
for each in (
    tickets_api,
    widget,
    outbox_api,
    webhooks,
    push_webhook,
    publishing_api,
    beside_api,
    gaps_api,
    reports_api,
):
    router.include_router(each.router)
