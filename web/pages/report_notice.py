"""What is said of spikes above the pages of authors and agents."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from fastapi import Request

from bot.errors import StoreUnavailable
from bot.reports.spikes import Spike
from web.addresses import spike_page
from web.pages import report_tables
from web.pages.catalogue import Catalogue, catalogue
from web.pages.report_rows import reports_of
from web.words import Words

_log = logging.getLogger(__name__)

#: So many days a spike is told of, today included.
_TOLD = timedelta(days=1)


def visible(known: Catalogue, found: Iterable[Spike]) -> list[Spike]:
    """Without topics whose articles are not for the reader."""
    return [spike for spike in found if spike.kind != "topic" or spike.name in known.topics]


def new_spikes(request: Request, said: Words) -> list[tuple[str, str]]:
    """Those of today and yesterday that nobody has seen to: (in words, the address of its page).

    None where the database does not answer.
    """
    known, reports = catalogue(request), reports_of(request)
    now: datetime = request.app.state.desk.now()
    try:
        found = reports.spikes.since(reports.days.of(now) - _TOLD)
    except StoreUnavailable as error:
        _log.error("%s", error)
        return []
    return [
        (report_tables.spike_words(said, spike, known.topics), spike_page(spike))
        for spike in visible(known, found)
        if spike.seen_at is None
    ]
