"""What learned questions do to a ranking, on the fake encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import search
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from kb.learned import LearnedQuestion
from kb.models import INTERNAL, PUBLIC, ArticleKey
from kb.rank import FEATURES
from kb.search import Query, Searcher
from kb.snapshot import open_current
from tests.conftest import CREATED

_AGENT = frozenset({PUBLIC, INTERNAL})
_FILES = {
    "en/reset.md": "---\nid: reset\nquestions: [I forgot my password]\n---\n# Reset a password\n\nChoose a new one.\n",
    "pl/reset.md": "---\nid: reset\nquestions: [Nie pamiętam hasła]\n---\n# Reset hasła\n\nWybierz nowe hasło.\n",
    "en/printer.md": "---\nid: printer\n---\n# The printer does not print\n\nTurn it off and on.\n",
    "en/wifi.md": "---\nid: wifi\n---\n# Slow Wi-Fi\n\nMove nearer to the access point.\n",
    "en/canteen.md": "---\nid: canteen\n---\n# Eat in the canteen\n\nPay with your badge.\n",
    "en/runbook.md": "---\nid: runbook\naudience: internal\n---\n# Release quarantined mail\n\nRun the tool.\n",
}
#: Shares no word with any article.
_ASKED = "gizmo flashes amber constantly"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    folder = tmp_path_factory.mktemp("learned")
    for name, text in _FILES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return Searcher(open_current(folder / "data"))


def _learned(article: str, text: str = _ASKED, body: str = "", weight: float = 1.0) -> LearnedQuestion:
    return LearnedQuestion(f"{article}: {text}", article, text, body, weight)


def _keys(searcher: Searcher, query: Query) -> list[ArticleKey]:
    return [searcher.entry(hit.article).article.key for hit in searcher.rank(query).hits]


def _ids(searcher: Searcher, query: Query) -> list[str]:
    return [key.id for key in _keys(searcher, query)]


def _heads(searcher: Searcher, query: Query) -> dict[ArticleKey, float]:
    """What the head says of each candidate."""
    found = searcher.find(query)
    scores = found.evidence[:, FEATURES.index("head")]
    return {searcher.entry(int(n)).article.key: float(score) for n, score in zip(found.articles, scores, strict=True)}


@pytest.mark.parametrize("article", ["reset", "printer", "wifi", "canteen"])
def test_a_learned_question_lifts_its_article_to_the_first_place(desk: Searcher, article: str) -> None:
    taught = desk.with_learned([_learned(article)])
    assert _ids(taught, Query(_ASKED))[0] == article
    assert taught.rank(Query(_ASKED)).confidence > desk.rank(Query(_ASKED)).confidence


def test_a_question_worded_nearly_so_is_lifted_too_and_an_unlike_one_is_not(desk: Searcher) -> None:
    taught = desk.with_learned([_learned("canteen")])
    assert _ids(taught, Query("amber gizmo flashes"))[0] == "canteen"
    for question in ("I forgot my password", "printer does not print", "slow wi-fi"):
        assert _ids(taught, Query(question))[0] == _ids(desk, Query(question))[0] != "canteen"


def test_a_ticket_is_learned_by_its_subject_and_body(desk: Searcher) -> None:
    taught = desk.with_learned([_learned("wifi", "Help", "The gizmo flashes amber.")])
    assert _ids(taught, Query("Help", "The gizmo flashes amber."))[0] == "wifi"


def test_a_more_trusted_lesson_prevails_over_a_less_trusted_one(desk: Searcher) -> None:
    for first, second in (("wifi", "canteen"), ("canteen", "wifi")):
        taught = desk.with_learned([_learned(first, weight=1.0), _learned(second, weight=0.5)])
        assert _ids(taught, Query(_ASKED))[:2] == [first, second]


def test_what_one_article_answered_counts_for_it_in_every_language(desk: Searcher) -> None:
    before, after = (_heads(searcher, Query(_ASKED)) for searcher in (desk, desk.with_learned([_learned("reset")])))
    english, polish = ArticleKey("reset", "en"), ArticleKey("reset", "pl")
    assert after[english] == after[polish] > before[english] + 0.5


@pytest.mark.parametrize("lang", ["en", "pl"])
def test_the_reader_s_language_chooses_the_translation_of_a_learned_article(desk: Searcher, lang: str) -> None:
    taught = desk.with_learned([_learned("reset", "0x80070035")])
    assert _keys(taught, Query("0x80070035", lang=lang))[0] == ArticleKey("reset", lang)


def test_questions_of_an_article_that_is_not_there_change_nothing(desk: Searcher) -> None:
    taught = desk.with_learned([_learned("not-yet-written"), _learned("removed", "I forgot my password")])
    for question in (_ASKED, "I forgot my password"):
        assert taught.rank(Query(question)) == desk.rank(Query(question))


def test_questions_of_an_article_that_is_not_there_wait_until_it_is(tmp_path: Path) -> None:
    questions = [_learned("meter"), _learned("wifi", "slow")]
    orders = []
    for files in (
        {"wifi.md": "# Wi-Fi\n\nText.\n"},
        {"wifi.md": "# Wi-Fi\n\nText.\n", "meter.md": "# Meter\n\nRead.\n"},
    ):
        for name, text in files.items():
            (tmp_path / "articles").mkdir(exist_ok=True)
            (tmp_path / "articles" / name).write_text(text, encoding="utf-8")
        build(tmp_path / "articles", tmp_path / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
        searcher = Searcher(open_current(tmp_path / "data")).with_learned(questions)
        orders.append(_ids(searcher, Query(_ASKED)))
    assert orders == [["wifi"], ["meter", "wifi"]]


_QUESTIONS = st.lists(
    st.builds(
        _learned,
        st.sampled_from(["reset", "printer", "wifi", "runbook", "unknown"]),
        st.lists(st.sampled_from([*_ASKED.split(), "printer", "hasło", "mail"]), min_size=1, max_size=4).map(" ".join),
        weight=st.sampled_from([0.5, 0.8, 1.0]),
    ),
    max_size=5,
    unique_by=lambda question: question.id,
)


@given(_QUESTIONS, _QUESTIONS)
def test_what_is_taken_back_leaves_the_ranking_exactly_as_it_was(
    desk: Searcher, kept: Sequence[LearnedQuestion], removed: Sequence[LearnedQuestion]
) -> None:
    never, again = desk.with_learned(kept), desk.with_learned([*kept, *removed]).with_learned(kept)
    for query in (Query(_ASKED), Query("printer", "gizmo", "pl"), Query("mail", audiences=_AGENT)):
        assert again.rank(query) == never.rank(query)
        np.testing.assert_array_equal(again.find(query).evidence, never.find(query).evidence)
    assert desk.with_learned([*kept, *removed]).with_learned([]).rank(Query(_ASKED)) == desk.rank(Query(_ASKED))


def test_learning_leaves_the_searcher_in_use_as_it_is(desk: Searcher) -> None:
    before = desk.rank(Query(_ASKED))
    taught = desk.with_learned([_learned("canteen")])
    assert desk.rank(Query(_ASKED)) == before
    assert taught.snapshot is desk.snapshot


def test_an_article_that_only_a_learned_question_names_is_a_candidate(
    desk: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_DENSE_ROWS", "_LEXICAL_ARTICLES", "_ASKED_BEFORE"):
        monkeypatch.setattr(search, name, 1)
    named = _ids(desk, Query(_ASKED))
    article = next(name for name in ("canteen", "wifi", "printer") if name not in named)

    taught = desk.with_learned([_learned(article)])

    assert _ids(taught, Query(_ASKED))[0] == article


@given(_QUESTIONS)
def test_no_learned_question_shows_an_internal_article_to_the_public(
    desk: Searcher, questions: Sequence[LearnedQuestion]
) -> None:
    taught = desk.with_learned([*questions, _learned("runbook")])
    for query in (Query(_ASKED), Query(_ASKED, _ASKED, "pl"), *(Query(q.text, q.body) for q in questions)):
        assert "runbook" not in _ids(taught, query)
    assert "runbook" in _ids(taught, Query(_ASKED, audiences=_AGENT))


def test_what_an_internal_article_answered_moves_nothing_for_the_public(desk: Searcher) -> None:
    asked = ("The printer does not print", "I forgot my password", "release mail of the printer", _ASKED)
    taught = desk.with_learned([_learned("runbook", text) for text in asked])
    for text in asked:
        public, agents = Query(text), Query(text, audiences=_AGENT)
        assert taught.rank(public) == desk.rank(public)
        np.testing.assert_array_equal(taught.find(public).evidence, desk.find(public).evidence)
        assert taught.rank(agents) != desk.rank(agents)


def test_agents_find_the_internal_article_that_was_learned_first(desk: Searcher) -> None:
    taught = desk.with_learned([_learned("runbook")])
    assert _ids(taught, Query(_ASKED, audiences=_AGENT))[0] == "runbook"


def test_a_learned_question_corrects_no_typing_error(desk: Searcher) -> None:
    """What somebody typed once is no word of ours, and may be about what is internal."""
    taught = desk.with_learned([_learned("runbook", "gizmo quarantine")])
    assert taught.rank(Query("gizmoo quarantin")).corrected == "gizmoo quarantin"
