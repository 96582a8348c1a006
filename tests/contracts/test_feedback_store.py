"""What every FeedbackStore does, and what is asked of a word before it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import FeedbackInvalid
from bot.feedback import Feedback, FeedbackStore, MemoryFeedbackStore, SqlFeedbackStore, keep
from tests.bot.samples import NOON, after
from tests.databases import STORES, engine_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> FeedbackStore:
    return MemoryFeedbackStore() if request.param == "memory" else SqlFeedbackStore(engine_of(request))


def said(session: str = "one", **given: Any) -> Feedback:
    values: dict[str, Any] = {"article_id": "vpn", "at": NOON, "lang": "en", "helpful": False}
    return Feedback(session=session, **{**values, **given})


def test_a_session_has_one_word_on_an_article_and_it_is_the_last(store: FeedbackStore) -> None:
    keep(store, said(helpful=True))
    keep(store, said(at=after(minutes=1), reason="wrong", comment="Step 2 is gone."))
    keep(store, said("two", helpful=True, at=after(minutes=2)))
    keep(store, said(article_id="wifi", at=after(minutes=3)))

    found = store.find()
    assert (found.total, found.helpful) == (3, 1)
    assert found.rows == (
        said(article_id="wifi", at=after(minutes=3)),
        said("two", helpful=True, at=after(minutes=2)),
        said(at=after(minutes=1), reason="wrong", comment="Step 2 is gone."),
    )


def test_a_second_no_takes_nothing_back_and_a_yes_takes_all(store: FeedbackStore) -> None:
    keep(store, said(reason="unclear", comment="Which menu?"))
    keep(store, said(at=after(minutes=1)))
    assert store.find().rows == (said(at=after(minutes=1), reason="unclear", comment="Which menu?"),)

    keep(store, said(at=after(minutes=2), helpful=True))
    keep(store, said(at=after(minutes=3)))
    assert store.find().rows == (said(at=after(minutes=3)),)


def test_what_was_said_is_found_by_article_and_answer(store: FeedbackStore) -> None:
    for number in range(5):
        keep(store, said(f"s{number}", helpful=number % 2 == 0, at=after(minutes=number)))
    keep(store, said(article_id="wifi"))

    vpn = store.find(article="vpn", limit=2, offset=1)
    assert (vpn.total, vpn.helpful, [row.session for row in vpn.rows]) == (5, 3, ["s3", "s2"])
    no = store.find(helpful=False)
    assert (no.total, no.helpful, [row.session for row in no.rows]) == (3, 0, ["s3", "s1", "one"])
    assert store.find(article="nothing") == MemoryFeedbackStore().find()


def test_votes_are_counted_for_the_articles_that_are_asked_for(store: FeedbackStore) -> None:
    for number in range(5):
        keep(store, said(f"s{number}", helpful=number < 2))
    keep(store, said(article_id="wifi", helpful=True))

    assert store.votes(["vpn", "mail"]) == {"vpn": (2, 3)}
    assert store.votes([]) == {}


def test_personal_data_in_a_comment_is_masked_before_it_is_kept(store: FeedbackStore) -> None:
    keep(store, said(comment="  Write to ann@example.com\x00 please. "))

    assert store.find().rows[0].comment == "Write to [email] please."


def test_a_yes_keeps_neither_reason_nor_comment(store: FeedbackStore) -> None:
    keep(store, said(helpful=True, reason="other", comment="Fine."))

    assert store.find().rows == (said(helpful=True),)


def test_a_comment_that_is_too_long_and_an_unknown_reason_are_told_and_not_kept(store: FeedbackStore) -> None:
    keep(store, said(comment="x" * 2_000))
    with pytest.raises(FeedbackInvalid) as caught:
        keep(store, said("two", comment="x" * 2_001))
    assert str(caught.value) == "Shorten the comment to 2,000 characters or fewer; it has 2,001."
    with pytest.raises(FeedbackInvalid) as caught:
        keep(store, said("two", reason="boring"))
    assert str(caught.value) == "'boring' is no reason. Give one of outdated, wrong, unclear, other, or none."

    assert store.find().total == 1
