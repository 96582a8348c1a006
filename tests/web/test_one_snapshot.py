"""No request is told of two snapshots, and none fails, while servers take up others."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import Request
from fastapi.testclient import TestClient

from bot.learning import MemoryLearningStore
from bot.library import Library
from bot.shared.snapshots import SqlPlace
from kb.place import FolderPlace
from kb.search import Searcher
from tests.bot.samples import NOON
from tests.conftest import Index, Write
from web.app import create_app
from web.desk import open_desk
from web.settings import Settings

_NAMES = ("Amber", "Cobalt")


@pytest.fixture
def made(write: Write, index: Index) -> dict[str, str]:
    """The names of two snapshots, whose articles say in every word which they belong to, by id."""
    return {
        index(
            write(
                {
                    f"{n}.md": f"# {name} gateway {n}\n\n{name} text.\n\n## Restart it\n\n{name} steps.\n"
                    for n in range(4)
                }
            )
        ).snapshot: name
        for name in _NAMES
    }


def test_while_snapshots_are_switched_every_reply_is_right_and_of_one_snapshot(
    made: dict[str, str], data: Path
) -> None:
    settings = Settings(data=data, rate_questions="", rate_typing="")
    desk, engine = open_desk(settings)
    app = create_app(settings, desk, engine)
    told: Counter[str] = Counter()
    wrong: list[str] = []
    done = threading.Event()

    def drive() -> None:
        client = TestClient(app)
        while not done.is_set():
            reply = client.post("/api/v1/ask", json={"question": "restart the gateway 2", "channel": "api"})
            said = made[reply.json()["snapshot"]]
            (other,) = set(_NAMES) - {said}
            page = client.get("/search?q=restart+the+gateway").text
            typed = client.get("/api/v1/suggest?q=gateway+text+restart").text
            told[said] += 1
            if reply.status_code != 200 or said not in reply.text or other in reply.text:
                wrong.append(reply.text)
            wrong.extend(text for text in (page, typed) if all(name in text for name in _NAMES))
            wrong.extend(text for text in (page, typed) if not any(name in text for name in _NAMES))

    threads = [threading.Thread(target=drive) for _ in range(2)]
    for thread in threads:
        thread.start()
    place = FolderPlace(data)
    for _ in range(3):
        for snapshot_id in made:
            before = told.copy()
            place.take_back(snapshot_id)
            desk.library.refresh()
            while told[made[snapshot_id]] <= before[made[snapshot_id]] and all(map(threading.Thread.is_alive, threads)):
                done.wait(0.005)
    done.set()
    for thread in threads:
        thread.join(30)
    engine.dispose()
    assert wrong == []
    assert set(told) == set(_NAMES)


def test_all_of_a_request_reads_from_the_snapshot_it_began_with(made: dict[str, str], data: Path) -> None:
    settings = Settings(data=data)
    desk, engine = open_desk(settings)
    app = create_app(settings, desk, engine)
    old, new = made
    read: list[str] = []

    @app.get("/in-parts")
    def in_parts() -> None:
        read.append(desk.library.searcher.snapshot.id)
        FolderPlace(data).take_back(old)
        looking = threading.Thread(target=desk.library.refresh)  # as the server does, beside the requests
        looking.start()
        looking.join()
        read.append(desk.library.searcher.snapshot.id)

    @app.get("/who-asks-for-news")
    def who_asks(_: Request) -> None:
        FolderPlace(data).take_back(new)
        read.append(desk.library.searcher.snapshot.id)
        desk.library.refresh()
        read.append(desk.library.searcher.snapshot.id)

    with TestClient(app) as client:
        client.get("/in-parts")
        assert (read, desk.library.searcher.snapshot.id) == ([new, new], old)
        client.get("/who-asks-for-news")
        assert read[2:] == [old, new]
        metrics = app.state.metrics.exposed()[0].decode()
    assert 'firstline_snapshot_switch_total{outcome="taken"} 2.0' in metrics


def test_what_lives_on_after_a_request_reads_what_is_in_use_then(made: dict[str, str], data: Path) -> None:
    import contextvars

    old, new = made
    library = Library(data)
    with library.held():
        context = contextvars.copy_context()
        assert context.run(lambda: library.searcher.snapshot.id) == new
    FolderPlace(data).take_back(old)
    library.refresh()
    assert context.run(lambda: library.searcher.snapshot.id) == old


def test_a_new_snapshot_is_asked_in_every_language_before_anybody_else_asks_it(
    write: Write, index: Index, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"en/a.md": "# Gateway\n\nText.\n", "pl/b.md": "# Bramka sieciowa\n\nTekst.\n"}
    index(write(source))
    library = Library(data)
    index(write({**source, "en/c.md": "# More\n\nText.\n"}))
    asked: list[tuple[str, bool]] = []
    rank = Searcher.rank

    def listen(searcher: Searcher, query, *rest):  # type: ignore[no-untyped-def]
        asked.append((query.text, library.searcher is searcher))
        return rank(searcher, query, *rest)

    monkeypatch.setattr(Searcher, "rank", listen)
    library.refresh()
    assert sorted(asked) == [("Bramka sieciowa", False), ("Gateway", False)]


def test_a_library_over_a_database_takes_up_refuses_and_goes_back_as_over_a_folder(
    made: dict[str, str], data: Path, engine: sa.Engine, tmp_path: Path
) -> None:
    old, new = made
    for name in ("published", "current"):
        (data / name).unlink()  # made here, and never published here
    builder = SqlPlace(engine, data, lambda: NOON)
    builder.publish(old)
    (tmp_path / "web").mkdir()
    place = SqlPlace(engine, tmp_path / "web", lambda: NOON, "web-1")
    library = Library(tmp_path / "web", MemoryLearningStore(), place)
    heard: list[tuple[str, bool]] = []
    library.told = lambda snapshot_id, refused: heard.append((snapshot_id, bool(refused)))
    assert (library.searcher.snapshot.id, library.refresh()) == (old, False)

    builder.publish(new)
    assert (library.refresh(), library.searcher.snapshot.id) == (True, new)
    builder.take_back(old)
    assert (library.refresh(), library.searcher.snapshot.id) == (True, old)

    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE snapshot_files SET path = '../x' WHERE snapshot = '{new}' AND path LIKE 'w%'"
        )
    builder.take_back(new)
    assert [library.refresh(), library.refresh()] == [False, False]
    assert (library.searcher.snapshot.id, "Publish it again." in library.refused) == (old, True)
    builder.publish(new)
    assert (library.refresh(), library.searcher.snapshot.id, library.refused) == (True, new, "")
    assert heard == [(new, False), (old, False), (new, True), (new, False)]
