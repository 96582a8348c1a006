"""The unmodified client `zenpy` (PyPI) talks to the server as it would to Zendesk's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Ticket, User
from zenpy.lib.api_objects import Request as ZendeskRequest
from zenpy.lib.exception import APIException, RecordNotFoundException

from tests.web.live import LiveSite, live_site
from tests.web.site import AGENT, ARTICLES, SECRET

#: More than a page of 30 and of 100.
MANY = {
    f"en/guides/guide-{n:03}.md": f"---\nid: guide-{n:03}\ntitle: Guide number {n:03}\n---\nDo step {n}.\n"
    for n in range(130)
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    folder: Path = tmp_path_factory.mktemp("zenpy")
    with live_site(folder, {**ARTICLES, **MANY}, base_url="") as running:
        yield running


@pytest.fixture(autouse=True)
def _pointed_here(site: LiveSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", site.netloc)
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")


@pytest.fixture
def agent() -> Zenpy:
    return Zenpy(subdomain="any", email="agent@example.com", token=AGENT, disable_cache=True)


@pytest.fixture
def anybody() -> Zenpy:
    return Zenpy(subdomain="any", anonymous=True, disable_cache=True)


def test_it_searches_reads_and_follows_an_article_to_its_section_and_category(anybody: Zenpy, site: LiveSite) -> None:
    found = next(anybody.help_center.articles.search(query="I forgot my password"))

    assert found.title == "Reset a forgotten password"
    assert "<em>" in found.snippet
    article = anybody.help_center.articles(id=found.id)
    assert article.html_url == f"{site.base}/en/articles/reset-password"
    assert "<ol>" in article.body
    assert (article.locale, article.draft, article.author) == ("en", False, None)
    assert article.section.name == "Accounts"
    assert article.section.category.name == "Help centre"
    assert [section.name for section in anybody.help_center.categories.sections(article.section.category.id)] == [
        "Accounts",
        "Guides",
        "Help desk",
        "Network",
    ]
    titles = [each.title for each in anybody.help_center.sections.articles(article.section.id)]
    assert titles == sorted(titles)
    assert "Unlock a locked account" in titles
    locales = {each.locale for each in anybody.help_center.articles.translations(article.id)}
    assert locales == {"en", "pl"}


def test_every_page_of_articles_is_read_and_each_article_comes_once(anybody: Zenpy) -> None:
    by_cursor = [each.id for each in anybody.help_center.articles()]
    by_number = [each.id for each in anybody.help_center.articles(cursor_pagination=False)]

    assert len(by_cursor) == len(set(by_cursor)) == 136
    assert by_number == by_cursor


def test_search_results_come_page_by_page_and_each_once(anybody: Zenpy) -> None:
    found = anybody.help_center.articles.search(query="guide number", per_page=20)

    ids = [each.id for each in found]
    assert len(ids) == len(set(ids)) == found.count > 100


def test_internal_articles_are_there_for_an_agent_alone(anybody: Zenpy, agent: Zenpy) -> None:
    hidden = next(agent.help_center.articles.search(query=SECRET))

    assert SECRET in hidden.title
    assert agent.help_center.articles(id=hidden.id).user_segment_id is not None
    assert all(SECRET not in each.title for each in anybody.help_center.articles.search(query=SECRET))
    with pytest.raises(RecordNotFoundException):
        anybody.help_center.articles(id=hidden.id)


def test_votes_are_feedback_and_the_last_one_counts(agent: Zenpy) -> None:
    article = next(agent.help_center.articles.search(query="vpn"))

    assert agent.help_center.articles.vote_up(article).value == 1
    agent.help_center.articles.vote_down(article)

    assert [vote.value for vote in agent.help_center.articles.votes(article)] == [-1]
    read = agent.help_center.articles(id=article.id)
    assert (read.vote_sum, read.vote_count) == (-1, 1)


def test_a_request_is_a_ticket_that_an_agent_reads_answers_and_solves(agent: Zenpy, site: LiveSite) -> None:
    made = agent.requests.create(
        ZendeskRequest(
            subject="Printer on fire",
            comment=Comment(body="It smokes."),
            requester=User(name="Ann", email="ann@example.com"),
        )
    )
    ticket = agent.tickets(id=made.id)

    assert (ticket.subject, ticket.description, ticket.status) == ("Printer on fire", "It smokes.", "open")
    assert ticket.requester.email == "ann@example.com"
    ticket.comment = Comment(body="Ask facilities.", public=False)
    ticket.priority = "urgent"
    agent.tickets.update(ticket)
    ticket = agent.tickets(id=made.id)
    ticket.comment = Comment(html_body="<p>Pull the plug.</p><p>Then wait.</p>", public=True)
    ticket.status = "solved"
    audit = agent.tickets.update(ticket)

    assert (audit.ticket.status, audit.ticket.priority) == ("solved", "urgent")
    said = [(comment.body, comment.public) for comment in agent.tickets.comments(made.id)]
    assert said == [("It smokes.", True), ("Ask facilities.", False), ("Pull the plug.\nThen wait.", True)]
    assert [comment.body for comment in agent.requests.comments(made.id)] == [
        "It smokes.",
        "Pull the plug.\nThen wait.",
    ]
    author = list(agent.tickets.comments(made.id))[-1].author
    assert author.id == agent.users.me().id


def test_tickets_are_created_listed_and_searched(agent: Zenpy, site: LiveSite) -> None:
    for n in range(12):
        audit = agent.tickets.create(
            Ticket(subject=f"Cable {n}", comment=Comment(body="It is torn."), requester=User(email="bob@example.com"))
        )

    by_cursor = [each.id for each in agent.tickets(cursor_pagination=5)]
    by_number = [each.id for each in agent.tickets(cursor_pagination=False)]
    assert by_cursor == by_number == sorted(set(by_cursor))
    assert audit.ticket.id == by_cursor[-1]
    found = agent.search(type="ticket", status="open", requester="bob@example.com")
    assert (found.count, len({each.id for each in found})) == (12, 12)
    assert [each.subject for each in agent.search("torn", type="ticket", priority="urgent")] == []
    assert [each.subject for each in agent.tickets(ids=by_cursor[-2:])] == ["Cable 10", "Cable 11"]


def test_what_is_wrong_with_a_ticket_is_named_by_field(agent: Zenpy, site: LiveSite) -> None:
    with pytest.raises(APIException) as refused:
        agent.tickets.create(Ticket(subject="Cable", comment=Comment(body="Torn."), requester=User(email="bob")))

    assert refused.value.response.status_code == 422
    told = refused.value.response.json()
    assert (told["error"], list(told["details"])) == ("RecordInvalid", ["email"])


def test_a_wrong_token_is_refused_in_the_clients_own_words(site: LiveSite) -> None:
    for email, token in (("agent@example.com", "wrong"), ("agent@example.com", "fl_wrong"), ("eve@example.com", AGENT)):
        stranger = Zenpy(subdomain="any", email=email, token=token)

        with pytest.raises(APIException) as refused:
            stranger.help_center.articles.search(query="vpn")

        assert refused.value.response.status_code == 401
        assert refused.value.response.json()["error"] == "Couldn't authenticate you"


def test_me_is_the_holder_of_the_token(agent: Zenpy, anybody: Zenpy) -> None:
    assert agent.users.me().role == "agent"
    assert anybody.users.me().id is None
