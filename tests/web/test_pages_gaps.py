"""The authors' pages on gaps: for authors alone, listed, filtered, decided on, drafted, without JavaScript."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.gaps import models
from bot.gaps.models import Centre, Failure, Step
from bot.models import Outcome, RecordedQuestion
from bot.tables import gaps
from tests.web.site import ARTICLES, AUTHOR, Page, Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES) as opened:
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


def gather(site: Site) -> None:
    assert site.app.state.gaps.refresh(None)


def only(site: Site) -> str:
    """The address of the only gap."""
    gather(site)
    (gap,) = site.app.state.gaps.store.find(models.Filter(), datetime.now(UTC)).rows
    return f"/authors/gaps/{gap.id}"


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


def test_without_gaps_the_page_says_so(signed_in: Site) -> None:
    page = signed_in.get("/authors")
    assert "No open gaps" in page.main
    assert "Look at all time" in page.main


def test_a_gap_shows_with_count_kinds_trend_and_the_nearest_article(signed_in: Site) -> None:
    keep(signed_in, "How do I boil an egg")
    keep(signed_in, "boil an egg how", days_ago=40)
    asked = keep(signed_in, "reset my password", decision="answer")
    signed_in.events.record_outcome(Outcome(asked, "not_solved", "reset-password"), datetime.now(UTC))
    gather(signed_in)
    page = signed_in.get("/authors")
    assert sorted(questions(page)) == ["How do I boil an egg", "reset my password"]
    assert [element.text for element in page.all("td", cls="figure") if "saves" not in element.attrs["class"]] == [
        "2",
        "1",
    ]
    assert {element.text for element in page.all("span", cls="kind")} == {"No article found", "Answer did not help"}
    assert "2 gaps · asked 3 times" in page.main
    assert "1 in 30 days, 1 before" in page.main
    assert "/en/articles/reset-password" in page.links
    assert page.all("svg", cls="bars")[0].attrs["aria-label"].startswith("Asked by week")


def test_below_the_nearest_article_nothing_says_that_none_is_near(signed_in: Site) -> None:
    keep(signed_in, "password of my late grandmother")
    gather(signed_in)
    page = signed_in.get("/authors")

    assert "/en/articles/reset-password" in page.links
    assert "The nearest, but not near enough" in page.main
    assert "No article is near" not in page.main


def test_the_filter_narrows_by_kind_language_words_and_time(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    keep(signed_in, "gotowanie jajka", lang="pl")
    keep(signed_in, "older omelette", days_ago=20)
    keep(signed_in, "ancient dinosaur", days_ago=200)
    asked = keep(signed_in, "reset it", decision="answer")
    signed_in.events.record_outcome(Outcome(asked, "not_solved"), datetime.now(UTC))
    gather(signed_in)

    def found(query: str) -> set[str]:
        return set(questions(signed_in.get(f"/authors?{query}")))

    assert found("") == {"boil an egg", "gotowanie jajka", "older omelette", "reset it"}
    assert found("days=7") == {"boil an egg", "gotowanie jajka", "reset it"}
    assert found("days=0") == {*found(""), "ancient dinosaur"}
    assert found("kind=rejected") == {"reset it"}
    assert found("in=pl") == {"gotowanie jajka"}
    assert found("text=EGG&days=7") == {"boil an egg"}
    assert found("state=closed") == set()
    assert found("kind=nonsense&in=nonsense&days=nonsense&state=x&sort=x") == found("")


def test_the_filter_keeps_what_was_chosen(signed_in: Site) -> None:
    page = signed_in.get("/authors?kind=ticket&in=pl&days=30&state=all&sort=growth&text=%3Cb%3E")
    assert [option.attrs["value"] for option in page.all("option") if "selected" in option.attrs] == [
        "ticket", "pl", "all", "30", "growth",
    ]  # fmt: skip
    assert "No gap fits" in page.main


def test_thousands_of_gaps_come_in_pages(signed_in: Site) -> None:
    failures = [Failure(f"q{n}", datetime.now(UTC), f"question {n}", unanswered=True) for n in range(120)]
    centres = tuple(Centre(f"gap{n}", "encoder", np.ones(2, np.float32), 1) for n in range(120))
    homes = tuple((failure, centre.id) for failure, centre in zip(failures, centres, strict=True))
    store = signed_in.app.state.gaps.store
    store.save(Step(centres, homes=homes), store.work().revision)
    signed_in.app.state.gaps.refresh = lambda _seconds=0: True
    page = signed_in.get("/authors")
    assert (len(questions(page)), "page 1 of 3" in page.main) == (50, True)
    assert len(questions(signed_in.get("/authors?page=3"))) == 20
    assert signed_in.get("/authors?page=9").response.headers["location"] == "/authors?page=3"


# --- one gap -----------------------------------------------------------------------------------------------------


def test_a_gap_tells_its_wordings_counts_and_articles(signed_in: Site) -> None:
    for text in ("how do I boil an egg", "boil an egg", "boil an egg"):
        keep(signed_in, text)
    page = signed_in.get(only(signed_in))
    assert page.status == 200
    assert "boil an egg 2×" in " ".join(page.main.split())
    assert "3 in the last 30 days, 0 in the 30 days before." in page.main
    assert "could have saved" not in page.main
    assert len(page.all("svg", cls="bars")) == 3
    (column,) = page.all("rect", cls="chart-bar")  # of this week, which is not over
    assert "chart-part" in column.attrs["class"].split()


def test_a_gap_that_waits_to_be_named_does_not_say_that_no_article_is_near(signed_in: Site) -> None:
    keep(signed_in, "password of my late grandmother")
    address = only(signed_in)
    with signed_in.app.state.engine.begin() as connection:
        connection.execute(gaps.update().values(wordings=[], nearest="", stale=True))
    pages = [signed_in.get(where) for where in ("/authors", address)]

    assert [page.status for page in pages] == [200, 200]
    assert not any("No article is near" in page.main or "None" in page.main for page in pages)


def test_what_is_decided_says_who_and_can_be_taken_back(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    address = only(signed_in)
    refused = signed_in.post(f"{address}/close", data={"close_as": "wont_do", "reason": ""})
    assert refused.status == 422
    assert "Say in a few words why no article will be written." in refused.main
    sent = signed_in.post(f"{address}/close", data={"close_as": "wont_do", "reason": "<b>Not us</b>"})
    decided = signed_in.get(sent.response.headers["location"])
    assert "Won't do" in decided.main
    assert "<b>Not us</b>" in decided.main
    assert "&lt;b&gt;Not us" in decided.html
    assert questions(signed_in.get("/authors")) == []
    back = signed_in.get(signed_in.post(f"{address}/undo", {"": ""}).response.headers["location"])
    assert "Undone" in back.main
    assert questions(signed_in.get("/authors")) == ["boil an egg"]
    assert signed_in.post(f"{address}/undo", {"": ""}).status == 409
    signed_in.post(f"{address}/close", data={"close_as": "closed"})
    assert "Open it again" in signed_in.get(address).main
    signed_in.post(f"{address}/reopen", {"": ""})
    assert questions(signed_in.get("/authors")) == ["boil an egg"]


def test_the_second_of_two_authors_is_told_and_loses_no_word(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    address = only(signed_in)
    (seen,) = {field.attrs["value"] for field in signed_in.get(address).all("input", name="revision")}
    signed_in.post(f"{address}/close", data={"close_as": "closed", "reason": "Written.", "revision": seen})
    second = signed_in.post(
        f"{address}/close", data={"close_as": "wont_do", "reason": "Ask the <cook>", "revision": seen}
    )
    assert second.status == 409
    assert "Look at what is new, then try again." in second.main
    assert "Ask the <cook>" in second.main
    assert "Written." in signed_in.get(address).main
    assert signed_in.post(f"{address}/reopen", {"revision": seen}).status == 409
    author = {"Authorization": f"Bearer {AUTHOR}"}
    api = f"/api/v1/gaps/{address.rsplit('/', 1)[1]}"
    told = signed_in.client.post(f"{api}/reopen", json={"revision": int(seen)}, headers=author)
    assert (told.status_code, told.json()["code"]) == (409, "gap_changed")
    assert signed_in.client.post(f"{api}/undo?revision={seen}", headers=author).status_code == 409
    now = signed_in.client.get(api, headers=author).json()["revision"]
    assert signed_in.client.post(f"{api}/undo?revision={now}", headers=author).json()["state"] == "open"


def test_an_author_takes_a_gap_and_everybody_sees_who_writes(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    keep(signed_in, "where is the sauna")
    gather(signed_in)
    rows = signed_in.app.state.gaps.store.find(models.Filter(words="egg"), datetime.now(UTC)).rows
    address = f"/authors/gaps/{rows[0].id}"
    (seen,) = {field.attrs["value"] for field in signed_in.get(address).all("input", name="revision")}
    taken = signed_in.get(signed_in.post(f"{address}/take", {"revision": seen}).response.headers["location"])
    assert "You write the article." in taken.main
    assert "Give it back" in taken.main
    assert "Author writes it" in signed_in.get("/authors").main
    assert questions(signed_in.get("/authors?writer=mine")) == ["boil an egg"]
    assert questions(signed_in.get("/authors?writer=nobody")) == ["where is the sauna"]
    api = {"Authorization": f"Bearer {AUTHOR}"}
    (listed,) = signed_in.client.get("/api/v1/gaps?writer=mine&q=egg", headers=api).json()["gaps"]
    assert (listed["writer"], listed["in_words"][:23]) == ("Author", "Open, Author writes it.")

    signed_in.sign_in("author", groups=("another-team",))
    refused = signed_in.post(f"{address}/take", {"revision": seen})
    assert refused.status == 409
    assert "Look at what is new, then try again." in refused.main
    assert "Author writes the article." in refused.main
    assert "Take it over" in refused.main
    signed_in.post(f"{address}/take", {"": ""})
    assert "You write the article." in signed_in.get(address).main
    signed_in.post(f"{address}/undo", {"": ""})
    assert "Author writes the article." in signed_in.get(address).main
    back = signed_in.client.post(f"/api/v1/gaps/{rows[0].id}/give-back", headers=api).json()
    assert (back["writer"], back["history"][0]["what"]) == ("", "give_back")


def test_the_list_is_a_file_with_the_filter_and_the_words_of_the_page(signed_in: Site) -> None:
    keep(signed_in, "=boil an egg")
    keep(signed_in, "gotowanie jajka", lang="pl")
    gather(signed_in)
    reply = signed_in.client.get("/authors/gaps.csv?in=en")
    assert reply.headers["content-disposition"] == 'attachment; filename="gaps.csv"'
    head, row = csv.reader(reply.content.decode("utf-8-sig").splitlines())
    said = dict(zip(head, row, strict=True))
    assert (said["Question"], said["Status"], said["Times asked"], said["Kind"]) == (
        "'=boil an egg", "Open", "1", "No article found",
    )  # fmt: skip
    german = signed_in.client.get("/authors/gaps.csv?lang=de").content.decode("utf-8-sig")
    assert next(csv.reader(german.splitlines(), delimiter=";"))[0] == "Frage"  # a table, where people write 0,5


def test_gaps_in_two_languages_can_be_told_apart_where_articles_have_one(signed_in: Site) -> None:
    keep(signed_in, "una domanda in italiano", lang="it")
    gather(signed_in)
    codes = [option.attrs["value"] for option in signed_in.get("/authors").all("option")]
    assert "it" in codes


def test_a_draft_is_downloaded_as_markdown(signed_in: Site) -> None:
    keep(signed_in, "boil an egg")
    reply = signed_in.client.get(f"{only(signed_in)}/draft.md")
    assert reply.headers["content-disposition"] == 'attachment; filename="boil-an-egg.md"'
    assert "questions:\n- boil an egg" in reply.text


def test_a_gap_that_is_not_there_is_a_page_that_is_not_there(signed_in: Site) -> None:
    for gap_id in ("nothing", "%3Cb%3E"):
        assert signed_in.get(f"/authors/gaps/{gap_id}").status == 404


def test_the_api_shows_and_decides_the_same(signed_in: Site) -> None:
    keep(signed_in, "=boil an egg")
    only(signed_in)
    api, author = signed_in.client, {"Authorization": f"Bearer {AUTHOR}"}
    (listed,) = api.get("/api/v1/gaps", headers=author).json()["gaps"]
    address = f"/api/v1/gaps/{listed['id']}"
    shown = api.get(address, headers=author).json()
    assert (shown["text"], shown["wordings"]) == ("=boil an egg", [{"text": "=boil an egg", "count": 1, "lang": "en"}])
    assert api.post(f"{address}/wont-do", json={}, headers=author).json()["code"] == "gap_invalid"
    assert api.post(f"{address}/close", json={"resaon": "Done."}, headers=author).status_code == 422
    done = api.post(f"{address}/close", json={"reason": "Done."}, headers=author).json()
    assert (done["state"], done["reason"], done["history"][0]["what"]) == ("closed", "Done.", "close")
    assert api.post(f"{address}/undo", headers=author).json()["state"] == "open"
    assert api.post(f"{address}/draft", headers=author).json()["path"].endswith("boil-an-egg.md")
    assert api.get("/api/v1/gaps/nothing", headers=author).json()["code"] == "gap_unknown"
    file = api.get("/api/v1/gaps.csv", headers=author).content.decode("utf-8-sig")
    table = list(csv.reader(file.splitlines()))
    assert (table[0][:2], table[1][1]) == (["id", "text"], "'=boil an egg")


def test_an_author_of_another_team_reads_no_title_of_an_internal_article(site: Site) -> None:
    """Agents asked, an internal article was shown in vain, and it closed the gap."""
    question = RecordedQuestion(
        "q1", datetime.now(UTC), "verify", "", "en", "agent", "s" * 24, "suggest", 0.4, "", "snap", ("team-only",)
    )
    site.events.record_question(question)
    site.events.record_outcome(Outcome("q1", "not_solved", "team-only"), datetime.now(UTC))
    site.sign_in("author", groups=("another-team",))
    address = only(site)
    store = site.app.state.gaps.store
    (gap,) = store.find(models.Filter(), datetime.now(UTC)).rows
    store.change(gap.id, "answered", models.Standing("closed", "", "team-only", "s1", "", datetime.now(UTC)))
    for page in (site.get(address), site.get("/authors?state=all")):
        assert page.status == 200
        assert "Only for the identity team" not in page.html
        assert "team-only" not in page.html
    author = {"Authorization": f"Bearer {AUTHOR}"}
    assert "team-only" not in site.client.get(f"/api/v1/gaps/{gap.id}", headers=author).text


def test_a_time_without_a_zone_is_the_servers_as_in_the_rest_of_the_api(
    signed_in: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(signed_in, "boil an egg")
    gather(signed_in)
    an_hour_ago = datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(hours=1)
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        asked = {"since": an_hour_ago.replace(tzinfo=None).isoformat()}
        listed = signed_in.client.get("/api/v1/gaps", params=asked, headers={"Authorization": f"Bearer {AUTHOR}"})
    time.tzset()
    assert [gap["text"] for gap in listed.json()["gaps"]] == ["boil an egg"]
