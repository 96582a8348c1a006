"""Publishes articles: fetch, check, build, test, switch. What fails keeps the snapshot in use and says why."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import BotError, Message, NothingToTakeBack, PublicationRunning, PublicationUnknown, StoreUnavailable
from bot.learning import LearningStore
from bot.publishing import history, lfs, traffic, troubles
from bot.publishing.clone import Clone
from bot.publishing.history import Announce
from bot.publishing.lock import Lock, locked
from bot.publishing.publication import GATES, MOST_FINDINGS, Finding, Gate, How, Publication, Stage, State
from bot.publishing.remote import Remote
from bot.publishing.store import PublicationStore
from bot.readership import ReadStore
from kb import place as places
from kb.build import BuildReport, BuildSettings, fingerprint_basis, make, publish, take_back
from kb.errors import KbError, SnapshotError
from kb.place import FolderPlace, Place
from kb.published import tidy
from kb.snapshot import Snapshot, open_snapshot, snapshots_folder

if TYPE_CHECKING:
    from kb.check import CheckSettings

_log = logging.getLogger(__name__)

#: What processes that publish write to; only what broke off is of interest.
LOG_FILE = "publishing.log"
_MOST_OUTPUT = 4_000
#: How often it is written how far a build came.
_TOLD_EVERY = timedelta(seconds=1)
_MEND = Message("Something in the articles has to be mended first.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is published and how: settings. `seconds` is how long git may talk to the remote at a time.

    `k` is among how many articles a question has to find its own.
    """

    data: Path
    remote: Callable[[], Remote]
    build: BuildSettings
    check: Callable[[], CheckSettings]
    requires: frozenset[Gate] = frozenset(GATES)
    k: int = 1
    seconds: float = 600.0


