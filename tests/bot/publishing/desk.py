"""A repository of articles, an author who pushes to it, and a publisher that publishes from it: all of it real."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.learning import SqlLearningStore
from bot.publishing.publication import Publication
from bot.publishing.publisher import Plan, Publisher
from bot.publishing.remote import Remote
from bot.publishing.store import SqlPublicationStore
from bot.readership import SqlReadStore
from kb.build import BuildSettings
from kb.check import CheckSettings
from kb.embedding import HashEmbedder
from kb.snapshot import Snapshot, open_current
from tests.bot.samples import NOON
from tests.repositories import commit, git

VPN = "---\nid: vpn\nquestions: [how do I connect to the vpn]\n---\n# Connect to the VPN\n\nOpen the client.\n"
PRINTER = "---\nid: printer\nquestions: [the printer is jammed]\n---\n# Printer\n\nOpen the tray.\n"
BROKEN = "---\nid: printer: jam\n---\n# Printer\n\nOpen the tray.\n"


@dataclass
class Forge:
    """A bare repository with a branch main, and the checkout of an author who pushes to it."""

    folder: Path
    remote: Path = field(init=False)
    checkout: Path = field(init=False)

    def __post_init__(self) -> None:
        self.remote, self.checkout = self.folder / "articles.git", self.folder / "checkout"
        self.remote.mkdir(parents=True)
        git(self.remote, "init", "-q", "--bare", "-b", "main")
        git(self.folder, "clone", "-q", str(self.remote), str(self.checkout))
        git(self.checkout, "checkout", "-q", "-B", "main")

    def commit(self, files: dict[str, str | None], message: str = "Change articles") -> str:
        """Writes files below `docs`, removes those that are None, and commits; the full id."""
        return commit(self.checkout, {f"docs/{name}": text for name, text in files.items()}, message=message)

    def push(self, files: dict[str, str | None], message: str = "Change articles", *, force: bool = False) -> str:
        commit = self.commit(files, message)
        git(self.checkout, "push", "-q", *(["--force"] if force else []), "origin", "HEAD:main")
        return commit


@dataclass
class Desk:
    """A publisher over a data folder and a real database; its clock goes on by a second whenever it is asked."""

    data: Path
    engine: sa.Engine
    remote: Remote
    plan: dict[str, Any] = field(default_factory=dict)
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        seconds = itertools.count()
        plan = Plan(self.data, lambda: self.remote, BuildSettings(HashEmbedder.NAME), CheckSettings, seconds=20.0)

        def now() -> datetime:
            return NOON + timedelta(seconds=next(seconds))

        self.publisher = Publisher(
            replace(plan, **self.plan),
            SqlPublicationStore(self.engine),
            SqlReadStore(self.engine),
            SqlLearningStore(self.engine),
            now,
        )

    def pull(self, *, again: bool = False) -> Publication:
        return self.publisher.publish("pull", again=again)

    @property
    def live(self) -> Snapshot:
        return open_current(self.data)

    @property
    def articles(self) -> list[str]:
        return [entry.article.id for entry in self.live.entries]
