"""A reader on the fake encoder, and on fakes that differ in what they read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kb.embedding import HashEmbedder, Vectors
from kb.learned import LearnedQuestion
from kb.reader import Reader
from kb.snapshot import Encoded, Snapshot, open_current
from kb.vectors import ArrayStore
from tests.conftest import Index, Write

_FILES = {
    "en/reset.md": "---\nid: reset\nquestions: [I forgot my password]\n---\n# Reset a password\n\nChoose a new one.\n",
    "pl/reset.md": "---\nid: reset\nquestions: [Nie pamiętam hasła]\n---\n# Reset hasła\n\nWybierz nowe.\n",
    "en/printer.md": "---\nid: printer\n---\n# The printer does not print\n\nTurn it off and on.\n",
    "en/wifi.md": "---\nid: wifi\n---\n# Slow Wi-Fi\n\nMove nearer to the access point.\n",
}
#: The class of each article; translations share one.
_CLASSES = {"printer": 0, "reset": 1, "wifi": 2}


class Counting(HashEmbedder):
    """Tells which questions it had to read."""

    def __init__(self, unrelated: float = 0.0) -> None:
        super().__init__()
        self.unrelated = unrelated
        self.read: list[str] = []

    def embed_queries(self, texts: list[str]) -> Vectors:  # type: ignore[override]
        self.read += texts
        return super().embed_queries(texts)


@pytest.fixture
def snapshot(write: Write, index: Index, data: Path) -> Snapshot:
    index(write(_FILES))
    return open_current(data)


def _reader(snapshot: Snapshot, embedder: HashEmbedder | None = None, articles: list[int] | None = None) -> Reader:
    groups = np.array([_CLASSES[entry.article.id] for entry in snapshot.entries], np.int64)
    encoded = Encoded(embedder or HashEmbedder(), snapshot.encoders[0].vectors)
    return Reader(snapshot, encoded, np.array(articles if articles is not None else range(4), np.int64), groups)


def _scores(reader: Reader, text: str) -> list[float]:
    """The head's score of each class."""
    near = reader.head.near(HashEmbedder().embed_queries([text]))
    return [float(score) for score in reader.head.scores(near, np.arange(3))[0]]


def test_titles_and_the_authors_questions_are_what_was_asked_before(snapshot: Snapshot) -> None:
    reader = _reader(snapshot)
    for text, article in [("I forgot my password", "reset"), ("Nie pamiętam hasła", "reset"), ("Slow Wi-Fi", "wifi")]:
        scores = _scores(reader, text)
        assert int(np.argmax(scores)) == _CLASSES[article]
        assert scores[_CLASSES[article]] > 0.6


def test_body_text_is_not_what_was_asked_before(snapshot: Snapshot) -> None:
    near = _reader(snapshot).head.near(HashEmbedder().embed_queries(["Turn it off and on."]))
    assert near.shape == (1, sum(passage.kind != "body" for passage in snapshot.passages))
    assert near.max() < 0.5


def test_what_was_said_of_articles_it_does_not_read_is_not_known_to_it(snapshot: Snapshot) -> None:
    polish = [n for n, entry in enumerate(snapshot.entries) if entry.article.lang == "pl"]
    reader = _reader(snapshot, articles=polish)
    scores = _scores(reader, "The printer does not print")
    assert (scores[_CLASSES["printer"]], scores[_CLASSES["wifi"]]) == (0.0, 0.0)
    assert scores[_CLASSES["reset"]] != 0.0


def test_a_learned_question_raises_its_article_by_as_much_as_it_is_trusted(snapshot: Snapshot) -> None:
    reader, asked = _reader(snapshot), "gizmo flashes amber"
    before = _scores(reader, asked)[_CLASSES["printer"]]
    after = [
        _scores(reader.learn([LearnedQuestion("1", "printer", asked, weight=weight)]), asked)[_CLASSES["printer"]]
        for weight in (0.5, 0.8, 1.0)
    ]
    assert sorted([before, *after]) == [before, *after]
    assert after[-1] > before + 0.5


def test_a_learned_question_leaves_the_reader_it_came_from_as_it_was(snapshot: Snapshot) -> None:
    reader = _reader(snapshot)
    before = _scores(reader, "gizmo")
    reader.learn([LearnedQuestion("1", "printer", "gizmo")])
    assert _scores(reader, "gizmo") == before


