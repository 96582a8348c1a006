"""Whether an article helped: said without a script, kept once a session, read by authors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.conftest import bearer
from tests.web.site import ARTICLES, AUTHOR, Page, Site, open_site

ARTICLE = "/en/articles/vpn"


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site"), ARTICLES) as opened:
        yield opened


def tell(site: Site, page: Page, button: str = "", **typed: str) -> Page:
    """Sends the form below the article as a browser does, and follows where it leads."""
    form = page.form("/feedback")
    answer = site.post(form.action.partition("#")[0], form.filled(button=button, **typed))
    return site.get(answer.response.headers["location"].partition("#")[0]) if answer.status == 303 else answer


def kept(site: Site) -> list[tuple[str, bool, str, str]]:
    rows = site.app.state.feedback.find().rows
    return [(row.article_id, row.helpful, row.reason, row.comment) for row in rows]


def test_a_reader_says_yes_changes_to_no_and_says_why_and_it_is_one_word(site: Site) -> None:
    thanked = tell(site, site.get(ARTICLE), "yes")
    assert "Thank you for telling us that this article helped." in thanked.main
    assert kept(site) == [("vpn", True, "", "")]

    asked = tell(site, thanked, "no")
    assert "What is wrong with this article?" in asked.main
    assert kept(site) == [("vpn", False, "", "")]
    assert "/ticket?declined=vpn" in asked.links

    done = tell(site, asked, reason="outdated", comment="Ask ann@example.com <b>.")
    assert "The people who write this article will read what you said." in done.main
    assert kept(site) == [("vpn", False, "outdated", "Ask [email] <b>.")]


def test_a_comment_that_is_too_long_comes_back_with_every_word_and_is_told_at_its_field(site: Site) -> None:
    asked = tell(site, site.get(ARTICLE), "no")
    comment = "long " * 500
    answer = tell(site, asked, reason="unclear", comment=comment)

    assert answer.status == 422
    assert answer.one("p", id="fl-comment-error").text.endswith("2,000 characters or fewer; it has 2,499.")
    assert dict(answer.form("/feedback").fields)["comment"] == comment
    chosen = [box.attrs["value"] for box in answer.all("input", type="radio") if "checked" in box.attrs]
    assert chosen == ["unclear"]
    assert kept(site) == [("vpn", False, "", "")]


def test_while_the_database_is_down_no_typed_word_is_lost(site: Site) -> None:
    asked = tell(site, site.get(ARTICLE), "no")
    with site.app.state.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE article_feedback")

    answer = tell(site, asked, comment="Step two is gone.")
    assert (answer.status, answer.response.headers["retry-after"]) == (503, "5")
    assert "Nothing you typed is lost" in answer.main
    assert dict(answer.form("/feedback").fields)["comment"] == "Step two is gone."
    assert "We cannot store your answer at the moment." in tell(site, site.get(ARTICLE), "yes").main


def test_what_is_no_word_on_a_public_article_of_this_site_is_not_taken(site: Site) -> None:
    given = {"article_id": "vpn", "lang": "en", "helpful": "yes"}
    assert site.post("/feedback", given, origin="https://evil.example").status == 403
    assert site.post("/feedback", {**given, "article_id": "verify-caller"}).status == 404
    assert site.post("/feedback", {**given, "helpful": "maybe"}).status == 400
    assert kept(site) == []


def test_authors_read_what_was_said_on_a_page_of_their_own(site: Site) -> None:
    assert site.get("/authors/feedback").response.headers["location"] == "/sign-in?next=%2Fauthors%2Ffeedback"
    site.sign_in("author")
    assert "Nobody said anything yet" in site.get("/authors/feedback").main

    tell(site, tell(site, site.get(ARTICLE), "no"), reason="wrong", comment="<i>Step 2</i>")
    tell(site, site.get("/en/articles/two-factor"), "yes")
    page = site.get("/authors/feedback")
    assert "2 answers · helpful: 1" in page.main
    assert "A step is missing or wrong" in page.main
    assert "<i>Step 2</i>" in page.main
    assert [link for link in page.links if "/articles/" in link] == ["/en/articles/two-factor", ARTICLE]
    only = site.get("/authors/feedback?article=vpn&helpful=no")
    assert [link for link in only.links if "/articles/" in link] == [ARTICLE]
    assert "Nothing that readers said fits" in site.get("/authors/feedback?article=none").main


def test_the_api_takes_what_readers_say_and_shows_it_to_authors(site: Site) -> None:
    post, get = site.client.post, site.client.get
    for session, told in (("s1", {"helpful": True}), ("s2", {"helpful": False, "reason": "other", "comment": "x"})):
        response = post("/api/v1/articles/vpn/feedback", json={"session": session, **told})
        assert (response.status_code, response.content) == (204, b"")

    listed = get("/api/v1/feedback", params={"helpful": "false"}, headers=bearer(AUTHOR)).json()
    (row,) = listed["feedback"]
    assert (listed["total"], listed["helpful"]) == (1, 0)
    assert {name: value for name, value in row.items() if name != "at"} == {
        "article_id": "vpn",
        "lang": "en",
        "helpful": False,
        "reason": "other",
        "comment": "x",
    }
    assert get("/api/v1/feedback").status_code == 401
    bad = post("/api/v1/articles/vpn/feedback", json={"session": "s1", "helpful": True, "reason": "boring"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_request")
    internal = post("/api/v1/articles/verify-caller/feedback", json={"session": "s1", "helpful": True})
    assert (internal.status_code, internal.json()["code"]) == (404, "article_unknown")
