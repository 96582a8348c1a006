"""How the driver talks to a system in a process of its own: one JSON object a line, in and out.

`{"ask": [texts]}` gives `{"ms": [...], "processor_ms": p, "found": [[article ids]]}`, one question at a time;
`{"load": [texts], "clients": n, "threads": m}` gives `{"seconds": s}`, the questions from n threads at once;
`{"memory": true}` gives `{"mb": m}`.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Search = Callable[[str], list[str]]


def serve(search: Search, set_threads: Callable[[int], None] = lambda _: None) -> None:
    """Answers the driver until it closes the line. `set_threads` sets how many threads one question may use."""
    search("warm up")
    answer({"ready": True})
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        if "ask" in asked:
            answer(ask(search, asked["ask"]))
        elif "load" in asked:
            answer({"seconds": load(search, set_threads, asked["load"], asked["clients"], asked["threads"])})
        else:
            answer({"mb": memory()})


def answer(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


def ask(search: Search, texts: list[str]) -> dict[str, Any]:
    search(texts[0])  # its own data is in the processor's caches again after the others' turns
    times, found = [], []
    computed = time.process_time()
    for text in texts:
        started = time.perf_counter()
        found.append(search(text))
        times.append((time.perf_counter() - started) * 1000)
    computed = time.process_time() - computed  # of all threads
    return {"ms": times, "processor_ms": 1000 * computed, "found": found}


def load(search: Search, set_threads: Callable[[int], None], texts: list[str], clients: int, threads: int) -> float:
    """Seconds until `clients` threads together have asked all `texts`."""
    left: Iterator[str] = iter(texts)
    lock = threading.Lock()

    def client() -> None:
        set_threads(threads)  # torch and OpenMP keep the number for each thread
        while True:
            with lock:
                text = next(left, None)
            if text is None:
                return
            search(text)

    started = time.perf_counter()
    running = [threading.Thread(target=client) for _ in range(clients)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return time.perf_counter() - started


def memory() -> float:
    """The most this process ever held, in MB (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024
