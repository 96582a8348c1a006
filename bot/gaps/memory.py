"""Gaps that are forgotten when the process ends: the fake of the `GapStore` seam."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np

from bot.gaps.models import (
    Centre,
    Description,
    Event,
    Failure,
    Filter,
    Gap,
    Listing,
    Standing,
    Step,
    Version,
    What,
    Work,
)
from bot.gaps.store import LEASE, PERIOD, check_revision, handed, joined, last_by_hand, unknown, without
from kb.analysis import fold
from kb.embedding import Vectors

_NOTHING = Description("", "", "no_article", "", ())


@dataclass(slots=True)
class _Kept:
    centre: Centre
    standing: Standing = field(default_factory=Standing)
    said: Description = _NOTHING
    stale: bool = True
    checked: str = ""
    events: list[Event] = field(default_factory=list)


class MemoryGapStore:
    """A fake for tests: dictionaries."""

    def __init__(self) -> None:
        self._work, self._owner, self._until = Work(), "", datetime.min.replace(tzinfo=UTC)
        self._gaps: dict[str, _Kept] = {}
        self._members: dict[str, tuple[Failure, str]] = {}  # with the gap of each
        self._joined: dict[str, str] = {}
        self._events = 0

    def work(self) -> Work:
        return self._work

    def claim(self, owner: str, now: datetime) -> bool:
        free = self._owner in ("", owner) or self._until <= now
        if free:
            self._owner, self._until = owner, now + LEASE
        return free

    def release(self, owner: str) -> None:
        if self._owner == owner:
            self._owner = ""

    def centres(self) -> list[Centre]:
        return [kept.centre for _, kept in sorted(self._gaps.items())]

    def undecided(self) -> tuple[list[str], int]:
        ids = [key for key, kept in self._gaps.items() if kept.standing.state == "open" and not kept.events]
        return sorted(ids), len(self._members)

    def homes(self, keys: Sequence[str]) -> dict[str, tuple[str, Failure]]:
        return {key: self._members[key][::-1] for key in keys if key in self._members}

    def of(self, gap_ids: Collection[str]) -> dict[str, str]:
        return {key: gap_id for key, (_, gap_id) in self._members.items() if gap_id in gap_ids}

    def save(self, step: Step, revision: int) -> bool:
        if revision != self._work.revision:
            return False
        if any(self._gaps[gap_id].events for gap_id in step.undecided if gap_id in self._gaps):
            return False
        cursor = self._work.cursor if step.cursor is None else step.cursor
        anew = self._work.anew if step.anew is None else step.anew
        self._work = replace(self._work, revision=revision + 1, cursor=cursor, anew=anew)
        for centre in step.centres:
            origin = self._gaps.get(step.split.get(centre.id, ""))
            kept = self._gaps.setdefault(centre.id, _Kept(centre, origin.standing if origin else Standing()))
            kept.centre, kept.stale = centre, True
            if not kept.said.name and (named := step.first_words().get(centre.id)):
                kept.said = replace(_NOTHING, name=named.text, lang=named.lang)
        for gone, into in step.joined.items():
            self._join(gone, into)
        for key in step.gone:
            if key in self._members:
                self._gaps[self._members.pop(key)[1]].stale = True
        for failure, gap_id in step.homes:
            self._members[failure.key] = replace(failure, body=""), gap_id
            self._gaps[gap_id].stale = True
        for gap_id in step.dropped:
            self._gaps.pop(gap_id, None)
        return True

    def _join(self, gone: str, into: str) -> None:
        if (old := self._gaps.pop(gone, None)) is None:
            return
        kept = self._gaps[into]
        kept.events = sorted(kept.events + old.events, key=lambda event: event.id)
        kept.standing = joined(kept.standing, old.standing)
        self._members = {
            key: (failure, into if gap_id == gone else gap_id) for key, (failure, gap_id) in self._members.items()
        }
        self._joined = {old: into if at == gone else at for old, at in self._joined.items()} | {gone: into}

    def look(self, snapshot: str, articles: dict[str, Version]) -> None:
        self._work = replace(self._work, snapshot=snapshot, articles=articles)

    def waiting(self, snapshot: str, limit: int) -> list[str]:
        found = [(key, kept) for key, kept in self._gaps.items() if kept.stale or kept.checked != snapshot]
        found.sort(
            key=lambda pair: (not pair[1].stale, pair[1].standing.state != "open", -pair[1].centre.weight, pair[0])
        )
        return [key for key, _ in found[:limit]]

    def describe(self, gap_id: str, said: Description, snapshot: str, seen: int) -> None:
        if kept := self._gaps.get(gap_id):
            kept.said, kept.checked, kept.stale = said, snapshot, len(self._of(gap_id)) != seen

    def count(self, gap_id: str) -> int:
        return len(self._of(gap_id))

    def keys(self, gap_id: str, limit: int) -> list[str]:
        return [failure.key for failure in self.members(gap_id, limit)]

    def members(self, gap_id: str, limit: int) -> list[Failure]:
        return sorted(self._of(gap_id), key=lambda failure: (-failure.at.timestamp(), failure.key))[:limit]

    def texts(self, limit: int) -> list[tuple[datetime, str, str]]:
        failures = sorted(
            (failure for failure, _ in self._members.values()),
            key=lambda failure: (-failure.at.timestamp(), failure.key),
        )
        return [(failure.at, failure.text, failure.lang) for failure in failures[:limit]]

    def find(self, wanted: Filter, now: datetime) -> Listing:
        sought = " ".join(fold(wanted.words).split())
        rows = []
        for gap_id, kept in self._gaps.items():
            everything = self._of(gap_id)
            if wanted.state not in (None, kept.standing.state) or wanted.writer not in (None, kept.standing.writer):
                continue
            if sought and not any(sought in " ".join(fold(failure.text).split()) for failure in everything):
                continue
            fitting = [failure for failure in everything if _fits(failure, wanted)]
            if fitting:
                rows.append(self._gap(gap_id, fitting, now))
        orders: dict[str, Callable[[Gap], tuple[int, ...]]] = {
            "saves": lambda gap: (-gap.saves, -gap.recent, -gap.count),
            "asked": lambda gap: (-gap.count,),
            "new": lambda _: (),
            "growth": lambda gap: (gap.before - gap.recent, -gap.count),
            "tickets": lambda gap: (-gap.tickets, -gap.count),
        }
        rows.sort(key=lambda gap: (*orders[wanted.sort](gap), -gap.last.timestamp(), gap.id))
        page = rows[wanted.offset : wanted.offset + wanted.limit]
        return Listing(len(rows), sum(gap.count for gap in rows), tuple(page))

    def get(self, gap_id: str, now: datetime) -> Gap:
        gap_id = self._joined.get(gap_id, gap_id)
        if not self._of(gap_id):
            raise unknown(gap_id)
        return self._gap(gap_id, self._of(gap_id), now)

    def _gap(self, gap_id: str, failures: list[Failure], now: datetime) -> Gap:
        kept, times = self._gaps[gap_id], [failure.at for failure in failures]
        said = kept.said
        return Gap(
            id=gap_id,
            name=said.name,
            lang=said.lang,
            standing=kept.standing,
            count=len(failures),
            first=min(times),
            last=max(times),
            recent=sum(at >= now - PERIOD for at in times),
            before=sum(now - 2 * PERIOD <= at < now - PERIOD for at in times),
            tickets=sum(failure.ticketed for failure in failures),
            saves=sum(failure.ticketed and failure.at >= now - PERIOD for failure in failures),
            kinds=frozenset().union(*(failure.kinds for failure in failures)),
            langs=tuple(sorted({failure.lang for failure in self._of(gap_id) if failure.lang})),
            why=said.why,
            nearest=said.nearest,
            wordings=said.wordings,
        )

    def some(self, gap_ids: Sequence[str], now: datetime) -> list[Gap]:
        return [self._gap(gap_id, self._of(gap_id), now) for gap_id in gap_ids if self._of(gap_id)]

    def langs(self) -> list[str]:
        return sorted({kept.said.lang for kept in self._gaps.values()} - {""})

    def meanings(self, encoder: str, limit: int) -> tuple[list[str], list[str], Vectors]:
        found = [(key, kept) for key, kept in self._gaps.items() if kept.said.meaning_by == encoder]
        found.sort(key=lambda pair: (-pair[1].centre.weight, pair[0]))
        rows = [(key, kept.said.lang, kept.said.meaning) for key, kept in found if kept.said.meaning is not None]
        ids, langs = [key for key, *_ in rows[:limit]], [lang for _, lang, _ in rows[:limit]]
        return ids, langs, np.array([vector for *_, vector in rows[:limit]], np.float32)

    def days(self, gap_ids: Collection[str], since: datetime) -> dict[str, dict[date, tuple[int, int]]]:
        found: dict[str, dict[date, tuple[int, int]]] = {gap_id: {} for gap_id in gap_ids}
        for failure, gap_id in self._members.values():
            if gap_id in found and failure.at >= since:
                day = failure.at.astimezone(UTC).date()
                count, tickets = found[gap_id].get(day, (0, 0))
                found[gap_id][day] = count + 1, tickets + failure.ticketed
        return found

    def departments(self, gap_id: str) -> dict[str, int]:
        counts = Counter(failure.department for failure in self._of(gap_id) if failure.department)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def change(self, gap_id: str, what: What, stand: Standing, revision: int | None = None) -> Gap:
        gap_id = self._joined.get(gap_id, gap_id)
        now = stand.decided or datetime.now(UTC)
        before = self.get(gap_id, now).standing
        if before.state != stand.state or before.reason != stand.reason:
            check_revision(self.history(gap_id), revision)
            self._gaps[gap_id].standing = replace(stand, writer=before.writer, written_since=before.written_since)
            self._note(gap_id, Event(0, now, stand.who, what, stand.reason, stand.article, before))
        return self.get(gap_id, now)

    def hand(self, gap_id: str, writer: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        gap_id = self._joined.get(gap_id, gap_id)
        before = self.get(gap_id, at).standing
        if before.writer != writer:
            check_revision(self.history(gap_id), revision)
            self._gaps[gap_id].standing = handed(before, writer, at)
            self._note(gap_id, Event(0, at, who, "take" if writer else "give_back", "", "", before))
        return self.get(gap_id, at)

    def undo(self, gap_id: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        gap_id = self._joined.get(gap_id, gap_id)
        before = self.get(gap_id, at).standing
        kept = self._gaps[gap_id]
        check_revision(self.history(gap_id), revision)
        last = last_by_hand(self.history(gap_id), before)
        kept.standing = without(last, before)
        kept.events = [replace(event, undone=event.undone or event.id == last.id) for event in kept.events]
        self._note(gap_id, Event(0, at, who, "undo", "", "", before))
        return self.get(gap_id, at)

    def history(self, gap_id: str) -> list[Event]:
        gap_id = self._joined.get(gap_id, gap_id)
        if gap_id not in self._gaps:
            raise unknown(gap_id)
        return self._gaps[gap_id].events[::-1]

    def _note(self, gap_id: str, event: Event) -> None:
        self._events += 1
        self._gaps[gap_id].events.append(replace(event, id=self._events))

    def _of(self, gap_id: str) -> list[Failure]:
        return [failure for failure, home in self._members.values() if home == gap_id]


def _fits(failure: Failure, wanted: Filter) -> bool:
    return (
        (wanted.since is None or failure.at >= wanted.since)
        and (wanted.kind is None or wanted.kind in failure.kinds)
        and wanted.lang in ("", failure.lang)
        and wanted.department in ("", failure.department)
    )
