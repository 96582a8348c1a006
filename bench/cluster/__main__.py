"""Three replicas, a proxy and PostgreSQL under load, while parts of it are killed and articles are published.

    python -m bench.cluster [SECONDS [SEED]]

Ends with a table, and with exit code 1 where an acknowledged write is lost or a reply mixes two snapshots.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster.load import AGENT_TOKEN, Book, Crowd
from bench.cluster.members import EDITIONS, Cluster, Replica, free_port, write_edition
from bench.cluster.proxy import Backend, Proxy
from bench.cluster.verdict import Verdict, look_up
from bot.database import migrate, open_engine
from kb.snapshot import open_current
from tests.faults.servers import stopped
from tests.people import accounts_over, token
from tests.postgres import PostgresServer

SEED = 20261122
_REPLICAS = 3
_WORKERS = 12
_RATE = 60.0
#: How long what was killed stays away, in seconds.
_AWAY_S = 3.0


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    folder = Path(tempfile.mkdtemp(prefix="firstline-cluster-"))
    postgres = PostgresServer.start()
    replicas: list[Replica] = []
    try:
        sound = asyncio.run(_run(folder, postgres, replicas, seconds, seed))
    finally:
        for replica in replicas:
            if replica.process and replica.process.poll() is None:
                replica.process.kill()
                replica.process.wait()
        postgres.stop()
    if sound:
        shutil.rmtree(folder)
    else:
        print(f"\nThe logs are in {folder}")
    sys.exit(not sound)


async def _run(folder: Path, postgres: PostgresServer, replicas: list[Replica], seconds: float, seed: int) -> bool:
    cluster = Cluster(folder, postgres.create())
    cluster.prepare()
    articles = [folder / edition for edition in EDITIONS]
    ids = [write_edition(path, edition) for path, edition in zip(articles, EDITIONS, strict=True)].pop()
    book = Book()
    book.editions[await asyncio.to_thread(cluster.build, articles[0])] = EDITIONS[0]
    _let_the_agent_in(cluster.database)
    replicas += [Replica(f"replica-{n + 1}", cluster, free_port()) for n in range(_REPLICAS)]
    for replica in replicas:
        replica.start()
    await asyncio.gather(*(replica.ready() for replica in replicas))
    proxy = Proxy([Backend(replica.name, replica.port) for replica in replicas])
    await proxy.start()
    crowd = Crowd(
        f"http://127.0.0.1:{proxy.port}", book, ids, _questions(cluster), workers=_WORKERS, rate=_RATE, seed=seed
    )
    crowd_at_work = asyncio.create_task(crowd.run())
    story = await _happenings(cluster, postgres, replicas, articles, book, seconds, seed)
    crowd.stop()
    await crowd_at_work
    await proxy.stop()
    codes = await asyncio.gather(*(asyncio.to_thread(replica.terminate) for replica in replicas))
    story.tell(f"all replicas ended, with the exit codes {', '.join(map(str, codes))}")
    verdict = look_up(book, replicas, cluster.database)
    _print(book, verdict, story, proxy)
    return verdict.sound and not book.mixed


@dataclass
class Story:
    """What befell the cluster, in words, and when PostgreSQL was in which state: (state, from, until)."""

    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    spans: list[tuple[str, float, float]] = field(default_factory=list)

    def tell(self, words: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:6.1f} s  {words}")
        print(self.lines[-1], file=sys.stderr, flush=True)

    @contextmanager
    def span(self, state: str) -> Iterator[None]:
        began = time.time()
        yield
        self.spans.append((state, began, time.time()))


async def _happenings(
    cluster: Cluster,
    postgres: PostgresServer,
    replicas: Sequence[Replica],
    articles: Sequence[Path],
    book: Book,
    seconds: float,
    seed: int,
) -> Story:
    """Everything that befalls the cluster, with a part of the time between two things."""
    chance, story = random.Random(seed), Story()  # noqa: S311

    async def quiet() -> None:
        with story.span("PostgreSQL answers"):
            await asyncio.sleep(seconds / 7 * (0.75 + chance.random() / 2))

    await quiet()
    victim = chance.choice(replicas)
    story.tell(f"{victim.name} is killed (SIGKILL)")
    victim.kill()
    await asyncio.sleep(_AWAY_S)
    victim.start()
    await victim.ready()
    story.tell(f"{victim.name} is there again")
    await quiet()
    story.tell("PostgreSQL is killed (SIGKILL)")
    with story.span("PostgreSQL is gone"):
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(_AWAY_S)
        await asyncio.to_thread(postgres.restart)
    story.tell("PostgreSQL is there again")
    await quiet()
    story.tell("PostgreSQL hangs (SIGSTOP)")
    with story.span("PostgreSQL hangs"), stopped(postgres):
        await asyncio.sleep(_AWAY_S)
    story.tell("PostgreSQL goes on (SIGCONT)")
    await quiet()
    builder = cluster.builder(articles[1])
    await asyncio.sleep(1 + 4 * chance.random())
    builder.kill()
    await asyncio.to_thread(builder.communicate)
    story.tell("a builder was killed (SIGKILL)")
    await quiet()
    story.tell("new articles are being published")
    book.editions[await asyncio.to_thread(cluster.build, articles[1])] = EDITIONS[1]
    story.tell("they are published")
    await quiet()
    story.tell(f"{replicas[0].name} is ended (SIGTERM)")
    code = await asyncio.to_thread(replicas[0].terminate)
    story.tell(f"{replicas[0].name} ended with exit code {code}, and is started again")
    replicas[0].start()
    await replicas[0].ready()
    await quiet()
    story.tell("that is all")
    return story


def _questions(cluster: Cluster) -> list[str]:
    """What the authors say that people ask."""
    entries = open_current(cluster.data).entries
    return [question for entry in entries for question in entry.article.questions if len(question) > 3]


def _let_the_agent_in(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    token(accounts_over(engine), "agent", secret=AGENT_TOKEN)
    engine.dispose()


def _print(book: Book, verdict: Verdict, story: Story, proxy: Proxy) -> None:
    print("\n".join(story.lines))
    print(f"\nThe proxy asked another replica {proxy.retried} times.\n")
    print(f"{'requests':18} {'sent':>7} {'p50 ms':>7} {'p99 ms':>7} {'max ms':>7}  errors by kind")
    for what, sent in sorted(book.requests.items()):
        taken = sorted(spent * 1000 for _, kind, spent in book.times if kind == what) or [0.0]
        p50, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
        kinds = ", ".join(f"{n} × {why}" for (kind, why), n in sorted(book.errors.items()) if kind == what)
        print(f"{what:18} {sent:7,} {p50:7.0f} {p99:7.0f} {taken[-1]:7.0f}  {kinds or 'none'}")
    print(f"\n{'asks while':22} {'answered':>8} {'p50 ms':>7} {'p99 ms':>7} {'max ms':>7}")
    for state in dict.fromkeys(state for state, _, _ in story.spans):
        spans = [(began, ended) for known, began, ended in story.spans if known == state]
        taken = sorted(
            spent * 1000
            for at, kind, spent in book.times
            if kind == "ask" and any(began <= at <= ended for began, ended in spans)
        ) or [0.0]
        p50, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
        print(f"{state:22} {len(taken):8,} {p50:7.0f} {p99:7.0f} {taken[-1]:7.0f}")
    print(f"\n{'writes':18} {'acknowledged':>12} {'lost':>5} {'twice':>6}")
    for kind, count in verdict.acknowledged.items():
        print(f"{kind:18} {count:12,} {verdict.lost[kind]:5} {verdict.twice[kind]:6}")
    print(f"\nQuestions of the last second of a killed replica that are gone: {verdict.last_second}")
    for snapshot, edition in book.editions.items():
        count = sum(count for (named, _), count in book.seen.items() if named == snapshot)
        print(f"Replies from snapshot {snapshot} ({edition}): {count:,}")
    print(f"Replies that mix two snapshots: {book.mixed}")


if __name__ == "__main__":
    main()
