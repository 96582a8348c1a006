"""Requests to another desk: what is bounded, and what is said of failures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from bot.errors import DeliveryFailed
from bot.handoff import wire
from bot.handoff.wire import Wire, _retry_after
from tests.receivers import LOOPBACK, Asked, Desk, running

SECRET = "token-of-the-tests"


class Echo(Desk):
    """Answers with what it is told to."""

    status, body = 200, {"said": "hello"}

    def answer(self, asked: Asked) -> tuple[int, Any]:  # noqa: ARG002
        return self.status, self.body


@pytest.fixture
def desk() -> Iterator[Echo]:
    with running(Echo()) as made:
        assert isinstance(made, Echo)
        yield made


def ask(desk: Echo) -> Any:
    return Wire(desk.url, {"Authorization": f"Bearer {SECRET}"}, (SECRET,), LOOPBACK).post("/x", {"a": 1})


def test_a_redirect_is_not_followed_and_says_what_to_do(desk: Echo) -> None:
    desk.faults = [(307, "0")]

    with pytest.raises(DeliveryFailed, match=r"sends us elsewhere \(307\)\. Write the address it leads to") as caught:
        ask(desk)

    assert (caught.value.permanent, len(desk.requests)) == (True, 1)


@pytest.mark.parametrize(
    ("permanent", "statuses"),
    [(True, (400, 401, 403, 404, 410, 422)), (False, (408, 409, 425, 429, 500, 502, 503, 504))],
)
def test_which_answers_are_worth_another_try(desk: Echo, permanent: bool, statuses: tuple[int, ...]) -> None:
    for status in statuses:
        desk.status = status
        with pytest.raises(DeliveryFailed) as caught:
            ask(desk)
        assert (status, caught.value.permanent) == (status, permanent)


def test_how_long_a_receiver_wants_to_be_left_alone_is_a_number_or_a_date(desk: Echo) -> None:
    desk.faults = [(429, "120")]
    with pytest.raises(DeliveryFailed) as caught:
        ask(desk)
    assert caught.value.retry_after == 120.0
    assert [_retry_after(text) for text in ("", "soon", "-5", "²", "Wed, 21 Oct 2015 07:28:00 GMT")] == [0.0] * 5
    assert _retry_after("Wed, 21 Oct 2199 07:28:00 GMT") > 10**9


def test_what_a_desk_says_is_shown_short_with_secrets_and_personal_data_masked(desk: Echo) -> None:
    desk.status, desk.body = 422, {"said": f"{SECRET} of ann@example.com\n" + "x" * 500}
    with pytest.raises(DeliveryFailed) as caught:
        ask(desk)

    text = str(caught.value)
    assert text.startswith(f"{Wire(desk.url).host} answered 422 Unprocessable")
    assert (SECRET in text, "ann@" in text, "\n" in text, len(text) < 320) == (False, False, False, True)
    assert SECRET not in repr(Wire(desk.url, {"Authorization": SECRET}, (SECRET,)))


def test_a_reply_without_end_is_cut_off(desk: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_REPLY", 1_000)
    desk.body = {"said": "x" * 2_000}
    with pytest.raises(DeliveryFailed, match="its answer is longer than 1,000 bytes"):
        ask(desk)


def test_a_reply_that_trickles_is_given_up(desk: Echo) -> None:
    seconds = iter((0.0, 31.0))
    with pytest.raises(DeliveryFailed, match="its answer takes longer than 30 seconds") as caught:
        Wire(desk.url, guard=LOOPBACK, clock=lambda: next(seconds)).post("/x", {})
    assert not caught.value.permanent


def test_a_reply_whose_beginning_trickles_is_given_up_and_the_desk_left_alone_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "BEGIN_S", 0.2)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.02):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(DeliveryFailed, match="does not answer: the time is up") as caught:
            Wire(url, guard=LOOPBACK).post("/x", {})
        ended.set()
        thread.join()
    assert (caught.value.permanent, caught.value.retry_after) == (False, 120.0)


def test_a_page_in_place_of_an_answer_is_told(desk: Echo) -> None:
    with pytest.raises(DeliveryFailed, match="took it, but its answer is no JSON"):
        wire.Reply(200, {}, b"<html>").json("desk.example")
