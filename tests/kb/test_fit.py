from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import fit as module
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from kb.fit import fit, own_questions, shift
from kb.foreign import questions
from kb.snapshot import Snapshot, open_current
from tests.conftest import CREATED

_ODDS = st.lists(st.tuples(st.floats(-8, 8), st.booleans(), st.floats(0.01, 2)), max_size=40)
#: What the forty articles of the base below are about; one word each, so that all but a few questions find theirs.
_SUBJECTS = [f"{first}{second}" for first in ("bra", "klo", "tun", "dre") for second in "abcdefghik"]


def _snapshot(folder: Path, files: dict[str, str]) -> Snapshot:
    for name, text in files.items():
        (folder / "articles" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "articles" / name).write_text(text, encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return open_current(folder / "data")


def _article(title: str, *asked: str, more: str = "") -> str:
    return f"---\ntitle: {title}\nquestions: [{', '.join(asked)}]\n{more}---\nText about {title}.\n"


# --- the shift ---------------------------------------------------------------------------------------------------


def _arrays(rows: list[tuple[float, bool, float]]) -> tuple[module.Floats, module.Floats, module.Floats]:
    table = np.array(rows, float).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


@given(_ODDS)
def test_the_shift_is_the_likeliest_one(rows: list[tuple[float, bool, float]]) -> None:
    odds, labels, counts = _arrays(rows)

    def loss(by: float) -> float:
        right = np.logaddexp(0, -(odds + by)), np.logaddexp(0, odds + by)
        return float(counts @ (labels * right[0] + (1 - labels) * right[1])) + by**2 / (2 * 0.1**2)

    found = shift(odds, labels, counts)
    assert all(loss(found) <= loss(found + step) + 1e-9 for step in (-0.01, 0.01, -1, 1))


def test_without_questions_nothing_moves() -> None:
    assert shift(*_arrays([])) == 0.0


def test_the_more_questions_say_so_the_further_it_moves() -> None:
    moved = [shift(*_arrays([(2.0, False, 1.0)] * count)) for count in (0, 1, 10, 100)]
    assert moved == sorted(moved, reverse=True)
    assert len(set(moved)) == 4


def test_questions_found_as_often_as_expected_move_nothing() -> None:
    assert shift(*_arrays([(math.log(3), n % 4 != 0, 1.0) for n in range(100)])) == pytest.approx(0, abs=1e-9)


# --- which questions are asked -----------------------------------------------------------------------------------


def test_own_questions_are_those_of_authors_that_their_article_has_nowhere_else(tmp_path: Path) -> None:
    snapshot = _snapshot(
        tmp_path,
        {
            "en/a.md": _article("Alpha", "alpha", "where is a", "wifi"),
            "pl/a.md": _article("Alfa", "WIFI", "gdzie jest a"),
            "en/b.md": _article("Beta", "wifi", "where is a"),
        },
    )
    rows = own_questions(snapshot)
    assert [snapshot.passages[row].text for row in rows] == ["where is a", "wifi", "where is a", "gdzie jest a"]
    assert {snapshot.passages[row].kind for row in rows} == {"question"}


def test_of_many_own_questions_each_language_is_asked_by_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OWN", 10)
    files = {f"en/{n}.md": _article(f"E{n}", f"first {n}", f"second {n}") for n in range(16)}
    files |= {f"pl/{n}.md": _article(f"P{n}", f"pierwsze {n}") for n in range(8)}
    snapshot = _snapshot(tmp_path, files)
    langs = Counter(snapshot.entries[int(snapshot.owner[row])].article.lang for row in own_questions(snapshot))
    assert langs == {"en": 8, "pl": 2}


# --- the fit -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A base whose questions find their articles without themselves."""
    files = {f"{word}.md": _article(f"The {word}", f"mend {word}", f"sell {word}") for word in _SUBJECTS}
    return _snapshot(tmp_path_factory.mktemp("known"), files)


@pytest.fixture(scope="module")
def confused(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A base in which each question has the words of the next article."""
    files = {
        f"{word}.md": _article(f"The {word}", f"mend the {_SUBJECTS[n - 1]} please") for n, word in enumerate(_SUBJECTS)
    }
    return _snapshot(tmp_path_factory.mktemp("confused"), files)


def test_questions_that_find_their_articles_make_surer_but_not_by_much(known: Snapshot) -> None:
    found = fit(known)
    assert (found.own, found.right) == (80, 80)
    assert 0.0 < found.shift < 0.2


def test_questions_that_find_other_articles_make_less_sure(confused: Snapshot, known: Snapshot) -> None:
    found = fit(confused)
    assert (found.own, found.right) == (40, 0)
    assert found.shift < fit(known).shift - 0.1


def test_a_fit_is_the_same_every_time(confused: Snapshot) -> None:
    assert fit(confused) == fit(confused)
    assert confused.manifest["calibration"]["shift"] == fit(confused).shift


def test_few_own_questions_do_not_count(confused: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST_OWN", 41)
    found = fit(confused)
    assert (found.own, found.right) == (40, 0)
    assert -0.05 < found.shift <= 0.0


def test_four_foreign_questions_of_every_other_subject_are_asked(known: Snapshot) -> None:
    found = fit(known)
    subjects = {q.subject for q in questions() if q.lang == "en"}
    assert found.foreign == 4 * len(subjects - set(found.own_subjects))


def test_a_base_in_a_language_without_foreign_questions_is_left_as_it_is(tmp_path: Path) -> None:
    found = fit(_snapshot(tmp_path, {"cs/a.md": _article("Heslo", "zapomenuté heslo")}))
    assert (found.shift, found.own, found.foreign, found.own_subjects) == (0.0, 1, 0, ())


def test_a_subject_that_the_base_knows_is_its_own(tmp_path: Path) -> None:
    asked = [q.text for q in questions() if (q.lang, q.subject) == ("en", "weather")]
    files = {f"{n}.md": _article(f"Weather {n}", f"'{text}'") for n, text in enumerate(asked)}
    found = fit(_snapshot(tmp_path, files))
    assert "weather" in found.own_subjects
    assert found.foreign == 4 * (40 - len(found.own_subjects))
