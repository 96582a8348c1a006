"""What every PublicationStore does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import Message, PublicationUnknown
from bot.publishing import store as module
from bot.publishing.publication import Finding, Publication
from bot.publishing.store import MemoryPublicationStore, PublicationStore, SqlPublicationStore
from tests.bot.samples import NOON, after
from tests.databases import STORES, engine_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> PublicationStore:
    if request.param == "memory":
        return MemoryPublicationStore()
    return SqlPublicationStore(engine_of(request))


def test_one_waits_however_often_it_is_asked_for_until_it_begins(store: PublicationStore) -> None:
    first = store.ask("webhook", "", NOON)
    assert (first.id, first.state, first.again) == (1, "waiting", False)
    joined = store.ask("page", "Kim", after(seconds=1), again=True)
    assert (joined.id, joined.how, joined.who, joined.again) == (1, "webhook", "", True)

    begun = store.begin(after(seconds=2))
    assert begun == replace(joined, state="running", began=after(seconds=2))
    assert store.begin(after(seconds=3)) is None
    assert store.ask("page", "Kim", after(seconds=3)).id == 2
    assert (store.last("waiting", "running") or first).id == 2


def test_all_that_is_known_of_one_is_kept(store: PublicationStore) -> None:
    asked = store.ask("pull", "", NOON)
    full = Publication(
        asked.id,
        "pull",
        NOON,
        "Kim",
        state="refused",
        began=after(seconds=1),
        ended=after(seconds=2),
        stage="testing",
        done=3,
        total=9,
        again=True,
        branch="main",
        commit="c" * 40,
        subject="Zażółć",
        made_with="m",
        snapshot="s",
        before="b",
        counts={"articles": 3, "seconds": 0.5},
        findings=(Finding("a.md", 3, "r", "error", "m", "f", ("public", "ops")),),
        found=7,
        output="Killed",
    )
    store.keep(full)
    assert store.get(asked.id) == full

    told = store.keep(replace(full, reason=Message("%(n)s of %(m)s", n=1, m="x")))
    assert str(store.get(told.id).reason) == "1 of x"
    for unknown in (99, 10**30):
        with pytest.raises(PublicationUnknown):
            store.get(unknown)


def test_they_are_found_by_state_the_newest_first(store: PublicationStore) -> None:
    states = ("published", "failed", "unchanged", "published", "waiting")
    for number, state in enumerate(states):
        store.keep(Publication(0, "pull", after(seconds=number), state=state, snapshot="s", commit=str(number)))
    found = store.find(state="published")
    assert (found.total, [row.id for row in found.rows]) == (2, [4, 1])
    assert [row.id for row in store.find(limit=2, offset=1).rows] == [4, 3]
    assert [(row and row.id) for row in (store.last(), store.last("failed"), store.last("refused"))] == [4, 2, None]


def test_a_snapshot_in_use_is_traced_to_its_newest_commit(store: PublicationStore) -> None:
    rows = (("published", "s1", "c1"), ("unchanged", "s1", "c2"), ("refused", "s1", "c3"), ("published", "s1", ""))
    for state, snapshot, commit in rows:
        store.keep(Publication(0, "pull", NOON, state=state, snapshot=snapshot, commit=commit))
    found = store.of("s1")
    assert found is not None
    assert found.commit == "c2"
    assert store.of("s2") is None


def test_old_ones_are_forgotten(store: PublicationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    for _ in range(5):
        store.keep(Publication(0, "pull", NOON, state="unchanged"))
    assert [row.id for row in store.find().rows] == [5, 4, 3]
