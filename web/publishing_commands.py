"""The commands `firstline pull`, `firstline rollback` and `firstline publications`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.terminal import Data, Json, print_json, read_settings, warn

if TYPE_CHECKING:
    import sqlalchemy as sa

    from bot.publishing.publication import Publication
    from bot.publishing.publisher import Publisher
    from kb.build import BuildReport
    from web.progress import Show
    from web.settings import Settings

_COMMAND_LINE = "command line"
#: Errors are all told, warnings as far as there is room.
_MOST_SHOWN = 20


@contextmanager
def _publisher(
    data: Path | None, show: Show = lambda stage, done, total: None
) -> Iterator[tuple[Publisher, sa.Engine]]:
    from bot.database import migrate, open_engine
    from web.publishing import open_publisher

    settings = read_settings(data=data)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    migrate(engine)
    try:
        yield open_publisher(settings, engine, lambda stage, *far: show(stage.capitalize(), *far)), engine
    finally:
        engine.dispose()


@contextmanager
def _ending() -> Iterator[None]:
    """Where the system ends the program, git is ended too and the history says so."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def pull(
    again: Annotated[bool, typer.Option("--again", help="Publish a commit that was taken back, too.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", hidden=True)] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Fetch the articles from their repository, check, index and test them, then switch to them.

    What is in use stays where something fails: exit code 1, and the reason.
    """
    from web.progress import progress

    if waiting:  # as servers do it, for what they were asked
        with _ending(), _publisher(data) as (publisher, _engine):
            publisher.work()
        return
    with _ending(), progress() as show, _publisher(data, show) as (publisher, _engine):
        done = publisher.publish("pull", again=again)
    if as_json:
        from web.publishing_api import PublicationOut

        print_json(PublicationOut.of(done).model_dump(mode="json"))
    else:
        _tell(done)
    sys.exit(1 if done.in_vain else 0)


def rollback(
    snapshot: Annotated[str, typer.Argument(help="Which one. Without it: the one before what is in use.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Have the snapshot published before be the one in use again, until a newer commit is published."""
    from bot.accounts import By
    from web.desk import open_accounts
    from web.publishing_api import PublicationOut

    with _publisher(data) as (publisher, engine):
        done = publisher.take_back(snapshot, _COMMAND_LINE, wait=True)
        open_accounts(engine).took_back(done.id, done.before, done.snapshot, By(_COMMAND_LINE))
    if as_json:
        print_json(PublicationOut.of(done).model_dump(mode="json"))
        return
    if done.state == "unchanged":
        typer.echo(f"Snapshot {done.snapshot} is in use already.")
        return
    typer.echo(f"In use: snapshot {done.snapshot}{f', commit {done.short} {done.subject}' if done.commit else ''}")
    typer.echo(f"Undo it with: firstline rollback {done.before}")


def publications(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=1_000)] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what was published, and what was not and why."""
    from web.publishing_api import PublicationListOut, PublicationOut

    with _publisher(data) as (publisher, _engine):
        found = publisher.store.find(limit=limit)
    if as_json:
        rows = [PublicationOut.of(row) for row in found.rows]
        print_json(PublicationListOut(total=found.total, publications=rows).model_dump(mode="json"))
        return
    for row in found.rows:
        at = (row.ended or row.began or row.asked).strftime("%Y-%m-%d %H:%M UTC")
        words = str(row.reason) if row.in_vain and row.reason else row.subject
        typer.echo(f"{row.id:>5}  {at}  {row.state:9}  {row.how:8}  {row.short or row.snapshot:16}  {words}")
        if row is found.rows[0] and row.in_vain:  # what is to be mended now; of older ones the page has it
            errors = [finding for finding in row.findings if finding.severity == "error"]
            for finding in errors[:_MOST_SHOWN]:
                typer.echo(f"       {finding}")
            if len(errors) > _MOST_SHOWN:
                typer.echo(f"       and more, on the page /authors/publishing/{row.id}")
    if not found.rows:
        warn("nothing was published yet")


def record_index(settings: Settings, before: str, began: datetime, report: BuildReport) -> None:
    """Keeps that articles were indexed and are in use, where there is a database already: a build in CI needs none."""
    from bot.errors import StoreUnavailable

    if not settings.database_url and not (settings.data / "firstline.db").is_file():
        return
    try:
        with _publisher(settings.data) as (publisher, _engine):
            publisher.record(settings.articles, before, began, report)
    except StoreUnavailable as error:
        warn(f"the articles are in use; the history of publications does not say so: {error}")


def _tell(done: Publication) -> None:
    errors = [finding for finding in done.findings if finding.severity == "error"]
    shown = [*errors, *(finding for finding in done.findings if finding not in errors)][: max(len(errors), _MOST_SHOWN)]
    for finding in shown:
        typer.echo(str(finding), err=True)
    if done.found > len(shown):
        typer.echo(f"and {done.found - len(shown):,} more, on the page /authors/publishing/{done.id}", err=True)
    if done.output:
        typer.echo(done.output, err=True)
    if done.in_vain:
        kept = f"Snapshot {done.before} stays in use." if done.before else "Nothing is in use yet."
        warn(f"not published: {done.reason} {kept}")
        return
    if done.state == "unchanged":
        typer.echo(str(done.reason))
        return
    counts = done.counts
    typer.echo(f"Published commit {done.short} of {done.branch}: {done.subject}")
    typer.echo(
        f"{counts['articles']:,} articles, {counts['skipped']:,} skipped, {counts['passages']:,} passages, "
        f"{counts['embedded']:,} embedded, {counts['seconds']} s"
    )
    typer.echo(f"Snapshot {done.snapshot}")
