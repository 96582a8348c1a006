"""kill -9 of PostgreSQL, a server and a builder: what was acknowledged is there afterwards, once."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired

import sqlalchemy as sa

from bot.database import open_engine
from bot.tables import learned_traces, outcomes, questions, tickets
from kb.snapshot import current_id, open_current
from tests.faults.servers import AGENT_TOKEN, command, serving
from tests.postgres import PostgresServer

_LOOK_EVERY_S = 0.01


def test_what_was_acknowledged_survives_the_death_of_the_database_and_of_the_server(
    site_data: Path, mortal: PostgresServer
) -> None:
    database = mortal.create()
    with serving(site_data, database) as server:
        early = server.ask(session="one")
        assert server.tell(early["id"], "early") == 204
        status, ticket = server.ticket("key-before-it")
        assert status == 201

        mortal.kill()
        during = server.ask("How do I connect to the VPN?", session="two")
        assert during["decision"] == "answer"
        assert server.ask("And on a Mac?", after=during["id"])["snapshot"] == during["snapshot"]
        assert [server.tell(reply["id"], reason) for reply, reason in ((early, "late"), (during, "both"))] == [204, 204]
        status, said = server.ticket("key-during-it")
        assert (status, said["code"]) == (503, "store_unavailable")
        server.until(lambda: server.waiting() == 4)  # two questions and two outcomes
        assert server.get("/readyz")[1]["status"] == "degraded"
        pages = ("/", "/search?q=password", "/en/articles/reset-password", "/ticket", "/api/v1/typeahead?q=pass")
        assert {path: server.get(path)[0] for path in pages} == dict.fromkeys(pages, 200)
        # Who is signed in reads on as anybody, and is told on the pages that are theirs.
        cookie = {"Cookie": "firstline_sign_in=whatever"}
        assert server.get("/search?q=password", **cookie)[0] == 200
        status, page = server.get("/inbox", **cookie)
        assert status == 503
        assert "<h1" in page
        server.until(lambda: server.waiting() == 6)  # the two searches are written, which takes less than a second
        server.kill()

        mortal.restart()
        server.start()
        assert server.ticket("key-during-it")[0] == 201
        solved = {"article_id": "vpn", "text": ""}
        path = f"/api/v1/tickets/{ticket['id']}/resolution"
        assert server.post(path, solved, Authorization=f"Bearer {AGENT_TOKEN}")[0] == 204
        server.until(lambda: not list((site_data / "spool").glob("*.jsonl")))
        assert server.get("/readyz") == (200, {"status": "ready", "snapshot": early["snapshot"]})
        server.kill()

    engine = open_engine(database)
    with engine.connect() as connection:
        kept = connection.scalars(sa.select(questions.c.id)).all()
        told = connection.execute(sa.select(outcomes.c.question_id, outcomes.c.reason)).all()
        keys = connection.scalars(sa.select(tickets.c.idempotency_key)).all()
        learned = Counter(connection.scalars(sa.select(learned_traces.c.origin)))
    engine.dispose()
    assert len(kept) == 5  # two searches among them
    assert {early["id"], during["id"]} < set(kept)
    assert sorted(told) == sorted([(early["id"], "early"), (early["id"], "late"), (during["id"], "both")])
    assert sorted(keys) == ["key-before-it", "key-during-it"]
    assert learned == {ticket["id"]: 1, early["id"]: 1, during["id"]: 1}


def test_a_builder_that_is_killed_leaves_the_snapshot_in_use_and_the_next_one_goes_on(site_data: Path) -> None:
    before = current_id(site_data)
    article = site_data.parent / "articles" / "en" / "network" / "vpn.md"
    article.write_text(article.read_text() + "\nThen sign in.\n")
    builder = command(site_data, "index", str(site_data.parent / "articles"))
    while builder.poll() is None and not list((site_data / "snapshots").glob(".building-*")):
        with suppress(TimeoutExpired):
            builder.wait(_LOOK_EVERY_S)
    builder.kill()
    builder.wait()
    after = current_id(site_data)
    open_current(site_data)

    log = site_data.parent / "builder.log"
    with log.open("wb") as told:
        assert command(site_data, "index", str(site_data.parent / "articles"), "--json", log=told).wait() == 0

    last = json.loads(log.read_text().splitlines()[-1])
    assert current_id(site_data) == last["snapshot"] != before
    assert after in (before, last["snapshot"])  # where the machine was busy, it had published and not ended
    assert "Then sign in." in str([entry.sections for entry in open_current(site_data).entries])
    assert sorted(path.name for path in (site_data / "snapshots").iterdir()) == sorted([before, last["snapshot"]])
