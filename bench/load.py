"""Drives the real server from other processes (wrk) and prints how much it stands.

    python -m bench.load [--data DIR] [--minutes N] [--processes N...] [--code CHECKOUT]...

Server and load share this machine. Questions are the author questions of the snapshot in `data`, indexed before, in
all its languages and in wording of which none comes twice. First asks, then typeaheads, each at the pace the server
has; then all kinds at once with far more clients than it can serve. With `--minutes` asks go on for so long, and memory
is looked at every minute. `--processes 1 2` drives a server of one process and one of two, in turns; `--code` names
other checkouts, whose server is driven too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from bench.traffic import Traffic
from kb.snapshot import open_current

HERE = Path(__file__).resolve().parent
_NO_RATES = {f"FIRSTLINE_RATE_{kind}": "" for kind in ("QUESTIONS", "TYPING", "TICKETS", "FEEDBACK")}
_WARM_UP_S = 5
#: More requests than any server here takes in a second; a kind has at most so many of them written down.
_MOST_A_SECOND = 2_500
_TARGET_P99_MS = 60.0
_TARGETS = {"asks": 300.0, "typeaheads": 1_500.0}
_OVERLOAD = {"typeaheads": 48, "asks": 48, "pages": 48, "tickets": 8}


@dataclass(frozen=True, slots=True)
class Server:
    """A running `firstline serve` and its processes."""

    base: str
    process: subprocess.Popen[bytes]

    @property
    def memory(self) -> float:
        """Memory of all its processes in MB; what several share counts once."""
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self._pids())
        return sum(int(rollup.partition("\nPss:")[2].split()[0]) / 1024 for rollup in rollups)

    def serving(self) -> set[str]:
        """The numbers of those of several processes that answer."""
        with urllib.request.urlopen(f"{self.base}/metrics", timeout=5) as reply:  # noqa: S310 (our own server)
            return set(re.findall(r'firstline_articles\{process="(\d+)"', reply.read().decode()))

    @property
    def computed(self) -> float:
        """Seconds of processor time that its processes have used."""
        fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._pids())
        return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")

    def _pids(self) -> Iterator[int]:
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            # Its main thread starts all processes it has.
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextmanager
def serving(data: Path, folder: Path, code: Path, processes: int = 1) -> Iterator[Server]:
    """The server of a checkout over `data`, with a database of its own in `folder` and no limits to how often."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    environment |= _NO_RATES | {
        "FIRSTLINE_DATABASE_URL": f"sqlite:///{folder / 'firstline.db'}",
        "FIRSTLINE_METRICS_FROM": '["127.0.0.1"]',
        "PYTHONPATH": str(code),
    }
    command = [sys.executable, "-m", "web", "serve", "--data", str(data), "--port", str(port)]
    command += ["--processes", str(processes)] if processes > 1 else []  # an older checkout has none
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        await_ready(base, process, folder / "server.log")
        server = Server(base, process)
        while processes > 1 and len(server.serving()) < processes:
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_ready(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=5):  # noqa: S310 (our own server)
                return
        except (URLError, ConnectionError, TimeoutError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit(f"The server did not get ready:\n{log.read_text(errors='replace')}")


def start_wrk(base: str, file: Path, connections: int, seconds: int) -> subprocess.Popen[str]:
    script = str(HERE / "load.lua")
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "30s",
        "-s",
        script,
        base,
        "--",
        str(file),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(wrk: subprocess.Popen[str]) -> dict[str, Any]:
    out = wrk.communicate()[0]
    if wrk.returncode:
        raise SystemExit(f"wrk ended with {wrk.returncode}:\n{out}")
    return dict(json.loads(out.splitlines()[-1]))


def drive(
    traffic: Traffic, server: Server, folder: Path, kind: str, connections: int, seconds: int
) -> tuple[dict[str, Any], list[float]]:
    """What wrk saw, and the server's memory in MB at the start, after every minute and at the end."""
    file = folder / f"{kind}.txt"
    if not file.exists():
        traffic.write(kind, _MOST_A_SECOND * seconds, file)
    memory, before = [server.memory], server.computed
    wrk = start_wrk(server.base, file, connections, seconds)
    for _ in range(seconds // 60):
        time.sleep(60)
        memory.append(server.memory)
    found = result_of(wrk)
    found["cpu"] = 1000 * (server.computed - before) / max(1, found["requests"])
    return found, [*memory, server.memory]


def row(name: str, found: dict[str, Any], memory: Sequence[float]) -> str:
    status = dict(sorted(found["status"].items()))
    good = sum(count for code, count in status.items() if code < "400")
    shed = status.pop("503", 0)
    errors = {code: count for code, count in status.items() if code >= "400"}
    errors |= {kind: count for kind, count in found["errors"].items() if count}
    if found["again"]:
        errors["all sent again"] = found["again"]
    said = ", ".join(f"{count} × {kind}" for kind, count in errors.items()) or "0"
    rss = f"{memory[0]:.0f} → {memory[-1]:.0f}" if memory else ""
    cpu = f"{found['cpu']:.1f}" if "cpu" in found else ""
    return (
        f"{name:34}{good / found['seconds']:9.0f}{cpu:>9}{found['p50']:9.1f}{found['p99']:9.1f}{found['max']:9.1f}"
        f"{shed:9}{rss:>14}   {said}"
    )


def head() -> str:
    return (
        f"{'':34}{'served/s':>9}{'CPU ms':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'shed':>9}{'PSS MB':>14}   errors"
    )


def main() -> None:
    given = argparse.ArgumentParser(description="How much the server stands.")
    given.add_argument("--data", type=Path, default=Path("data"))
    given.add_argument("--seconds", type=int, default=20, help="How long each part takes.")
    given.add_argument("--minutes", type=int, default=0, help="Asks go on for so long, with memory every minute.")
    given.add_argument("--clients", type=int, default=8, help="Connections that ask one after another.")
    given.add_argument("--code", type=Path, action="append", default=[], help="Another checkout to drive in turns.")
    given.add_argument(
        "--processes", type=int, nargs="+", default=[1], help="Server processes, one number after another."
    )
    given.add_argument("--rounds", type=int, default=1, help="How often each is driven.")
    options = given.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing. On Debian: apt-get install wrk")
    traffic = Traffic(open_current(options.data))
    sides = [(HERE.parent, number, f"{number} processes" if number > 1 else "") for number in options.processes]
    sides += [(code, 1, str(code)) for code in options.code]
    print(head(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        for turn in range(options.rounds):
            for number, (code, processes, said) in enumerate(sides):
                folder = Path(name) / f"{turn}-{number}"
                folder.mkdir()
                with serving(options.data.resolve(), folder, code.resolve(), processes) as server:
                    measure(traffic, server, folder, options, said)


def measure(traffic: Traffic, server: Server, folder: Path, options: argparse.Namespace, code: str) -> None:
    for kind in ("asks", "typeaheads"):
        drive(traffic, server, folder, kind, options.clients, _WARM_UP_S)
        (folder / f"{kind}.txt").unlink()
    if options.minutes:
        found, memory = drive(traffic, server, folder, "asks", options.clients, options.minutes * 60)
        print(row(f"asks, {options.minutes} minutes", found, memory))
        print("memory, MB: " + " ".join(f"{each:.0f}" for each in memory))
        return
    for kind in ("asks", "typeaheads"):
        found, memory = drive(traffic, server, folder, kind, options.clients, options.seconds)
        print(row(f"{kind}, {options.clients} clients {code}", found, memory), flush=True)
    running = []
    for kind, clients in _OVERLOAD.items():
        file = folder / f"over-{kind}.txt"
        traffic.write(kind, _MOST_A_SECOND * options.seconds, file)
        running.append((kind, clients, file))
    started = [(kind, n, start_wrk(server.base, file, n, options.seconds)) for kind, n, file in running]
    for kind, clients, wrk in started:
        print(row(f"{kind}, {clients} clients, all at once {code}", result_of(wrk), []), flush=True)


if __name__ == "__main__":
    main()
