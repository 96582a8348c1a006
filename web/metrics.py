"""What is counted while the server runs, for Prometheus: every metric is declared here, and only here.

No label holds what a person typed, their address, or an id: each has few values, known beforehand. A number that is
counted as things happen goes through `count` and `observe`; one that something else knows anyway, such as how much
waits, is asked for when somebody reads (`read`). docs/metrics.md is made of the declarations.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

_log = logging.getLogger(__name__)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each counter and histogram, which nobody draws

#: Seconds: from a look into memory to what nobody waits for.
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_REQUEST = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_TENTHS = tuple(number / 10 for number in range(1, 11))

#: The values of the labels of a number, in the order they are declared in, and the number.
Values = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as it is exposed. `labels` are (name, what its values are)."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[tuple[str, str], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.labels)

    @property
    def unit(self) -> str:
        """What the number is in, "" for a number of things."""
        return next((unit for unit in ("seconds", "bytes") if self.name.endswith(f"_{unit}")), "")


_ROUTE = ("route", "the template of the address, such as `/{lang}/articles/{article_id:path}`; `unmatched` for others")

ASKS = Declared(
    "firstline_asks_total",
    "counter",
    "Questions that got a reply.",
    (
        ("decision", "`answer`, `suggest` or `unanswered`"),
        ("language", "one that articles are written in, `other`, or `unknown` where the words do not tell"),
        ("channel", "where it was asked: `web`, `widget`, `ticket_form`, `agent`, `api` or `cli`"),
    ),
)
ASK_SECONDS = Declared(
    "firstline_ask_seconds", "histogram", "From a checked question to its reply, all stages.", (), _QUICK
)
STAGE_SECONDS = Declared(
    "firstline_ask_stage_seconds",
    "histogram",
    "The part of that in each stage.",
    (
        (
            "stage",
            "`encode` (the question's vectors, with waiting for a turn), `retrieve` (candidates and their evidence), "
            "`rank`, `decide`, `render` (the article's words), `store` (the log entry)",
        ),
    ),
    _QUICK,
)
CONFIDENCE = Declared(
    "firstline_ask_confidence",
    "histogram",
    "How sure the reply was that its first article is right.",
    (("decision", "as above"),),
    _TENTHS,
)
JUDGED = Declared(
    "firstline_judged_total",
    "counter",
    "What people said of the first article of a reply. Of those who say anything, solved / (solved + not_solved) "
    "against confidence is the calibration.",
    (
        ("outcome", "`solved`, `not_solved` or `opened`"),
        ("confidence", "the tenth that the confidence fell into, by its lower end: `0.0` to `0.9`"),
    ),
)
REQUESTS = Declared(
    "firstline_http_requests_total",
    "counter",
    "Requests that got a response.",
    (("method", "of HTTP; `other` for what HTTP does not know"), _ROUTE, ("status", "the status code")),
)
REQUEST_SECONDS = Declared(
    "firstline_http_request_seconds", "histogram", "From a request's head to its last byte.", (_ROUTE,), _REQUEST
)
IN_FLIGHT = Declared("firstline_http_requests_in_flight", "gauge", "Requests under way.")
PAGE_SECONDS = Declared("firstline_page_render_seconds", "histogram", "From what a page shows to its HTML.", (), _QUICK)
LOG_DROPPED = Declared(
    "firstline_log_lines_dropped_total", "counter", "Lines that were not written since nobody read the log in time."
)
INFO = Declared(
    "firstline_info",
    "gauge",
    "Always 1: what runs.",
    (("version", "of Firstline"), ("snapshot", "the id of the snapshot in use")),
)
SNAPSHOT_AGE = Declared("firstline_snapshot_age_seconds", "gauge", "Since the snapshot in use was built.")
SNAPSHOT_SWITCH = Declared(
    "firstline_snapshot_switch_total",
    "counter",
    "Snapshots that were to be taken up.",
    (("outcome", "`taken`, or `refused`: the log says why, and the one before answers on"),),
)
ARTICLES = Declared("firstline_articles", "gauge", "Articles in the snapshot in use.")
PASSAGES = Declared("firstline_passages", "gauge", "Passages in it.")
OUTBOX = Declared(
    "firstline_outbox",
    "gauge",
    "Letters in the outbox.",
    (("state", "`waiting` (not tried yet), `failing` (tried, and to be tried again) or `dead` (given up)"),),
)
OUTBOX_OLDEST = Declared(
    "firstline_outbox_oldest_seconds", "gauge", "How long the oldest letter that is not delivered waits."
)
GAPS_OPEN = Declared("firstline_gaps_open", "gauge", "Gaps that wait for an article.")
DATABASE_UP = Declared("firstline_database_up", "gauge", "1 where the database answered when it was last asked.")
CONNECTIONS = Declared(
    "firstline_database_connections",
    "gauge",
    "Connections to the database.",
    (("state", "`in_use`, `idle` or `limit`: as many as there may be"),),
)
THREADS = Declared(
    "firstline_worker_threads",
    "gauge",
    "Threads that answer requests.",
    (("state", "`busy`, or `limit`: as many as there may be"),),
)
SPOOL_DEPTH = Declared(
    "firstline_spool_depth", "gauge", "Questions and outcomes that wait on this server's disk for the database."
)
SPOOL_REFUSED = Declared(
    "firstline_spool_refused_total", "counter", "Those that neither the database nor the disk took."
)
SPOOL_ASIDE = Declared(
    "firstline_spool_set_aside_total",
    "counter",
    "Those that were set aside in a file of the spool, for a person to look at.",
    (("why", "`refused` by the database for what they hold, or `given-up`: their question is nowhere"),),
)
WAITING = Declared("firstline_requests_waiting", "gauge", "Requests that wait for one of these threads.")
SHED = Declared(
    "firstline_shed_total",
    "counter",
    "Requests that were refused because too many were under way.",
    (("kind", "`typing`, `asks`, `pages` or `tickets`"),),
)

#: All there is, as docs/metrics.md lists it.
DECLARED = (
    ASKS,
    ASK_SECONDS,
    STAGE_SECONDS,
    CONFIDENCE,
    JUDGED,
    REQUESTS,
    REQUEST_SECONDS,
    IN_FLIGHT,
    PAGE_SECONDS,
    INFO,
    SNAPSHOT_AGE,
    SNAPSHOT_SWITCH,
    ARTICLES,
    PASSAGES,
    OUTBOX,
    OUTBOX_OLDEST,
    GAPS_OPEN,
    DATABASE_UP,
    CONNECTIONS,
    THREADS,
    WAITING,
    SPOOL_DEPTH,
    SPOOL_REFUSED,
    SPOOL_ASIDE,
    SHED,
    LOG_DROPPED,
)


class Metrics:
    """The numbers of one server; several threads may count at once."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._making = threading.Lock()
        self._kept: dict[str, Counter | Histogram] = {}
        self._children: dict[tuple[object, ...], Counter | Histogram] = {}
        self._readers: dict[str, tuple[Declared, Callable[[], float | Values]]] = {}
        self._registry.register(_Reading(self._readers))
        ProcessCollector(registry=self._registry)  # memory, processor time, open files

    def count(self, declared: Declared, amount: float = 1, **labels: str) -> None:
        """Adds to a counter; raises ValueError for labels that are not declared."""
        self._child(declared, labels).inc(amount)

    def observe(self, declared: Declared, value: float, **labels: str) -> None:
        """Adds a value, seconds as a rule, to a histogram."""
        self._child(declared, labels).observe(value)

    def read(self, declared: Declared, value: Callable[[], float | Values]) -> None:
        """Has a gauge, or a counter that something else keeps, be asked for whenever somebody reads.

        `value` gives a number, or one for each combination of labels. It must be quick and wait for nothing: what has
        to be looked up in the database is looked up beforehand.
        """
        self._readers[declared.name] = (declared, value)

    def exposed(self, accept: str = "") -> tuple[bytes, str]:
        """All numbers in the format that a reader's Accept header asks for, and the media type of that."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def _child(self, declared: Declared, labels: dict[str, str]) -> Any:
        key = (declared.name, *labels.items())
        if (known := self._children.get(key)) is None:  # half the time of a look-up by labels
            metric = self._metric(declared)
            known = self._children[key] = metric.labels(**labels) if labels else metric
        return known

    def _metric(self, declared: Declared) -> Counter | Histogram:
        with self._making:
            if (known := self._kept.get(declared.name)) is None:
                name = declared.name.removesuffix("_total")
                if declared.kind == "histogram":
                    known = Histogram(
                        name, declared.help, declared.names, registry=self._registry, buckets=declared.buckets
                    )
                else:
                    known = Counter(name, declared.help, declared.names, registry=self._registry)
                self._kept[declared.name] = known
            return known


class _Reading(Collector):
    """Asks for what others know. One that cannot tell is left out, and does not take the others with it."""

    def __init__(self, readers: Mapping[str, tuple[Declared, Callable[[], float | Values]]]) -> None:
        self._readers = readers

    def collect(self) -> Iterator[Metric]:
        for declared, value in list(self._readers.values()):
            try:
                known = value()
            except Exception:
                _log.exception("%s cannot be read", declared.name)
                continue
            kind = CounterMetricFamily if declared.kind == "counter" else GaugeMetricFamily
            family = kind(declared.name, declared.help, labels=declared.names)
            for labels, number in known.items() if isinstance(known, Mapping) else [((), known)]:
                family.add_metric(labels, number)
            yield family
