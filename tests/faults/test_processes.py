"""Several server processes behind one port: all answer, one that dies is replaced, and all end together."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from bot.database import sqlite_url
from tests.conftest import PROJECT
from tests.faults.servers import Server, serving


@pytest.fixture
def server(site_data: Path) -> Iterator[Server]:
    rates = {"FIRSTLINE_RATE_QUESTIONS": "", "FIRSTLINE_METRICS_FROM": '["127.0.0.1"]'}
    database = sqlite_url(site_data / "firstline.db")
    with serving(site_data, database, FIRSTLINE_PROCESSES="2", **rates) as running:
        running.until(lambda: answering(running) == 2)
        yield running


def exposed(server: Server, name: str) -> dict[str, float]:
    """The numbers of one metric, added up for each process."""
    found: dict[str, float] = {}
    for labels, value in re.findall(rf"^{name}{{(.*)}} (\S+)$", str(server.get("/metrics")[1]), re.M):
        key = re.search(r'(?:process|state)="(\w+)"', labels)
        assert key
        found[key[1]] = found.get(key[1], 0) + float(value)
    return found


def answering(server: Server) -> float:
    return exposed(server, "firstline_processes").get("answering", 0)


def test_all_answer_and_one_that_is_killed_is_replaced_until_all_are_ended(server: Server, site_data: Path) -> None:
    asked: list[str] = []
    with ThreadPoolExecutor(8) as people:
        while len(exposed(server, "firstline_asks_total")) < 2:  # one may be quick enough to take all of a round
            asked += [reply["id"] for reply in people.map(lambda _: server.ask(), range(8))]
            assert len(asked) < 400
    assert sum(exposed(server, "firstline_asks_total").values()) == len(asked)
    for last in asked[-8:]:  # whichever process is told, and whether it was written yet
        assert server.tell(last, "it helped") == 204
    first, second = psutil.Process(server.running.pid).children()

    second.send_signal(signal.SIGKILL)
    server.until(lambda: answering(server) == 1)
    assert server.get("/readyz")[1]["status"] == "ready"
    server.until(lambda: answering(server) == 2)
    assert first in psutil.Process(server.running.pid).children()
    assert re.search(r"process 2 \(\d+\) was ended by SIGKILL after \d+ s; another one", server.log.read_text())

    assert server.end() == 0
    assert not first.is_running()
    assert server.get("/healthz")[0] == 0
    with closing(sqlite3.connect(site_data / "firstline.db")) as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM questions")}
    assert stored == set(asked)


#: What looks after two processes, and what these do: they hold no help desk, so that it is quick.
_SPLIT = """
import os, signal, sys, time
from types import SimpleNamespace
from web import processes
from web.listening import take_port

processes._load = lambda settings: None
processes.SILENT_S, processes._SIGN_EVERY_S, processes._FIRST_PAUSE_S = 0.3, 0.05, 0.1
listening = take_port("127.0.0.1", 0)
port = listening[0].getsockname()[1]
member = processes.split(SimpleNamespace(log_format="plain", secrets=()), 2, listening)
"""
#: Number 2 ends, then hangs, then has all ended; number 1 only lives.
_FAILING = """
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
member.sign()
starts = member.folder / "starts"
with starts.open("a") as file:
    print(member.number, member.first, file=file)
turn = starts.read_text().count("2 False") if member.number == 2 else 0
if turn == 1:
    os._exit(3)
if turn == 3:
    print(starts.read_text(), flush=True)
    os.kill(member.parent, signal.SIGTERM)
while not member.alone:
    time.sleep(0.02)
    if turn != 2:
        member.sign()
"""


#: Number 2 ends at first, with all that it was given still at its door.
_GREETING = """
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if member.first:
    print(port, flush=True)
member.sign()
if member.number == 2 and not (member.folder / "failed").exists():
    (member.folder / "failed").touch()
    print("unwell", flush=True)
    time.sleep(0.3)
    os._exit(3)
