from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import kb.head
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder, Vectors
from kb.head import Head
from kb.rank import FEATURES
from kb.search import Found, Query, Searcher
from kb.snapshot import open_current
from tests.conftest import CREATED

_CLASSES = 7
_PAGES = {
    "en/vpn.md": ("Connect from home", ["vpn does not connect", "tunnel to the office"]),
    "en/mail.md": ("Mail is full", ["mailbox quota reached", "vpn mail office"]),
    "en/wifi.md": ("Guests and wifi", ["wifi password for visitors"]),
    "pl/mail.md": ("Pełna skrzynka", ["skrzynka nie przyjmuje poczty"]),
    "en/print.md": ("Paper and toner", []),
}


def _open(folder: Path, without: str = "", hold: bool = False) -> Searcher:
    for name, (title, asked) in _PAGES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = [text for text in asked if text != without]
        path.write_text(f"---\ntitle: {title}\nquestions: {listed}\n---\nSteps for {title}.\n", encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    snapshot = open_current(folder / "data")
    said = [row for row, passage in enumerate(snapshot.passages) if passage.kind != "body"]
    return Searcher(snapshot, hold=said if hold else ())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    return _open(tmp_path_factory.mktemp("desk"), hold=True)


def _row(searcher: Searcher, text: str) -> int:
    return next(row for row, passage in enumerate(searcher.snapshot.passages) if passage.text == text)


def _columns(searcher: Searcher, found: Found, names: Sequence[str]) -> dict[tuple[str, str], list[float]]:
    picked = found.evidence[:, [FEATURES.index(name) for name in names]]
    articles = [searcher.entry(int(number)).article for number in found.articles]
    return {(a.id, a.lang): row.tolist() for a, row in zip(articles, picked, strict=True)}


# --- the search --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [text for _, asked in _PAGES.values() for text in asked])
def test_a_question_left_out_counts_as_if_it_had_never_been_written(desk: Searcher, tmp_path: Path, text: str) -> None:
    never = _open(tmp_path, without=text)
    left_out, expected = desk.find(Query(text), [_row(desk, text)]), never.find(Query(text))
    exact = ("nearest", "nearest3", "subject_nearest3", "head", "codes")
    one, other = _columns(desk, left_out, exact), _columns(never, expected, exact)
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_allclose(one[key], other[key], atol=2e-5)
    # How rare a word is hangs on all articles, and still knows of the question.
    words, expected_words = _columns(desk, left_out, ["words"]), _columns(never, expected, ["words"])
    for key in words:
        np.testing.assert_allclose(words[key], expected_words[key], atol=0.1)


@pytest.mark.parametrize("text", [text for title, asked in _PAGES.values() for text in (title, *asked)])
def test_a_question_or_title_never_finds_itself(desk: Searcher, text: str) -> None:
    def own_nearest(found: Found) -> float:
        article = desk.entry(int(desk.snapshot.owner[row])).article
        return _columns(desk, found, ["nearest"]).get((article.id, article.lang), [0.0])[0]

    row = _row(desk, text)
    assert own_nearest(desk.find(Query(text))) == pytest.approx(1.0)
    assert own_nearest(desk.find(Query(text), [row])) < 0.95
    assert row not in desk.find(Query(text), [row]).best_rows


def test_what_is_left_out_once_is_there_for_the_next_question(desk: Searcher) -> None:
    query, row = Query("vpn does not connect"), _row(desk, "vpn does not connect")
    before = desk.find(query)
    desk.find(query, [row])
    np.testing.assert_array_equal(desk.find(query).evidence, before.evidence)


# --- the head ----------------------------------------------------------------------------------------------------


def _examples(count: int = 60) -> tuple[Vectors, NDArray[np.int64], NDArray[np.float32]]:
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(count, 12))
    vectors[5] = vectors[4]  # the same question twice
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit, chance.integers(0, _CLASSES, count), chance.uniform(0.2, 1.0, count).astype(np.float32)


def test_an_example_left_out_leaves_the_head_that_never_saw_it() -> None:
    vectors, owners, trust = _examples()
    queries, classes = _examples(9)[0], np.array([6, 0, 3])
    head = Head.of(vectors, owners, trust, _CLASSES, hold=range(len(vectors)))
    for example in range(len(vectors)):
        rest = np.arange(len(vectors)) != example
        refitted = Head.of(vectors[rest], owners[rest], trust[rest], _CLASSES)
        asked = np.concatenate([queries, vectors[[example]]])
        expected = refitted.scores(refitted.near(asked), classes)
        np.testing.assert_allclose(head.scores(head.near(asked), classes, [example]), expected, atol=2e-5)


def test_examples_left_out_together_leave_the_head_that_never_saw_any_of_them() -> None:
    vectors, owners, trust = _examples()
    every, near = np.arange(_CLASSES), _examples(9)[0]
    head = Head.of(vectors, owners, trust, _CLASSES, hold=range(len(vectors)))
    for together in ([4, 5], [0, 17, 59]):  # of which 4 and 5 say the same
        rest = np.setdiff1d(np.arange(len(vectors)), together)
        refitted = Head.of(vectors[rest], owners[rest], trust[rest], _CLASSES)
        expected = refitted.scores(refitted.near(near), every)
        np.testing.assert_allclose(head.scores(head.near(near), every, together), expected, atol=2e-5)


def test_an_example_left_out_of_a_head_on_landmarks_is_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners, trust = _examples()
    monkeypatch.setattr(kb.head, "LANDMARKS", 20)
    head = Head.of(vectors, owners, trust, _CLASSES, hold=range(len(vectors)))
    barely = trust.copy()
    every = np.arange(_CLASSES)
    near = head.near(vectors)
    for example in range(len(vectors)):
        barely[:] = trust
        barely[example] = 1e-9  # as good as not there, and the landmarks stay the same
        refitted = Head.of(vectors, owners, barely, _CLASSES)
        np.testing.assert_allclose(head.scores(near, every, [example]), refitted.scores(near, every), atol=1e-4)
    barely[:] = trust
    barely[[4, 5, 30]] = 1e-9
    refitted = Head.of(vectors, owners, barely, _CLASSES)
    np.testing.assert_allclose(head.scores(near, every, [4, 5, 30]), refitted.scores(near, every), atol=1e-4)


@pytest.mark.parametrize("landmarks", [20, 2_000])
def test_an_example_left_out_names_no_class(monkeypatch: pytest.MonkeyPatch, landmarks: int) -> None:
    vectors, owners, trust = _examples()
    owners[:] = np.arange(len(owners))
    monkeypatch.setattr(kb.head, "LANDMARKS", landmarks)
    head = Head.of(vectors, owners, trust, len(owners), hold=[0, 59])
    near = head.near(vectors[[59]])
    assert 59 in head.classes(near, 100)
    assert 59 not in head.classes(near, 100, [59])
    assert 0 in head.classes(near, 100, [59])
    assert 0 not in head.classes(near, 100, [0, 59])


def test_only_examples_that_were_held_can_be_left_out() -> None:
    vectors, owners, trust = _examples()
    head = Head.of(vectors, owners, trust, _CLASSES, hold=[3])
    with pytest.raises(KeyError):
        head.scores(head.near(vectors), np.array([0]), [4])
