"""The authors' page: for authors alone, filtered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.models import Outcome, RecordedQuestion
from tests.web.site import ARTICLES, Page, Site, open_site

BROKEN = {"en/broken.md": "---\ntitle: [unclosed\n---\nText.", "en/draft.md": "---\nstatus: draft\n---\nLater."}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, {**ARTICLES, **BROKEN}) as opened:
        yield opened


@pytest.fixture
def signed_in(site: Site) -> Site:
    site.sign_in("author")
    return site


def keep(site: Site, text: str, *, days_ago: float = 0, lang: str = "en", decision: str = "unanswered") -> str:
    """Records a question as it was asked some days ago; its id."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    question_id = f"q{len(site.questions):03}"
    shown = () if decision == "unanswered" else ("reset-password", "gone-since")
    site.events.record_question(
        RecordedQuestion(question_id, at, text, "", lang, "web", "s" * 24, decision, 0.1, "", "snap", shown)
    )
    return question_id


def questions(page: Page) -> list[str]:
    return [element.text.split(" en")[0].split(" pl")[0].strip() for element in page.all("td", cls="words")]


# --- the door ----------------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_does_that_first_and_sees_nothing_before(site: Site) -> None:
    keep(site, "a question of somebody")
    page = site.get("/authors?days=7")
    assert (page.status, page.response.headers["location"]) == (303, "/sign-in?next=%2Fauthors%3Fdays%3D7")
    assert page.html == ""


def test_who_is_signed_in_and_no_author_is_told_so(site: Site) -> None:
    site.sign_in("agent")
    keep(site, "a question of somebody")
    for address in ("/authors", "/authors/learned", "/authors/feedback"):
        page = site.get(address)
        assert (page.status, page.title) == (403, "You may not open this page")
        assert "a question of somebody" not in page.html


def test_the_page_is_kept_by_no_cache(signed_in: Site) -> None:
    assert signed_in.get("/authors").response.headers["cache-control"] == "private, no-store"


# --- what stands on it -------------------------------------------------------------------------------------------


def test_without_open_questions_the_page_says_so(signed_in: Site) -> None:
    page = signed_in.get("/authors")
    assert "No open questions" in page.main
    assert "Look at all time" in page.main


def test_a_question_shows_with_count_kinds_and_what_did_not_help(signed_in: Site) -> None:
    keep(signed_in, "How do I boil an egg")
    keep(signed_in, "how do i boil an EGG")
    asked = keep(signed_in, "reset it", decision="answer")
    signed_in.events.record_outcome(Outcome(asked, "not_solved", "reset-password"), datetime.now(UTC))
    page = signed_in.get("/authors")
    assert questions(page) == ["how do i boil an EGG", "reset it"]
    assert [element.text for element in page.all("td", cls="figure")] == ["2", "1"]
    assert [element.text for element in page.all("span", cls="kind")] == ["No article found", "Answer did not help"]
    assert "2 questions · asked 3 times" in page.main
    assert "/en/articles/reset-password" in page.links
    assert "gone-since" in page.main


def test_the_filter_narrows_by_kind_language_words_and_time(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    keep(signed_in, "gotowanie jajka", lang="pl")
    keep(signed_in, "an older egg", days_ago=20)
    keep(signed_in, "an ancient egg", days_ago=200)
    asked = keep(signed_in, "reset it", decision="answer")
    signed_in.events.record_outcome(Outcome(asked, "not_solved"), datetime.now(UTC))

    def found(query: str) -> set[str]:
        return set(questions(signed_in.get(f"/authors?{query}")))

    assert found("") == {"boil an egg", "gotowanie jajka", "an older egg", "reset it"}
    assert found("days=7") == {"boil an egg", "gotowanie jajka", "reset it"}
    assert found("days=0") == {"boil an egg", "gotowanie jajka", "an older egg", "an ancient egg", "reset it"}
    assert found("kind=rejected") == {"reset it"}
    assert found("in=pl") == {"gotowanie jajka"}
    assert found("text=EGG&days=7") == {"boil an egg"}
    assert found("kind=nonsense&in=nonsense&days=nonsense") == found("")


def test_the_filter_keeps_what_was_chosen(signed_in: Site) -> None:
    page = signed_in.get("/authors?kind=ticket&in=pl&days=90&text=%3Cb%3E")
    assert [option.attrs["value"] for option in page.all("option") if "selected" in option.attrs] == [
        "ticket",
        "pl",
        "90",
    ]
    assert "No open question fits" in page.main


def test_more_questions_than_a_page_holds_are_counted(signed_in: Site) -> None:
    for number in range(201):
        keep(signed_in, f"question {number}")
    page = signed_in.get("/authors")
    assert len(questions(page)) == 200
    assert "These are the 200 asked most often, of 201." in page.main


def test_files_that_became_no_article_stand_there_with_what_to_do(signed_in: Site) -> None:
    rows = [element.text for element in signed_in.get("/authors").all("tr") if "broken.md" in element.text]
    assert len(rows) == 1
    assert "Broken front matter" in rows[0]
    assert "draft.md" not in signed_in.get("/authors").main


def test_the_three_rates_stand_with_their_denominators(signed_in: Site) -> None:
    for days_ago, outcome in ((3, "solved"), (3, ""), (0, "")):
        asked = keep(signed_in, "reset it", decision="answer", days_ago=days_ago)
        if outcome:
            signed_in.events.record_outcome(Outcome(asked, "solved", "reset-password"), datetime.now(UTC))
    page = signed_in.get("/authors")
    shown = [
        " ".join(element.text.split())
        for element in page.all("div")
        if element.text.strip().startswith(("Confirmed", "Assumed", "Returned"))
    ]
    assert [text.split(" s", 1)[0] for text in shown] == [
        "Confirmed 33% 1 of 3",
        "Assumed 50% 1 of 2",
        "Returned 0% 0 of 2",
    ]
