"""The `GapStore` seam: which failed question belongs to which gap, and how each gap stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from bot import privacy
from bot.errors import GapChanged, GapInvalid, GapUnknown, Message
from bot.gaps.models import (
    BY_HAND,
    OF_WRITERS,
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
from kb.embedding import Vectors

MAX_REASON = 2_000
#: What "recent" and "before" count.
PERIOD = timedelta(days=30)
#: How long a server has the work to itself after its last step.
LEASE = timedelta(seconds=60)


class GapStore(Protocol):
    """Keeps gaps. Every method may raise StoreUnavailable; nothing is changed then."""

    def work(self) -> Work: ...

    def claim(self, owner: str, now: datetime) -> bool:
        """Whether this server may do the work for the next LEASE; one at a time may."""
        ...

    def release(self, owner: str) -> None: ...

    def centres(self) -> list[Centre]:
        """All of them, in order of their ids."""
        ...

    def undecided(self) -> tuple[list[str], int]:
        """Open gaps that nothing was ever decided on, in order of their ids, and how many questions all gaps have."""
        ...

    def homes(self, keys: Sequence[str]) -> dict[str, tuple[str, Failure]]:
        """The gap of each key that has one, and the failure as it is kept, without its body."""
        ...

    def of(self, gap_ids: Collection[str]) -> dict[str, str]:
        """All keys of some gaps, each with its gap."""
        ...

    def save(self, step: Step, revision: int) -> bool:
        """Keeps a step that was made of what stood at `revision`; False, and nothing is kept, where more is there now
        or somebody decided on what it takes for undecided.

        The gap that another one is joined to takes its questions and history; if only one of the two was open it is.
        """
        ...

    def look(self, snapshot: str, articles: dict[str, Version]) -> None:
        """Keeps what the articles are now."""
        ...

    def waiting(self, snapshot: str, limit: int) -> list[str]:
        """Gaps whose questions changed, then those not asked of `snapshot` yet; the open and the largest ones first."""
        ...

    def describe(self, gap_id: str, said: Description, snapshot: str, seen: int) -> None:
        """Keeps what is said of a gap as it was with `seen` questions; one that grew meanwhile waits again."""
        ...

    def count(self, gap_id: str) -> int:
        """How many failures a gap has."""
        ...

    def keys(self, gap_id: str, limit: int) -> list[str]:
        """The last `limit` keys of a gap, the newest first."""
        ...

    def members(self, gap_id: str, limit: int) -> list[Failure]:
        """The last `limit` failures of a gap without their bodies, the newest first."""
        ...

    def texts(self, limit: int) -> list[tuple[datetime, str, str]]:
        """When the last `limit` failures were asked, their text and its language, the newest first."""
        ...

    def find(self, wanted: Filter, now: datetime) -> Listing: ...

    def get(self, gap_id: str, now: datetime) -> Gap:
        """A gap, or the one it was joined to. Raises GapUnknown."""
        ...

    def days(self, gap_ids: Collection[str], since: datetime) -> dict[str, dict[date, tuple[int, int]]]:
        """For each gap and day (UTC) that has any: how many failed, and how many of these a ticket followed."""
        ...

    def langs(self) -> list[str]:
        """The languages that names of gaps are in, in order of their codes."""
        ...

    def departments(self, gap_id: str) -> dict[str, int]:
        """How many tickets came from each department, the most first."""
        ...

    def meanings(self, encoder: str, limit: int) -> tuple[list[str], list[str], Vectors]:
        """Ids and languages of the `limit` largest gaps that this encoder read, and their meanings: float32 of shape
        (n, dimension)."""
        ...

    def some(self, gap_ids: Sequence[str], now: datetime) -> list[Gap]:
        """These gaps in this order; those that are not there are left out."""
        ...

    def change(self, gap_id: str, what: What, stand: Standing, revision: int | None = None) -> Gap:
        """Has a gap stand so from now on; as it does already, nothing happens. Who writes for it stays.

        Raises GapUnknown, and GapChanged where something was decided since `revision`.
        """
        ...

    def hand(self, gap_id: str, writer: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        """Has `writer` write an article for a gap, "" nobody any more; as it is already, nothing happens.

        Raises GapUnknown, GapInvalid where it is not open, and GapChanged where something was decided since `revision`.
        """
        ...

    def undo(self, gap_id: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        """Takes back the last thing a person did that still stands. Raises GapUnknown, GapInvalid, GapChanged."""
        ...

    def history(self, gap_id: str) -> list[Event]:
        """What happened to a gap, the newest first. Raises GapUnknown."""
        ...


def decided(what: What, reason: str, who: str, at: datetime, article: str = "") -> Standing:
    """How a gap stands after what a person did, personal data in the reason masked. Raises GapInvalid."""
    written = privacy.to_keep(reason).strip()
    if len(written) > MAX_REASON:
        raise GapInvalid(
            Message(
                "Shorten the reason to %(limit)s characters or fewer; it has %(count)s.",
                limit=MAX_REASON,
                count=len(written),
            )
        )
    if what == "wont_do" and not written:
        raise GapInvalid(Message("Say in a few words why no article will be written."))
    state = {"close": "closed", "wont_do": "wont_do", "reopen": "open"}
    if what not in state:
        raise GapInvalid(f"A gap is closed, reopened or will not be done; {what!r} is none of these.")
    return Standing(state[what], written, article, "", who, at)  # type: ignore[arg-type]


def revision_of(events: Sequence[Event]) -> int:
    """The number of the last thing that happened to a gap, 0 where nothing did."""
    return max((event.id for event in events), default=0)


def check_revision(events: Sequence[Event], revision: int | None) -> None:
    """Raises GapChanged where something happened to a gap since `revision`, unless that is None."""
    if revision is not None and revision_of(events) != revision:
        raise GapChanged


def last_by_hand(events: Sequence[Event], standing: Standing) -> Event:
    """What can be taken back: a person's act after which nothing else happened. Raises GapInvalid."""
    last = next((event for event in events if event.what != "undo" and not event.undone), None)
    if last is None or last.what not in BY_HAND or last.at not in (standing.decided, standing.written_since):
        raise GapInvalid(Message("There is nothing to undo."))
    return last


def without(last: Event, standing: Standing) -> Standing:
    """How a gap stands once `last` is taken back: who writes, or all the rest, as it was before."""
    if last.what in OF_WRITERS:
        return replace(standing, writer=last.before.writer, written_since=last.before.written_since)
    return replace(last.before, writer=standing.writer, written_since=standing.written_since)


def joined(kept: Standing, gone: Standing) -> Standing:
    """How a gap stands that another one was joined to: open if either was and the other one closed. Who wrote for the
    one writes for both."""
    opens = gone.state == "open" and kept.state == "closed"
    stand, other = (gone, kept) if opens else (kept, gone)
    if stand.state != "open" or stand.writer or gone.state != "open":
        return stand
    return replace(stand, writer=other.writer, written_since=other.written_since)


def handed(standing: Standing, writer: str, at: datetime) -> Standing:
    """How a gap stands once `writer` writes for it, or nobody. Raises GapInvalid where it is not open."""
    if writer and standing.state != "open":
        raise GapInvalid(Message("Only an open gap can be taken. Open it again first."))
    return replace(standing, writer=writer, written_since=at)


def unknown(gap_id: str) -> GapUnknown:
    return GapUnknown(f"There is no gap with the id {gap_id!r}.")
