"""From the start of a process to the first answer.

    python -m bench.start DATA [STARTS]

Each start is a process of its own: `firstline serve` until POST /api/v1/ask has answered, and `firstline ask`. Beside
them stands what can be had at best, a process that opens the encoder and embeds one question: on a busy machine all
three are slow, and the ratio to the last is what counts. Processor time is that of the process alone.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median

from kb.snapshot import current_id, read_manifest, snapshots_folder

_QUESTION = "I forgot my password and cannot log in"
_STARTS = 7
_TRY_AGAIN_S = 0.005
_FIRST_VECTOR = """
import sys
from pathlib import Path
from kb.embedding import open_encoder
open_encoder(Path(sys.argv[1])).embed_queries([sys.argv[2]])
"""

#: (wall, processor) seconds.
Times = tuple[float, float]


def main() -> None:
    data, starts = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else _STARTS
    folder = snapshots_folder(data) / current_id(data)
    manifest = read_manifest(folder)
    encoder = folder / "encoders" / manifest["encoders"][0]["name"]
    ask = [sys.executable, "-m", "web", "ask", _QUESTION, "--data", str(data)]
    vector = [sys.executable, "-c", _FIRST_VECTOR, str(encoder), _QUESTION]
    ways: dict[str, Callable[[], Times]] = {
        "serve, first answer": lambda: served(data),
        "ask": lambda: ran(ask),
        "first vector": lambda: ran(vector),
    }
    for way in ways.values():  # compiles, and has the disk's content in memory
        way()
    taken: dict[str, list[Times]] = {name: [] for name in ways}
    for _ in range(starts):  # in turns, so that all meet the same machine
        for name, way in ways.items():
            taken[name].append(way())
    print(
        f"{data}: {manifest['counts']['articles']} articles, {manifest['counts']['passages']} passages; {starts} starts"
    )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    print(f"{'':22}{'median':>9}{'fastest':>9}{'processor':>11}   of first vector")
    base = median(cpu for _, cpu in taken["first vector"])
    for name, times in taken.items():
        wall, cpu = [w for w, _ in times], median(c for _, c in times)
        print(f"{name:22}{median(wall):8.2f}s{min(wall):8.2f}s{cpu:10.2f}s{cpu / base:10.1f}x")


def ran(command: list[str]) -> Times:
    """From its start to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    return _ended(process, started)


def served(data: Path) -> Times:
    """From the start of a server to its first answer; the processor time until then and of shutting down."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "web", "serve", "--data", str(data), "--port", str(port)]
    question = json.dumps({"question": _QUESTION, "channel": "api"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/ask", question, {"Content-Type": "application/json"}
    )
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    try:
        while True:
            try:
                with urllib.request.urlopen(request) as response:  # noqa: S310 - an address of our own
                    reply = json.load(response)
                break
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError) or process.poll() is not None:
                    raise SystemExit(f"{' '.join(command)} does not answer: {error}") from error
                time.sleep(_TRY_AGAIN_S)
        taken = time.perf_counter() - started
        assert reply["decision"] in ("answer", "suggest")
        cpu = _processor_seconds(process.pid)
    finally:
        process.terminate()
        process.wait()
    return taken, cpu


def _environment() -> dict[str, str]:
    """Compiled code is kept, as it is wherever Firstline is installed."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "HF_HUB_OFFLINE": "1"}


def _ended(process: subprocess.Popen[bytes], started: float) -> Times:
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return taken, used.ru_utime + used.ru_stime


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
