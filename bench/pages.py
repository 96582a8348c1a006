"""How long the server takes for home, search, an article, what is being typed and what agents see, beside one call of
the encoder.

    python -m bench.pages [DATA ...]

Of each data folder (`data`), indexed before. A real server on this machine, one connection that is kept, pages and
encoder in turns: read the ratios, not the times. What the server computed (CPU) hardly depends on what else the machine
does.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from kb.links import article_path
from kb.models import PUBLIC, Article
from kb.snapshot import open_current
from tests.browser.help_centre import AGENT_TOKEN, help_centre

_ROUNDS, _TURN = 10, 30
#: In the inbox; every second one is solved with an article.
_TICKETS = 200
_AGENT = {"Authorization": f"Bearer {AGENT_TOKEN}"}


def main() -> None:
    for data in [Path(name) for name in sys.argv[1:]] or [Path("data")]:
        measure(data)


def measure(data: Path) -> None:
    snapshot = open_current(data)
    articles = [entry.article for entry in snapshot.entries if entry.article.audience == PUBLIC]
    embedder = snapshot.encoders[0].embedder
    asked = [q for article in articles for q in article.questions] or [article.title for article in articles]
    with tempfile.TemporaryDirectory() as folder, help_centre(data.resolve(), Path(folder), "") as server:
        connection = HTTPConnection(urlsplit(server.base).netloc)
        numbers = cycle(fill_inbox(connection, articles))
        calls: dict[str, Callable[[str], object]] = {
            "encoder": lambda question: embedder.embed_queries([question]),
            "home": lambda _: get(connection, "/"),
            "search": lambda question: get(connection, f"/search?{urlencode({'q': question})}"),
            "article": once_each(connection, articles),
            "typeahead, a beginning": lambda question: typed(connection, question.split()[0][:5]),
            "typeahead, four words": lambda question: typed(connection, " ".join(question.split()[:4])),
            "inbox": lambda _: get(connection, "/inbox", _AGENT),
            "ticket and what fits it": lambda _: get(connection, f"/inbox/{next(numbers)}", _AGENT),
        }
        times: dict[str, list[float]] = {name: [] for name in calls}
        computed = dict.fromkeys(calls, 0.0)
        questions = cycle(asked)
        for number in range(_ROUNDS + 1):
            for name, call in calls.items():
                process = os.getpid() if name == "encoder" else server.process.pid
                before = computed_by(process)
                taken = [timed(call, question) for question in islice(questions, _TURN)]
                if number:  # the first round fills caches
                    times[name] += taken
                    computed[name] += computed_by(process) - before
        connection.close()
    print(f"\n{data}: {len(snapshot.entries)} articles, {_ROUNDS * _TURN} requests each\n")
    print(f"{'':26}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'CPU of an encoder call':>25}")
    for name, values in times.items():
        p50, p99 = np.percentile(values, [50, 99])
        mean, ratio = computed[name] / len(values), computed[name] / computed["encoder"]
        print(f"{name:26}{p50:9.1f}{p99:9.1f}{mean:9.1f}{ratio:25.1f}")


def fill_inbox(connection: HTTPConnection, articles: list[Article]) -> list[int]:
    """Sends tickets in the words of author questions and solves half of them; the numbers of the others."""
    asked = [(article.id, question) for article in articles for question in article.questions or (article.title,)]
    numbers = []
    for number, (article, question) in enumerate(islice(cycle(asked), 0, _TICKETS * 7, 7)):
        sent = {"subject": question, "body": f"{question}. Since Monday.", "email": "kim@example.com"}
        ticket = post(connection, "/api/v1/tickets", sent, {"Idempotency-Key": f"ticket-{number:04}"})
        if number % 2:
            post(connection, f"/api/v1/tickets/{ticket['id']}/resolution", {"article_id": article})
        else:
            numbers.append(ticket["number"])
    return numbers


def computed_by(process: int) -> float:
    """Milliseconds of CPU that a process has used, in steps of the system's clock (10 ms)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def once_each(connection: HTTPConnection, articles: list[Article]) -> Callable[[str], object]:
    turns: Iterator[Article] = cycle(articles[:: max(1, len(articles) // _TURN)][:_TURN])
    return lambda _: get(connection, article_path(next(turns).key))


def typed(connection: HTTPConnection, text: str) -> bytes:
    return get(connection, f"/api/v1/typeahead?{urlencode({'q': text, 'lang': 'en'})}")


def post(
    connection: HTTPConnection, address: str, sent: object, headers: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    given = {"Content-Type": "application/json", **_AGENT, **headers}
    connection.request("POST", address, json.dumps(sent), given)
    response = connection.getresponse()
    body = response.read()
    if response.status >= 300:
        raise SystemExit(f"{address} gave {response.status}: {body[:200]!r}")
    return cast(dict[str, Any], json.loads(body or "{}"))


def get(connection: HTTPConnection, address: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    connection.request("GET", address, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{address} gave {response.status}: {body[:200]!r}")
    return body


def timed(call: Callable[[str], object], text: str) -> float:
    started = time.perf_counter()
    call(text)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
