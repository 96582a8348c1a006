from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from kb.batching import MOST, Batches, Vectors

_LONG_S = 30.0


class _Encoder:
    """A row is the length of its text; a call waits for `go`. `calls` are the texts of each."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.began, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.error: Exception | None = None

    def __call__(self, texts: list[str]) -> Vectors:
        self.calls.append(texts)
        self.began.release()
        assert self.go.acquire(timeout=_LONG_S)
        if self.error:
            raise self.error
        return np.array([[len(text)] for text in texts], np.float32).reshape(-1, 1)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def until_waiting(batches: Batches, count: int) -> None:
    """A thread that waits for its turn says so by nothing but the queue it stands in."""
    for _ in range(10_000_000):
        if len(batches._waiting) == count:
            return
    raise AssertionError(f"{len(batches._waiting)} wait, not {count}")


def test_who_comes_alone_waits_for_nobody() -> None:
    encoder = _Encoder()
    encoder.go.release(2)
    batches = Batches(encoder)

    assert batches(["vpn"]).tolist() == [[3]]
    assert batches(["a", "bb"]).tolist() == [[1], [2]]
    assert encoder.calls == [["vpn"], ["a", "bb"]]


def test_what_comes_while_it_works_goes_together_into_the_next_calls_and_everybody_gets_their_own() -> None:
    encoder = _Encoder()
    batches = Batches(encoder)
    got: dict[str, list[list[float]]] = {}

    def ask(*texts: str) -> Callable[[], object]:
        return lambda: got.update({texts[0]: batches(list(texts)).tolist()})

    threads = [in_thread(ask("first"))]
    assert encoder.began.acquire(timeout=_LONG_S)
    asked = [("x" * n, "y" * n) for n in range(10, 15)]
    for number, texts in enumerate(asked):  # one after another, so that their order is known
        threads.append(in_thread(ask(*texts)))
        until_waiting(batches, number + 1)
    encoder.go.release(3)
    for thread in threads:
        thread.join(_LONG_S)

    together = [text for texts in asked for text in texts]
    assert encoder.calls == [["first"], together[:MOST], together[MOST:]]
    assert got == {"first": [[5]]} | {one: [[len(one)], [len(one)]] for one, _ in asked}
    encoder.go.release()
    assert batches(["again"]).tolist() == [[5]]


def test_more_than_a_call_holds_go_by_themselves() -> None:
    encoder = _Encoder()
    encoder.go.release(2)
    assert Batches(encoder)(["ab"] * (MOST + 1)).shape == (MOST + 1, 1)
    assert Batches(encoder)([]).shape == (0, 1)


def test_a_fault_reaches_all_it_was_called_for_and_nobody_else() -> None:
    encoder = _Encoder()
    batches = Batches(encoder)
    said: list[str] = []

    def ask() -> None:
        try:
            batches(["vpn"])
            said.append("fine")
        except ValueError as error:
            said.append(str(error))

    threads = [in_thread(ask)]
    assert encoder.began.acquire(timeout=_LONG_S)
    for number in range(2):
        threads.append(in_thread(ask))
        until_waiting(batches, number + 1)
    encoder.go.release()
    assert encoder.began.acquire(timeout=_LONG_S)
    encoder.error = ValueError("broken")
    encoder.go.release()
    for thread in threads:
        thread.join(_LONG_S)
    assert sorted(said) == ["broken", "broken", "fine"]

    encoder.error = None
    encoder.go.release()
    assert batches(["vpn"]).tolist() == [[3]]


def test_many_threads_at_once_all_get_their_own() -> None:
    batches = Batches(lambda texts: np.array([[len(text)] for text in texts], np.float32))
    wrong: list[int] = []

    def ask(size: int) -> None:
        wrong.extend(size for _ in range(200) if batches(["x" * size]).tolist() != [[size]])

    threads = [in_thread(lambda size=size: ask(size)) for size in range(1, 9)]
    for thread in threads:
        thread.join(_LONG_S)
    assert wrong == []
