"""Several server processes count for each other, answer for each other, and do without one that is gone."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from web.drain import DrainingServer
from web.limits import Limits
from web.listening import Door, ListenError, door, hand, take_port
from web.metrics import SHED, Metrics
from web.processes import Member
from web.processes import _Process as Looked
from web.siblings import Siblings

NOBODY = Door()
NOBODY.close()


class _Process:
    """One of two, as far as the other one sees it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.siblings = Siblings(Member(number, 2, -1, folder, first=False, door=NOBODY, _signs=-1))
        self.metrics = Metrics()
        self.limits = Limits({"questions": "2/hour", "sign_in": "1/hour"}, self.siblings.tell)


def both(folder: Path, do: Callable[[_Process, _Process], Awaitable[None]], running: int = 2) -> None:
    """Does something with two processes, of which so many have started."""

    async def run() -> None:
        one, other = _Process(1, folder), _Process(2, folder)
        async with AsyncExitStack() as stack:
            for each in (one, other)[:running]:
                serving = each.siblings.serving(each.metrics, each.limits)
                await stack.enter_async_context(serving)
            await do(one, other)

    asyncio.run(run())


async def heard() -> None:
    """Until what was told has been read: the event loop looks once at everything that came."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_what_one_has_counted_limits_at_the_other_too(tmp_path: Path) -> None:
    async def do(one: _Process, other: _Process) -> None:
        assert one.limits.wait("questions", "192.0.2.1", "a-session") == 0
        assert other.limits.wait("questions", "192.0.2.2", "a-session") == 0
        await heard()
        assert one.limits.wait("questions", "192.0.2.3", "a-session") > 0
        assert other.limits.wait("questions", "192.0.2.3", "a-session") > 0

    both(tmp_path, do)


def test_who_has_signed_in_at_one_begins_anew_at_the_other(tmp_path: Path) -> None:
    async def do(one: _Process, other: _Process) -> None:
        assert one.limits.try_account("192.0.2.1", "ann") == 0
        await heard()
        assert other.limits.try_account("192.0.2.1", "ann") > 0
        one.limits.account_opened("192.0.2.1", "ann")
        await heard()
        assert other.limits.try_account("192.0.2.1", "ann") == 0

    both(tmp_path, do)


def test_one_who_types_a_thousand_characters_for_an_address_is_counted_by_all(tmp_path: Path) -> None:
    async def do(one: _Process, other: _Process) -> None:
        assert one.limits.try_account("192.0.2.1", "ł" * 1000) == 0
        await heard()
        assert other.limits.try_account("192.0.2.1", "ł" * 1000) > 0

    both(tmp_path, do)


def test_the_last_one_that_nobody_looks_after_any_more_leaves_no_folder(tmp_path: Path) -> None:
    async def do(_one: _Process, _other: _Process) -> None:
        assert len(list(folder.iterdir())) == 4

    folder = tmp_path / "private"
    folder.mkdir()
    both(folder, do)
    assert not folder.exists()


def test_a_connection_that_a_process_has_no_room_for_is_given_to_another() -> None:
    outer, inner = door()
    connection, client = socket.socketpair()
    looked = Looked(0, -1, outer, 0.0, deque([connection]), accepts=True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(lowest_free := os.dup(0))
    with outer, inner, connection, client:
        assert hand(connection, outer)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        try:
            with pytest.raises(OSError, match="Too many open files") as told:  # asyncio waits for a second then
                inner.accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert told.value.errno == errno.EMFILE
        assert (looked.taken(), list(looked.handed), looked.accepts) == ([connection], [], True)

        assert hand(connection, outer)
        looked.handed.append(connection)
        taken, _ = inner.accept()
        with taken:
            assert not taken.get_inheritable()
            assert (looked.taken(), connection.fileno()) == ([], -1)


def numbers(exposed: tuple[bytes, str]) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposed[0].decode())
        for sample in family.samples
        if sample.name in ("firstline_shed_total", "firstline_processes")
    }


@pytest.mark.parametrize("running", [1, 2])
def test_metrics_are_those_of_all_that_answer_each_with_its_number(tmp_path: Path, running: int) -> None:
    async def do(one: _Process, other: _Process) -> None:
        one.metrics.count(SHED, 3, kind="asks")
        other.metrics.count(SHED, 4, kind="asks")
        found = numbers(await asyncio.to_thread(one.siblings.exposed, one.metrics))
        assert found == {
            ("firstline_processes", "wanted"): 2,
            ("firstline_processes", "answering"): running,
            ("firstline_shed_total", "asks", "1"): 3,
            **({("firstline_shed_total", "asks", "2"): 4} if running == 2 else {}),
        }

    both(tmp_path, do, running)


def test_a_process_that_nobody_looks_after_any_more_ends_as_it_was_told_to(tmp_path: Path) -> None:
    app, said = FastAPI(), list[str]()

    class Orphan(Member):
        def sign(self) -> None:
            said.append("lives")

    server = DrainingServer(
        uvicorn.Config(app), app, 60, Orphan(1, 2, -1, tmp_path, first=False, door=NOBODY, _signs=-1)
    )
    assert asyncio.run(server.on_tick(0)) is True
    assert said == []


def test_a_name_of_several_addresses_is_one_port_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_named: addresses)
    taken = take_port("help.internal", 0)
    try:
        (first, port), (second, again) = (each.getsockname() for each in taken)
        assert (first, second, port) == ("127.0.0.1", "127.0.0.2", again)
        for each in taken:
            each.listen()
        with pytest.raises(ListenError, match=f"^Port {port} on help.internal is in use. Stop the other program, or"):
            take_port("help.internal", port)
    finally:
        for each in taken:
            each.close()


def test_an_address_of_a_name_that_this_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_named: addresses)
    (taken,) = take_port("localhost", 0)
    with taken:
        assert taken.getsockname()[0] == "127.0.0.1"
    del addresses[1]
    with pytest.raises(ListenError, match=r"^Cannot listen on localhost:0: Cannot assign requested address\.$"):
        take_port("localhost", 0)
