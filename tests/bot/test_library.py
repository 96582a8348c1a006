from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from bot.library import Library
from kb.errors import SnapshotDamaged, SnapshotMissing
from kb.search import Query
from kb.snapshot import MANIFEST_FILE, current_id, snapshots_folder, switch
from tests.conftest import Index, Write


def _titles(library: Library) -> list[str]:
    return [entry.article.title for entry in library.searcher.snapshot.entries]


def _answers(library: Library) -> str:
    hit = library.searcher.rank(Query("gateway")).hits[0]
    return library.searcher.entry(hit.article).article.title


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def _publish(write: Write, index: Index, title: str) -> str:
    return index(write({"x.md": f"# {title}\n\nRestart the gateway.\n"})).snapshot


def _damage(data: Path, snapshot_id: str, name: str = "articles.jsonl") -> bytes:
    """Changes a file of a snapshot, as a failing disk would; returns what it held."""
    path = snapshots_folder(data) / snapshot_id / name
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    return before


def test_a_new_snapshot_is_taken_up(write: Write, index: Index, data: Path) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    new = _publish(write, index, "New")

    assert _titles(library) == ["Old"]
    assert library.refresh() is True
    assert (library.searcher.snapshot.id, _titles(library)) == (new, ["New"])


def test_without_a_new_snapshot_nothing_is_opened(write: Write, index: Index, data: Path) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    searcher = library.searcher

    assert library.refresh() is False
    assert library.searcher is searcher


def test_without_any_snapshot_there_is_no_library(data: Path) -> None:
    with pytest.raises(SnapshotMissing, match=r"holds no snapshot yet\. Build one first: firstline index ARTICLES"):
        Library(data)


def test_a_damaged_snapshot_is_no_library(write: Write, index: Index, data: Path) -> None:
    _damage(data, _publish(write, index, "Old"))

    with pytest.raises(SnapshotDamaged, match=r"articles\.jsonl was changed after it was built"):
        Library(data)


@pytest.mark.parametrize("name", [MANIFEST_FILE, "articles.jsonl", "passages.jsonl", "words.npz"])
def test_a_damaged_snapshot_is_refused_and_logged_once_while_the_old_one_answers(
    write: Write, index: Index, data: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    old = _publish(write, index, "Old")
    library = Library(data)
    new = _publish(write, index, "New")
    _damage(data, new, name)

    assert [library.refresh() for _ in range(3)] == [False, False, False]

    assert library.searcher.snapshot.id == old
    assert _answers(library) == "Old"
    (message,) = _errors(caplog)
    assert message.startswith(f"snapshot {new} is refused, {old} stays in use: ")
    assert name in message


def test_a_snapshot_of_another_format_is_refused(
    write: Write, index: Index, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    manifest = snapshots_folder(data) / _publish(write, index, "New") / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))

    assert library.refresh() is False
    assert _answers(library) == "Old"
    (message,) = _errors(caplog)
    assert message.endswith(
        "manifest.json has format 99, this version reads format 1. Build the snapshot again with firstline index."
    )


def test_a_snapshot_that_is_not_there_is_refused_and_logged_once(
    write: Write, index: Index, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    switch(data, "0123456789abcdef")

    assert [library.refresh() for _ in range(3)] == [False, False, False]
    assert _answers(library) == "Old"
    assert len(_errors(caplog)) == 1


def test_where_the_pointer_to_the_snapshot_is_lost_that_is_logged_once(
    write: Write, index: Index, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    (data / "current").unlink()

    assert [library.refresh() for _ in range(3)] == [False, False, False]
    assert _answers(library) == "Old"
    assert len(_errors(caplog)) == 1


def test_after_a_refused_snapshot_a_good_one_is_taken_up(write: Write, index: Index, data: Path) -> None:
    _publish(write, index, "Old")
    library = Library(data)
    _damage(data, _publish(write, index, "Broken"))
    assert library.refresh() is False

    _publish(write, index, "New")

    assert library.refresh() is True
    assert _titles(library) == ["New"]


def test_a_refused_snapshot_is_taken_up_once_it_is_built_again(write: Write, index: Index, data: Path) -> None:
    """The same articles give the same id: the id alone does not tell the mended snapshot from the damaged one."""
    _publish(write, index, "Old")
    library = Library(data)
    broken = _publish(write, index, "New")
    _damage(data, broken)
    assert library.refresh() is False

    assert _publish(write, index, "New") == broken

    assert library.refresh() is True
    assert _titles(library) == ["New"]


def test_switching_back_takes_up_the_snapshot_before(write: Write, index: Index, data: Path) -> None:
    old = _publish(write, index, "Old")
    library = Library(data)
    _publish(write, index, "New")
    library.refresh()

    switch(data, old)

    assert library.refresh() is True
    assert current_id(data) == library.searcher.snapshot.id == old


def test_questions_are_answered_from_one_whole_snapshot_while_others_are_taken_up(
    write: Write, index: Index, data: Path
) -> None:
    ids = {_publish(write, index, title): title for title in ("Old", "New")}
    library = Library(data)
    answers: list[tuple[str, str]] = []
    done = threading.Event()

    def ask() -> None:
        while not (done.is_set() and answers):
            searcher = library.searcher
            hit = searcher.rank(Query("gateway")).hits[0]
            answers.append((searcher.snapshot.id, searcher.entry(hit.article).article.title))

    thread = threading.Thread(target=ask)
    thread.start()
    for snapshot_id in (*ids, *ids):
        switch(data, snapshot_id)
        library.refresh()
    done.set()
    thread.join(timeout=30)

    assert set(answers) <= set(ids.items())
    assert answers[0] in ids.items()
