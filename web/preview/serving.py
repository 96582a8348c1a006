"""Puts a preview together: the same application as a help desk's, over memory and a database that is thrown away."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from bot.database import migrate, open_engine, sqlite_url
from bot.errors import StoreUnavailable
from bot.events import MemoryEventStore
from bot.inbox import SqlInbox
from bot.learning import MemoryLearningStore
from bot.service import HelpDesk
from kb.build import BuildSettings
from kb.calibrate import DEFAULT
from kb.check import Memory, Report, check
from kb.errors import SnapshotError
from kb.live import Live
from kb.search import Searcher
from kb.sheets import Progress
from kb.snapshot import Encoded, Snapshot
from web.app import create_app
from web.check_settings import check_settings
from web.desk import new_id
from web.preview import pages
from web.preview.bar import bar
from web.preview.door import Door
from web.preview.watching import Watcher
from web.preview.workshop import Base, Workshop
from web.settings import Settings
from web.sharing import open_in_use

#: What a preview leaves out of the settings: nothing is sent, nobody is kept waiting, no other site may ask.
_QUIET: dict[str, Any] = {
    "base_url": "",
    "handoff": "",
    "spike_url": "",
    "hold_out": 0.0,
    "widget_origins": (),
    "panel_origins": (),
    "trusted_proxies": (),
    "rate_tickets": "",
    "rate_questions": "",
    "rate_typing": "",
    "rate_feedback": "",
}
_BACKLOG = 128


def open_workshop(
    settings: Settings, *, drafts: bool = True, progress: Progress = lambda stage, done, total: None
) -> Workshop:
    """Reads the articles of some settings, and beside them what is in use in their data folder, if anything is.

    Raises SourceError, EvaluationFileError, EncoderError or DataFolderError.
    """
    try:
        used = open_in_use(settings)
    except (SnapshotError, StoreUnavailable):
        # Nothing was indexed here, or not by this version: then the start is what it is compared with.
        used = None
    live = Live(
        settings.articles,
        settings.data,
        BuildSettings(settings.model, settings.default_lang),
        drafts=drafts,
        progress=progress,
        calibration=used.calibration if used else DEFAULT,
    )
    progress("Comparing", 0, 0)
    memory, given = Memory(), check_settings(settings)

    def looked_through() -> Report:
        return check(settings.articles, given, today=datetime.now().astimezone().date(), memory=memory)

    return Workshop(live, settings.policy, looked_through, _base(used, live.searcher.snapshot) if used else None)


def _base(used: Snapshot, now: Snapshot) -> Base:
    """What is in use, read by the encoders that are open already where they are the same."""
    known = {encoded.embedder.fingerprint: encoded.embedder for encoded in now.encoders}
    encoders = tuple(
        Encoded(known.get(each.embedder.fingerprint, each.embedder), each.vectors) for each in used.encoders
    )
    indexed = datetime.fromisoformat(used.manifest["created"])
    return Base(Searcher(replace(used, encoders=encoders)), indexed)


@contextmanager
def opened(settings: Settings, workshop: Workshop, names: Collection[str] = ()) -> Iterator[FastAPI]:
    """The application of a preview, answering to `names` beside addresses; what it writes is gone afterwards."""
    with TemporaryDirectory(prefix="firstline-preview-") as scratch:
        url = sqlite_url(Path(scratch) / "preview.db")
        secrets = {name: SecretStr("") for name, value in settings if isinstance(value, SecretStr)}
        quiet = settings.model_copy(update={**_QUIET, **secrets, "database_url": url})
        engine = open_engine(url)
        migrate(engine)
        desk = HelpDesk(
            library=workshop.shelf,
            events=MemoryEventStore(),
            inbox=SqlInbox(engine, new_id, quiet.response_times),
            learning=MemoryLearningStore(),
            now=lambda: datetime.now(UTC),
            new_id=new_id,
            policy=quiet.policy,
        )
        app = create_app(quiet, desk, engine)
        app.state.preview, app.state.preview_bar = workshop, partial(bar, workshop)
        # Before the help centre's own: one of them takes the place of its articles.
        app.router.routes[0:0] = pages.router.routes
        app.add_middleware(Door, workshop=workshop, names=names)
        yield app


class Server(uvicorn.Server):
    """Ends the streams of open pages before it stops, which would wait for them."""

    def __init__(self, app: FastAPI, workshop: Workshop) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", server_header=False, proxy_headers=False))
        self._workshop = workshop

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._workshop.feed.close()
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """Ends `run`, from another thread."""
        self._workshop.feed.close()
        self.should_exit = True


def serve(
    settings: Settings, workshop: Workshop, listening: socket.socket, *, poll: bool, names: Collection[str]
) -> None:
    """Shows the preview on a socket until the program is told to stop."""
    watcher = Watcher(workshop, poll=poll)
    with opened(settings, workshop, names) as app:
        watcher.start()
        try:
            Server(app, workshop).run([listening])
        finally:
            watcher.stop()


def listen(host: str, port: int, ports: range) -> socket.socket:
    """A socket on `port`, or where that is 0 on the first free one of `ports`. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in [port] if port else ports:
        try:
            return socket.create_server((host, number), family=family, backlog=_BACKLOG)
        except OSError as error:
            refused = error
    raise refused
