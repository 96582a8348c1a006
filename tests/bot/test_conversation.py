"""Follow-ups and changes of subject, on the fake encoder where words are enough and on the real ones for the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.follow_ups import SET
from bot.conversation import joined, understand
from bot.decide import Policy
from bot.errors import StoreUnavailable
from bot.events import MemoryEventStore
from bot.models import Outcome, Question, RecordedQuestion
from bot.service import HelpDesk
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from tests.bot.conftest import make_desk
from tests.bot.samples import asked, draft
from tests.conftest import CREATED

VPN = "how do I connect to the vpn"
ARTICLES = {
    "vpn.md": "---\nid: vpn\ntitle: Connect to the VPN\nquestions: [how do I connect to the vpn]\n---\n"
    "Open the client and connect.\n\n## On a Mac\n\nAllow the extension on the Mac.\n",
    "mail.md": "---\nid: mail\ntitle: Mail on a telephone\nquestions: [mail on my telephone]\n---\nOpen the store.\n",
    "mac.md": "---\nid: mac\ntitle: Order a computer\n---\nA Mac, a Mac or another Mac: ask your manager.\n",
}


@pytest.fixture(scope="module")
def vpn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversation")
    (folder / "articles").mkdir()
    for name, text in ARTICLES.items():
        (folder / "articles" / name).write_text(text, encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return folder / "data"


@pytest.fixture
def vpn_desk(vpn_data: Path) -> HelpDesk:
    return make_desk(vpn_data)


def test_a_follow_up_is_answered_with_the_part_of_the_article_that_it_names(vpn_desk: HelpDesk) -> None:
    first = vpn_desk.ask(Question(VPN))
    reply = vpn_desk.ask(Question("and on a Mac?", after=first.id))
    assert reply.answer is not None
    assert (reply.answer.key.id, reply.answer.heading, reply.context) == ("vpn", "On a Mac", VPN)
    assert reply.corrected == ""
    kept = vpn_desk.events.question(reply.id)
    assert kept is not None
    assert (kept.text, kept.after) == ("and on a Mac?", first.id)


def test_a_chain_keeps_its_first_question(vpn_desk: HelpDesk) -> None:
    first = vpn_desk.ask(Question(VPN))
    second = vpn_desk.ask(Question("and on a Mac?", after=first.id))
    third = vpn_desk.ask(Question("and the extension", after=second.id))
    assert third.context == VPN


def test_a_clear_new_question_is_taken_on_its_own_and_begins_a_new_chain(vpn_desk: HelpDesk) -> None:
    first = vpn_desk.ask(Question(VPN))
    second = vpn_desk.ask(Question("mail on my telephone", after=first.id))
    assert second.answer is not None
    assert (second.answer.key.id, second.context) == ("mail", "")
    kept = vpn_desk.events.question(second.id)
    assert kept is not None
    assert kept.after == ""


def test_a_question_about_something_else_does_not_get_the_old_answer_again(vpn_desk: HelpDesk) -> None:
    first = vpn_desk.ask(Question(VPN))
    reply = vpn_desk.ask(Question("boil an egg", after=first.id))
    assert (reply.decision, reply.context) == ("unanswered", "")


def test_after_a_question_nobody_knows_a_follow_up_stands_alone(vpn_desk: HelpDesk) -> None:
    assert vpn_desk.ask(Question("and on a Mac?", after="no-such-question")).context == ""


def test_without_the_database_a_follow_up_is_answered_on_its_own(vpn_data: Path) -> None:
    class Down(MemoryEventStore):
        def question(self, question_id: str) -> RecordedQuestion | None:  # noqa: ARG002
            raise StoreUnavailable("The disk is full.")

    reply = make_desk(vpn_data, Down()).ask(Question("connect to the vpn", after="q1"))
    assert (reply.answer is not None, reply.context) == (True, "")


def test_questions_that_follow_each_other_in_a_ring_come_to_an_end(vpn_desk: HelpDesk) -> None:
    vpn_desk.events.record_question(asked("a", after="b", text=VPN))
    vpn_desk.events.record_question(asked("b", after="a", text=VPN))
    assert vpn_desk.ask(Question("and on a Mac?", after="a")).context == VPN


def test_a_follow_up_that_helped_is_learned_with_what_it_followed(vpn_desk: HelpDesk) -> None:
    first = vpn_desk.ask(Question(VPN))
    second = vpn_desk.ask(Question("and on a Mac?", after=first.id))
    vpn_desk.record_outcome(Outcome(second.id, "solved"))
    (row,) = vpn_desk.learning.find().rows
    assert (row.article, row.text) == ("vpn", f"{VPN} and on a Mac?")


def test_a_follow_up_is_learned_with_what_it_followed_also_where_a_ticket_s_answer_was_accepted(
    vpn_desk: HelpDesk,
) -> None:
    first = vpn_desk.ask(Question(VPN))
    second = vpn_desk.ask(Question("and on a Mac?", after=first.id))
    ticket = vpn_desk.open_ticket(draft(question_id=second.id), "key-0001")
    vpn_desk.resolve(ticket.id, "vpn", "")
    vpn_desk.write(ticket.id, "agent", "It is in the article.")
    vpn_desk.accept(ticket.id)

    assert {row.text for row in vpn_desk.learning.find().rows} == {ticket.subject, f"{VPN} and on a Mac?"}


def test_a_follow_up_to_nothing_is_itself() -> None:
    assert (joined("", "and on a Mac?"), joined("Open it?!", "twice")) == ("and on a Mac?", "Open it twice")


def test_follow_ups_in_five_languages_find_their_article_and_no_change_of_subject_is_bent(own_desk: HelpDesk) -> None:
    searcher = own_desk.library.searcher
    found, wrong, bent = 0, [], []
    for row in map(json.loads, SET.read_text(encoding="utf-8").splitlines()):
        understood = understand(searcher, Question(row["then"], lang=row["lang"]), row["first"], Policy())
        first = searcher.entry(understood.ranking.hits[0].article).article.id
        if row["kind"] == "change":
            bent += [row["then"]] if understood.context else []
        elif first == row["article"]:
            found += 1
        else:
            wrong.append(row["then"])
    assert bent == []
    assert found >= 74, wrong
