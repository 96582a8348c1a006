"""Gathers what failed into gaps, names them, and closes and reopens them, a little at a time."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bot.decide import Policy
from bot.errors import GapUnknown
from bot.gaps import judge
from bot.gaps.cluster import group
from bot.gaps.failures import Failures
from bot.gaps.models import Centre, Failure, Standing, Step, Work
from bot.gaps.reading import NEWEST, Rarity, Read, read, threshold
from bot.gaps.store import GapStore
from bot.library import Library
from kb.embedding import Vectors
from kb.search import Searcher

_log = logging.getLogger(__name__)

#: How long a look of the server's watcher may work, in seconds. It begins nothing new after that.
TICK_S = 0.4
#: How many questions are taken in at once while others wait, and where nobody does; and how many are read at once.
_BATCH, _LARGE, _READ = 512, 50_000, 64
#: How many of a gap's questions are looked at to describe it, the newest.
_LOOKED_AT = 200
#: How many more questions there have to be until gaps are gathered anew: so seldom that all questions together are
#: grouped less than five times over. Fewer than so many make no gaps worth it, and a server that has more leaves it to
#: `firstline gaps`: grouping 10,000 takes some seconds.
_GROWTH, _FEWEST_ANEW, _MOST_ANEW = 1.25, 100, 10_000
_VISITS = 50


class GapKeeper:
    """Does the work on gaps. Of several servers over one database one does it at a time; a step is kept whole or not.

    `owner` names this server; `cache` is the file of vectors that builds use; `clock` counts seconds.
    """

    def __init__(
        self,
        store: GapStore,
        failures: Failures,
        library: Library,
        policy: Policy,
        now: Callable[[], datetime],
        owner: str,
        cache: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self._failures, self._library, self._policy = failures, library, policy
        self._now, self._owner, self._cache, self._clock = now, owner, cache, clock
        self._lock, self._rarity = threading.Lock(), Rarity()
        self._revision, self._centres = -1, dict[str, Centre]()
        self._moved: dict[str, tuple[str, Failure, Vectors]] = {}
        self._done: tuple[object, ...] | None = None

    def refresh(self, seconds: float | None = TICK_S) -> bool:
        """Goes on with the work for about `seconds`, to its end where None; returns whether nothing is left.

        Does nothing while another thread or server is at it. Raises StoreUnavailable.
        """
        if not self._lock.acquire(blocking=seconds is None):
            return False
        try:
            return self._work(None if seconds is None else self._clock() + seconds)
        finally:
            self._lock.release()

    def _work(self, until: float | None) -> bool:
        searcher = self._library.searcher
        seen = (searcher.snapshot.id, *self._failures.heads())
        if seen == self._done:
            return True
        if not self.store.claim(self._owner, self._now()):
            return False
        self._look(searcher)
        steps = (self._gather, self._move, self._anew, self._visit)
        whole = all(step(searcher, until) for step in steps)
        while until is None and not whole:  # something came in between, and a step was refused
            if not self.store.claim(self._owner, self._now()):
                return False
            whole = all(step(searcher, until) for step in steps)
        if whole:
            self._done = seen
            self.store.release(self._owner)
            self._revision, self._centres = -1, {}
        return whole

    def _over(self, until: float | None) -> bool:
        return until is not None and self._clock() >= until

    def _look(self, searcher: Searcher) -> None:
        work = self.store.work()
        if work.snapshot == searcher.snapshot.id:
            return
        # What there is at the first look counts as if it had always been there.
        since = self._now() if work.snapshot else datetime.min.replace(tzinfo=UTC)
        self.store.look(searcher.snapshot.id, judge.versions(searcher, work.articles, since))

    # --- gathering -------------------------------------------------------------------------------------------------

    def _gather(self, searcher: Searcher, until: float | None) -> bool:
        while True:
            work = self._load()
            news = self._failures.news(work.cursor, _LARGE if until is None else _BATCH)
            homes = self.store.homes([*(failure.key for failure in news.failures), *news.gone])
            new = [failure for failure in news.failures if failure.key not in homes]
            changed = [
                (failure, homes[failure.key][0])
                for failure in news.failures
                if failure.key in homes and homes[failure.key][1] != _without_body(failure)
            ]
            parts, all_read = self._read(searcher, new, until)
            gone = tuple(key for key in news.gone if key in homes)
            cursor = news.cursor if all_read else None
            if parts or changed or gone or cursor not in (None, work.cursor):
                step = _step(parts, self._centres, work.revision, changed, gone, cursor)
                if not self._save(step, work):
                    return False
            if not all_read or (news.more and self._over(until)):
                return False
            if not news.more:
                return True

    def _load(self) -> Work:
        work = self.store.work()
        if work.revision != self._revision:
            self._centres = {centre.id: centre for centre in self.store.centres()}
            self._revision = work.revision
        return work

    def _save(self, step: Step, work: Work) -> bool:
        """Whether it is kept; else it has to be made again of what is there now."""
        if not self.store.save(step, work.revision):
            self._revision = -1  # another server was faster, or a person: what they did is read first
            return False
        self._revision = work.revision + 1
        for gap_id in (*step.joined, *step.dropped):
            self._centres.pop(gap_id, None)
        self._centres |= {centre.id: centre for centre in step.centres}
        return True

    def _read(self, searcher: Searcher, failures: Sequence[Failure], until: float | None) -> tuple[list[Read], bool]:
        """As many as there is time for, one batch at least, in order of time; and whether that is all."""
        done: dict[str, list[Read]] = {}
        common = self._common(searcher, failures) if failures else {}
        for start in range(0, len(failures), _READ):
            if start and self._over(until):
                return _together(done), False
            for part in read(searcher, failures[start : start + _READ], self._cache, common):
                done.setdefault(part.encoder, []).append(part)
        return _together(done), True

    def _common(self, searcher: Searcher, new: Sequence[Failure] = ()) -> dict[str, float]:
        """How rare words are among the newest failures, those that are gathered and those that will be."""
        newest = [(failure.at, failure.text, failure.lang) for failure in new]
        newest = sorted([*newest, *self.store.texts(NEWEST)], reverse=True)[:NEWEST]
        return self._rarity.among(searcher, ((text, lang) for _, text, lang in newest))

    # --- another encoder -------------------------------------------------------------------------------------------

    def _move(self, searcher: Searcher, until: float | None) -> bool:
        """Where questions were read by an encoder that is gone, they are read anew and gathered anew. A gap of before
        lives on in the one that has most of its questions."""
        fingerprints = {encoded.embedder.fingerprint for encoded in searcher.snapshot.encoders}
        work = self._load()
        old = [centre.id for centre in self._centres.values() if centre.encoder not in fingerprints]
        if not old:
            return True
        return self._regroup(searcher, until, work, old, None)

    def _anew(self, searcher: Searcher, until: float | None) -> bool:
        """Gathers gaps anew on which nobody has decided, once there are a quarter more questions than the last time.

        What was joined early is never taken apart by what comes later; of all at once better gaps are made
        (docs/quality.md). Their addresses live on as after a change of the encoder.
        """
        work = self._load()
        ids, size = self.store.undecided()
        if size < max(_FEWEST_ANEW, _GROWTH * work.anew) or (until is not None and size > _MOST_ANEW):
            self._moved = {}
            return True
        return self._regroup(searcher, until, work, ids, size)

    def _regroup(
        self, searcher: Searcher, until: float | None, work: Work, old: Sequence[str], anew: int | None
    ) -> bool:
        fingerprints = {encoded.embedder.fingerprint for encoded in searcher.snapshot.encoders}
        homes = self.store.of(old)
        self._moved = {key: found for key, found in self._moved.items() if found[0] in fingerprints and key in homes}
        waiting = [key for key in homes if key not in self._moved]
        common = self._common(searcher) if waiting else {}
        for start in range(0, len(waiting), _READ):
            if start and self._over(until):
                return False
            for part in read(searcher, self._failures.read(waiting[start : start + _READ]), self._cache, common):
                for failure, vector in zip(part.failures, part.vectors, strict=True):
                    self._moved[failure.key] = part.encoder, failure, vector
        parts = []
        for encoded in searcher.snapshot.encoders:
            name = encoded.embedder.fingerprint
            mine = sorted(
                (found for found in self._moved.values() if found[0] == name),
                key=lambda found: (found[1].at, found[1].key),
            )
            if mine:
                vectors = np.array([vector for *_, vector in mine], np.float32)
                limit = threshold(encoded.embedder)
                parts.append(Read(name, tuple(failure for _, failure, _ in mine), vectors, limit))
        kept = {key: centre for key, centre in self._centres.items() if key not in old}
        step = _step(parts, kept, work.revision, (), tuple(set(homes) - set(self._moved)), None)
        if anew is None:
            step = renamed(step, old, homes, set(kept))
        else:
            step = changed(renamed(step, old, homes, set(kept), stay=True), homes)
            step = replace(step, anew=anew, undecided=tuple(old))
        if not self._save(step, work):
            return False
        self._moved = {}
        return True

    # --- describing ------------------------------------------------------------------------------------------------

    def _visit(self, searcher: Searcher, until: float | None) -> bool:
        """Describes gaps that changed, and those that the articles of this snapshot were not asked for yet."""
        articles = self.store.work().articles
        while found := self.store.waiting(searcher.snapshot.id, _VISITS):
            for gap_id in found:
                keys = self.store.keys(gap_id, _LOOKED_AT)
                failures = self._failures.read(keys)
                seen = self.store.count(gap_id)
                said, firsts = judge.describe(searcher, self._policy, failures, self._cache)
                self.store.describe(gap_id, said, searcher.snapshot.id, seen)
                try:
                    standing = self.store.get(gap_id, self._now()).standing
                except GapUnknown:  # nothing of it fails any more
                    standing = None
                if standing and standing.state == "open":
                    if article := judge.answered_by(standing, failures, firsts, articles):
                        closed = Standing("closed", "", article, searcher.snapshot.id, "", self._now())
                        self.store.change(gap_id, "answered", closed)
                elif standing and standing.state == "closed" and judge.fails_again(standing, failures):
                    again = Standing("open", "", standing.article, standing.snapshot, "", self._now())
                    self.store.change(gap_id, "again", again)
                if self._over(until):
                    return False
        return True


def _without_body(failure: Failure) -> Failure:
    return replace(failure, body="")


def _together(done: dict[str, list[Read]]) -> list[Read]:
    """In order of time, so that the order in which a batch arrives says nothing."""
    found = []
    for encoder, parts in sorted(done.items()):
        failures = [failure for part in parts for failure in part.failures]
        vectors = np.concatenate([part.vectors for part in parts])
        order = sorted(range(len(failures)), key=lambda n: (failures[n].at, failures[n].key))
        found.append(Read(encoder, tuple(failures[n] for n in order), vectors[order], parts[0].threshold))
    return found


def _step(
    parts: Iterable[Read],
    centres: dict[str, Centre],
    revision: int,
    changed: Iterable[tuple[Failure, str]],
    gone: tuple[str, ...],
    cursor: dict[str, str] | None,
) -> Step:
    """The gaps after some failures were taken in."""
    made: list[Centre] = []
    joined: dict[str, str] = {}
    homes = list(changed)
    for part in parts:
        known = [centre for _, centre in sorted(centres.items()) if centre.encoder == part.encoder]
        sums = (
            np.concatenate([np.array([centre.vector for centre in known], np.float32), part.vectors])
            if known
            else part.vectors
        )
        weights = np.array([centre.weight for centre in known] + [1] * len(part.failures), np.int64)
        roots = group(sums, weights, part.threshold, len(known))
        rows: dict[int, list[int]] = {}
        for row, root in enumerate(roots.tolist()):
            rows.setdefault(root, []).append(row)
        for members in rows.values():
            before = [known[row] for row in members if row < len(known)]
            new = [part.failures[row - len(known)] for row in members if row >= len(known)]
            if not new:
                continue
            # The larger one keeps its id, so that most questions stay where they were seen last.
            kept = min(before, key=lambda centre: (-centre.weight, centre.id), default=None)
            gap_id = kept.id if kept else _new_id(new[0].key, revision)
            joined |= {centre.id: gap_id for centre in before if centre is not kept}
            made.append(Centre(gap_id, part.encoder, sums[members].sum(0), int(weights[members].sum())))
            homes += [(failure, gap_id) for failure in new]
    moved = [(failure, joined.get(gap_id, gap_id)) for failure, gap_id in homes]
    return Step(tuple(made), joined, tuple(moved), gone, cursor)


def _new_id(key: str, revision: int) -> str:
    """12 hexadecimal digits, the same for the same question at the same step."""
    return hashlib.sha256(f"{key} {revision}".encode()).hexdigest()[:12]


def changed(step: Step, homes: Mapping[str, str]) -> Step:
    """A step without the gaps that have the same questions as before, by `homes`: of them nothing new is to be said."""
    before, after = dict[str, set[str]](), dict[str, set[str]]()
    for key, gap_id in homes.items():
        before.setdefault(gap_id, set()).add(key)
    for failure, gap_id in step.homes:
        after.setdefault(gap_id, set()).add(failure.key)
    same = {gap_id for gap_id, keys in after.items() if before.get(gap_id) == keys}
    return replace(
        step,
        centres=tuple(centre for centre in step.centres if centre.id not in same),
        homes=tuple((failure, gap_id) for failure, gap_id in step.homes if gap_id not in same),
    )


def renamed(
    step: Step, old: Sequence[str], homes: dict[str, str], known: Collection[str], *, stay: bool = False
) -> Step:
    """A step whose new gaps have the ids of the `old` ones they share most questions with, each id once.

    An old gap that is left without a gap of its own is joined to the one that has most of its questions, or dropped
    where there is none. A new one that took only a part of an old gap stands as that one. `homes` is the old gap of
    each key; `known` are gaps of the new encoder that were there before this step, and keep their ids if they `stay`.
    """
    shared: Counter[tuple[str, str]] = Counter()
    for failure, gap_id in step.homes:
        if failure.key in homes:
            shared[gap_id, homes[failure.key]] += 1
    names: dict[str, str] = {}
    made = {centre.id for centre in step.centres}
    for (new, before), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
        named = new in names or before in names.values() or (stay and new in known)
        if new in made and not named:
            names[new] = before
    joined, dropped, split = {}, [], {}
    for before in old:
        if before not in names.values():
            heirs = [(count, names.get(new, new)) for (new, mine), count in shared.items() if mine == before]
            if heirs:
                joined[before] = max(heirs)[1]
            else:
                dropped.append(before)
    for new in made - set(names) - set(known):
        origins = [(count, before) for (one, before), count in shared.items() if one == new]
        if origins:
            split[new] = max(origins)[1]
    centres = tuple(replace(centre, id=names.get(centre.id, centre.id)) for centre in step.centres)
    moved = tuple((failure, names.get(gap_id, gap_id)) for failure, gap_id in step.homes)
    joined = {**step.joined, **joined, **{new: before for new, before in names.items() if new in known}}
    return replace(step, centres=centres, homes=moved, joined=joined, dropped=tuple(dropped), split=split)
