from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot import database as db
from bot.database import open_engine, sqlite_url
from bot.decide import Policy
from bot.errors import QuestionInvalid, QuestionUnknown, StoreUnavailable, TicketConflict, TicketInvalid, TicketUnknown
from bot.events import MemoryEventStore, SqlEventStore
from bot.inbox import SqlInbox
from bot.models import Outcome, Question, RecordedQuestion
from bot.question_log import QuestionLog
from bot.service import HelpDesk
from kb import alerts
from kb.models import INTERNAL, PUBLIC, Article, ArticleKey
from kb.stored import Entry
from tests.bot.conftest import make_desk
from tests.bot.samples import NOON, draft
from tests.conftest import PROJECT

AGENT = frozenset({PUBLIC, INTERNAL})
ANYTHING = Policy(cost_wrong=1e-9)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _written(article: Article) -> set[str]:
    """The words of the file, and of the boxes: `> [!WARNING]` is shown as the word for it in the article's language."""
    titles = " ".join(alerts.title(kind, article.lang) for kind in set(alerts.KINDS.values()))
    return _words((PROJECT / "articles" / article.path).read_text(encoding="utf-8")) | _words(titles)


def _entry(desk: HelpDesk, key: ArticleKey) -> Entry:
    entry = desk.library.searcher.snapshot.entry(key)
    assert entry is not None
    return entry


def _recorded(desk: HelpDesk) -> list[RecordedQuestion]:
    return list(desk.events.questions())


# --- our own articles, on the real encoder ---------------------------------------------------------------------------


def test_who_forgot_the_password_gets_the_steps_and_a_link_to_their_heading(own_desk: HelpDesk) -> None:
    reply = own_desk.ask(Question("I forgot my password"))

    assert reply.decision == "answer"
    assert reply.confidence >= Policy().answer_at
    assert reply.answer is not None
    assert reply.answer.key == ArticleKey("reset-password", "en")
    assert reply.answer.path == "/en/articles/reset-password#reset-it-yourself"
    assert "https://password.example.com" in reply.answer.text


def test_every_word_of_every_answer_stands_in_the_article_it_links_to(own_desk: HelpDesk) -> None:
    """Over every third question our authors wrote: nothing is invented, and the link leads to the heading shown."""
    asked = [
        Question(question, lang=entry.article.lang, audiences=AGENT)
        for entry in own_desk.library.searcher.snapshot.entries
        for question in entry.article.questions
    ][::3]
    invented: dict[str, set[str]] = {}
    astray: list[str] = []
    answered = 0
    for question in asked:
        answer = own_desk.ask(question, keep=False).answer
        if answer is None:
            continue
        answered += 1
        entry = _entry(own_desk, answer.key)
        written = _written(entry.article)
        shown = _words(answer.text) | _words(unescape(re.sub(r"<[^>]+>", " ", answer.html)))
        if shown - written:
            invented[question.text] = shown - written
        places = {
            f"/{answer.key.lang}/articles/{quote(answer.key.id)}" + (f"#{quote(s.anchor)}" if s.anchor else "")
            for s in entry.sections
            if s.heading == answer.heading
        }
        if answer.path not in places:
            astray.append(answer.path)

    assert invented == {}
    assert astray == []
    assert answered > 0.9 * len(asked)


def test_every_snippet_is_made_of_the_article_s_words(own_desk: HelpDesk) -> None:
    invented = {
        (suggestion.key, word)
        for text in ("my computer is slow", "it does not work", "who can help me with the phone", "drukarka", "почта")
        for suggestion in own_desk.search(Question(text), limit=10)
        for word in _words(suggestion.snippet.removesuffix("…")) - _written(_entry(own_desk, suggestion.key).article)
    }

    assert invented == set()


@pytest.mark.parametrize(
    "question",
    [
        "How do I bake a sourdough bread?",
        "how long do I boil an egg for breakfast",
        "best recipe for tomato soup",
        "How long should I roast a chicken?",
        "Jak upiec chleb na zakwasie?",
    ],
)
def test_a_question_about_cooking_stays_unanswered_with_a_reason(own_desk: HelpDesk, question: str) -> None:
    reply = own_desk.ask(Question(question))

    assert (reply.decision, reply.answer, reply.suggestions) == ("unanswered", None, ())
    assert reply.confidence < Policy().suggest_at
    assert reply.reason == (
        f"The nearest article is right with a probability of {reply.confidence:.0%}, too low to show it."
    )


