"""A preview of a small folder with the fake encoder: its pages, and what they follow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from kb.embedding import HashEmbedder
from tests.web.site import ARTICLES, Page
from web.preview.serving import Server, listen, open_workshop, opened
from web.preview.watching import Watcher
from web.preview.workshop import Workshop
from web.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """A preview whose folder is looked at when a test says so."""

    workshop: Workshop
    source: Path
    client: TestClient

    def get(self, address: str) -> Page:
        return Page(self.client.get(address))

    def post(self, address: str, **fields: str) -> Page:
        return Page(self.client.post(address, data=fields))

    def save(self, name: str, text: str) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.source / name).read_text(encoding="utf-8")
        assert old in text
        self.save(name, text.replace(old, new, 1))

    def follow(self) -> None:
        assert self.workshop.follow()
        self.workshop.check()


def settings(folder: Path, articles: dict[str, str] | None = None, **given: Any) -> Settings:
    """Writes articles below `folder`; the settings of a preview of them."""
    for name, text in (articles or ARTICLES).items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Settings(articles=folder / "articles", data=folder / "data", model=HashEmbedder.NAME, **given)


@contextmanager
def desk(folder: Path, articles: dict[str, str] | None = None, **given: Any) -> Iterator[Desk]:
    made = settings(folder, articles, **given)
    workshop = open_workshop(made)
    workshop.check()
    with (
        opened(made, workshop) as app,
        TestClient(app, follow_redirects=False, base_url="http://127.0.0.1:8001") as client,
    ):
        yield Desk(workshop, made.articles, client)


@contextmanager
def served(made: Settings) -> Iterator[str]:
    """A preview on a real socket that watches its folder; its address."""
    workshop = open_workshop(made)
    with opened(made, workshop) as app, listen("127.0.0.1", 0, range(0, 1)) as listening:
        watcher, server = Watcher(workshop), Server(app, workshop)
        running = threading.Thread(target=server.run, args=([listening],))
        watcher.start()
        running.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            watcher.stop()
            server.stop()
            running.join()
