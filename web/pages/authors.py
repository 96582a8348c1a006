"""The authors' page: what people asked and no article answered, for who works on articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.gaps import GAP_KINDS, Gap, GapKind, gaps
from bot.reports.deflection import Deflection
from bot.service import HelpDesk
from kb.links import article_path
from web.auth import enter
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import tidy
from web.pages.templates import page
from web.words import N_

router = APIRouter(route_class=PageRoute)

#: What the filter offers, in days; 0 is all time.
_PERIODS = (7, 30, 90, 0)
_USUAL_PERIOD = 30
_ROWS = 200
_MAX_SEARCH = 200
_KIND_NAMES: dict[GapKind, str] = {
    "unanswered": N_("No article found"),
    "rejected": N_("Answer did not help"),
    "ticket": N_("Became a ticket"),
}
#: Name and meaning of each rate, in the words of the report.
_RATES = (
    ("confirmed", N_("Confirmed"), N_("said that it solved it, of all who were shown an article")),
    (
        "assumed",
        N_("Assumed"),
        N_("sent no ticket within 24 hours, of all who were shown an answer at least a day ago"),
    ),
    ("returned", N_("Returned"), N_("sent a ticket within 7 days after all, of the confirmed and assumed")),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the gaps to show."""

    kind: GapKind | None
    lang: str
    text: str
    days: int

    @classmethod
    def of(cls, request: Request) -> Filter:
        """The filter of an address; a value that is none of ours counts as not given."""
        query = request.query_params
        days = query.get("days", "")
        return cls(
            kind=next((kind for kind in GAP_KINDS if kind == query.get("kind")), None),
            lang=query.get("in", "") if query.get("in", "").isalpha() and len(query.get("in", "")) == 2 else "",
            text=tidy(query.get("text", "")).strip()[:_MAX_SEARCH],
            days=int(days) if days in map(str, _PERIODS) else _USUAL_PERIOD,
        )

    def since(self, now: datetime) -> datetime | None:
        return now - timedelta(days=self.days) if self.days else None

    @property
    def narrows(self) -> bool:
        return bool(self.kind or self.lang or self.text)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of the report: `share` 0 to 1, None where there is nothing to divide by."""

    name: str
    meaning: str
    share: float | None
    count: int
    of: int


@router.get("/authors")
def authors(request: Request) -> Response:
    enter(request, "authoring")
    desk: HelpDesk = request.app.state.desk
    known, wanted, now = catalogue(request), Filter.of(request), desk.now()
    since = wanted.since(now)
    found = gaps(desk.events, since=since, kind=wanted.kind, lang=wanted.lang or None, containing=wanted.text)
    snapshot = desk.library.searcher.snapshot
    values = {
        "filter": wanted,
        "periods": _PERIODS,
        "kinds": _KIND_NAMES,
        "gaps": [(gap, _shown(known, gap)) for gap in found[:_ROWS]],
        "total": len(found),
        "asked": sum(gap.count for gap in found),
        "rates": _rates(request, now, since),
        "skipped": [skipped for skipped in snapshot.skipped if not skipped.harmless],
        "counts": snapshot.manifest["counts"],
    }
    return page(request, "authors.html", values, private=True)


def _shown(known: Catalogue, gap: Gap) -> list[tuple[str, str]]:
    """(title, address) of the articles that were shown; those that are gone keep their id and have no address."""
    order = known.order(gap.langs[0] if gap.langs else known.default_lang)
    rows: list[tuple[str, str]] = []
    for article_id in gap.shown:
        written = known.by_id.get(article_id, {})
        article = next((written[lang] for lang in order if lang in written), None)
        rows.append((article.title, article_path(article.key)) if article else (article_id, ""))
    return rows


def _rates(request: Request, now: datetime, since: datetime | None) -> list[Rate]:
    request.app.state.reports.current()
    counted: Deflection = request.app.state.reports.desk.deflection(now, since)
    counts = {"confirmed": counted.confirmed, "assumed": counted.assumed, "returned": counted.returned}
    rates = counted.rates
    return [Rate(name, meaning, rates[key].share, counts[key], rates[key].of) for key, name, meaning in _RATES]