class _Over(Exception):  # noqa: N818 - carries how it ended, never leaves the module
    def __init__(self, state: State, reason: Message, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(str(reason))
        self.state, self.reason, self.findings = state, reason, findings


class Publisher:
    """Runs what was asked for, one at a time over all processes with the same `lock`; `tell` is told how far it is, and
    `announce` of what people have to hear who look at no page (`history.newsworthy`).

    Where no `place` to publish to and no lock are given, they are those of the data folder.
    Every method may raise StoreUnavailable, and DataFolderError where the lock cannot be had.
    """

    def __init__(
        self,
        plan: Plan,
        store: PublicationStore,
        reads: ReadStore,
        learning: LearningStore,
        now: Callable[[], datetime],
        tell: Callable[[Stage, int, int], None] = lambda stage, done, total: None,
        place: Place | None = None,
        lock: Lock | None = None,
        announce: Announce = lambda publication: None,
    ) -> None:
        self.plan, self.store, self._announce = plan, store, announce
        self.place: Place = place or FolderPlace(plan.data)
        self._locked: Lock = lock or partial(locked, plan.data)
        self._data, self._reads, self._learning, self.now = plan.data, reads, learning, now
        self._tell = tell

    def work(self) -> None:
        """Publishes until nothing waits; leaves it to the process that is at it where there is one."""
        while True:
            with self._locked(wait=False) as free:
                if not free:  # it looks again once it has given the lock back
                    return
                self._drain()
            if self.store.last("waiting") is None:
                return

    def publish(self, how: How, *, again: bool = False) -> Publication:
        """Asks for a publication, and waits until it is over."""
        asked = self.store.ask(how, "", self.now(), again=again)
        with self._locked(wait=True):
            self._drain()
            try:
                return self.store.get(asked.id)
            except PublicationUnknown:  # others were at it meanwhile, and a later one came to the same end
                return self.store.last() or asked

    def settle(self) -> bool:
        """Has what a killed process left running be failed; whether something waits that no process is at."""
        with self._locked(wait=False) as free:
            if not free:
                return False
            self._end_orphans()
        return self.store.last("waiting") is not None

    def take_back(self, snapshot: str, who: str, *, wait: bool = False) -> Publication:
        """Has a snapshot that was published before be the one in use: the one before this where `snapshot` is "".

        Raises NothingToTakeBack where that is not there or damaged, PublicationRunning unless it may `wait`.
        """
        with self._locked(wait=wait) as free:
            if not free:
                raise PublicationRunning(
                    Message("Something is being published right now. Wait until it is over, then try again.")
                )
            self._end_orphans()
            now, live = self.now(), places.in_use(self.place)
            target = snapshot or places.previous(self.place)
            if not target:
                raise NothingToTakeBack(Message("No snapshot was published before the one in use."))
            if target not in self.place.published():
                raise NothingToTakeBack(
                    Message("There is no published snapshot %(snapshot)s any more.", snapshot=target)
                )
            try:
                opened = open_snapshot(self.place.fetch(target))
            except KbError as error:
                raise NothingToTakeBack(_plain(error)) from error
            known = self.store.of(target)
            row = Publication(
                0,
                "rollback",
                now,
                who,
                state="running",
                stage="switching",
                began=now,
                branch=known.branch if known else "",
                commit=known.commit if known else "",
                subject=known.subject if known else "",
                made_with=known.made_with if known else "",
                snapshot=target,
                before=live,
                counts=_counts(opened),
            )
            if target == live:
                return self.store.keep(replace(row, state="unchanged", stage="", ended=self.now()))
            row = self.store.keep(row)  # before the switch: whatever breaks off from here on, the history is right
            try:
                take_back(self._data, target, self.place)
            except (KbError, OSError) as error:
                self._over(row, "failed", _plain(error))
                raise NothingToTakeBack(_plain(error)) from error
            return self.store.keep(replace(row, state="published", stage="", ended=self.now()))

    def record(self, source: Path, before: str, began: datetime, report: BuildReport) -> Publication:
        """Keeps that a folder was indexed and is in use, with its commit where the folder is as it was committed."""
        commit, branch, subject = history.committed(source)
        counts = {"articles": report.articles, "skipped": len(report.skipped), "passages": report.passages}
        return self.store.keep(
            Publication(
                0,
                "index",
                began,
                state="published" if report.snapshot != before else "unchanged",
                began=began,
                ended=self.now(),
                branch=branch,
                commit=commit,
                subject=subject,
                made_with=fingerprint_basis(self._data, self.plan.build),
                snapshot=report.snapshot,
                before=before,
                counts=counts,
            )
        )

    def _drain(self) -> None:
        self._end_orphans()
        while asked := self.store.begin(self.now()):
            self._run(asked)

    def _end_orphans(self) -> None:
        """Those that run while nobody holds the lock were left by a process that was killed."""
        log = self._data / LOG_FILE
        while left := self.store.last("running"):
            if left.stage == "switching" and left.snapshot == places.in_use(self.place):
                self.store.keep(replace(left, state="published", ended=self.now(), stage=""))
                continue
            output = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
            reason = Message("The process that published ended without a word. What was in use stayed in use.")
            self._over(left, "failed", reason, output=output[-_MOST_OUTPUT:])
        if log.is_file():
            log.write_bytes(b"")

    def _run(self, running: Publication) -> None:
        held = [running]  # as far as it came

        def come(stage: Stage, done: int = 0, total: int = 0, **found: object) -> None:
            held[0] = replace(held[0], stage=stage, done=done, total=total, **found)  # type: ignore[arg-type]
            held[0] = self.store.keep(held[0])
            self._tell(stage, done, total)

        try:
            self._publish(running, come)
            self._over(held[0], "published", None)
        except _Over as over:
            self._over(held[0], over.state, over.reason, findings=over.findings)
            if held[0].snapshot and over.state == "refused":  # else each bad push would leave a snapshot behind
                with suppress(OSError, SnapshotError):
                    tidy(self._data)
        except StoreUnavailable as error:
            if held[0].stage != "switching":  # else the next look tells by what is in use
                with suppress(StoreUnavailable):  # a full disk has room again once a build was cleared away
                    self._over(held[0], "failed", error.message or _plain(error))
            raise
        except BotError as error:
            self._over(held[0], "failed", error.message or _plain(error))
        except KbError as error:
            self._over(held[0], "failed", _plain(error))
        except OSError as error:
            words = Message("%(file)s: %(reason)s", file=str(error.filename or self._data), reason=str(error.strerror))
            self._over(held[0], "failed", words)
        except Exception as error:
            _log.exception("publishing failed")
            words = Message("It broke off with an error of its own: %(error)s.", error=type(error).__name__)
            self._over(held[0], "failed", words, output=traceback.format_exc()[-_MOST_OUTPUT:])
        except BaseException:
            self._over(held[0], "failed", Message("It was interrupted."))
            raise

    def _publish(self, asked: Publication, come: Callable[..., None]) -> None:
        """Raises _Over where it ends before the switch."""
        from bot.publishing import gates  # what checks and tests is of no use to a server

        plan, live = self.plan, places.in_use(self.place)
        basis = fingerprint_basis(self._data, plan.build)
        come("fetching", before=live, made_with=basis)
        remote = plan.remote()
        clone = Clone(self._data, remote, plan.seconds)
        with troubles.explained(remote.url):
            head = clone.head()
        come("fetching", branch=head.branch, commit=head.commit)
        back = () if asked.again else places.taken_back(self.place)
        known = self.store.of(live) if live else None
        if known and (known.commit, known.made_with) == (head.commit, basis) and not asked.again:
            come("fetching", subject=known.subject, snapshot=live)
            raise _Over("unchanged", Message("Nothing new: commit %(commit)s is in use.", commit=head.commit[:10]))
        for left in map(self.store.of, back):
            if left and left.commit == head.commit:
                come("fetching", subject=left.subject)
                raise _Over("unchanged", _held(head.commit))
        with troubles.explained(remote.url):
            subject = clone.check_out(head)
        come("fetching", subject=subject)

        come("checking")
        findings = self._check(clone)
        come("building", findings=findings[:MOST_FINDINGS], found=len(findings))
        candidate = self._make(clone.source, come)
        if candidate.id in back:
            raise _Over("unchanged", _held(head.commit))
        if candidate.id == live:
            raise _Over("unchanged", Message("Commit %(commit)s changes nothing for readers.", commit=head.commit[:10]))

        come("testing")
        in_use = self._open(live)
        telling = self._telling("testing", come)
        tested, made_worse = gates.test(in_use, candidate, clone.source, plan.k, telling)
        gone = tuple(traffic.missed(in_use, candidate, self._reads, self._learning, self.now())) if in_use else ()
        findings = (*tested, *gone, *findings)
        come("testing", findings=findings[:MOST_FINDINGS], found=len(findings))
        if "test" in plan.requires and made_worse:
            raise _Over(
                "refused",
                Message("Questions do not find their article: new ones, or ones that found it so far."),
                findings,
            )
        come("switching")
        publish(self._data, candidate.id, self.place)

    def _check(self, clone: Clone) -> tuple[Finding, ...]:
        """Raises _Over where something has to be mended first."""
        from bot.publishing import gates

        links = tuple(_leads_out(path) for path in clone.links_out())
        if links:  # what they lead to is read by nobody, whatever the settings say
            raise _Over("refused", _MEND, links)
        away, articles_away = lfs.missing(clone.source)
        if articles_away:  # readers would be shown the text of a pointer
            raise _Over("refused", _MEND, away)
        findings, failed = gates.check(clone.source, self.plan.check(), self.now().date())
        findings = (*findings, *away)
        if "check" in self.plan.requires and failed:
            raise _Over("refused", _MEND, findings)
        return findings

    def _make(self, source: Path, come: Callable[..., None]) -> Snapshot:
        began = self.now()
        progress = self._telling("building", come)
        report = make(
            source, self._data, self.plan.build, created=began.isoformat(timespec="seconds"), progress=progress
        )
        counts = {
            "articles": report.articles,
            "skipped": len(report.skipped),
            "passages": report.passages,
            "embedded": report.embedded,
            "seconds": round((self.now() - began).total_seconds(), 1),
        }
        come("building", snapshot=report.snapshot, counts=counts)
        return open_snapshot(snapshots_folder(self._data) / report.snapshot)

    def _telling(self, stage: Stage, come: Callable[..., None]) -> Callable[[str, int, int], None]:
        """A function that is told how far something came, and writes it now and then."""
        told = self.now()

        def progress(_what: str, done: int, total: int) -> None:
            nonlocal told
            now = self.now()
            if total and now - told >= _TOLD_EVERY:
                told = now
                come(stage, done, total)

        return progress

    def _over(
        self,
        publication: Publication,
        state: State,
        reason: Message | None,
        *,
        findings: tuple[Finding, ...] = (),
        output: str = "",
    ) -> None:
        """Writes how a publication ended; findings it has already stay where no others are given."""
        if findings:
            publication = replace(publication, findings=findings[:MOST_FINDINGS], found=len(findings))
        over = self.store.keep(
            replace(
                publication,
                state=state,
                reason=reason,
                ended=self.now(),
                stage="",
                done=0,
                total=0,
                output=output,
            )
        )
        history.end(self.store, over, self._announce)

    def _open(self, snapshot: str) -> Snapshot | None:
        """The snapshot in use, to compare with; None where there is none or it is damaged: a good one mends that."""
        try:
            return open_snapshot(self.place.fetch(snapshot)) if snapshot else None
        except SnapshotError as error:
            _log.warning("the snapshot in use is compared with nothing: %s", error)
            return None


def _held(commit: str) -> Message:
    return Message(
        "Commit %(commit)s was taken back. It stays so until a newer one is pushed or somebody publishes it again.",
        commit=commit[:10],
    )


def _leads_out(path: str) -> Finding:
    words = "It is a link that leads out of the repository, or to itself."
    return Finding(path, 0, "link-out", "error", words, "Put the file itself here, or link to one of the repository.")


def _plain(error: Exception) -> Message:
    return Message("%(reason)s", reason=str(error))


def _counts(snapshot: Snapshot) -> dict[str, float]:
    return {name: snapshot.manifest["counts"][name] for name in ("articles", "skipped", "passages")}
