"""Solved tickets like a new one, found by meaning with the encoders of the snapshot in use."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot import privacy
from bot.errors import StoreUnavailable
from bot.library import Library
from bot.models import MAX_QUESTION
from bot.solved import SolvedStore, SolvedTicket
from kb.embedding import Embedder, Vectors
from kb.learned import MAX_CHARACTERS, whole
from kb.routing import readers
from kb.search import Query, Searcher
from kb.vector_cache import VectorCache, open_if_possible
from kb.vectors import FaissStore

_log = logging.getLogger(__name__)

#: A ticket less like the new one is not shown: of random pairs of one desk's tickets .3 % to 1.1 % are as near, of
#: those that helpers linked .36 in English and .43 in Italian (`bench/alike.py`, docs/quality.md).
AT_LEAST = 0.65
MOST = 3
#: How many near tickets are counted, for "solved with this article before".
_COUNTED = 50
#: How long a page waits for tickets that were not read yet, in seconds; the rest is read while nobody waits.
_PATIENCE_S = 1.0
_BATCH = 64


def similarity(cosines: Vectors, unrelated: float) -> Vectors:
    """Cosines on the scale of 0 (nothing in common) to 1 (the same words), equal for all encoders."""
    scaled: Vectors = np.clip((cosines - unrelated) / (1 - unrelated), 0.0, 1.0)
    return scaled


@dataclass(frozen=True, slots=True)
class Alike:
    """A solved ticket and how like the new one it is, AT_LEAST to 1; `articles` are the ids of those that solved it."""

    ticket: SolvedTicket
    similarity: float
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """The solved tickets most like a new one, and how many of the nearest each article solved, by its id.

    `whole` is False while some solved tickets were not read yet.
    """

    found: tuple[Alike, ...] = ()
    solved_with: dict[str, int] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Read:
    """What one encoder read: row n of the store is ticket n. `alone`: no better encoder reads it (bool, one a row)."""

    embedder: Embedder
    tickets: tuple[SolvedTicket, ...]
    store: FaissStore
    alone: NDArray[np.bool_]

    @classmethod
    def nothing(cls, embedder: Embedder) -> _Read:
        return cls(embedder, (), FaissStore.of(np.empty((0, embedder.dimension), np.float32)), np.empty(0, bool))

    def only(self, keys: Collection[str]) -> _Read:
        """Those with one of `keys`."""
        kept = np.array([n for n, ticket in enumerate(self.tickets) if ticket.key in keys], np.int64)
        tickets = tuple(self.tickets[n] for n in kept.tolist())
        return _Read(self.embedder, tickets, FaissStore.of(self.store.rows(kept)), self.alone[kept])

    def plus(self, tickets: Sequence[SolvedTicket], vectors: Sequence[Vectors], alone: Sequence[bool]) -> _Read:
        if not tickets:
            return self
        held = self.store.rows(np.arange(self.store.size))
        return _Read(
            self.embedder,
            (*self.tickets, *tickets),
            FaissStore.of(np.concatenate([held, np.array(vectors, np.float32)])),
            np.concatenate([self.alone, np.array(alone, bool)]),
        )


class SolvedTickets:
    """Finds solved tickets like a new one. Nothing is read before somebody asks.

    `cache` is the file of vectors that builds use, so that a start embeds only what is new. `clock` counts seconds.
    """

    def __init__(
        self,
        store: SolvedStore,
        library: Library,
        cache: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._library, self._cache, self._clock = store, library, cache, clock
        self._lock = threading.Lock()
        self._searcher: Searcher | None = None
        self._revision: tuple[int, ...] | None = None
        self._read: tuple[_Read, ...] = ()
        self._known: frozenset[str] = frozenset()
        self._waiting: list[str] = []

    def refresh(self) -> None:
        """Goes on reading, for a second at most, if anybody ever asked. Called every few seconds."""
        if self._searcher is not None:
            self._take_up()

    def like(
        self,
        subject: str,
        body: str = "",
        lang: str | None = None,
        *,
        readable: Callable[[str], bool] = lambda _: True,
        leave_out: Collection[str] = (),
        limit: int = MOST,
    ) -> Similar:
        """At most `limit` solved tickets, the nearest first, each once however many articles solved it.

        `readable` says which articles may be named; a ticket that only others solved is not shown. Tickets whose
        origin is in `leave_out` are not found. Where the database does not answer, what was read before is searched.
        """
        subject = privacy.mask(privacy.printable(subject)).strip()[:MAX_QUESTION]
        body = privacy.mask(privacy.printable(body)).strip()[:MAX_CHARACTERS]
        if not subject and not body:
            return Similar()
        try:
            self._take_up()
        except StoreUnavailable as error:
            _log.error("solved tickets are searched as they were read last: %s", error)
        hits = [
            (score, ticket)
            for score, ticket in self._near(subject, body, lang)
            if ticket.origin not in leave_out and (readable(ticket.article) if ticket.article else ticket.text)
        ]
        solved_with: dict[str, set[str]] = {}
        for _, ticket in hits:
            if ticket.article:
                solved_with.setdefault(ticket.article, set()).add(ticket.full)
        groups: dict[tuple[str, int | None], list[tuple[float, SolvedTicket]]] = {}
        for score, ticket in hits:
            groups.setdefault((ticket.full, ticket.number), []).append((score, ticket))
        found = tuple(
            Alike(same[0][1], same[0][0], tuple(dict.fromkeys(ticket.article for _, ticket in same if ticket.article)))
            for same in list(groups.values())[:limit]
        )
        counts = {article: len(texts) for article, texts in solved_with.items()}
        return Similar(found, counts, whole=not self._waiting)

    def _near(self, subject: str, body: str, lang: str | None) -> list[tuple[float, SolvedTicket]]:
        """The nearest of all encoders, best first: the best encoder for the ticket searches all that it read, the
        others what it cannot read."""
        read, searcher = self._read, self._library.searcher
        spoken = searcher.language(Query(subject, body, lang))
        order = readers([part.embedder for part in read], spoken) if read else ()
        found: list[tuple[float, SolvedTicket]] = []
        for part in sorted(read, key=lambda part: part.embedder is not order[0]):
            allowed = None if part.embedder is order[0] else np.flatnonzero(part.alone).astype(np.int64)
            vector = part.embedder.embed_queries([whole(subject, body)])
            cosines, rows = part.store.search(vector, _COUNTED, allowed)
            scores = similarity(cosines[0], part.embedder.unrelated)
            found += [
                (float(score), part.tickets[row])
                for score, row in zip(scores, rows[0].tolist(), strict=True)
                if score >= AT_LEAST
            ]
        return sorted(found, key=lambda pair: -pair[0])

    def _take_up(self) -> None:
        """Reads what is new, the last solved first, for as long as a page may wait.

        Somebody else who reads already is waited for just as long. Raises StoreUnavailable.
        """
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            self._look()
            if self._waiting:
                self._go_on(self._clock() + _PATIENCE_S)
        finally:
            self._lock.release()

    def _look(self) -> None:
        searcher, revision = self._library.searcher, self._store.revision()
        embedders = [encoded.embedder for encoded in searcher.snapshot.encoders]
        if [part.embedder.fingerprint for part in self._read] != [embedder.fingerprint for embedder in embedders]:
            self._read, self._known, self._revision = tuple(map(_Read.nothing, embedders)), frozenset(), None
        elif searcher is not self._searcher:  # the same weights; those of the snapshot before need not stay in memory
            pairs = zip(self._read, embedders, strict=True)
            self._read = tuple(replace(part, embedder=embedder) for part, embedder in pairs)
        self._searcher = searcher
        if revision == self._revision:
            return
        keys = self._store.keys()
        if gone := self._known - set(keys):
            self._known -= gone
            self._read = tuple(part.only(self._known) for part in self._read)
        self._waiting = [key for key in keys if key not in self._known]
        self._revision = revision

    def _go_on(self, until: float) -> None:
        """Reads batches until the clock says `until`, at least one."""
        searcher = self._library.searcher
        embedders = [part.embedder for part in self._read]
        made: list[tuple[list[SolvedTicket], list[Vectors], list[bool]]] = [([], [], []) for _ in embedders]
        taken = 0
        with open_if_possible(self._cache) as cache:
            while taken < len(self._waiting):
                batch = self._store.read(self._waiting[taken : taken + _BATCH])
                taken += _BATCH
                routes = [
                    readers(embedders, searcher.language(Query(each.subject, each.body, each.lang or None)))
                    for each in batch
                ]
                for embedder, (tickets, vectors, alone) in zip(embedders, made, strict=True):
                    mine = [(each, route) for each, route in zip(batch, routes, strict=True) if embedder in route]
                    tickets += [each for each, _ in mine]
                    alone += [route[0] is embedder for _, route in mine]
                    vectors += vectors_of(embedder, [each.full for each, _ in mine], cache)
                if self._clock() >= until:
                    break
        self._read = tuple(part.plus(*new) for part, new in zip(self._read, made, strict=True))
        self._known |= set(self._waiting[:taken])
        self._waiting = self._waiting[taken:]


def vectors_of(embedder: Embedder, texts: Sequence[str], cache: VectorCache | None) -> list[Vectors]:
    """Texts as questions; those that a search learned from were embedded before."""
    found: dict[str, Vectors] = {}
    if cache:
        keys = {text: cache.key(embedder.fingerprint, "query", text) for text in texts}
        found = {text: vector for text, key in keys.items() if (vector := cache.get(key)) is not None}
    missing = list(dict.fromkeys(text for text in texts if text not in found))
    if missing:
        made = embedder.embed_queries(missing)
        found |= dict(zip(missing, made, strict=True))
        if cache:
            cache.put([keys[text] for text in missing], made)
    return [found[text] for text in texts]
