"""What is asked for when somebody reads the metrics: the snapshot in use, what waits, connections and threads."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.errors import StoreUnavailable
from bot.library import Library
from bot.models import Outcome, Question, RecordedQuestion, Reply
from bot.pulse import Pulse, pulse
from kb.snapshot import Snapshot
from kb.stages import Stage
from web import metrics as declared
from web import request_id
from web.metrics import Metrics, Values
from web.origin import host
from web.problems import problem
from web.request_id import Networks
from web.settings import Settings
from web.siblings import Siblings

#: How old counts from the database may be, in seconds. Whoever reads never waits for them.
_COUNTED_EVERY_S = 10.0

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def exposed(request: Request) -> Response:
    """All metrics, for those whom the settings let read them; else there is no such address."""
    settings: Settings = request.app.state.settings
    token = settings.metrics_token.get_secret_value()
    if not token and not settings.metrics_from:
        return problem(404, "not_found", "There is no such address.")
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    known = bool(token) and secrets.compare_digest(given.encode(), token.encode())
    if not known and host(request) not in Networks(settings.metrics_from):
        headers = {"WWW-Authenticate": "Bearer"} if token else {}
        detail = "Metrics are read with metrics_token, or from an address in metrics_from."
        return problem(401 if token else 403, "unauthorized" if token else "forbidden", detail, None, headers)
    metrics: Metrics = request.app.state.metrics
    siblings: Siblings | None = request.app.state.siblings
    expose = partial(siblings.exposed, metrics) if siblings else metrics.exposed
    # Not in the threads that answer requests: whether these are all busy is what somebody wants to know.
    body, media_type = await anyio.to_thread.run_sync(
        expose, request.headers.get("accept", ""), limiter=anyio.CapacityLimiter(1)
    )
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


class Counting:
    """Counts questions and what became of them; `languages` are those that articles are written in."""

    def __init__(self, metrics: Metrics, languages: Callable[[], tuple[str, ...]]) -> None:
        self._metrics, self._languages = metrics, languages

    def asked(self, question: Question, reply: Reply, lang: str, seconds: Mapping[Stage, float]) -> None:
        if trace := request_id.current():
            trace.decision = reply.decision
        language = lang if lang in self._languages() else "other" if lang else "unknown"
        count, observe = self._metrics.count, self._metrics.observe
        count(declared.ASKS, decision=reply.decision, language=language, channel=question.channel)
        observe(declared.CONFIDENCE, reply.confidence, decision=reply.decision)
        observe(declared.ASK_SECONDS, sum(seconds.values()))
        for stage, spent in seconds.items():
            observe(declared.STAGE_SECONDS, spent, stage=stage)

    def judged(self, asked: RecordedQuestion, outcome: Outcome) -> None:
        """Only of the first article is there a confidence."""
        if asked.shown and outcome.article_id in ("", asked.shown[0]):
            tenth = min(9, int(asked.confidence * 10))
            self._metrics.count(declared.JUDGED, outcome=outcome.outcome, confidence=f"0.{tenth}")


class Readings:
    """Tells the metrics what others know. `refresh` looks into the database, at most every ten seconds."""

    def __init__(self, metrics: Metrics, library: Library, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._library, self._engine, self._now = library, engine, now
        self._pulse: Pulse | None = None
        self._up, self._counted = 1.0, datetime.min.replace(tzinfo=UTC)
        self._threads: anyio.CapacityLimiter | None = None
        metrics.read(declared.INFO, lambda: {(version("firstline"), self._snapshot.id): 1.0})
        metrics.read(declared.SNAPSHOT_AGE, self._age)
        metrics.read(declared.ARTICLES, lambda: self._snapshot.manifest["counts"]["articles"])
        metrics.read(declared.PASSAGES, lambda: self._snapshot.manifest["counts"]["passages"])
        metrics.read(declared.DATABASE_UP, lambda: self._up)
        metrics.read(declared.OUTBOX, lambda: {(name,): n for name, n in self._last.outbox.items()})
        metrics.read(declared.OUTBOX_OLDEST, lambda: self._last.oldest_s)
        metrics.read(declared.GAPS_OPEN, lambda: self._last.gaps_open)
        metrics.read(declared.CONNECTIONS, self._connections)
        metrics.read(declared.THREADS, self._busy)
        metrics.read(declared.WAITING, lambda: self._threads.statistics().tasks_waiting if self._threads else 0)

    def started(self) -> None:
        """Takes note of the threads that answer requests: only the event loop knows them."""
        self._threads = anyio.to_thread.current_default_thread_limiter()

    def refresh(self) -> None:
        now = self._now()
        if abs((now - self._counted).total_seconds()) < _COUNTED_EVERY_S:
            return
        self._counted = now
        try:
            self._pulse, self._up = pulse(self._engine, now), 1.0
        except StoreUnavailable:  # the metric says so; the last counts stay
            self._up = 0.0

    @property
    def _snapshot(self) -> Snapshot:
        return self._library.searcher.snapshot

    @property
    def _last(self) -> Pulse:
        return self._pulse or Pulse({}, 0.0, 0)

    def _age(self) -> float:
        created = datetime.fromisoformat(str(self._snapshot.manifest["created"]))
        return (self._now() - created).total_seconds()

    def _connections(self) -> Values:
        pool = self._engine.pool
        if not isinstance(pool, sa.pool.QueuePool):
            return {}
        limit = pool.size() + max(0, pool._max_overflow)
        return {("in_use",): pool.checkedout(), ("idle",): pool.checkedin(), ("limit",): limit}

    def _busy(self) -> Values:
        if self._threads is None:
            return {}
        return {("busy",): self._threads.borrowed_tokens, ("limit",): self._threads.total_tokens}
