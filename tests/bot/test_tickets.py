from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import TicketInvalid
from bot.models import MAX_BODY, MAX_SUBJECT, TicketDraft
from bot.tickets import check, fingerprint
from tests.bot.samples import draft

NO_ADDRESS = "Enter an e-mail address like name@example.com."


def _faults(sent: TicketDraft) -> dict[str, str]:
    with pytest.raises(TicketInvalid) as caught:
        check(sent)
    return {name: str(message) for name, message in caught.value.fields.items()}


def test_a_whole_ticket_is_taken() -> None:
    assert check(draft()) is None


def test_every_empty_field_is_named_with_what_to_do() -> None:
    assert _faults(TicketDraft(subject=" ", body="\n\t", email="")) == {
        "subject": "Enter a subject, a few words about what you need.",
        "body": "Describe what happened, so that we can help.",
        "email": "Enter your e-mail address, so that we can reply.",
    }


def test_only_the_wrong_field_is_named() -> None:
    assert list(_faults(draft(body=""))) == ["body"]
    assert list(_faults(draft(email="anna"))) == ["email"]


def test_the_message_of_the_error_holds_that_of_every_field() -> None:
    with pytest.raises(TicketInvalid) as caught:
        check(draft(subject="", email="anna"))

    assert str(caught.value) == f"Enter a subject, a few words about what you need. {NO_ADDRESS}"


def test_a_subject_and_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert check(draft(subject="s" * MAX_SUBJECT, body="b" * MAX_BODY)) is None
    assert _faults(draft(subject="s" * (MAX_SUBJECT + 1), body="b" * (MAX_BODY + 1))) == {
        "subject": "Shorten the subject to 300 characters or fewer. The details fit below it.",
        "body": "Shorten the description to 200,000 characters or fewer.",
    }


@pytest.mark.parametrize(
    "email",
    [
        "anna@example.com",
        " anna@example.com ",
        "anna.nowak+it@mail.example.co.uk",
        "o'brien@example.com",
        "żółć@przykład.pl",
        "'||(select/**/1)||'@example.com",
        "a" * 64 + "@example.com",
    ],
)
def test_an_address_one_can_write_to_is_taken(email: str) -> None:
    assert check(draft(email=email)) is None


@pytest.mark.parametrize(
    "email",
    [
        "anna",
        "anna@",
        "@example.com",
        "anna@example",
        "anna@example.",
        "anna@.com",
        "anna@exam ple.com",
        "anna@example..com",
        "anna@b@example.com",
        "Anna <anna@example.com>",
        "anna@example.com, bob@example.com",
        "anna@example.com\nBcc: everybody@example.com",
        "anna\x00@example.com",
        "a" * 65 + "@example.com",
        "anna@" + "x." * 130 + "com",
    ],
)
def test_what_is_no_address_is_told(email: str) -> None:
    assert _faults(draft(email=email)) == {"email": NO_ADDRESS}


@pytest.mark.parametrize("email", ["a" * 200_000, "@" * 200_000, "a@" + "a." * 100_000, "a@" + "." * 200_000])
def test_a_very_long_hostile_address_is_refused(email: str) -> None:
    assert _faults(draft(email=email)) == {"email": NO_ADDRESS}


@given(st.text(), st.text(), st.text())
def test_any_ticket_is_taken_or_its_wrong_fields_are_named(subject: str, body: str, email: str) -> None:
    fields: set[str] = set()
    try:
        check(TicketDraft(subject, body, email))
    except TicketInvalid as error:
        fields = set(error.fields)

    assert {"subject", "body"} & fields == {
        name for name, text in (("subject", subject), ("body", body)) if not text.strip()
    }
    assert ("email" in fields) or email.strip().count("@") == 1


def test_a_fingerprint_is_of_what_the_person_typed_and_of_nothing_beside_it() -> None:
    beside = draft(question_id="q1", declined=("x",), session="visit", lang="pl")

    assert fingerprint(beside) == fingerprint(draft())
    assert (
        len({fingerprint(draft()), *(fingerprint(replace(draft(), **{f: "x"})) for f in ("subject", "body", "email"))})
        == 4
    )


def test_a_text_moved_from_one_field_to_another_has_another_fingerprint() -> None:
    assert fingerprint(draft(subject="ab", body="c")) != fingerprint(draft(subject="a", body="bc"))
