"""Reports for authors: what the desk gets and spares, what each article does, and the same as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.reports.articles import NOTHING
from bot.reports.before import Comparison, compared
from bot.reports.desk import DIMENSIONS, UNITS, Dimension, Unit, Wanted, period
from bot.reports.reports import Reports
from bot.reports.spikes import Spike
from web.addresses import spike_page
from web.auth import enter, viewer
from web.pages import report_figures, report_rows, report_tables, report_time
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import page_number, tidy
from web.pages.report_notice import visible
from web.pages.report_rows import ONLY, ORDERS, Only, reports_of
from web.pages.report_tables import CHANNEL_NAMES, Table
from web.pages.report_time import Span
from web.pages.templates import page
from web.pages.visit import visit

router = APIRouter(route_class=PageRoute)

_DESK, _ARTICLES = "/authors/reports", "/authors/reports/articles"
#: What the filter offers, in days; 0 is all time.
_PERIODS = (7, 30, 90, 365, 0)
_USUAL_PERIOD = 30
_ROWS, _NOTED = 100, 10
_MAX_SEARCH = 200
#: So far back the page lists spikes, and the file.
_SPIKE_DAYS, _LISTED_DAYS = 30, 90


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the desk to show."""

    days: int = _USUAL_PERIOD
    lang: str = ""
    channel: str = ""
    by: Unit = "day"
    of: Dimension = "topic"

    @classmethod
    def of_request(cls, request: Request) -> Filter:
        """The filter of an address; a value that is none of ours counts as not given."""
        query = request.query_params
        lang = query.get("in", "")
        return cls(
            days=_days(query.get("days", "")),
            lang=lang if lang.isalpha() and len(lang) == 2 else "",
            channel=query.get("channel", "") if query.get("channel", "") in CHANNEL_NAMES else "",
            by=next((unit for unit in UNITS if unit == query.get("by")), "day"),
            of=next((name for name in DIMENSIONS if name == query.get("of")), "topic"),
        )

    def wanted(self, today: date) -> Wanted:
        return Wanted(period(self.days, today), today, self.lang, self.channel)

    @property
    def query(self) -> str:
        given = {"days": str(self.days), "in": self.lang, "channel": self.channel, "by": self.by, "of": self.of}
        return urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to list, how, and which page of the list."""

    days: int = _USUAL_PERIOD
    text: str = ""
    topic: str = ""
    only: Only = ""
    order: str = "shown"
    number: int = 1

    @classmethod
    def of_request(cls, request: Request) -> ArticleFilter:
        query = request.query_params
        return cls(
            days=_days(query.get("days", "")),
            text=tidy(query.get("text", "")).strip()[:_MAX_SEARCH],
            topic=tidy(query.get("topic", ""))[:_MAX_SEARCH],
            only=next((name for name in ONLY if name == query.get("only")), ""),
            order=query.get("order", "") if query.get("order", "") in ORDERS else "shown",
            number=page_number(query.get("page", "")),
        )

    @property
    def query(self) -> str:
        given = {"days": str(self.days), "text": self.text, "topic": self.topic, "only": self.only}
        more = {"order": self.order if self.order != "shown" else "", "page": str(self.number or "")}
        return urlencode({name: value for name, value in {**given, **more}.items() if value and value != "1"})

    def address(self, **other: str | int) -> str:
        """This list with something else about it; from its first page on unless that is what is said."""
        return f"{_ARTICLES}?{replace(self, **{'number': 1, **other}).query}"  # type: ignore[arg-type]


def _days(given: str) -> int:
    return int(given) if given in map(str, _PERIODS) else _USUAL_PERIOD


@dataclass(frozen=True, slots=True)
class Look:
    """One request for a report: what is known, as of when."""

    request: Request
    reports: Reports
    known: Catalogue
    now: datetime

    @classmethod
    def of(cls, request: Request) -> Look:
        return cls(request, reports_of(request), catalogue(request), request.app.state.desk.now())

    @property
    def today(self) -> date:
        return self.reports.days.of(self.now)

    def span(self, days: int) -> Span:
        begun = self.reports.desk.begun()
        return Span(period(days, self.today) or begun or self.today, self.today, begun)

    def compared(self, wanted: Wanted, waiting: int) -> Comparison | None:
        """None also while days are being counted whose numbers would look like a change."""
        return compared(self.reports.desk, self.reports.days, self.now, wanted) if waiting <= 1 else None

    def spikes(self, days: int) -> list[Spike]:
        return visible(self.known, self.reports.spikes.since(self.today - timedelta(days=days)))

    def table(self, name: str) -> Table | None:
        """A table of the desk's report by its name; None where there is none of that name."""
        said = visit(self.request, self.known).said
        wanted = Filter.of_request(self.request)
        which = wanted.wanted(self.today)
        desk, topics = self.reports.desk, self.known.topics
        match name:
            case "rates":
                since = self.reports.days.starts(which.first) if which.first else None
                return report_tables.deflection(said, desk.deflection(self.now, since, wanted=which))
            case "volume":
                found = desk.volume(wanted.by, which, self.today)
                return report_time.volume(said, wanted.by, found, self.span(wanted.days))
            case "split":
                found = desk.split(wanted.of, which, report_rows.topic_of(self.known))
                return report_tables.split(said, wanted.of, found, topics, self._behind(wanted))
            case "spikes":
                return report_tables.spikes(said, self.spikes(_LISTED_DAYS), topics)
            case "hold-out":
                return report_tables.hold_out(said, self.reports.hold_out.effect())
            case _:
                return None

    def _behind(self, wanted: Filter) -> Callable[[str], str]:
        """Where the name in a row of the split leads; "" for nowhere."""
        to_tickets = viewer(self.request).may("tickets")

        def link(key: str) -> str:
            match wanted.of:
                case "topic" if not key:
                    return report_figures.gaps_address(wanted.days, wanted.lang)
                case "topic" if key != "?":
                    return ArticleFilter(wanted.days, topic=key).address()
                case "ticket_topic" | "department" if key and to_tickets:
                    return f"/inbox?{urlencode({'topic' if wanted.of == 'ticket_topic' else 'department': key})}"
                case "language" if key.isalpha() and len(key) == 2:
                    return f"{_DESK}?{replace(wanted, lang=key).query}"
                case "channel" if key in CHANNEL_NAMES:
                    return f"{_DESK}?{replace(wanted, channel=key).query}"
                case _:
                    return ""

        return link

    def articles(self, wanted: ArticleFilter, *, narrowed: bool = True) -> list[report_rows.ArticleRow]:
        counted = self.reports.articles.counts(period(wanted.days, self.today), self.today)
        found = report_rows.rows(self.known, visit(self.request, self.known).lang, counted)
        if not narrowed:
            return found
        return report_rows.chosen(found, text=wanted.text, topic=wanted.topic, only=wanted.only, order=wanted.order)


