"""Addresses that are needed before the pages that have them are loaded."""

from __future__ import annotations

from urllib.parse import urlencode

from bot.reports.spikes import Spike

OPENAPI = "/api/v1/openapi.json"
PANEL = "/agent/panel"
SPIKE_PAGE = "/authors/reports/spike"


def spike_page(spike: Spike) -> str:
    """The page of a spike on this site."""
    return f"{SPIKE_PAGE}?{urlencode({'day': spike.day.isoformat(), 'kind': spike.kind, 'name': spike.name})}"
