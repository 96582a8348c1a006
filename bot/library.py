"""Holds the snapshot in use and takes up newer articles and learned questions while questions are being answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from bot.errors import StoreUnavailable
from bot.learning import LearningStore
from kb.errors import KbError, SnapshotDamaged
from kb.learned import LearnedQuestion
from kb.models import PUBLIC
from kb.place import FolderPlace, Place
from kb.search import Query, Searcher
from kb.snapshot import Snapshot, current_id, open_snapshot
from kb.vector_cache import cache_file

_log = logging.getLogger(__name__)


class _Held:
    """What one request reads from; nothing once it is over, whoever still carries its context."""

    def __init__(self, library: Library, searcher: Searcher) -> None:
        self.library: Library | None = library
        self.searcher = searcher


_held: ContextVar[_Held | None] = ContextVar("held", default=None)


class Library:
    """Opens the snapshot in use; `searcher` always is a whole, verified one, and within `held` always the same.

    `learning` has the questions the searcher learned, `place` says which snapshot is in use (the data folder, where
    none is given), `open_folder` opens it. `told` is called with every snapshot that is taken up, and with every one
    that is refused and why. Raises a SnapshotError from the constructor where there is no snapshot to begin with.
    """

    def __init__(
        self,
        data: Path,
        learning: LearningStore | None = None,
        place: Place | None = None,
        open_folder: Callable[[Path], Snapshot] = open_snapshot,
    ) -> None:
        self._data, self._learning, self._open = data, learning, open_folder
        self.told: Callable[[str, str], None] = lambda snapshot_id, refused: None
        self.place: Place = place or FolderPlace(data)
        self._lock = threading.Lock()
        self._refused: tuple[str, int] | None = None
        self.refused = ""
        self._silent = False
        self._revision: int | None = None
        self._learned: tuple[LearnedQuestion, ...] = ()
        self._store_fails = False
        self._hear_of_learned()
        self.searcher = self._begin()
        self.place.uses(self._searcher.snapshot.id)

    @property
    def searcher(self) -> Searcher:
        held = _held.get()
        return held.searcher if held is not None and held.library is self else self._searcher

    @searcher.setter
    def searcher(self, searcher: Searcher) -> None:
        self._searcher = searcher
        held = _held.get()
        if held is not None and held.library is self:  # who asks for a newer one within a request gets it
            held.searcher = searcher

    @contextmanager
    def held(self) -> Iterator[None]:
        """Until the end of the block whoever runs in this context reads from the searcher of now.

        What a request says never comes from two snapshots, however many of its parts look at the library.
        """
        held = _Held(self, self._searcher)
        token = _held.set(held)
        try:
            yield
        finally:
            held.library = None  # a task that was started meanwhile may live on with this context
            _held.reset(token)

    def _begin(self) -> Searcher:
        """The snapshot in use or, where that one is damaged, the last published before it that can be used."""
        wanted = "", 0
        try:
            wanted = self.place.wanted()
            return self._load(wanted[0])
        except StoreUnavailable as error:
            known = current_id(self._data)
            _log.error("the snapshot used here before, %s, is in use: %s", known, error)
            return self._searcher_of(self._open(FolderPlace(self._data).fetch(known)))
        except KbError as error:
            order = self.place.published() if wanted[0] else ()
            for earlier in reversed(order[: order.index(wanted[0])] if wanted[0] in order else order):
                with suppress(KbError):
                    searcher = self._load(earlier)
                    _log.error("snapshot %s is refused, %s is in use: %s", wanted[0], earlier, error)
                    self._refused, self.refused = wanted, str(error)
                    return searcher
            raise

    def _load(self, snapshot_id: str) -> Searcher:
        snapshot = self._open(self.place.fetch(snapshot_id))
        if snapshot.id != snapshot_id:
            raise SnapshotDamaged(f"{snapshot.folder} holds the snapshot {snapshot.id}. Build {snapshot_id} again.")
        return self._searcher_of(snapshot)

    def _searcher_of(self, snapshot: Snapshot) -> Searcher:
        searcher = Searcher(snapshot)
        if self._learned:
            searcher = searcher.with_learned(self._learned, cache_file(self._data))
        warm(searcher)
        return searcher

    def refresh(self) -> bool:
        """Takes up the snapshot in use and what is learned, if either changed; returns whether it did.

        A snapshot that is damaged or foreign is logged once and refused: the one in use stays, and `refused` has the
        reason. Where the database does not answer, all stays as it was.
        """
        with self._lock:
            # The first look, not the start, makes what is found while a question is typed: 0.2 s for 2,448 articles.
            self.searcher.typeahead(frozenset({PUBLIC}))
            learned_more = self._hear_of_learned()
            took_up = self._take_up_snapshot()
            if learned_more and not took_up:
                self.searcher = self._searcher.with_learned(self._learned, cache_file(self._data))
            self.place.uses(self._searcher.snapshot.id)
            return took_up or learned_more

    def _hear_of_learned(self) -> bool:
        """Reads the learned questions where they changed; returns whether they did."""
        if self._learning is None:
            return False
        try:
            revision = self._learning.revision()
            if revision == self._revision:
                return False
            self._learned, self._revision = self._learning.active(), revision
        except StoreUnavailable as error:
            if not self._store_fails:
                _log.error("what was learned stays as it is: %s", error)
            self._store_fails = True
            return False
        self._store_fails = False
        return True

    def _take_up_snapshot(self) -> bool:
        wanted, in_use = ("", 0), self._searcher.snapshot.id
        try:
            wanted = self.place.wanted()
            self._silent = False
            if wanted[0] == in_use:
                self._refused, self.refused = None, ""
            if wanted[0] == in_use or wanted == self._refused:
                return False
            searcher = self._load(wanted[0])
            searcher.typeahead(frozenset({PUBLIC}))
            self.searcher = searcher
        except StoreUnavailable as error:  # no word on the snapshot: the next look tries again
            if not self._silent:
                _log.error("snapshot %s stays in use: %s", in_use, error)
            self._silent = True
            return False
        except (KbError, OSError) as error:
            if wanted != self._refused:
                _log.error("snapshot %s is refused, %s stays in use: %s", wanted[0], in_use, error)
                self.told(wanted[0], str(error))
            self._refused, self.refused = wanted, str(error)
            return False
        self._refused, self.refused = None, ""
        _log.info("snapshot %s is in use", wanted[0])
        self.told(wanted[0], "")
        return True


def warm(searcher: Searcher) -> None:
    """Asks a first question in every language, so that encoders, index and heads have what readers need.

    The first question pays for allocations: no reader's is to be the first.
    """
    titles = {e.article.lang: e.article.title for e in reversed(searcher.snapshot.entries)}
    for lang, title in titles.items():
        searcher.rank(Query(title, lang=lang))