@pytest.mark.parametrize(
    ("lang", "question", "article"),
    [
        ("pl", "Zapomniałem hasła", "reset-password"),
        ("nl", "Ik ben mijn wachtwoord vergeten", "reset-password"),
        ("it", "Ho dimenticato la password", "reset-password"),
        ("ru", "Я забыл пароль", "reset-password"),
        ("pl", "drukarka nie drukuje", "printer-not-printing"),
        ("nl", "de printer print niet", "printer-not-printing"),
        ("it", "la stampante non stampa", "printer-not-printing"),
        ("ru", "не работает принтер", "printer-not-printing"),
    ],
)
@pytest.mark.parametrize("told", [True, False], ids=["language told", "language not told"])
def test_a_question_finds_the_article_of_its_own_language(
    own_desk: HelpDesk, lang: str, question: str, article: str, told: bool
) -> None:
    reply = own_desk.ask(Question(question, lang=lang if told else None))

    assert reply.shown[0] == ArticleKey(article, lang)
    assert reply.answer is not None
    assert reply.answer.path.startswith(f"/{lang}/articles/{article}")


def test_the_words_of_a_question_decide_its_language_and_the_page_where_they_do_not(own_desk: HelpDesk) -> None:
    in_english = own_desk.ask(Question("I forgot my password", lang="pl"))
    in_any_language = own_desk.search(Question("Outlook", lang="pl"), limit=1)

    assert in_english.shown[0] == ArticleKey("reset-password", "en")
    assert [found.key.lang for found in in_any_language] == ["pl"]


@pytest.mark.parametrize(
    "question", ["😀", "😀🎉👍🏽", "ⴰⵣⵓⵍ ⵎⴰⵏⵣⴰⴽⵉⵏ", "𓀀𓀁𓂀", "??? !!!", "\u202e\u200b", "a\ud83d", "\x00ab\x7f"]
)
def test_emoji_unknown_scripts_and_broken_characters_are_unanswered(own_desk: HelpDesk, question: str) -> None:
    reply = own_desk.ask(Question(question))

    assert (reply.decision, reply.shown) == ("unanswered", ())


def test_no_internal_article_is_shown_to_the_public_even_for_its_own_questions(own_desk: HelpDesk) -> None:
    entries = own_desk.library.searcher.snapshot.entries
    internal = [entry.article for entry in entries if entry.article.audience == INTERNAL]
    questions = [question for article in internal for question in (article.title, *article.questions)]

    def shown(audiences: frozenset[str]) -> set[str]:
        asked = [Question(text, audiences=audiences) for text in questions]
        keys = {key for question in asked for key in own_desk.ask(question, keep=False).shown}
        keys |= {found.key for question in asked for found in own_desk.search(question, 10)}
        keys |= {found.key for question in asked for found in own_desk.suggest(question, 10).suggestions}
        return {_entry(own_desk, key).article.audience for key in keys}

    assert len(internal) > 0
    assert shown(frozenset({PUBLIC})) == {PUBLIC}
    assert shown(AGENT) == {PUBLIC, INTERNAL}


# --- audiences ---------------------------------------------------------------------------------------------------


def test_an_agent_gets_the_internal_article_that_the_public_does_not(desk: HelpDesk) -> None:
    question = Question("who unlocks an account for a caller")

    public, agent = desk.ask(question), desk.ask(replace(question, audiences=AGENT))

    assert public.decision == "unanswered"
    assert agent.answer is not None
    assert agent.answer.key == ArticleKey("unlock-runbook", "en")


def test_nothing_of_an_internal_article_is_in_a_public_reply_under_any_policy(small_data: Path) -> None:
    desk = make_desk(small_data, policy=ANYTHING)

    reply = desk.ask(Question("unlock runbook: verify the caller in the zephyrus console", lang="en"))

    assert reply.decision == "answer"
    assert "runbook" not in repr(reply)
    assert "zephyrus" not in repr(reply).replace(reply.corrected, "")


def test_a_translation_for_agents_only_is_not_shown_to_the_public_in_its_language(desk: HelpDesk) -> None:
    question = Question("BYOD", lang="pl")

    assert desk.ask(question).shown == (ArticleKey("byod", "en"),)
    assert desk.ask(replace(question, audiences=AGENT)).shown == (ArticleKey("byod", "pl"),)


def test_a_correction_does_not_tell_the_words_of_an_internal_article(desk: HelpDesk) -> None:
    assert desk.ask(Question("zephyrux")).corrected == ""
    assert desk.ask(Question("I forgot my passwrod")).corrected == "I forgot my password"


# --- questions that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x01\x7f", "\ud800\udfff"])
def test_an_empty_question_is_refused_with_what_to_do(desk: HelpDesk, text: str) -> None:
    for ask in (desk.ask, lambda q: desk.suggest(q, 3), lambda q: desk.search(q, 3)):
        with pytest.raises(QuestionInvalid, match=r"^Type a question, in your own words\.$"):
            ask(Question(text))

    assert _recorded(desk) == []


