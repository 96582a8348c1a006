"""Gaps: what is gathered, what keeps its id, and when a gap closes and opens by itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide import Policy
from bot.events import SqlEventStore
from bot.gaps import keeper, reading
from bot.gaps.cluster import group
from bot.gaps.failures import MemoryFailures, News, SqlFailures
from bot.gaps.keeper import GapKeeper, renamed
from bot.gaps.memory import MemoryGapStore
from bot.gaps.models import Centre, Failure, Filter, Gap, Step
from bot.gaps.sql import SqlGapStore
from bot.gaps.store import GapStore, decided
from bot.inbox import SqlInbox
from bot.library import Library
from bot.tables import gap_work
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from tests.bot.samples import NOON, asked, draft, not_solved, solved, unanswered
from tests.conftest import CREATED

_NEWS = News((), (), {})


class Desk:
    """A real database and the fake encoder over ARTICLES, with a clock that a test moves."""

    def __init__(self, folder: Path, data: Path, engine: sa.Engine) -> None:
        self.articles, self.data, self.engine = folder / "articles", folder / "data", engine
        shutil.copytree(data.parent / "articles", self.articles)
        shutil.copytree(data, self.data)
        self.library = Library(self.data)
        self.time, ids = NOON, (f"ticket-{n}" for n in count(1))
        self.events, self.inbox = SqlEventStore(engine), SqlInbox(engine, ids.__next__)
        self.store = SqlGapStore(engine)
        self.keeper = self.server("one")

    def server(self, name: str, store: GapStore | None = None) -> GapKeeper:
        failures = SqlFailures(self.engine)
        return GapKeeper(store or self.store, failures, self.library, Policy(), lambda: self.time, name)

    def ask(self, text: str, **given: object) -> str:
        question_id = f"q{len(self.events.questions()) + 1}"
        self.events.record_question(unanswered(question_id, text=text, at=self.time, **given))
        return question_id

    def gaps(self, **wanted: object) -> list[Gap]:
        assert self.keeper.refresh(None)
        return list(self.store.find(Filter(**{"state": None, **wanted}), self.time).rows)  # type: ignore[arg-type]

    def publish(self, name: str, text: str) -> None:
        (self.articles / "en" / f"{name}.md").write_text(text, encoding="utf-8")
        build(self.articles, self.data, BuildSettings(model=HashEmbedder.NAME), created=CREATED)
        assert self.library.refresh()


@pytest.fixture
def desk(tmp_path: Path, small_data: Path, engine: sa.Engine) -> Desk:
    return Desk(tmp_path, small_data, engine)


# --- gathering -----------------------------------------------------------------------------------------------------


def test_questions_alike_are_one_gap_named_by_the_most_central(desk: Desk) -> None:
    for text in ("where is the sauna", "is the sauna open today", "where is the sauna please", "how to boil an egg"):
        desk.ask(text)
    sauna, egg = desk.gaps()
    assert (sauna.count, egg.count) == (3, 1)
    assert (sauna.name, sauna.why, sauna.kinds) == ("where is the sauna", "no_article", {"unanswered"})
    assert [wording.count for wording in sauna.wordings] == [1, 1, 1]


def test_only_what_failed_is_a_gap_and_the_last_word_counts(desk: Desk) -> None:
    for number, text in enumerate(("sauna", "egg", "bicycle"), 1):
        desk.events.record_question(asked(f"q{number}", text=text))
    assert desk.gaps() == []
    desk.events.record_outcome(not_solved("q1"), NOON)
    desk.events.record_outcome(not_solved("q2"), NOON)
    desk.inbox.submit(draft(question_id="q3", department="IT"), "key-0001", shown=(), at=NOON)
    assert {gap.name: gap.kinds for gap in desk.gaps()} == {
        "sauna": {"rejected"},
        "egg": {"rejected"},
        "bicycle": {"ticket"},
    }
    desk.events.record_outcome(solved("q2"), NOON)
    assert {gap.name for gap in desk.gaps()} == {"sauna", "bicycle"}


def test_a_ticket_without_a_question_is_a_gap_with_its_words_masked(desk: Desk) -> None:
    sent = draft(subject="Call 600 700 800 about the sauna", department="HR")
    ticket = desk.inbox.submit(sent, "key-0001", shown=(), at=NOON)
    (gap,) = desk.gaps()
    assert (gap.name, gap.kinds, gap.why) == ("Call [phone] about the sauna", {"ticket"}, "not_shown")
    assert desk.store.departments(gap.id) == {"HR": 1}
    desk.events.record_resolution(ticket.id, "paper-jam", "", NOON)
    assert [gap.why for gap in desk.gaps()] == ["not_found"]


def test_a_follow_up_is_read_with_the_question_it_belongs_to(desk: Desk) -> None:
    first = desk.ask("where is the sauna")
    desk.ask("and on Sundays", after=first)
    (gap,) = desk.gaps()
    assert [wording.text for wording in gap.wordings] == ["where is the sauna", "where is the sauna and on Sundays"]


def test_what_a_person_saw_in_vain_is_told_from_what_is_not_there(desk: Desk) -> None:
    desk.events.record_question(asked("q1", text="slow wifi", shown=("slow-wifi",)))
    desk.events.record_outcome(not_solved("q1"), NOON)
    (gap,) = desk.gaps()
    assert (gap.why, gap.nearest) == ("rejected", "slow-wifi")


def test_two_servers_do_not_disturb_each_other(desk: Desk) -> None:
    desk.ask("where is the sauna")
    other = desk.server("two")
    assert desk.store.claim("two", NOON)
    assert not desk.keeper.refresh()  # the other one is at it
    desk.store.release("two")
    assert desk.keeper.refresh(None)
    desk.ask("where is the sauna")
    assert other.refresh(None)
    assert [gap.count for gap in desk.gaps()] == [2]


def test_a_tick_does_some_and_the_next_ones_the_rest(desk: Desk) -> None:
    for number in range(70):
        desk.ask(f"word{number} thing{number}")
    seconds = count(0.0, 10.0)
    keeper = GapKeeper(
        desk.store, SqlFailures(desk.engine), desk.library, Policy(), lambda: NOON, "one", clock=lambda: next(seconds)
    )
    assert not keeper.refresh(0.4)
    assert sum(centre.weight for centre in desk.store.centres()) == 64
    for _ in range(400):
        if keeper.refresh(0.4):
            break
    assert sum(gap.count for gap in desk.gaps(limit=1000)) == 70


def test_the_fakes_gather_the_same(desk: Desk) -> None:
    for text in ("where is the sauna", "is the sauna open", "how to boil an egg"):
        desk.ask(text)
    memory = MemoryGapStore()
    keeper = GapKeeper(memory, MemoryFailures(desk.events), desk.library, Policy(), lambda: NOON, "two")
    assert keeper.refresh(None)
    assert list(memory.find(Filter(state=None), NOON).rows) == desk.gaps()


def test_a_product_name_that_no_article_has_says_little_once_many_ask_about_it(desk: Desk) -> None:
    searcher = desk.library.searcher
    asked_before = [(f"Zorblax thing{n}", "en") for n in range(300)]

    def likeness(common: dict[str, float]) -> float:
        one, other = (Failure("q", NOON, text) for text in ("Zorblax printer", "Zorblax passport"))
        return float(reading.words(searcher, one, "en", common) @ reading.words(searcher, other, "en", common))

    assert likeness({}) > 0.4
    assert likeness(reading.Rarity().among(searcher, asked_before[:3])) == likeness({}), "a few make no word common"
    assert likeness(reading.Rarity().among(searcher, asked_before)) < 0.3


def test_a_question_of_an_earlier_time_than_those_gathered_becomes_a_gap_too(desk: Desk) -> None:
    desk.ask("where is the sauna")
    assert len(desk.gaps()) == 1
    desk.time = NOON - timedelta(days=300)  # imported, or from a server whose clock is behind
    desk.ask("how to boil an egg")
    assert [gap.name for gap in desk.gaps(sort="new")] == ["where is the sauna", "how to boil an egg"]


def test_the_work_goes_on_where_somebody_deleted_how_far_it_was(desk: Desk) -> None:
    desk.ask("where is the sauna")
    assert len(desk.gaps()) == 1
    with desk.engine.begin() as connection:
        connection.execute(gap_work.delete())
    desk.ask("how to boil an egg")
    desk.events.record_question(asked("q3", text="bicycle"))
    desk.events.record_outcome(not_solved("q3"), NOON)
    assert {gap.name: gap.count for gap in desk.gaps()} == {
        "where is the sauna": 1,
        "how to boil an egg": 1,
        "bicycle": 1,
    }


# --- ids -----------------------------------------------------------------------------------------------------------

#: Points on a circle, so that neighbours chain: what joins what depends on all of them.
BATCHES = st.lists(st.lists(st.integers(0, 359), min_size=1, max_size=8), min_size=1, max_size=5)


def _vectors(angles: list[int]) -> np.ndarray:
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(BATCHES)
def test_a_row_leaves_its_group_only_when_all_of_it_joins_another(batches: list[list[int]]) -> None:
    home: list[int] = []
    sums, weights = np.empty((0, 2), np.float32), np.empty(0, np.int64)
    for angles in batches:
        before = list(home)
        sums = np.concatenate([sums, _vectors(angles)])
        weights = np.concatenate([weights, np.ones(len(angles), np.int64)])
        known = len(sums) - len(angles)
        roots = group(sums, weights, 0.9, known)
        firsts = sorted(set(roots.tolist()))
        home = [firsts.index(roots[at]) for at in [*home, *range(known, len(sums))]]
        for one in range(len(before)):
            for other in range(one):
                if before[one] == before[other]:
                    assert home[one] == home[other]
        sums = np.array([sums[roots == first].sum(0) for first in firsts])
        weights = np.array([weights[roots == first].sum() for first in firsts])
        means = sums / weights[:, None]
        nearness = means @ means.T
        np.fill_diagonal(nearness, -1)
        assert nearness.max(initial=-1) < 0.9 + 1e-5  # nothing that is near was left apart


def test_no_order_of_a_batch_makes_other_gaps(desk: Desk) -> None:
    texts = ["where is the sauna", "sauna opening times", "boil an egg", "an egg to boil", "where is the egg", "sauna"]
    found = []
    for order in (texts, texts[::-1]):
        memory = MemoryGapStore()
        failures = [Failure(f"q{texts.index(text)}", NOON, text, lang="en", unanswered=True) for text in order]
        source = MemoryFailures(desk.events)
        source.news = lambda _cursor, _limit, failures=failures: replace(_NEWS, failures=tuple(failures))  # type: ignore[method-assign]
        source.read = lambda keys, failures=failures: [f for f in failures if f.key in keys]  # type: ignore[method-assign]
        GapKeeper(memory, source, desk.library, Policy(), lambda: NOON, "one").refresh(None)
        found.append(memory.of([centre.id for centre in memory.centres()]))
    assert found[0] == found[1]


def test_a_new_encoder_keeps_ids_by_the_questions_they_share() -> None:
    def failure(number: int) -> Failure:
        return Failure(f"q{number}", NOON, "x", unanswered=True)

    homes = {f"q{n}": "a" for n in range(4)} | {"q4": "b", "q5": "b", "q6": "c", "q7": "d"}
    new = {"x": [0, 1, 2, 6], "y": [3], "z": [4, 5]}
    centres = tuple(Centre(gap_id, "e", np.ones(1, np.float32), 1) for gap_id in new)
    step = Step(centres, homes=tuple((failure(n), gap_id) for gap_id, mine in new.items() for n in mine))
    made = renamed(step, ["a", "b", "c", "d"], homes, {"z"})
    assert {failed.key: gap_id for failed, gap_id in made.homes} == {
        "q0": "a", "q1": "a", "q2": "a", "q6": "a", "q3": "y", "q4": "b", "q5": "b",
    }  # fmt: skip
    assert (made.joined, made.dropped, made.split) == ({"c": "a", "z": "b"}, ("d",), {"y": "a"})
    made = renamed(step, ["a", "b", "c", "d"], homes, {"z"}, stay=True)
    assert {failed.key for failed, gap_id in made.homes if gap_id == "z"} == {"q4", "q5"}
    assert made.joined == {"c": "a", "b": "z"}  # somebody decided on z


@pytest.mark.parametrize("taken", ["", "before", "meanwhile"])
def test_a_mixed_gap_is_taken_apart_once_there_are_more_questions_unless_somebody_works_on_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    for text in ("where is the sauna", "is the sauna open", "the sauna", "how to boil an egg", "boil an egg"):
        desk.ask(text)
    sauna, egg = desk.gaps(sort="asked")
    homes = desk.store.homes(["q4", "q5"])
    both = tuple((failure, sauna.id) for _, failure in homes.values())
    centres = {centre.id: centre for centre in desk.store.centres()}
    whole = replace(centres[sauna.id], vector=centres[sauna.id].vector + centres[egg.id].vector, weight=5)
    assert desk.store.save(Step((whole,), {egg.id: sauna.id}, both), desk.store.work().revision)
    if taken == "before":
        desk.store.hand(sauna.id, "Ann", "Ann", desk.time)

    desk.ask("what does the canteen cook")
    assert sorted(gap.count for gap in desk.gaps()) == [1, 5]
    monkeypatch.setattr(keeper, "_FEWEST_ANEW", 7)
    desk.ask("where is the bicycle shed")
    if taken == "meanwhile":
        save = desk.store.save

        def save_later(step: Step, revision: int) -> bool:
            if step.undecided:
                desk.store.hand(sauna.id, "Ann", "Ann", desk.time)
            return save(step, revision)

        monkeypatch.setattr(desk.store, "save", save_later)

    found = {gap.id: gap.count for gap in desk.gaps()}
    assert sorted(found.values()) == ([1, 1, 5] if taken else [1, 1, 2, 3])
    assert found[sauna.id] == (5 if taken else 3)
    assert desk.store.get(sauna.id, desk.time).standing.writer == ("Ann" if taken else "")
    assert desk.store.work().anew == 7
    assert desk.store.get(egg.id, desk.time).id == sauna.id  # where it went when it was joined


def test_an_italian_question_is_read_by_its_words_where_the_encoder_knows_english_alone(desk: Desk) -> None:
    searcher = desk.library.searcher
    embedder = SimpleNamespace(languages=("en",))
    assert reading._share_of_words(embedder, "it") > reading._share_of_words(embedder, "en")  # type: ignore[arg-type]
    assert reading._share_of_words(embedder, "") == reading._share_of_words(embedder, "en")  # type: ignore[arg-type]
    assert reading.spoken(searcher, "Non riesco più a scaricare la posta", "", "en") == "it"


def test_questions_are_read_anew_where_the_encoder_is_gone(desk: Desk) -> None:
    for text in ("where is the sauna", "is the sauna open today", "how to boil an egg"):
        desk.ask(text)
    before = {gap.id: gap.count for gap in desk.gaps()}
    with desk.engine.begin() as connection:
        connection.execute(sa.text("UPDATE gaps SET encoder = 'an older one'"))
    desk.time += timedelta(minutes=1)
    desk.ask("sauna is where")
    after = {gap.id: gap.count for gap in desk.gaps()}
    assert set(after) == set(before)
    assert sorted(after.values()) == [1, 3]
    assert {centre.encoder for centre in desk.store.centres()} != {"an older one"}


# --- closing and opening -------------------------------------------------------------------------------------------

SAUNA = (
    "---\ntitle: Where the sauna is\nquestions: [where is the sauna, is the sauna open]\n---\nThe sauna is upstairs.\n"
)


@pytest.fixture
def closed(desk: Desk) -> Desk:
    """A gap of three questions that an article closed two hours later."""
    for text in ("where is the sauna", "where is the sauna", "is the sauna open"):
        desk.ask(text)
    assert [gap.state for gap in desk.gaps()] == ["open"]
    desk.time = NOON + timedelta(hours=2)
    desk.publish("sauna", SAUNA)
    (gap,) = desk.gaps()
    assert gap.state == "closed"
    return desk


def test_an_article_that_answers_closes_the_gap_and_is_named(closed: Desk) -> None:
    (gap,) = closed.gaps(state="closed")
    standing = gap.standing
    assert (standing.article, standing.who, standing.decided) == ("sauna", "", NOON + timedelta(hours=2))
    assert standing.snapshot == closed.library.searcher.snapshot.id
    assert [event.what for event in closed.store.history(gap.id)] == ["answered"]


def test_an_article_that_was_there_before_closes_nothing(desk: Desk) -> None:
    desk.publish("sauna", SAUNA)
    desk.ask("where is the sauna")
    assert [gap.state for gap in desk.gaps()] == ["open"]
    desk.time = NOON + timedelta(hours=2)
    desk.publish("eggs", "# Boil an egg\n\nTake a pan.\n")  # another snapshot, the same article
    assert [gap.state for gap in desk.gaps()] == ["open"]
    desk.publish("sauna", SAUNA + "\nTake a towel.\n")
    assert [gap.state for gap in desk.gaps()] == ["closed"]


def test_an_article_about_something_else_closes_nothing(desk: Desk) -> None:
    desk.ask("where is the sauna")
    desk.gaps()
    desk.time = NOON + timedelta(hours=2)
    desk.publish("eggs", "# Boil an egg\n\nTake a pan.\n")
    assert [gap.state for gap in desk.gaps()] == ["open"]


def test_a_closed_gap_opens_when_three_more_fail(closed: Desk) -> None:
    for number in range(3):
        closed.time += timedelta(hours=1)
        closed.ask("where is the sauna")
        (gap,) = closed.gaps()
        assert gap.state == ("closed" if number < 2 else "open")
    assert [event.what for event in closed.store.history(gap.id)] == ["again", "answered"]
    closed.time += timedelta(hours=1)
    closed.publish("eggs", "# Boil an egg\n\nTake a pan.\n")
    assert closed.gaps()[0].state == "open", "the article that did not do closes it no more"


def test_what_will_not_be_done_stays_so(desk: Desk) -> None:
    desk.ask("where is the sauna")
    (gap,) = desk.gaps()
    desk.store.change(gap.id, "wont_do", decided("wont_do", "We have none.", "Ann", desk.time))
    desk.time += timedelta(hours=1)
    for _ in range(5):
        desk.ask("where is the sauna")
    assert [gap.state for gap in desk.gaps()] == ["wont_do"]
    desk.time += timedelta(hours=1)
    desk.publish("sauna", SAUNA)
    assert [gap.state for gap in desk.gaps()] == ["wont_do"]
