"""A person's words are gone from every file, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from bot import patience
from bot.disclosure import Disclosure
from bot.erasure import ERASED, Eraser, compact
from bot.errors import LastAdmin
from bot.gaps.models import Centre, Failure, Standing, Step
from bot.gaps.sql import SqlGapStore
from bot.outbox import SqlOutbox
from bot.reports.desk import DeskReports, Wanted
from bot.tables import audit_log, learned_traces, metadata, questions, report_spikes, ticket_history, tickets
from tests.bot.rows import SPIKE
from tests.people import somebody
from tests.web.site import AGENT, ARTICLES, Site, open_site
from web.cli import main

ANNA, BEN = "Anna.Nowak@example.com", "ben@example.com"
#: Letters that nothing else holds; `{}` is whose they are.
_WORD = "qx{}zyw"


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    # Mail is written and never sent: nobody listens there.
    given = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "desk@help.example"}
    if getattr(request, "param", "") == "postgresql":
        engine = request.getfixturevalue("new_postgres_engine")
        given["database_url"] = engine.url.render_as_string(hide_password=False)
    with open_site(tmp_path, ARTICLES, **given) as made:
        yield made


def visit(site: Site, email: str, word: str, said: str = "") -> str:
    """Somebody asks, says what came of it, sends a ticket with a file, writes again; an agent answers and solves it."""
    # From a network of their own: what is said from one network counts once.
    client = TestClient(site.app, base_url=str(site.client.base_url), client=(f"192.0.2.{len(email)}", 1))
    agent = {"Authorization": f"Bearer {AGENT}"}
    session = f"session-of-{word}-000000"
    said = said or word
    asked = {"question": f"how do I reset my password {said}", "channel": "api", "session": session}
    first = client.post("/api/v1/ask", json=asked).json()
    again = client.post("/api/v1/ask", json={**asked, "question": f"{said} and the badge reader?"}).json()
    said = {"outcome": "solved", "article_id": "reset-password", "reason": f"{said} thanks"}
    assert client.post(f"/api/v1/questions/{first['id']}/outcome", json=said).status_code == 204
    voted = {"session": session, "helpful": False, "comment": f"{said} is missing", "lang": "en"}
    assert client.post("/api/v1/articles/vpn/feedback", json=voted).status_code in (200, 201, 204)
    sent = {"subject": f"Badge {said}", "body": f"My badge {said} is refused.", "email": email, "session": session}
    reply = client.post(
        "/api/v1/tickets", json={**sent, "question_id": again["id"]}, headers={"Idempotency-Key": f"key-of-{word}"}
    )
    assert reply.status_code == 201, reply.text
    ticket_id: str = reply.json()["id"]
    with site.app.state.engine.begin() as connection:
        file = {"id": f"file-{word}", "draft_key": "x", "ticket_id": ticket_id, "at": datetime.now(UTC), "size": 9}
        file |= {"name": f"{word}.txt", "media_type": "text/plain", "digest": word, "content": f"scan {word}".encode()}
        connection.execute(metadata.tables["ticket_attachments"].insert().values(file))
    desk = site.app.state.desk
    desk.write(ticket_id, "requester", f"{said} again")
    desk.write(ticket_id, "agent", f"Dear {said}, we look into it.")
    solved = {"article_id": "vpn", "text": f"gave {said} a new one"}
    assert client.post(f"/api/v1/tickets/{ticket_id}/resolution", json=solved, headers=agent).status_code in (200, 204)
    return ticket_id


def _visits(site: Site) -> dict[str, str]:
    made = {name: visit(site, email, _WORD.format(name)) for name, email in (("anna", ANNA), ("ben", BEN))}
    site.app.state.gaps.refresh(None)
    site.app.state.reports.rollup.refresh(60)
    return made


def _files_with(folder: Path, word: str) -> list[str]:
    """Every file below a folder in which a word stands, in bytes, in capital letters or small ones."""
    found = [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes().lower()]
    return sorted(str(path.relative_to(folder)) for path in found)


def _rows(site: Site, word: str) -> dict[str, int]:
    """How many rows of each table hold a word."""
    found: dict[str, int] = {}
    with site.app.state.engine.connect() as connection:
        for name, table in metadata.tables.items():
            rows = connection.execute(table.select())
            number = sum(word in repr(tuple(row)).lower() for row in rows)
            found |= {name: number} if number else {}
    return found


def _origins(site: Site) -> set[str]:
    """The questions and tickets that something was learned from."""
    with site.app.state.engine.connect() as connection:
        return set(connection.execute(sa.select(learned_traces.c.origin)).scalars())


def _questions(site: Site) -> int:
    reports = site.app.state.reports
    reports.rollup.refresh(60)
    today = datetime.now(UTC).date() + timedelta(days=1)
    return sum(row.questions for row in DeskReports(site.app.state.engine, reports.days).volume("day", Wanted(), today))


def _url(site: Site) -> str:
    return str(site.app.state.engine.url.render_as_string(hide_password=False))


def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    monkeypatch.setattr("sys.argv", ["firstline", *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    return json.loads(out)


@pytest.fixture
def vacuumed() -> Iterator[list[float | None]]:
    """How long each VACUUM was allowed to take."""
    limits: list[float | None] = []

    def _note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("VACUUM"):
            limits.append(patience.left())

    sa.event.listen(sa.Engine, "before_cursor_execute", _note)
    yield limits
    sa.event.remove(sa.Engine, "before_cursor_execute", _note)


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
def test_nothing_of_an_erased_person_is_left_in_any_file_and_all_of_everybody_else(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    vacuumed: list[float | None],
) -> None:
    made = _visits(site)
    anna, ben = _WORD.format("anna"), _WORD.format("ben")
    before, told_by = _rows(site, ben), _origins(site)
    hers = [row.id for row in site.questions if anna in row.text]
    assert (
        _rows(site, anna).keys()
        == before.keys()
        >= {
            *(
                "questions",
                "outcomes",
                "article_feedback",
                "tickets",
                "ticket_messages",
                "ticket_attachments",
                "resolutions",
            ),
            *("learned", "gaps", "gap_questions", "outbox"),
        }
    )
    assert _questions(site) == 4
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTLINE_DATABASE_URL", _url(site))
    dry = _run(monkeypatch, capsys, "erase", "--contact", ANNA, "--dry-run")
    assert (dry["erased"], dry["rows"]["tickets"], dry["rows"]["questions"]) == (False, 1, 2)
    assert _rows(site, anna)

    done = _run(monkeypatch, capsys, "erase", "--contact", ANNA.upper(), "--yes")

    assert done == {**dry, "erased": True}
    assert set(vacuumed) == {None}  # a large table takes longer than any request may wait
    assert _rows(site, anna) == _rows(site, "anna.nowak") == {}
    assert _origins(site) == told_by - {made["anna"], *hers} != told_by
    # What he said was counted with her, who had said nearly the same before: now it stands in his words.
    assert _rows(site, ben) == before | {"learned": before["learned"] + 1}
    assert _questions(site) == 2
    site.app.state.gaps.refresh(None)
    assert _rows(site, anna) == {}
    with site.app.state.engine.connect() as connection:
        told = connection.execute(audit_log.select().where(audit_log.c.action == "person_erased")).one()
    assert (told.actor, told.subject, "tickets: 1" in told.details) == ("command line", "", True)
    assert _run(monkeypatch, capsys, "erase", "--contact", ANNA, "--yes")["rows"] == {}
    assert compact(site.app.state.engine)
    assert _files_with(tmp_path / "data", anna) == _files_with(tmp_path / "data", "anna.nowak") == []
    if "sqlite" in _url(site):
        assert _files_with(tmp_path / "data", ben) == ["firstline.db"]


def test_what_was_learned_from_questions_that_are_gone_by_age_is_erased_too(site: Site) -> None:
    visit(site, ANNA, _WORD.format("anna"))
    his = visit(site, BEN, _WORD.format("ben"), "in another way, and about a badge")
    with site.app.state.engine.begin() as connection:
        connection.execute(questions.delete())
    assert _rows(site, _WORD.format("anna"))["learned"]

    Eraser(site.app.state.engine).erase(ANNA, datetime.now(UTC))

    assert _rows(site, _WORD.format("anna")) == {}
    assert his in _origins(site)


def test_what_is_given_to_a_person_is_all_of_theirs_and_nothing_of_others(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _visits(site)
    monkeypatch.chdir(tmp_path)
    _run(monkeypatch, capsys, "export", "--contact", ANNA, "--to", str(tmp_path / "out"))

    told = json.loads((tmp_path / "out" / "person.json").read_text(encoding="utf-8"))
    word = _WORD.format("anna")
    held = {name: sum(word in json.dumps(row) for row in rows) for name, rows in told.items() if name != "contact"}
    tables = _rows(site, word)
    assert {name: number for name, number in held.items() if number} == {
        name: number for name, number in tables.items() if name not in ("gaps",)
    }
    assert _WORD.format("ben") not in json.dumps(told)
    (file,) = (tmp_path / "out" / "files").iterdir()
    assert file.read_text() == f"scan {word}"
    assert (tmp_path / "out").stat().st_mode & 0o77 == 0
    assert not {"password", "digest", "idempotency_key"} & {name for rows in told.values() for name in rows[0]}


def test_a_person_who_signs_in_loses_account_and_name_and_their_work_stays(site: Site) -> None:
    made = _visits(site)
    kim = somebody(site.accounts, "agent", email="kim@example.com", name="Kim Quill")
    engine = site.app.state.engine
    with engine.begin() as connection:
        row = {"ticket_id": made["ben"], "at": datetime.now(UTC), "who_id": kim.id, "who_name": kim.name, "spent_s": 0}
        row |= {"what": "assignee", "old": "", "new": kim.name, "reason": "", "old_id": ""}
        connection.execute(ticket_history.insert().values(row))
        connection.execute(tickets.update().values(assignee_id=kim.id, assignee_name=kim.name))
        seen = replace(SPIKE, seen_by=kim.name, seen_at=SPIKE.found_at)
        connection.execute(report_spikes.insert().values(asdict(seen)))
    store, at = SqlGapStore(engine), SPIKE.found_at
    step = Step((Centre("gap", "e", np.ones(2, np.float32), 1),), homes=((Failure("q-none", at, "sauna"), "gap"),))
    assert store.save(step, store.work().revision)
    store.hand("gap", kim.name, kim.name, at)
    store.change("gap", "close", Standing("closed", "", who="Ben", decided=at))

    Eraser(engine).erase("KIM@example.com", datetime.now(UTC))

    assert _rows(site, "kim@example.com") == _rows(site, "kim quill") == {}
    with engine.connect() as connection:
        row = connection.execute(ticket_history.select().where(ticket_history.c.who_id == kim.id)).one()
        assert (row.who_name, row.new) == (ERASED, ERASED)
        assert connection.execute(sa.select(report_spikes.c.seen_by)).scalars().all() == [ERASED]
        assert connection.execute(sa.select(tickets.c.assignee_id).distinct()).scalars().all() == [""]
    assert store.get("gap", at).standing.writer == store.undo("gap", "Ben", at).standing.writer == ""


def test_the_last_admin_is_not_erased_and_nothing_changes(site: Site) -> None:
    somebody(site.accounts, "admin", email="root@example.com")
    with pytest.raises(LastAdmin):
        Eraser(site.app.state.engine).erase("root@example.com", datetime.now(UTC))
    assert Disclosure(site.app.state.engine).of("root@example.com").keys() >= {"people", "audit_log"}


def test_nothing_is_erased_while_something_waits_for_the_database(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = visit(site, ANNA, _WORD.format("anna"))
    spool = tmp_path / "data" / "spool"
    spool.mkdir()
    (spool / "server-1.jsonl").write_text("a question\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["firstline", "erase", "--contact", ANNA, "--yes"])
    with pytest.raises(SystemExit):
        main()
    assert "wait until the folder is empty" in capsys.readouterr().err
    assert site.app.state.desk.ticket(made)
    (spool / "server-1.jsonl").unlink()
    (spool / "given-up.jsonl").write_text("".join(f"{row.id} said\n" for row in site.questions) + "another\n")
    _run(monkeypatch, capsys, "erase", "--contact", ANNA, "--yes")
    assert (spool / "given-up.jsonl").read_text() == "another\n"


def test_questions_of_a_session_that_others_sent_tickets_from_too_are_not_theirs(site: Site) -> None:
    for email, key in ((ANNA, "key-anna-1"), (BEN, "key-ben-1")):
        asked = {"question": f"is the {key} strange", "channel": "api", "session": "one-program-asks-all"}
        question = site.client.post("/api/v1/ask", json=asked).json()["id"]
        sent = {"subject": "Badge", "body": "It is refused.", "email": email, "session": asked["session"]}
        site.client.post("/api/v1/tickets", json={**sent, "question_id": question}, headers={"Idempotency-Key": key})
    Eraser(site.app.state.engine).erase(ANNA, datetime.now(UTC))
    assert [row.text for row in site.questions] == ["is the key-ben-1 strange"]


def test_killed_before_its_end_an_erasure_has_changed_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _visits(site)
    before = _rows(site, _WORD.format("anna"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("bot.erasure.keep_entry", killed)
        with pytest.raises(KeyboardInterrupt):
            Eraser(site.app.state.engine).erase(ANNA, datetime.now(UTC))
    assert _rows(site, _WORD.format("anna")) == before
    assert SqlOutbox(site.app.state.engine).dead() == 0