def test_a_question_of_100_kb_is_refused_with_its_length(desk: HelpDesk) -> None:
    with pytest.raises(QuestionInvalid) as caught:
        desk.ask(Question("printer " * 12_500 + "x"))

    assert str(caught.value) == "The question has 100,001 characters, at most 2,000 are read. Shorten it."
    assert _recorded(desk) == []


def test_the_longest_question_and_text_are_taken_and_one_more_character_is_not(desk: HelpDesk) -> None:
    assert len(desk.ask(Question("p" * 2_000, body="b" * 200_000)).id) > 0

    with pytest.raises(QuestionInvalid, match=r"^The question has 2,001 characters, at most 2,000 are read\."):
        desk.ask(Question("p" * 2_001))
    with pytest.raises(QuestionInvalid, match=r"^The text has 200,001 characters, at most 200,000 are read\."):
        desk.ask(Question("printer", body="b" * 200_001))


def test_control_characters_and_halves_of_surrogates_are_taken_out(sql_desk: HelpDesk) -> None:
    sql_desk.ask(
        Question("\x00I forgot\ud800 my\x07 pass\x1bword\r\n", body="line one\r\nline\x0btwo\tand\udfff three")
    )

    (recorded,) = _recorded(sql_desk)

    assert recorded.text == "I forgot my password"
    assert recorded.body == "line one\nline\ntwo\tand three"


@given(st.text(st.characters(), max_size=200))
def test_any_text_is_a_question_with_a_reply_or_is_refused_as_empty(small_desk: HelpDesk, text: str) -> None:
    try:
        decision: str = small_desk.ask(Question(text, body=text)).decision
    except QuestionInvalid as error:
        decision = str(error)

    assert decision in ("answer", "suggest", "unanswered", "Type a question, in your own words.")


# --- what is kept ------------------------------------------------------------------------------------------------


def test_a_question_is_kept_with_what_was_decided_and_shown(desk: HelpDesk) -> None:
    reply = desk.ask(Question("I forgot my password", "since today", lang="en", channel="widget", session="visit"))

    assert _recorded(desk) == [
        RecordedQuestion(
            id="q1",
            at=NOON,
            text="I forgot my password",
            body="since today",
            lang="en",
            channel="widget",
            session="visit",
            decision="answer",
            confidence=reply.confidence,
            reason=reply.reason,
            snapshot=desk.library.searcher.snapshot.id,
            shown=("reset-password",),
            further=("byod", "paper-jam", "slow-wifi"),
        )
    ]


def test_typeahead_search_and_a_question_not_to_keep_leave_no_trace(desk: HelpDesk) -> None:
    question = Question("I forgot my password")

    assert [found.key.id for found in desk.suggest(question, 5).suggestions] == ["reset-password"]
    assert desk.search(question, 1)[0].key.id == "reset-password"
    assert desk.ask(question, keep=False).decision == "answer"
    assert _recorded(desk) == []


def test_an_outcome_is_kept_and_one_of_an_unknown_question_refused(desk: HelpDesk) -> None:
    desk.ask(Question("I forgot my password"))
    outcome = Outcome("q1", "not_solved", "reset-password", "the page is down")

    desk.record_outcome(outcome)

    assert desk.events.outcomes(["q1"]) == {"q1": [(NOON, outcome)]}
    with pytest.raises(QuestionUnknown, match=r"^No question with the id 'q2' was asked\.$"):
        desk.record_outcome(Outcome("q2", "solved"))