def test_what_is_learned_replaces_what_was_learned_before_without_a_trace(snapshot: Snapshot) -> None:
    one, two = LearnedQuestion("1", "printer", "gizmo amber"), LearnedQuestion("2", "wifi", "gizmo green")
    reader = _reader(snapshot)
    for left in ([one], [two], []):
        for text in ("gizmo amber", "gizmo green", "I forgot my password"):
            assert _scores(reader.learn([one, two]).learn(left), text) == _scores(reader.learn(left), text)


def test_the_body_of_a_ticket_is_read_with_its_subject(snapshot: Snapshot) -> None:
    embedder = Counting()
    _reader(snapshot, embedder).learn([LearnedQuestion("1", "printer", "Help", "It blinks.")])
    assert embedder.read == ["Help\nIt blinks."]


def test_one_question_more_costs_the_reading_of_one_question(snapshot: Snapshot) -> None:
    embedder = Counting()
    questions = [LearnedQuestion(str(n), "printer", f"question {n}") for n in range(4)]
    reader = _reader(snapshot, embedder).learn(questions[:3])
    assert embedder.read == ["question 0", "question 1", "question 2"]
    embedder.read.clear()
    reader = reader.learn(questions)
    assert embedder.read == ["question 3"]
    embedder.read.clear()
    reader.learn(questions[1:]).learn(questions)
    assert embedder.read == ["question 0"]  # what is no longer learned is not kept


def test_one_question_that_two_articles_answered_is_read_once_and_counts_for_both(snapshot: Snapshot) -> None:
    embedder = Counting()
    reader = _reader(snapshot, embedder)
    taught = reader.learn([LearnedQuestion("1", "printer", "gizmo"), LearnedQuestion("2", "wifi", "gizmo")])
    assert embedder.read == ["gizmo"]
    before, after = _scores(reader, "gizmo"), _scores(taught, "gizmo")
    assert [b < a for b, a in zip(before, after, strict=True)] == [True, False, True]


def test_closeness_is_0_for_what_is_unrelated_and_1_for_the_same_whatever_the_encoder(snapshot: Snapshot) -> None:
    rows = np.arange(len(snapshot.passages))
    queries = snapshot.encoders[0].vectors.rows(rows[:2])
    plain = _reader(snapshot).closeness(queries, rows)
    np.testing.assert_allclose(plain, snapshot.encoders[0].vectors.score(queries, rows), atol=1e-6)
    high = _reader(snapshot, Counting(unrelated=0.8)).closeness(queries, rows)
    np.testing.assert_allclose(high, (plain - 0.8) / 0.2, atol=1e-5)
    assert (high.dtype, high.shape) == (np.float32, (2, len(rows)))
    np.testing.assert_allclose([high[0, 0], high[1, 1]], [1.0, 1.0], atol=1e-5)


def test_an_encoder_whose_cosines_are_high_tells_examples_apart_as_well(snapshot: Snapshot) -> None:
    """All cosines pressed into .8 to 1: the head measures distances by what is unrelated, and scores the same."""
    vectors = snapshot.encoders[0].vectors.rows(np.arange(len(snapshot.passages)))
    crowded = np.hstack([np.sqrt(0.2) * vectors, np.full((len(vectors), 1), np.sqrt(0.8))]).astype(np.float32)
    embedder = HashEmbedder(dimension=vectors.shape[1] + 1)
    embedder.unrelated = 0.8
    groups = np.array([_CLASSES[entry.article.id] for entry in snapshot.entries], np.int64)
    reader = Reader(snapshot, Encoded(embedder, ArrayStore(crowded)), np.arange(4), groups)

    plain = _reader(snapshot)
    near, expected = reader.head.near(crowded), plain.head.near(vectors)

    np.testing.assert_allclose(near, expected, atol=1e-5)
    classes = np.arange(3)
    np.testing.assert_allclose(reader.head.scores(near, classes), plain.head.scores(expected, classes), atol=1e-4)


def test_the_nearest_articles_are_named_once_each_and_only_of_the_allowed_rows(snapshot: Snapshot) -> None:
    reader = _reader(snapshot)
    queries = HashEmbedder().embed_queries(["Reset a password", "Reset hasła"])
    assert reader.nearest(queries, 99, None).tolist() == [0, 1, 2, 3]
    wifi = next(n for n, entry in enumerate(snapshot.entries) if entry.article.id == "wifi")
    rows = np.flatnonzero(snapshot.owner == wifi).astype(np.int64)
    assert reader.nearest(queries, 5, rows).tolist() == [wifi]
