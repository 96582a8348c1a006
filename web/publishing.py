"""Publishing by these settings: the publisher, and the process of its own that a server has it run in."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Protocol

from bot.clock import shared_clock
from bot.learning import SqlLearningStore
from bot.outbox import SqlOutbox
from bot.publishing.lock import locked_in_database
from bot.publishing.publication import How, Publication
from bot.publishing.publisher import LOG_FILE, Plan, Publisher
from bot.publishing.remote import Remote
from bot.publishing.store import SqlPublicationStore
from bot.readership import SqlReadStore
from kb.build import BuildSettings
from web.check_settings import check_settings
from web.publishing_letters import announcer
from web.sharing import open_place

if TYPE_CHECKING:
    import sqlalchemy as sa

    from web.progress import Show
    from web.settings import Settings

_log = logging.getLogger(__name__)


def remote_of(settings: Settings) -> Remote:
    """What is published: the remote of the settings, else the one that the checkout of the articles follows.

    Raises RemoteUnusable.
    """
    if address := settings.articles_remote.get_secret_value():
        return Remote.of(address, settings.articles_branch, settings.articles_path)
    return Remote.behind(settings.articles)


def open_publisher(settings: Settings, engine: sa.Engine, show: Show = lambda stage, done, total: None) -> Publisher:
    """The publisher of these settings over a database that is up to date; `show` is told how far it is."""
    plan = Plan(
        settings.data,
        lambda: remote_of(settings),
        BuildSettings(settings.model, settings.default_lang),
        lambda: check_settings(settings),
        requires=frozenset(settings.publish_requires),
        k=settings.test_k,
        seconds=settings.pull_seconds,
    )
    store, reads, learning = SqlPublicationStore(engine), SqlReadStore(engine), SqlLearningStore(engine)
    place = open_place(settings, engine)
    # The lock lies where the list of publications is: what runs there is run by whoever holds it.
    lock = partial(locked_in_database, engine) if engine.dialect.name == "postgresql" else None
    announce = announcer(settings, SqlOutbox(engine))
    return Publisher(plan, store, reads, learning, shared_clock(engine), show, place, lock, announce)


class Worker(Protocol):
    """What publishes in the background."""

    def start(self) -> None:
        """Has it look for what waits."""
        ...

    def busy(self) -> bool:
        """Whether one that was started here is at it."""
        ...


class Publishing:
    """Publishing as a server does it: it asks, and a worker does what takes time and memory."""

    def __init__(self, publisher: Publisher, worker: Worker) -> None:
        self.publisher, self._worker = publisher, worker

    def ask(self, how: How, who: str, *, again: bool = False) -> Publication:
        """Asks for a publication of what is newest, and has it begin. Raises StoreUnavailable."""
        asked = self.publisher.store.ask(how, who, self.publisher.now(), again=again)
        self._worker.start()
        return asked

    def refresh(self) -> None:
        """Ends what a killed process left running, and begins what nobody is at; to be called every few seconds.

        Raises StoreUnavailable or DataFolderError.
        """
        busy = self._worker.busy()
        waiting = self.publisher.store.last("waiting", "running") is not None and self.publisher.settle()
        if waiting and not busy:
            self._worker.start()


class Process:
    """A worker that is a process of its own, `firstline pull --waiting` with the data folder of some settings.

    What it writes goes to a file beside the database.
    """

    def __init__(self, settings: Settings) -> None:
        data = settings.data.resolve()
        self._log = data / LOG_FILE
        self._command = [sys.executable, "-m", "web", "pull", "--waiting", "--data", str(data)]
        self._running: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """One process at a time: a flood of pushes is not to start one each. One that is at its end and misses what was
        asked for just now leaves it to the next `Publishing.refresh`.
        """
        with self._lock:
            if not self._runs():
                self._running = self._begun()

    def busy(self) -> bool:
        with self._lock:
            return self._runs()

    def _runs(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def _begun(self) -> subprocess.Popen[bytes] | None:
        try:
            with self._log.open("ab") as log:
                # Its own session: Ctrl+C for the server does not end it halfway.
                return subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        except OSError as error:  # what was asked for waits, and the next look tries again
            _log.error("publishing cannot be begun: %s", error)
            return None
