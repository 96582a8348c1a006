"""Three replicas, a proxy and PostgreSQL under load, while parts of it are killed and articles are published.

    python -m bench.cluster [SECONDS]

Ends with a table, and with exit code 1 where an acknowledged write is lost or a reply mixes two snapshots.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.cluster.load import AGENT_TOKEN, Book, Crowd
from bench.cluster.members import EDITIONS, Cluster, Replica, free_port, write_edition
from bench.cluster.proxy import Backend, Proxy
from bench.cluster.verdict import Verdict, look_up
from bot.database import migrate, open_engine
from kb.snapshot import open_current
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
    folder = Path(tempfile.mkdtemp(prefix="firstline-cluster-"))
    postgres = PostgresServer.start()
    replicas: list[Replica] = []
    try:
        sound = asyncio.run(_run(folder, postgres, replicas, seconds))
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


async def _run(folder: Path, postgres: PostgresServer, replicas: list[Replica], seconds: float) -> bool:
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
        f"http://127.0.0.1:{proxy.port}", book, ids, _questions(cluster), workers=_WORKERS, rate=_RATE, seed=SEED
    )
    crowd_at_work = asyncio.create_task(crowd.run())
    happened = await _happenings(cluster, postgres, replicas, articles, book, seconds)
    crowd.stop()
    await crowd_at_work
    await proxy.stop()
    codes = await asyncio.gather(*(asyncio.to_thread(replica.terminate) for replica in replicas))
    happened.append(f"all replicas ended with {', '.join(map(str, codes))}")
    verdict = look_up(book, replicas, cluster.database)
    _print(book, verdict, happened, proxy)
    return verdict.sound and not book.mixed


async def _happenings(
    cluster: Cluster,
    postgres: PostgresServer,
    replicas: Sequence[Replica],
    articles: Sequence[Path],
    book: Book,
    seconds: float,
) -> list[str]:
    """Everything that befalls the cluster, spread over the time; what happened, in words."""
    chance, began, log = random.Random(SEED), time.monotonic(), []

    async def at(share: float, words: str) -> None:
        moment = seconds * (share + 0.05 * chance.random())
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        log.append(f"{time.monotonic() - began:5.1f} s  {words}")
        print(log[-1], file=sys.stderr)

    victim = chance.choice(replicas)
    await at(0.15, f"{victim.name} is killed (SIGKILL)")
    victim.kill()
    await asyncio.sleep(_AWAY_S)
    victim.start()
    await victim.ready()
    await at(0.3, "PostgreSQL is killed (SIGKILL)")
    await asyncio.to_thread(postgres.kill)
    await asyncio.sleep(_AWAY_S)
    await asyncio.to_thread(postgres.restart)
    await at(0.5, "a builder is killed (SIGKILL)")
    builder = cluster.builder(articles[1])
    await asyncio.sleep(1 + 2 * chance.random())
    builder.kill()
    await asyncio.to_thread(builder.communicate)
    await at(0.6, "new articles are published")
    book.editions[await asyncio.to_thread(cluster.build, articles[1])] = EDITIONS[1]
    await at(0.8, f"{replicas[0].name} is ended (SIGTERM) and started again")
    code = await asyncio.to_thread(replicas[0].terminate)
    log.append(f"         it ended with {code}")
    replicas[0].start()
    await replicas[0].ready()
    await at(0.95, "the end")
    return log


def _questions(cluster: Cluster) -> list[str]:
    """What the authors say that people ask."""
    entries = open_current(cluster.data).entries
    return [question for entry in entries for question in entry.article.questions if len(question) > 3]


def _let_the_agent_in(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    token(accounts_over(engine), "agent", secret=AGENT_TOKEN)
    engine.dispose()


def _print(book: Book, verdict: Verdict, happened: Sequence[str], proxy: Proxy) -> None:
    print("\n".join(happened))
    print(f"\nThe proxy asked another replica {proxy.retried} times.\n")
    print(f"{'requests':18} {'sent':>7} {'p50 ms':>7} {'p99 ms':>7} {'max ms':>7}  errors by kind")
    for what, sent in sorted(book.requests.items()):
        taken = sorted(spent * 1000 for _, kind, spent in book.times if kind == what) or [0.0]
        p50, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
        kinds = ", ".join(f"{n} × {why}" for (kind, why), n in sorted(book.errors.items()) if kind == what)
        print(f"{what:18} {sent:7,} {p50:7.0f} {p99:7.0f} {taken[-1]:7.0f}  {kinds or 'none'}")
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