RAW = {
    "e-mail": "anna.nowak@example.com",
    "phone": "+48 501 234 567",
    "card": "4111 1111 1111 1111",
    "account": "PL61109010140000071219812874",
    "account before a word": "GB29NWBK60161331926819 is mine",
    "long number": "98765432109876543210987654",
    "address in a link": "https://example.com/?u=anna.nowak%40example.com",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_personal_data_never_reaches_the_file_of_the_database(
    sql_desk: HelpDesk, engine: sa.Engine, database: Path, raw: str
) -> None:
    sql_desk.ask(Question(f"My one is {raw}, what now?", body=f"Again: {raw}.", lang="en"))
    sql_desk.record_outcome(Outcome("q1", "not_solved", "", f"reach me: {raw}"))
    ticket = sql_desk.open_ticket(draft(), "key-0001")
    sql_desk.resolve(ticket.id, "reset-password", f"told {raw} how")

    written = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
    engine.dispose()
    written += database.read_bytes()

    assert written.count(b"My one is ") >= 1
    assert written.count(b"reach me: ") >= 1
    secret = raw.split("=")[-1].removesuffix(" is mine")
    assert [form for form in (secret, secret.replace(" ", "")) if form.encode() in written] == []


def test_error_codes_dates_versions_and_addresses_are_kept(sql_desk: HelpDesk) -> None:
    text = "0x80070005 and KB5034441 on 2026-11-21, Windows 10 10.0.19045.3803, 192.168.178.1"

    sql_desk.ask(Question(text))

    assert [question.text for question in _recorded(sql_desk)] == [text]


@pytest.mark.parametrize("text", ["'); DROP TABLE questions; --", "<script>alert('x')</script>", "%s :id ?1 {{x}}"])
def test_sql_and_html_in_a_question_an_outcome_and_a_ticket_come_back_as_the_same_text(
    sql_desk: HelpDesk, text: str
) -> None:
    lang = text[:8]
    sql_desk.ask(Question(text, body=text, session=text, lang=lang))
    sql_desk.record_outcome(Outcome("q1", "not_solved", text, text))
    ticket = sql_desk.open_ticket(
        draft(subject=text, body=text, email="'||(1)||'@example.com", declined=(text,), session=text), text
    )

    (recorded,) = _recorded(sql_desk)
    assert (recorded.text, recorded.body, recorded.session, recorded.lang) == (text, text, text, lang)
    assert sql_desk.events.outcomes(["q1"]) == {"q1": [(NOON, Outcome("q1", "not_solved", text, text))]}
    assert sql_desk.ticket("ticket-1") == ticket
    assert (ticket.subject, ticket.body, ticket.declined) == (text, text, (text,))
    assert ticket.email == "'||(1)||'@example.com"


# --- a store that does not do ----------------------------------------------------------------------------------------


class _DeadStore(MemoryEventStore):
    def record_question(self, question: RecordedQuestion) -> None:  # noqa: ARG002
        raise StoreUnavailable("The question could not be recorded: disk full.")


def test_a_reply_is_given_and_the_failure_logged_where_the_question_cannot_be_kept(
    small_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reply = make_desk(small_data, _DeadStore()).ask(Question("I forgot my password, anna@example.com"))

    assert reply.decision == "answer"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "a question was answered but not recorded: The question could not be recorded: disk full.")
    ]


@pytest.fixture
def impatient_desk(
    small_data: Path, engine: sa.Engine, database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HelpDesk]:
    """As `sql_desk`, but does not wait for a lock."""
    monkeypatch.setattr(db, "LOCK_TIMEOUT_S", 0.01)
    impatient = open_engine(sqlite_url(database))
    ids = iter(("ticket-1", "ticket-2"))
    yield make_desk(small_data, SqlEventStore(impatient), SqlInbox(impatient, ids.__next__))
    impatient.dispose()


