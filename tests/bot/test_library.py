from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import StoreUnavailable
from bot.learning import MemoryLearningStore, SqlLearningStore
from bot.library import Library
from bot.models import Question
from bot.service import HelpDesk
from kb.errors import SnapshotDamaged, SnapshotMissing
from kb.learned import LearnedQuestion
from kb.models import INTERNAL, PUBLIC, ArticleKey
from kb.search import Query, Ranking, Searcher
from kb.snapshot import MANIFEST_FILE, current_id, snapshots_folder, switch
from tests.bot.samples import draft, heard, lesson
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


@pytest.mark.parametrize("name", [MANIFEST_FILE, "articles.jsonl", "passages.jsonl", "words.arrays"])
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
    manifest.write_text(manifest.read_text().replace('"format": 4', '"format": 99'))

    assert library.refresh() is False
    assert _answers(library) == "Old"
    (message,) = _errors(caplog)
    assert message.endswith(
        "manifest.json has format 99, this version reads format 4. Build the snapshot again with firstline index."
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


# --- what was learned ----------------------------------------------------------------------------------------------


class Taught(Searcher):
    """A searcher that tells what it learned."""

    texts: tuple[str, ...] = ()


def _taught(library: Library) -> tuple[str, ...]:
    searcher = library.searcher
    return searcher.texts if isinstance(searcher, Taught) else ()


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> MemoryLearningStore:
    def with_learned(searcher: Searcher, questions: Sequence[LearnedQuestion], cache: Path) -> Searcher:
        taught = Taught(searcher.snapshot)
        taught.texts = tuple(sorted(question.text for question in questions))
        return taught

    monkeypatch.setattr(Searcher, "with_learned", with_learned)
    return MemoryLearningStore()


def test_what_was_learned_before_the_start_is_known_from_the_start(
    write: Write, index: Index, data: Path, learning: MemoryLearningStore
) -> None:
    _publish(write, index, "Old")
    learning.learn([lesson("a")])

    assert _taught(Library(data, learning)) == ("a",)


def test_what_is_learned_or_removed_is_taken_up_and_else_nothing_happens(
    write: Write, index: Index, data: Path, learning: MemoryLearningStore
) -> None:
    _publish(write, index, "Old")
    library = Library(data, learning)
    assert (library.refresh(), _taught(library)) == (False, ())

    learning.learn([lesson("a"), lesson("b")])
    assert (library.refresh(), _taught(library)) == (True, ("a", "b"))
    searcher = library.searcher
    assert library.refresh() is False
    assert library.searcher is searcher

    for row in learning.find().rows:
        learning.remove(row.id)
    assert (library.refresh(), _taught(library)) == (True, ())


def test_a_new_snapshot_keeps_what_was_learned(
    write: Write, index: Index, data: Path, learning: MemoryLearningStore
) -> None:
    _publish(write, index, "Old")
    learning.learn([lesson("a")])
    library = Library(data, learning)
    _publish(write, index, "New")
    learning.learn([lesson("b")])

    assert library.refresh() is True

    assert (_titles(library), _taught(library)) == (["New"], ("a", "b"))


def test_while_a_snapshot_is_refused_learning_goes_on(
    write: Write, index: Index, data: Path, learning: MemoryLearningStore
) -> None:
    _publish(write, index, "Old")
    library = Library(data, learning)
    _damage(data, _publish(write, index, "New"))
    learning.learn([lesson("a")])

    assert library.refresh() is True

    assert (_titles(library), _taught(library)) == (["Old"], ("a",))


def test_while_the_database_does_not_answer_what_was_learned_stays_and_that_is_logged_once(
    write: Write,
    index: Index,
    data: Path,
    learning: MemoryLearningStore,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> int:
        raise StoreUnavailable("What was learned could not be read: disk I/O error.")

    _publish(write, index, "Old")
    learning.learn([lesson("a")])
    library = Library(data, learning)
    with monkeypatch.context() as patched:
        patched.setattr(learning, "revision", fail)
        assert [library.refresh() for _ in range(3)] == [False, False, False]
        _publish(write, index, "New")
        assert library.refresh() is True
    assert (_titles(library), _taught(library)) == (["New"], ("a",))
    assert _errors(caplog) == ["what was learned stays as it is: What was learned could not be read: disk I/O error."]

    learning.learn([lesson("b")])
    assert (library.refresh(), _taught(library)) == (True, ("a", "b"))


# --- and what it does to a ranking, with SQLite ---------------------------------------------------------------------

#: Shares no word with any article.
GIZMO = "gizmo flashes amber constantly"


def _ranking(desk: HelpDesk, text: str = GIZMO) -> Ranking:
    return desk.library.searcher.rank(Query(text))


def _keys(desk: HelpDesk, text: str = GIZMO, lang: str | None = None) -> list[ArticleKey]:
    return [suggestion.key for suggestion in desk.search(Question(text, lang=lang), limit=10)]


def _solve(desk: HelpDesk, subject: str, article: str, key: str = "key-0001") -> None:
    desk.resolve(desk.open_ticket(draft(subject=subject, body="Please."), key).id, article, "")


@pytest.mark.parametrize("article", ["slow-wifi", "paper-jam", "byod", "reset-password"])
def test_what_an_agent_solved_with_an_article_finds_it_first_from_then_on(sql_desk: HelpDesk, article: str) -> None:
    before = _ranking(sql_desk)
    _solve(sql_desk, GIZMO, article)
    after = _ranking(sql_desk)

    assert _keys(sql_desk)[0].id == article
    assert sql_desk.library.searcher.entry(after.hits[0].article).article.id == article
    assert after.hits[0].score > max(hit.score for hit in before.hits)
    assert after.confidence > before.confidence


def test_the_same_words_as_a_ticket_are_found_as_well(sql_desk: HelpDesk) -> None:
    _solve(sql_desk, GIZMO, "slow-wifi")
    ranking = sql_desk.library.searcher.rank(Query(GIZMO, "Please."))
    assert sql_desk.library.searcher.entry(ranking.hits[0].article).article.id == "slow-wifi"


def test_a_translation_is_lifted_with_the_article_that_solved_it(sql_desk: HelpDesk) -> None:
    _solve(sql_desk, "0x80070035", "reset-password")
    found = [_keys(sql_desk, "0x80070035", lang)[0] for lang in ("en", "pl")]
    assert found == [ArticleKey("reset-password", "en"), ArticleKey("reset-password", "pl")]


def test_an_internal_article_that_solved_it_is_never_shown_to_readers(sql_desk: HelpDesk) -> None:
    before = _keys(sql_desk)
    _solve(sql_desk, GIZMO, "unlock-runbook")
    assert "unlock-runbook" not in {key.id for key in _keys(sql_desk)}
    assert {key.id for key in _keys(sql_desk)} == {key.id for key in before}
    reply = sql_desk.ask(Question(GIZMO))
    assert "unlock-runbook" not in {key.id for key in reply.shown}
    agents = Query(GIZMO, audiences=frozenset({PUBLIC, INTERNAL}))
    ranking = sql_desk.library.searcher.rank(agents)
    assert sql_desk.library.searcher.entry(ranking.hits[0].article).article.id == "unlock-runbook"


def test_what_an_author_removes_leaves_the_ranking_exactly_as_it_was_and_restored_it_counts_again(
    sql_desk: HelpDesk,
) -> None:
    before = _ranking(sql_desk)
    _solve(sql_desk, GIZMO, "slow-wifi")
    after = _ranking(sql_desk)
    (row,) = sql_desk.learning.find().rows

    sql_desk.remove_learned(row.id)
    assert _ranking(sql_desk) == before
    _solve(sql_desk, GIZMO, "slow-wifi", "key-0002")
    assert _ranking(sql_desk) == before

    sql_desk.restore_learned(row.id)
    assert _ranking(sql_desk) == after


def test_another_process_ranks_the_same_after_its_next_look(
    sql_desk: HelpDesk, small_data: Path, engine: sa.Engine
) -> None:
    other = Library(small_data, SqlLearningStore(engine))
    before = other.searcher.rank(Query(GIZMO))
    _solve(sql_desk, GIZMO, "slow-wifi")
    assert other.searcher.rank(Query(GIZMO)) == before

    assert (other.refresh(), other.refresh()) == (True, False)

    assert other.searcher.rank(Query(GIZMO)) == _ranking(sql_desk) != before
    assert Library(small_data, SqlLearningStore(engine)).searcher.rank(Query(GIZMO)) == _ranking(sql_desk)


def test_an_article_that_is_published_later_has_what_was_learned_for_it_and_one_that_went_takes_it_along(
    write: Write, index: Index, data: Path, engine: sa.Engine
) -> None:
    store = SqlLearningStore(engine)
    store.learn([lesson(GIZMO, article="meter")])
    wifi, meter = "# Slow Wi-Fi\n\nMove nearer.\n", "# Read the meter\n\nWrite the number down.\n"
    folder = write({"wifi.md": wifi})
    index(folder)
    library = Library(data, store)
    orders = []
    for change in ("nothing", "published", "taken back"):
        if change == "published":
            write({"meter.md": meter})
        if change == "taken back":
            (folder / "meter.md").unlink()
        index(folder)
        library.refresh()
        searcher = library.searcher
        orders.append([searcher.entry(hit.article).article.id for hit in searcher.rank(Query(GIZMO)).hits])
    assert orders == [["wifi"], ["meter", "wifi"], ["wifi"]]


def test_readers_of_three_sessions_move_a_ranking_less_than_an_agent(sql_desk: HelpDesk) -> None:
    before = _ranking(sql_desk)
    sql_desk.learning.hear(heard(GIZMO, "one", article="slow-wifi"))
    sql_desk.learning.hear(heard(GIZMO, "two", article="slow-wifi"))
    sql_desk.library.refresh()
    assert _ranking(sql_desk) == before

    sql_desk.learning.hear(heard(GIZMO, "three", article="slow-wifi"))
    sql_desk.library.refresh()
    readers = _ranking(sql_desk)
    sql_desk.learning.learn([lesson(GIZMO, article="slow-wifi")])
    sql_desk.library.refresh()

    assert before.hits[0].score < readers.hits[0].score < _ranking(sql_desk).hits[0].score
