"""What every FlagStore does, and what is asked of a flag before it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import FlagInvalid, FlagUnknown
from bot.flags import Flag, FlagStore, MemoryFlagStore, SqlFlagStore, changed_since, close_flag, raise_flag, version_of
from kb.models import Article
from tests.bot.samples import NOON, after
from tests.databases import STORES, engine_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> FlagStore:
    return MemoryFlagStore() if request.param == "memory" else SqlFlagStore(engine_of(request))


def flag(flag_id: str = "f1", **given: Any) -> Flag:
    values: dict[str, Any] = {"article_id": "vpn", "lang": "en", "kind": "wrong", "at": NOON, "who": "kim"}
    return Flag(flag_id, **{**values, **given})


def test_one_person_has_one_open_flag_of_a_kind_on_an_article(store: FlagStore) -> None:
    first = raise_flag(store, flag(comment="Step 2 is gone."))
    assert raise_flag(store, flag("f2", at=after(minutes=1))) == first
    assert raise_flag(store, flag("f3", comment="Step 3 too.")).comment == "Step 3 too."
    others = [flag("f4", kind="outdated"), flag("f5", who="jo"), flag("f6", article_id="wifi")]
    assert [raise_flag(store, other).id for other in others] == ["f4", "f5", "f6"]
    assert (store.count(), [found.id for found in store.find(articles=["vpn"])]) == (4, ["f1", "f4", "f5"])


def test_a_closed_flag_makes_room_for_a_new_one_and_can_be_opened_again(store: FlagStore) -> None:
    raise_flag(store, flag())
    closed = close_flag(store, "f1", "rejected", "It is as it should be.", "Ann", after(hours=1))
    assert (closed.state, closed.reason, closed.closed_by, closed.closed_at) == (
        "rejected",
        "It is as it should be.",
        "Ann",
        after(hours=1),
    )
    assert close_flag(store, "f1", "done", "", "Jo", after(hours=2)) == closed

    assert raise_flag(store, flag("f2", at=after(hours=3))).id == "f2"
    assert store.reopen("f1").id == "f2"  # the same was flagged again meanwhile
    close_flag(store, "f2", "done", "", "Ann", after(hours=4))
    assert store.reopen("f1") == flag()


def test_flags_are_found_by_article_kind_and_state_the_newest_first(store: FlagStore) -> None:
    for number, kind in enumerate(("wrong", "missing", "wrong")):
        raise_flag(store, flag(f"f{number}", kind=kind, who=f"agent-{number}", at=after(minutes=number)))
    close_flag(store, "f2", "done", "", "Ann", after(hours=1))

    assert [found.id for found in store.find()] == ["f2", "f1", "f0"]
    assert [found.id for found in store.find(kind="wrong", state="open")] == ["f0"]
    assert [found.id for found in store.find(limit=1)] == ["f2"]
    assert store.find(articles=[]) == store.find(articles=["wifi"]) == ()


def test_what_is_said_is_masked_and_never_cut(store: FlagStore) -> None:
    kept = raise_flag(store, flag(comment="Write to ann@example.com instead."))
    assert store.get("f1") == kept == flag(comment="Write to [email] instead.")
    with pytest.raises(FlagInvalid, match="Shorten the comment to 2,000 characters or fewer; it has 2,001"):
        raise_flag(store, flag("f2", comment="a" * 2_001))
    with pytest.raises(FlagInvalid, match="Say in a few words why nothing is changed"):
        close_flag(store, "f1", "rejected", " ", "Ann", NOON)
    with pytest.raises(FlagInvalid, match="closed as done or rejected, not as 'open'"):
        close_flag(store, "f1", "open", "", "Ann", NOON)


def test_an_unknown_flag_is_said_to_be_unknown(store: FlagStore) -> None:
    for ask in (store.get, store.reopen, lambda known: store.close(known, "done", "", "Ann", NOON)):
        with pytest.raises(FlagUnknown, match="no flag with the id 'nothing'"):
            ask("nothing")


def test_an_article_changed_since_its_flag_is_told_by_its_words_or_its_date() -> None:
    article = Article("vpn", "en", "VPN", "Select Connect.", "vpn.md", changed="2026-11-21T09:00:00+00:00")
    flagged = flag(version=version_of(article))
    other_words = Article("vpn", "en", "VPN", "Select Start.", "vpn.md", changed="2026-11-21")
    later = Article("vpn", "en", "VPN", "Select Connect.", "vpn.md", changed="2026-11-22")

    assert [changed_since(flagged, each) for each in (article, other_words, later)] == [False, True, True]