member.door.settimeout(0.05)
while True:
    member.sign()
    try:
        connection, _ = member.door.accept()
    except TimeoutError:
        continue
    connection.sendall(b"welcome")
    connection.close()
"""

#: Another server was bound to the port as well, and listens first.
_OVERTAKEN = """
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
other = take_port("127.0.0.1", port)[0]
other.listen()
member.sign()
time.sleep(30)
"""
#: So many files are open that the next ones have large numbers.
_MANY_FILES = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [os.dup(0) for _ in range(1100)]
"""
#: The one that accepts may open no more files for a while.
_FULL = """
import psutil, resource, socket
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
member.sign()
if member.number == 2:
    parent = psutil.Process(member.parent)
    open_now = sorted(int(name) for name in os.listdir(f"/proc/{parent.pid}/fd"))
    lowest_free = next(n for n in range(len(open_now) + 1) if n not in open_now)
    before = resource.prlimit(parent.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(parent.pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    began = sum(parent.cpu_times()[:2])
    with socket.create_connection(("127.0.0.1", port)) as person:
        for _ in range(50):
            member.sign()
            time.sleep(0.02)
        print(sum(parent.cpu_times()[:2]) - began, flush=True)
        resource.prlimit(parent.pid, resource.RLIMIT_NOFILE, before)
        time.sleep(0.1)
    os.kill(parent.pid, signal.SIGTERM)
while not member.alone:
    time.sleep(0.02)
    member.sign()
"""


def run(script: str, folder: Path, before: str = "") -> tuple[int, str, list[str]]:
    """The exit code of two processes that do this, what they printed, and what was logged without times and ids."""
    done = subprocess.run(
        [sys.executable, "-c", before + _SPLIT + script],
        cwd=PROJECT, env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert not list(folder.glob("firstline-*"))
    return done.returncode, done.stdout, [re.sub(r"^\S+ \S+ |\d{3,}", "", line) for line in done.stderr.splitlines()]


def test_connections_that_one_was_given_and_has_not_taken_are_given_to_another(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SPLIT + _GREETING],
        cwd=PROJECT, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True,
    ) as both:  # fmt: skip
        assert both.stdout
        port = int(both.stdout.readline())
        assert both.stdout.readline() == "unwell\n"
        people = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(6)]
        assert [person.recv(20) for person in people] == [b"welcome"] * 6
        for person in people:
            person.close()
        both.send_signal(signal.SIGTERM)
    assert both.returncode == 0


def test_where_none_can_be_started_all_end_with_the_exit_code_of_the_first(tmp_path: Path) -> None:
    assert run("print(member.number, flush=True); os._exit(4)", tmp_path) == (
        4,
        "1\n",
        ["ERROR web.processes: no process can be started: the last one ended with exit code 4; see above"],
    )


def test_one_that_ends_or_hangs_is_replaced_and_the_other_is_left_alone(tmp_path: Path) -> None:
    code, printed, said = run(_FAILING, tmp_path)
    assert (code, sorted(printed.split("\n"))) == (0, ["", "", "1 True", *(["2 False"] * 3)])
    assert said == [
        "WARNING web.processes: process 2 () ended with exit code 3 after 0 s; another one starts at once",
        "ERROR web.processes: process 2 () has hung for 0 s and is killed",
        "WARNING web.processes: process 2 () was ended by SIGKILL after 0 s; another one starts in 0 s",
    ]


def test_where_another_server_listens_first_all_end_and_say_so(tmp_path: Path) -> None:
    code, _, (said,) = run(_OVERTAKEN, tmp_path)
    assert code == 1
    assert said.endswith(
        "cannot listen on the port: Address already in use; another server took it while this one started"
    )


def test_files_of_large_numbers_end_nobody(tmp_path: Path) -> None:
    code, printed, _ = run(_FAILING, tmp_path, _MANY_FILES)
    assert (code, "1 True" in printed) == (0, True)


def test_who_comes_while_too_many_files_are_open_keeps_no_core_busy(tmp_path: Path) -> None:
    code, printed, _ = run(_FULL, tmp_path)
    assert code == 0
    assert float(printed) < 0.3