@router.get(_DESK)
def desk(request: Request) -> Response:
    enter(request, "authoring")
    look, wanted = Look.of(request), Filter.of_request(request)
    said = visit(request, look.known).said
    waiting, which = look.reports.current(), wanted.wanted(look.today)
    span, beside = look.span(wanted.days), look.compared(which, waiting)
    since = look.reports.days.starts(which.first) if which.first else None
    rates = look.reports.desk.deflection(look.now, since, wanted=which)
    found = look.reports.desk.volume(wanted.by, which, look.today)
    values = {
        "filter": wanted,
        "periods": _PERIODS,
        "units": report_time.UNIT_NAMES,
        "dimensions": report_tables.DIMENSION_NAMES,
        "channels": CHANNEL_NAMES,
        "waiting": waiting,
        "span": span,
        "now": look.now,
        "beside": beside,
        "rates": report_figures.rates(said, rates, beside),
        "came_in": report_figures.came_in(said, found, beside, days=wanted.days, lang=wanted.lang),
        "volume": report_time.volume(said, wanted.by, found, span),
        "split": look.table("split"),
        "spikes": [
            (spike, report_tables.spike_words(said, spike, look.known.topics), spike_page(spike))
            for spike in look.spikes(_SPIKE_DAYS)
        ],
        "effect": look.reports.hold_out.effect(),
        "hold_out": look.table("hold-out"),
        "written": report_tables.written,
    }
    return page(request, "reports.html", values, private=True)


