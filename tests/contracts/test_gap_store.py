"""What every GapStore does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.errors import GapChanged, GapInvalid, GapUnknown
from bot.gaps.memory import MemoryGapStore
from bot.gaps.models import Centre, Description, Failure, Filter, Gap, Standing, Step, Version, Wording
from bot.gaps.sql import SqlGapStore
from bot.gaps.store import LEASE, MAX_REASON, GapStore, decided, revision_of
from tests.bot.samples import NOON, after
from tests.databases import STORES, engine_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> GapStore:
    return MemoryGapStore() if request.param == "memory" else SqlGapStore(engine_of(request))


def centre(gap_id: str, weight: int = 1) -> Centre:
    return Centre(gap_id, "encoder", np.arange(4, dtype=np.float32), weight)


def failed(key: str, **given: Any) -> Failure:
    return Failure(key, **{"at": NOON, "text": f"Where is {key}?", "lang": "en", "unanswered": True, **given})


def keep(store: GapStore, **gaps: Sequence[Failure]) -> None:
    """Keeps gaps with these failures in one step."""
    centres = tuple(centre(gap_id, len(failures)) for gap_id, failures in gaps.items())
    homes = tuple((failure, gap_id) for gap_id, failures in gaps.items() for failure in failures)
    assert store.save(Step(centres, homes=homes), store.work().revision)


def ids(store: GapStore, **wanted: Any) -> list[str]:
    return [gap.id for gap in store.find(Filter(**wanted), NOON).rows]


def test_a_step_is_kept_whole_and_read_back(store: GapStore) -> None:
    assert store.work().revision == 0
    step = Step((centre("a", 2),), homes=((failed("q1"), "a"), (failed("q2", body="not kept"), "a")), cursor={"x": "1"})
    assert store.save(step, 0)
    assert (store.work().revision, store.work().cursor) == (1, {"x": "1"})
    (kept,) = store.centres()
    assert (kept.id, kept.encoder, kept.weight, kept.vector.tolist()) == ("a", "encoder", 2, [0, 1, 2, 3])
    assert store.homes(["q2", "q3"]) == {"q2": ("a", failed("q2"))}
    assert store.of(["a", "b"]) == {"q1": "a", "q2": "a"}
    assert (store.count("a"), store.keys("a", 1)) == (2, ["q1"])


def test_what_was_decided_on_something_older_is_refused(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    seen = revision_of(store.history("a"))
    store.change("a", "wont_do", decided("wont_do", "Not ours.", "Ann", NOON), seen)
    with pytest.raises(GapChanged):
        store.change("a", "close", decided("close", "", "Bob", after(hours=1)), seen)
    with pytest.raises(GapChanged):
        store.undo("a", "Bob", after(hours=1), seen)
    assert store.get("a", NOON).standing.who == "Ann"
    store.change("a", "wont_do", decided("wont_do", "Not ours.", "Bob", NOON), seen)  # the same again is no harm
    assert store.undo("a", "Bob", after(hours=1), revision_of(store.history("a"))).state == "open"


def test_the_newest_texts_come_first(store: GapStore) -> None:
    keep(store, a=[failed("q1"), failed("q2", at=after(hours=2), lang="pl")], b=[failed("q3", at=after(hours=1))])
    assert store.texts(2) == [(after(hours=2), "Where is q2?", "pl"), (after(hours=1), "Where is q3?", "en")]


def test_a_step_made_of_what_is_no_more_is_refused_whole(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    assert not store.save(Step((centre("b"),), homes=((failed("q2"), "b"),)), 0)
    assert [kept.id for kept in store.centres()] == ["a"]


def test_one_server_works_at_a_time_until_it_is_done_or_silent(store: GapStore) -> None:
    assert store.claim("one", NOON)
    assert store.claim("one", after(seconds=1))
    assert not store.claim("two", after(seconds=2))
    store.release("two")
    assert not store.claim("two", after(seconds=3))
    assert store.claim("two", after(seconds=1) + LEASE)
    store.release("two")
    assert store.claim("one", after(seconds=70))


def test_figures_count_what_the_filter_lets_through(store: GapStore) -> None:
    keep(
        store,
        a=[failed("q1"), failed("q2", at=after(days=-40), lang="pl"), failed("q3", ticketed=True, ticket=7)],
        b=[failed("q4", unanswered=False, rejected=True, at=after(hours=1))],
    )
    first, second = store.find(Filter(), NOON).rows
    assert (first.id, first.count, first.recent, first.before, first.tickets) == ("a", 3, 2, 1, 1)
    assert (first.first, first.last, first.langs) == (after(days=-40), NOON, ("en", "pl"))
    assert first.kinds == {"unanswered", "ticket"}
    assert (second.id, second.kinds) == ("b", {"rejected"})
    listing = store.find(Filter(limit=1, offset=1), NOON)
    assert (listing.total, listing.asked, [gap.id for gap in listing.rows]) == (2, 4, ["b"])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "rejected"}, ["b"]),
        ({"lang": "pl"}, ["a"]),
        ({"words": "LODZ  sauna"}, ["b"]),
        ({"words": "100%"}, []),
        ({"words": "_"}, []),
        ({"since": after(minutes=1)}, ["b"]),
        ({"state": "closed"}, []),
        ({"state": None}, ["b", "a"]),
        ({"sort": "asked"}, ["a", "b"]),
        ({"department": "IT"}, ["b"]),
        ({"writer": "Ann"}, ["a"]),
        ({"writer": ""}, ["b"]),
        ({"sort": "new"}, ["b", "a"]),
        ({"sort": "tickets"}, ["b", "a"]),
    ],
)
def test_lists_are_narrowed_and_ordered(store: GapStore, wanted: dict[str, Any], found: list[str]) -> None:
    sauna = failed("q3", at=after(hours=1), text="Łódź sauna", unanswered=False, rejected=True, ticketed=True)
    keep(store, a=[failed("q1", lang="pl"), failed("q2")], b=[replace(sauna, department="IT")])
    store.hand("a", "Ann", "Ann", NOON)
    assert ids(store, **wanted) == found


def test_a_gap_that_is_joined_keeps_its_address_and_its_history(store: GapStore) -> None:
    keep(store, a=[failed("q1"), failed("q2")], b=[failed("q3")], c=[failed("q4")])
    store.change("b", "wont_do", decided("wont_do", "Not ours.", "Ann", NOON))
    assert store.save(Step((centre("a", 3),), joined={"b": "a"}), 1)
    assert store.save(Step((centre("c", 4),), joined={"a": "c"}), 2)
    assert store.get("b", NOON).id == store.get("a", NOON).id == "c"
    assert store.get("c", NOON).count == 4
    assert [event.what for event in store.history("b")] == ["wont_do"]
    assert ids(store) == ["c"]


def test_a_closed_gap_that_an_open_one_joins_is_open(store: GapStore) -> None:
    keep(store, a=[failed("q1")], b=[failed("q2")])
    store.change("a", "close", decided("close", "", "Ann", NOON))
    store.save(Step((centre("a", 2),), joined={"b": "a"}), 1)
    assert store.get("a", NOON).state == "open"


def test_what_fails_no_more_is_gone_and_what_was_split_stands_as_before(store: GapStore) -> None:
    keep(store, a=[failed("q1"), failed("q2")])
    store.change("a", "wont_do", decided("wont_do", "Not ours.", "Ann", NOON))
    step = Step((centre("b"),), homes=((failed("q2"), "b"),), gone=("q1",), split={"b": "a"}, dropped=("a",))
    assert store.save(step, 1)
    assert ids(store, state="wont_do") == ["b"]
    with pytest.raises(GapUnknown):
        store.get("a", NOON)


def test_gaps_wait_until_they_are_described_and_for_each_snapshot(store: GapStore) -> None:
    keep(store, a=[failed("q1")], b=[failed("q2"), failed("q3")])
    assert store.waiting("s1", 10) == ["b", "a"]
    said = Description("Where?", "en", "rejected", "vpn", (Wording("Where?", 2, "en", "web"),))
    store.describe("b", said, "s1", 2)
    store.describe("a", said, "s1", 0)  # it grew meanwhile
    assert store.waiting("s1", 10) == ["a"]
    assert store.waiting("s2", 10) == ["a", "b"]
    gap = store.get("b", NOON)
    assert (gap.name, gap.lang, gap.why, gap.nearest, gap.wordings) == (
        "Where?",
        "en",
        "rejected",
        "vpn",
        said.wordings,
    )
    keep(store, b=[failed("q4")])
    assert "b" in store.waiting("s1", 10)


def test_days_and_departments_are_counted(store: GapStore) -> None:
    late = after(hours=13)
    keep(
        store,
        a=[failed("q1", ticketed=True, department="IT"), failed("q2"), failed("q3", at=late, department="HR")],
        b=[failed("q4", at=after(days=-400))],
    )
    days = store.days(["a", "b"], after(days=-10))
    assert days == {"a": {NOON.date(): (2, 1), late.date(): (1, 0)}, "b": {}}
    assert store.departments("a") == {"HR": 1, "IT": 1}


def test_articles_are_noted_with_the_time_they_say_so_since(store: GapStore) -> None:
    store.look("s1", {"vpn": Version("hash", NOON)})
    assert (store.work().snapshot, store.work().articles) == ("s1", {"vpn": Version("hash", NOON)})


def test_a_decision_says_who_and_can_be_taken_back(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    gap = store.change("a", "wont_do", decided("wont_do", " Call me: 600 700 800 ", "Ann", NOON))
    assert gap.standing == Standing("wont_do", "Call me: [phone]", "", "", "Ann", NOON)
    again = replace(gap.standing, who="Bob")
    assert store.change("a", "wont_do", again).standing.who == "Ann"  # as it stands already
    back = store.undo("a", "Bob", after(minutes=1))
    assert back.standing == Standing()
    undone, done = store.history("a")
    assert (undone.what, undone.who, done.what, done.undone) == ("undo", "Bob", "wont_do", True)
    with pytest.raises(GapInvalid, match="nothing to undo"):
        store.undo("a", "Bob", after(minutes=2))


def test_reopening_is_taken_back_with_its_reason(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    store.change("a", "wont_do", decided("wont_do", "Not ours.", "Ann", NOON))
    store.change("a", "reopen", decided("reopen", "", "Bob", after(minutes=1)))
    assert store.undo("a", "Bob", after(minutes=2)).standing == Standing("wont_do", "Not ours.", "", "", "Ann", NOON)
    assert store.undo("a", "Ann", after(minutes=3)).state == "open"


def test_one_person_writes_for_a_gap_and_who_decides_on_something_older_is_told(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    seen = revision_of(store.history("a"))
    gap = store.hand("a", "Ann", "Ann", after(hours=1), seen)
    assert (gap.standing.writer, gap.standing.written_since, gap.standing.decided) == ("Ann", after(hours=1), None)
    with pytest.raises(GapChanged):
        store.hand("a", "Bob", "Bob", after(hours=2), seen)
    store.hand("a", "Bob", "Bob", after(hours=2))  # takes it over
    assert store.undo("a", "Ann", after(hours=3)).standing.writer == "Ann"
    store.hand("a", "", "Ann", after(hours=4))
    assert store.hand("a", "", "Ann", after(hours=5)).standing.written_since == after(hours=4)  # nothing happened
    assert [event.what for event in store.history("a")] == ["give_back", "undo", "take", "take"]


def test_a_decision_leaves_the_writer_and_taking_back_who_writes_leaves_the_decision(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    store.change("a", "reopen", replace(decided("reopen", "Again.", "Bob", NOON)))
    store.hand("a", "Ann", "Ann", after(hours=1))
    assert store.undo("a", "Ann", after(hours=2)).standing == decided("reopen", "Again.", "Bob", NOON)
    store.hand("a", "Ann", "Ann", after(hours=3))
    assert store.change("a", "close", decided("close", "", "Bob", after(hours=4))).standing.writer == "Ann"
    with pytest.raises(GapInvalid, match="Only an open gap"):
        store.hand("a", "Bob", "Bob", after(hours=5))
    assert store.undo("a", "Bob", after(hours=6)).standing.writer == "Ann"


def test_who_writes_for_a_gap_writes_for_what_it_joins(store: GapStore) -> None:
    keep(store, a=[failed("q1")], b=[failed("q2")])
    store.hand("b", "Ann", "Ann", NOON)
    store.save(Step((centre("a", 2),), joined={"b": "a"}), store.work().revision)
    assert store.get("b", NOON).standing.writer == "Ann"


def test_who_wrote_for_a_closed_gap_writes_on_where_an_open_one_opens_it(store: GapStore) -> None:
    keep(store, a=[failed("q1")], b=[failed("q2")])
    store.hand("a", "Ann", "Ann", NOON)
    store.change("a", "close", decided("close", "", "Ann", NOON))
    store.save(Step((centre("a", 2),), joined={"b": "a"}), store.work().revision)
    stand = store.get("a", NOON).standing
    assert (stand.state, stand.writer) == ("open", "Ann")


def test_what_takes_apart_a_gap_that_somebody_decided_on_meanwhile_is_refused_whole(store: GapStore) -> None:
    keep(store, a=[failed("q1"), failed("q2")], b=[failed("q3")])
    step = Step((centre("a", 3),), joined={"b": "a"}, undecided=("a", "b"))
    work = store.work()
    store.hand("b", "Ann", "Ann", NOON)
    assert not store.save(step, work.revision)
    assert (store.work(), sorted(ids(store))) == (work, ["a", "b"])
    assert store.save(replace(step, undecided=("a",)), work.revision)


def test_meanings_are_those_of_one_encoder_the_largest_gaps_first(store: GapStore) -> None:
    keep(store, a=[failed("q1")], b=[failed("q2"), failed("q3")], c=[failed("q4")])
    for gap_id, lang, encoder in (("a", "en", "e5"), ("b", "pl", "e5"), ("c", "en", "other")):
        meaning = np.array([0.6, 0.8], np.float32)
        said = Description("Where?", lang, "no_article", "", (), meaning, encoder)
        store.describe(gap_id, said, "s1", store.count(gap_id))
    ids, langs, meanings = store.meanings("e5", 10)
    assert (ids, langs) == (["b", "a"], ["pl", "en"])
    assert np.allclose(meanings, [[0.6, 0.8]] * 2, atol=1e-3)
    assert store.meanings("e5", 1)[0] == ["b"]
    assert store.meanings("nobody", 10)[0] == []
    assert store.langs() == ["en", "pl"]
    assert [gap.id for gap in store.some(["c", "gone", "a"], NOON)] == ["c", "a"]


def test_what_happened_by_itself_since_cannot_be_undone_by_chance(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    store.change("a", "close", decided("close", "", "Ann", NOON))
    store.change("a", "again", Standing("open", "", "", "", "", after(days=1)))
    with pytest.raises(GapInvalid):
        store.undo("a", "Ann", after(days=2))


def test_an_unknown_gap_is_named(store: GapStore) -> None:
    for ask in (
        lambda: store.get("nothing", NOON),
        lambda: store.history("nothing"),
        lambda: store.undo("nothing", "Ann", NOON),
        lambda: store.change("nothing", "close", decided("close", "", "Ann", NOON)),
    ):
        with pytest.raises(GapUnknown, match="'nothing'"):
            ask()


def test_a_reason_is_required_where_nothing_will_be_done_and_never_too_long() -> None:
    with pytest.raises(GapInvalid, match="why no article"):
        decided("wont_do", "  ", "Ann", NOON)
    with pytest.raises(GapInvalid, match=f"{MAX_REASON:,} characters"):
        decided("close", "x" * (MAX_REASON + 1), "Ann", NOON)
    assert decided("close", "", "Ann", NOON + timedelta(0)).state == "closed"


def test_a_gap_tells_no_words_in_a_log(store: GapStore) -> None:
    keep(store, a=[failed("q1")])
    gap: Gap = store.get("a", NOON)
    assert "Where" not in repr(gap)
    assert "Where" not in repr(failed("q1"))
