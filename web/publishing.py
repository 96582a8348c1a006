"""Publishing by these settings: the publisher, and the process of its own that a server has it run in."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.errors import StoreUnavailable
from bot.publishing.publication import How, Publication
from bot.publishing.remote import Remote
from kb.build import BuildSettings
from kb.errors import KbError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from bot.publishing.publisher import Publisher
    from web.settings import Settings

_log = logging.getLogger(__name__)

Start = Callable[[], None]


def remote_of(settings: Settings) -> Remote:
    """What is published: the remote of the settings, else the one that the checkout of the articles follows.

    Raises RemoteUnusable.
    """
    if address := settings.articles_remote.get_secret_value():
        return Remote.of(address, settings.articles_branch, settings.articles_path)
    return Remote.behind(settings.articles)


def open_publisher(settings: Settings, engine: sa.Engine) -> Publisher:
    """The publisher of these settings over a database that is up to date."""
    from bot.learning import SqlLearningStore
    from bot.publishing.publisher import Plan, Publisher
    from bot.publishing.store import SqlPublicationStore
    from bot.readership import SqlReadStore

    plan = Plan(
        settings.data,
        lambda: remote_of(settings),
        BuildSettings(settings.model, settings.default_lang),
        frozenset(settings.publish_requires),
        settings.pull_seconds,
    )
    store, reads, learning = SqlPublicationStore(engine), SqlReadStore(engine), SqlLearningStore(engine)
    return Publisher(plan, store, reads, learning, lambda: datetime.now(UTC))


class Publishing:
    """Publishing as a server does it: it asks, and a process of its own does what takes time and memory.

    `start` begins that process.
    """

    def __init__(self, publisher: Publisher, start: Start) -> None:
        self.publisher, self._start = publisher, start

    def ask(self, how: How, who: str, *, again: bool = False) -> Publication:
        """Asks for a publication of what is newest, and has it begin. Raises StoreUnavailable."""
        asked = self.publisher.store.ask(how, who, datetime.now(UTC), again=again)
        self._start()
        return asked

    def look(self) -> None:
        """Ends what a killed process left running, and begins what nobody is at; a page is worth more than that."""
        try:
            if self.publisher.store.last("waiting", "running") and self.publisher.settle():
                self._start()
        except (StoreUnavailable, KbError) as error:
            _log.error("publications could not be looked after: %s", error)


def in_a_process(settings: Settings) -> Start:
    """Begins `firstline pull --waiting` with this data folder; what it writes goes to a file beside it."""
    from bot.publishing.publisher import LOG_FILE

    command = [sys.executable, "-m", "web", "pull", "--waiting", "--data", str(settings.data.resolve())]

    def start() -> None:
        with (settings.data / LOG_FILE).open("ab") as log:
            # Its own session: it goes on where the server is stopped by Ctrl+C.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        threading.Thread(target=process.wait, daemon=True).start()  # so that no dead process stays in the list

    return start