@router.get(_DESK + "/{name}.csv")
def desk_file(request: Request, name: str) -> Response:
    """A table of the desk, or the list of articles, with the filter of the page."""
    enter(request, "authoring")
    look = Look.of(request)
    look.reports.current()
    said = visit(request, look.known).said
    if name == "articles":
        table: Table | None = report_tables.articles(
            said, look.articles(ArticleFilter.of_request(request)), look.known.topics
        )
    elif name == "article":
        article_id = tidy(request.query_params.get("id", ""))
        table = _article_days(look, article_id) if article_id in look.known.by_id else None
    else:
        table = look.table(name)
    if table is None:
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "private, no-store"}
    return Response(table.csv(visit(request, look.known).said), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(_ARTICLES)
def articles(request: Request) -> Response:
    enter(request, "authoring")
    look, wanted = Look.of(request), ArticleFilter.of_request(request)
    waiting = look.reports.current()
    everything = look.articles(wanted, narrowed=False)
    kept = report_rows.chosen(everything, text=wanted.text, topic=wanted.topic, only=wanted.only, order=wanted.order)
    pages = max(1, -(-len(kept) // _ROWS))
    number = min(wanted.number, pages)
    said = visit(request, look.known).said
    never = report_rows.chosen(everything, only="never_found", order="title")
    values = {
        "filter": wanted,
        "periods": _PERIODS,
        "waiting": waiting,
        "rows": kept[(number - 1) * _ROWS : number * _ROWS],
        "total": len(kept),
        "number": number,
        "pages": pages,
        "never": never[:_NOTED],
        "never_total": len(never),
        "rejected": report_rows.most_rejected(everything, _NOTED),
        "columns": report_tables.ARTICLE_COLUMNS,
        "topics": [(topic.slug, topic.called(said)) for topic in look.known.topics_for(said)],
        "written": report_tables.written,
        "today": look.today,
    }
    return page(request, "report_articles.html", values, private=True)


@router.get(_ARTICLES + "/{article_id:path}")
def article(request: Request, article_id: str) -> Response:
    enter(request, "authoring")
    look = Look.of(request)
    if article_id not in look.known.by_id:
        raise HTTPException(404)
    waiting, wanted = look.reports.current(), ArticleFilter.of_request(request)
    counted = look.reports.articles.counts(period(wanted.days, look.today), look.today, article_id)
    lang = visit(request, look.known).lang
    (row,) = report_rows.rows(look.known, lang, {}, only=article_id)
    values = {
        "filter": wanted,
        "periods": _PERIODS,
        "waiting": waiting,
        "row": replace(row, counts=counted.get(article_id, NOTHING)),
        "columns": report_tables.ARTICLE_COLUMNS,
        "days": _article_days(look, article_id),
        "rejected": look.reports.behind.rejected(article_id, period(wanted.days, look.today), look.today, _NOTED),
        "channels": CHANNEL_NAMES,
        "today": look.today,
        "written": report_tables.written,
    }
    return page(request, "report_article.html", values, private=True)


def _article_days(look: Look, article_id: str) -> Table:
    wanted, said = ArticleFilter.of_request(look.request), visit(look.request, look.known).said
    found = look.reports.articles.by_day(article_id, period(wanted.days, look.today), look.today)
    return report_time.article_days(said, found, look.span(wanted.days))