def test_while_the_database_is_locked_replies_are_given_and_tickets_are_refused_then_taken(
    impatient_desk: HelpDesk, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    reply = impatient_desk.ask(Question("I forgot my password"))
    with pytest.raises(StoreUnavailable, match=r"^The ticket could not be stored: database is locked\.$"):
        impatient_desk.open_ticket(draft(question_id=reply.id), "key-0001")
    other.execute("ROLLBACK")
    other.close()

    assert reply.decision == "answer"
    assert [record.getMessage() for record in caplog.records if record.name == "bot.service"] == [
        "a question was answered but not recorded: The question could not be recorded: database is locked."
    ]
    assert _recorded(impatient_desk) == []
    assert impatient_desk.open_ticket(draft(question_id=reply.id), "key-0001").number == 1


# --- tickets -----------------------------------------------------------------------------------------------------


def test_a_ticket_carries_the_articles_its_question_was_shown(desk: HelpDesk) -> None:
    reply = desk.ask(Question("I forgot my password"))

    ticket = desk.open_ticket(draft(question_id=reply.id, declined=("reset-password",)), "key-0001")

    assert (ticket.question_id, ticket.shown, ticket.declined) == ("q1", ("reset-password",), ("reset-password",))
    assert desk.ticket(ticket.id) == ticket


def test_a_ticket_of_a_question_nobody_knows_is_taken_without_it(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(question_id="q9"), "key-0001")

    assert (ticket.question_id, ticket.shown) == ("", ())


def test_a_ticket_keeps_what_the_person_typed_as_typed(sql_desk: HelpDesk) -> None:
    ticket = sql_desk.open_ticket(
        draft(subject="Call +48 501 234 567", body="one\r\ntwo\ttabs\x00", email=" anna@example.com\n"), "key-0001"
    )

    assert ticket.subject == "Call +48 501 234 567"
    assert ticket.body == "one\ntwo\ttabs"
    assert ticket.email == "anna@example.com"
    assert sql_desk.ticket(ticket.id) == ticket


def test_a_ticket_of_broken_characters_alone_names_the_fields(sql_desk: HelpDesk) -> None:
    with pytest.raises(TicketInvalid) as caught:
        sql_desk.open_ticket(draft(subject="\x00\ud800", body="\udfff"), "key-0001")

    assert list(caught.value.fields) == ["subject", "body"]


def test_a_ticket_sent_twice_is_one_and_with_another_text_a_conflict(sql_desk: HelpDesk) -> None:
    first = sql_desk.open_ticket(draft(), "key-0001")

    assert sql_desk.open_ticket(draft(), "key-0001") == first
    with pytest.raises(TicketConflict, match="'key-0001'"):
        sql_desk.open_ticket(draft(body="another"), "key-0001")
    assert len(sql_desk.events.sent_tickets()) == 1


def test_an_unknown_ticket_is_told(desk: HelpDesk) -> None:
    message = r"^There is no ticket with the id 'ticket-9'\.$"
    with pytest.raises(TicketUnknown, match=message):
        desk.ticket("ticket-9")
    with pytest.raises(TicketUnknown, match=message):
        desk.resolve("ticket-9", "reset-password", "")


def test_a_resolution_is_kept_masked(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")

    desk.resolve(ticket.id, "reset-password", "Wrote to anna@example.com\x00.")

    assert isinstance(desk.events, MemoryEventStore)
    assert desk.events.resolutions == [(ticket.id, "reset-password", "Wrote to [email].", NOON)]


# --- after a ticket ----------------------------------------------------------------------------------------------


def test_a_ticket_knows_what_was_asked_before_in_its_visit_and_in_the_widget_it_comes_from(desk: HelpDesk) -> None:
    first = desk.ask(Question("how do I boil an egg", session="in-the-widget"))
    second = desk.ask(Question("my printer is offline", session="in-the-widget"))
    third = desk.ask(Question("the coffee is cold", session="on-the-form"))
    desk.ask(Question("somebody else's", session="elsewhere"))

    ticket = desk.open_ticket(draft(question_id=second.id, session="on-the-form"), "key-0001")

    assert ticket.conversation == (first.id, third.id)


def test_an_accepted_answer_with_an_article_the_person_was_shown_is_evidence_for_it_but_no_spared_ticket(
    desk: HelpDesk,
) -> None:
    reply = desk.ask(Question("I forgot my password", session="visit"))
    (article, *_) = [key.id for key in reply.shown]
    ticket = desk.open_ticket(draft(question_id=reply.id), "key-0001")
    desk.resolve(ticket.id, article, "")
    desk.write(ticket.id, "agent", "It is in the article.")
    desk.accept(ticket.id)
    desk.accept(ticket.id)

    assert desk.ticket(ticket.id).state == "solved"
    traces = [trace for learned in desk.learning.find().rows for trace in desk.learning.get(learned.id).traces]
    assert sorted((trace.source, trace.solved) for trace in traces) == [("agent", True), ("end_user", True)]
    assert desk.events.outcomes([reply.id]) == {}


def test_a_reason_that_comes_after_the_answer_was_judged_is_kept_as_a_message(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")
    desk.write(ticket.id, "agent", "Switch it on.")
    desk.accept(ticket.id)
    desk.refuse(ticket.id, "It is off again.")

    ticket = desk.ticket(ticket.id)
    assert (ticket.state, ticket.messages[-1].text) == ("received", "It is off again.")
    with pytest.raises(TicketInvalid):
        desk.refuse(ticket.id, " ")
    with pytest.raises(TicketUnknown):
        desk.write("another", "agent", "x")


def test_a_ticket_that_comes_before_another_server_has_written_its_question_knows_what_was_shown(
    small_data: Path,
) -> None:
    store = MemoryEventStore()
    elsewhere = QuestionLog(store, pause_s=3600)
    there = make_desk(small_data, elsewhere)
    there.ask(Question("printer on fire"))  # written at once, and then the log pauses
    elsewhere.flush()
    reply = there.ask(Question("I forgot my password"))
    here = make_desk(small_data, QuestionLog(store, sleep=lambda _: elsewhere.flush()))

    ticket = here.open_ticket(draft(question_id=reply.id), "key-0001")

    assert (ticket.question_id, ticket.shown) == (reply.id, tuple(key.id for key in reply.shown))
    elsewhere.close()
