"""Addresses that are needed before the pages that have them are loaded."""

from __future__ import annotations

OPENAPI = "/api/v1/openapi.json"
PANEL = "/agent/panel"
