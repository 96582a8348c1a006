"""What people do to a cluster, and a book of all that was acknowledged to them."""

from __future__ import annotations

import asyncio
import random
import re
import string
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from bench.cluster.members import EDITIONS

AGENT_TOKEN = "fl_token-of-the-agent-of-the-cluster"  # noqa: S105 - of this one cluster
#: Of 100 things that people do.
_SHARES = {"ask": 50, "typeahead": 26, "outcome": 12, "ticket": 8, "resolution": 4}
#: How often a program sends what has an Idempotency-Key before it gives up, and how long it waits between, in seconds.
_TRIES = 4
_PAUSE_S = 0.5
_EDITION = re.compile("|".join(EDITIONS))


@dataclass
class Book:
    """Everything a client was told, by the names that the database has to know it by."""

    #: id of a question -> (when it was acknowledged, by which replica)
    questions: dict[str, tuple[float, str]] = field(default_factory=dict)
    #: Idempotency-Key -> id of the ticket
    tickets: dict[str, str] = field(default_factory=dict)
    #: reason, made up for one outcome -> id of the question
    outcomes: dict[str, str] = field(default_factory=dict)
    #: ids of tickets whose article was to be learned
    resolved: list[str] = field(default_factory=list)
    #: id of a snapshot -> its edition, filled in by whoever publishes
    editions: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    #: (what was done, what went wrong) -> how often
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: (snapshot a reply names, editions its words are of) -> how often; "" names none, as lists do
    seen: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    #: (when, what, seconds) of every request that was answered
    times: list[tuple[float, str, float]] = field(default_factory=list)

    def read(self, snapshot: str, shown: Iterable[dict[str, Any]]) -> None:
        """Notes of which editions the articles in a reply are, title and text."""
        words = " ".join(item.get(name, "") for item in shown for name in ("title", "text", "snippet"))
        self.seen[snapshot, tuple(sorted(set(_EDITION.findall(words))))] += 1

    @property
    def mixed(self) -> int:
        """How many replies have words of another edition than their snapshot's, or of two editions."""
        return sum(
            count
            for (snapshot, found), count in self.seen.items()
            if len(found) > 1 or (snapshot and set(found) - {self.editions.get(snapshot)})
        )


class Crowd:
    """People at work: `workers` at once, in all `rate` requests a second at most. Seeded."""

    def __init__(
        self, base: str, book: Book, articles: Sequence[str], questions: Sequence[str], *, workers: int, rate: float,
        seed: int,
    ) -> None:  # fmt: skip
        self._book, self._articles, self._questions = book, articles, questions
        self._workers, self._rate = workers, rate
        self._random = random.Random(seed)  # noqa: S311
        limits = httpx2.Limits(max_connections=workers, max_keepalive_connections=workers)
        self._client = httpx2.AsyncClient(base_url=base, timeout=20.0, limits=limits)
        self._asked: list[dict[str, Any]] = []
        self._open: list[str] = []
        self._ending = False

    async def run(self) -> None:
        """Works until `stop`."""
        deeds: dict[str, Callable[[], Awaitable[None]]] = {
            "ask": self._ask,
            "typeahead": self._typeahead,
            "outcome": self._outcome,
            "ticket": self._ticket,
            "resolution": self._resolution,
        }
        async with self._client, asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work(deeds))

    def stop(self) -> None:
        self._ending = True

    async def _work(self, deeds: dict[str, Callable[[], Awaitable[None]]]) -> None:
        pause = self._workers / self._rate
        await asyncio.sleep(self._random.random() * pause)
        while not self._ending:
            began = time.monotonic()
            name = self._random.choices(list(_SHARES), list(_SHARES.values()))[0]
            await deeds[name]()
            await asyncio.sleep(max(0.0, pause * (0.5 + self._random.random()) - (time.monotonic() - began)))

    async def _send(self, what: str, method: str, path: str, **given: Any) -> httpx2.Response | None:
        """The answer where it is a good one; else the error is counted."""
        self._book.requests[what] += 1
        began = time.monotonic()
        try:
            response = await self._client.request(method, path, **given)
        except httpx2.HTTPError as error:
            self._book.errors[what, type(error).__name__] += 1
            return None
        self._book.times.append((time.time(), what, time.monotonic() - began))
        if response.is_success:
            return response
        code = response.headers.get("x-proxy") or response.json().get("code", "")
        self._book.errors[what, f"{response.status_code} {code}"] += 1
        return None

    async def _ask(self) -> None:
        text = self._random.choice(self._questions)
        asked: dict[str, Any] = {"question": text, "session": self._word(12)}
        if self._asked and self._random.random() < 0.2:
            asked["after"] = self._random.choice(self._asked[-20:])["id"]
        response = await self._send("ask", "POST", "/api/v1/ask", json=asked)
        if response is None:
            return
        reply = response.json()
        self._book.questions[reply["id"]] = time.time(), response.headers["x-replica"]
        self._book.read(reply["snapshot"], [*reply["suggestions"], *([reply["answer"]] if reply["answer"] else [])])
        self._asked.append(reply)

    async def _typeahead(self) -> None:
        text = self._random.choice(self._questions)
        query = {"q": text[: self._random.randint(3, len(text))]}
        if response := await self._send("typeahead", "GET", "/api/v1/typeahead", params=query):
            self._book.read("", response.json()["suggestions"])

    async def _outcome(self) -> None:
        if not self._asked:
            return
        reply = self._random.choice(self._asked[-50:])
        reason = self._word(20)
        shown = [item["article_id"] for item in [reply["answer"], *reply["suggestions"]] if item]
        said = {"outcome": self._random.choice(("opened", "solved", "not_solved")), "reason": reason}
        if shown:
            said["article_id"] = shown[0]
        if await self._send("outcome", "POST", f"/api/v1/questions/{reply['id']}/outcome", json=said):
            self._book.outcomes[reason] = reply["id"]

    async def _ticket(self) -> None:
        ticket = {
            "subject": f"{self._word(9)} {self._word(9)} {self._word(9)}",
            "body": " ".join(self._word(7) for _ in range(20)),
            "email": "ann@example.com",
            "question_id": self._asked[-1]["id"] if self._asked else "",
        }
        key = self._word(20)
        for _ in range(_TRIES):
            headers = {"Idempotency-Key": key}
            if response := await self._send("ticket", "POST", "/api/v1/tickets", json=ticket, headers=headers):
                self._book.tickets[key] = response.json()["id"]
                self._open.append(response.json()["id"])
                return
            await asyncio.sleep(_PAUSE_S)

    async def _resolution(self) -> None:
        if not self._open:
            return
        ticket = self._open.pop(0)
        said = {"article_id": self._random.choice(self._articles), "text": "It works again."}
        headers = {"Authorization": f"Bearer {AGENT_TOKEN}"}
        path = f"/api/v1/tickets/{ticket}/resolution"
        if await self._send("resolution", "POST", path, json=said, headers=headers):
            self._book.resolved.append(ticket)

    def _word(self, length: int) -> str:
        """A word that nobody else makes up; letters alone, so that nothing in it is masked."""
        return "".join(self._random.choices(string.ascii_lowercase, k=length))
