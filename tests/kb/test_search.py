from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from kb.models import INTERNAL, PUBLIC, ArticleKey
from kb.rank import FEATURES
from kb.search import MAX_CHARACTERS, Query, Ranking, Searcher
from kb.snapshot import open_current
from tests.built import CREATED, searched

Open = Callable[[dict[str, str]], Searcher]

_AGENT = frozenset({PUBLIC, INTERNAL})
_FILES = {
    "en/reset.md": "---\nid: reset\ntitle: Reset a forgotten password\nquestions: [I forgot my password]\n---\n"
    "Open the page and choose a new password.\n\n## At home\n\nConnect the VPN first.\n",
    "pl/reset.md": "---\nid: reset\ntitle: Reset zapomnianego hasła\nquestions: [Nie pamiętam hasła]\n---\n"
    "Otwórz stronę i wybierz nowe hasło password.\n",
    "en/printer.md": "---\nid: printer\ntitle: The printer does not print\n---\n"
    "Turn the printer off and on. Error 0x80070005.\n",
    "en/runbook.md": "---\nid: runbook\ntitle: Unlock quarantined mailboxes with Exchange\naudience: internal\n"
    "keywords: [transportrule, hygiene]\nquestions: [quarantined mailbox runbook]\n---\n"
    "Run Get-QuarantineMessage. Error AADSTS50053. Secretword.\n",
    "en/payroll.md": "---\nid: payroll\ntitle: Payroll export fails\naudience: finance\n---\nOpen the ledger.\n",
    "de/printer.md": "---\nid: printer\ntitle: Der Drucker druckt nicht\naudience: internal\n---\n"
    "Drucker neu starten. Fehler 0x80070005.\n",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """A small help desk on the fake encoder."""
    return searched(tmp_path_factory.mktemp("desk"), _FILES)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    return lambda files: searched(tmp_path, files)


@pytest.fixture(scope="module")
def own(own_data: Path) -> Searcher:
    """Our own articles on the real encoder."""
    return Searcher(open_current(own_data))


def _keys(searcher: Searcher, ranking: Ranking) -> list[ArticleKey]:
    return [searcher.entry(hit.article).article.key for hit in ranking.hits]


def _ids(searcher: Searcher, query: Query) -> list[str]:
    return [key.id for key in _keys(searcher, searcher.rank(query))]


# --- who sees what -----------------------------------------------------------------------------------------------

_WORDS = sorted({word.strip(".,[]") for text in _FILES.values() for word in text.split() if word.isprintable()})
_TEXT = st.lists(st.sampled_from(_WORDS) | st.text("abcdet ", min_size=1, max_size=8), max_size=12).map(" ".join)


@given(_TEXT, _TEXT, st.sampled_from([None, "en", "pl", "de", "xx"]))
def test_no_question_ranks_an_article_its_asker_may_not_see(
    desk: Searcher, text: str, body: str, lang: str | None
) -> None:
    for audiences in (frozenset({PUBLIC}), _AGENT, frozenset({PUBLIC, "finance"}), frozenset({"finance"}), frozenset()):
        ranking = desk.rank(Query(text, body, lang, audiences))
        assert {desk.entry(hit.article).article.audience for hit in ranking.hits} <= audiences


@given(_TEXT, _TEXT)
def test_every_ranking_is_falling_names_each_article_once_and_shows_a_passage_of_it(
    desk: Searcher, text: str, body: str
) -> None:
    ranking = desk.rank(Query(text, body, audiences=_AGENT))
    ids = [key.id for key in _keys(desk, ranking)]
    assert len(set(ids)) == len(ids)
    assert [hit.score for hit in ranking.hits] == sorted((hit.score for hit in ranking.hits), reverse=True)
    assert 0.0 <= ranking.confidence <= 1.0
    assert [hit for hit in ranking.hits if hit.row not in desk.entry(hit.article).rows] == []
    assert desk.rank(Query(text, body, audiences=_AGENT)) == ranking


def test_an_internal_article_is_found_by_agents_alone(desk: Searcher) -> None:
    question = "quarantined mailbox runbook"
    assert _ids(desk, Query(question, audiences=_AGENT))[0] == "runbook"
    assert "runbook" not in _ids(desk, Query(question))


def test_an_article_for_a_group_is_found_by_that_group_alone(desk: Searcher) -> None:
    assert _ids(desk, Query("payroll export", audiences=frozenset({PUBLIC, "finance"})))[0] == "payroll"
    assert "payroll" not in _ids(desk, Query("payroll export", audiences=_AGENT))


@pytest.mark.parametrize(
    "text", ["quarantine mailboxs", "transportrul hygeine", "exchagne", "secretwrod", "payrol ledgr", "druckre"]
)
def test_words_of_internal_articles_never_appear_in_a_correction(desk: Searcher, text: str) -> None:
    assert desk.rank(Query(text)).corrected == text
    # For agents neither: one speller serves all, and a correction may be shown to the public later.
    assert desk.rank(Query(text, audiences=_AGENT)).corrected == text


@given(_TEXT)
def test_a_correction_holds_only_words_that_were_asked_or_are_public(desk: Searcher, text: str) -> None:
    public = {
        word.casefold()
        for entry in desk.snapshot.entries
        if entry.article.audience == PUBLIC
        for line in (entry.article.title, *entry.article.questions, *entry.article.keywords)
        for word in line.split()
    }
    assert set(desk.rank(Query(text)).corrected.split()) <= public | set(text.split())


def test_where_the_asker_may_see_no_article_nothing_is_found(opened: Open) -> None:
    searcher = opened({"a.md": "---\naudience: internal\n---\n# Password\n\nText password.\n"})
    ranking = searcher.rank(Query("password"))
    assert (ranking.hits, ranking.confidence, ranking.corrected) == ((), 0.0, "password")
    assert _ids(searcher, Query("password", audiences=_AGENT)) == ["a"]


def test_a_code_that_only_an_internal_article_holds_speaks_for_no_public_one(desk: Searcher) -> None:
    column = FEATURES.index("codes")
    found = desk.find(Query("error AADSTS50053"))
    assert found.evidence[:, column].tolist() == [0.0] * len(found.articles)
    agents = desk.find(Query("error AADSTS50053", audiences=_AGENT))
    holding = [desk.entry(int(a)).article.id for a in agents.articles[agents.evidence[:, column] > 0]]
    assert holding == ["runbook"]


# --- languages ---------------------------------------------------------------------------------------------------


def test_the_question_s_own_words_choose_the_translation_whatever_the_asker_s_language(desk: Searcher) -> None:
    assert _keys(desk, desk.rank(Query("Nie pamiętam hasła", lang="en")))[0] == ArticleKey("reset", "pl")
    assert _keys(desk, desk.rank(Query("Nie pamiętam hasła")))[0] == ArticleKey("reset", "pl")


def test_where_there_is_no_translation_the_best_one_is_given(desk: Searcher) -> None:
    assert _keys(desk, desk.rank(Query("printer does not print", lang="pl")))[0] == ArticleKey("printer", "en")


def test_an_internal_translation_does_not_take_the_place_of_the_public_article(desk: Searcher) -> None:
    question = Query("0x80070005", lang="de")
    assert _keys(desk, desk.rank(question))[0] == ArticleKey("printer", "en")
    agent = Query("0x80070005", lang="de", audiences=_AGENT)
    assert _keys(desk, desk.rank(agent))[0] == ArticleKey("printer", "de")


# --- what is asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  \n", "?!", "---", "…"])
def test_a_question_without_words_finds_nothing(desk: Searcher, text: str) -> None:
    ranking = desk.rank(Query(text, text))
    assert (ranking.hits, ranking.confidence) == ((), 0.0)


def test_a_ticket_without_a_subject_is_searched_by_its_body(desk: Searcher) -> None:
    assert _ids(desk, Query("", "My printer does not print anything."))[0] == "printer"


def test_the_subject_says_more_than_the_body(desk: Searcher) -> None:
    assert _ids(desk, Query("forgot my password", "printer"))[0] == "reset"
    assert _ids(desk, Query("printer does not print", "password"))[0] == "printer"


def test_a_very_long_ticket_is_cut(desk: Searcher) -> None:
    tail = " printer does not print" * 1_000
    start = "forgot password " * (MAX_CHARACTERS // 16)
    assert len(start) == MAX_CHARACTERS
    np.testing.assert_array_equal(desk.find(Query(start + tail)).evidence, desk.find(Query(start)).evidence)
    np.testing.assert_array_equal(desk.find(Query(start, tail)).evidence, desk.find(Query(start, " x")).evidence)


def test_as_many_articles_are_given_as_were_asked_for(desk: Searcher) -> None:
    assert [len(_ids(desk, Query("printer password payroll"))[:n]) for n in (1, 2)] == [1, 2]
    assert len(desk.rank(Query("printer password"), limit=1).hits) == 1


def test_the_passage_to_show_is_the_one_that_holds_the_words(desk: Searcher) -> None:
    hit = desk.rank(Query("connect the VPN at home", lang="en")).hits[0]
    assert desk.passage(hit.row).text == "Connect the VPN first."
    assert desk.passage(desk.rank(Query("I forgot my password", lang="en")).hits[0].row).section == 0


def test_an_article_without_a_body_is_found_and_shows_its_title(tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text(
        '{"id": "1", "questions": ["where is the canteen"]}\n{"id": "2", "body": "Text"}\n'
    )
    build(tmp_path / "docs.jsonl", tmp_path / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    searcher = Searcher(open_current(tmp_path / "data"))
    hit = searcher.rank(Query("canteen")).hits[0]
    assert (searcher.entry(hit.article).article.id, searcher.passage(hit.row).kind) == ("1", "title")


def test_a_base_of_one_article_can_be_asked(opened: Open) -> None:
    searcher = opened({"a.md": "# Password\n\nText.\n"})
    assert _ids(searcher, Query("password")) == ["a"]
    assert _ids(searcher, Query("entirely different")) == ["a"]


def test_evidence_has_a_column_for_each_feature_and_stays_in_range(desk: Searcher) -> None:
    found = desk.find(Query("printer password 0x80070005", "my mailbox", audiences=_AGENT))
    assert found.evidence.shape == (len(found.articles), len(FEATURES))
    assert found.evidence.dtype == np.float32
    assert (found.evidence.min() >= -1.0, found.evidence.max() <= 1.0001) == (np.True_, np.True_)
    assert len(set(found.articles.tolist())) == len(found.articles)


# --- our own articles with the real encoder ----------------------------------------------------------------------


def test_an_error_code_alone_finds_the_article_that_holds_it(own: Searcher) -> None:
    code = "0x80070005"
    holding = [e.article.id for e in own.snapshot.entries if any(code in section.text for section in e.sections)]
    assert set(holding) == {"windows-update-fails"}
    assert _ids(own, Query(code))[0] == "windows-update-fails"
    assert _ids(own, Query(code.upper().replace("X", "x")))[0] == "windows-update-fails"
    assert own.rank(Query(code)).corrected == code


def test_typing_errors_do_not_keep_the_article_from_being_found(own: Searcher) -> None:
    ranking = own.rank(Query("passwrod forgoten"))
    assert ranking.corrected == "password forgotten"
    assert _keys(own, ranking)[0] == ArticleKey("reset-password", "en")


@pytest.mark.parametrize(
    "text",
    [
        "the massage was printed by a rested passenger whose passport and pointer were forgiven",
        "where is the nearest bakery and when does it close",
        "the weather tomorrow will be lovely, shall we dance",
    ],
)
def test_common_words_are_asked_as_they_were_written_although_ours_are_near(own: Searcher, text: str) -> None:
    assert own.rank(Query(text)).corrected == text


def test_the_public_never_gets_our_internal_articles_although_agents_get_them_first(own: Searcher) -> None:
    internal = [e.article for e in own.snapshot.entries if e.article.audience != PUBLIC]
    assert len(internal) >= 5
    for article in internal:
        assert _ids(own, Query(article.questions[0], audiences=_AGENT))[0] == article.id
        ranking = own.rank(Query(article.questions[0]), limit=50)
        assert {own.entry(hit.article).article.audience for hit in ranking.hits} == {PUBLIC}


def test_a_question_nobody_can_answer_is_less_sure_than_one_somebody_can(own: Searcher) -> None:
    foreign = own.rank(Query("what is the capital of Mongolia")).confidence
    known = own.rank(Query("I forgot my password")).confidence
    assert foreign < 0.25 < 0.7 < known
