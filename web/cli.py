"""The command `firstline`. Heavy imports stand inside the commands, so that --help answers at once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.errors import BotError
from kb.errors import KbError
from web import backup, doctor, gaps_commands, people_commands, privacy_commands, publishing_commands
from web.checking import check
from web.evaluating import evaluate
from web.mcp.stdio import mcp
from web.preview.command import preview
from web.report_commands import reports
from web.terminal import Articles, Data, Json, fail, print_json, read_settings
from web.testing import run_test
from web.training import train

if TYPE_CHECKING:
    from concurrent.futures import Future

    from kb.build import BuildReport
    from kb.snapshot import Snapshot
    from web.settings import Settings

app = typer.Typer(
    name="firstline",
    help="The first line of a help desk: a knowledge base and self-service answer bot.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("test")(run_test)
app.command()(evaluate)
app.command()(train)
app.command()(check)
app.command()(mcp)
app.add_typer(gaps_commands.gaps, name="gaps")
app.command()(preview)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(doctor.doctor)
app.command()(reports)
app.command()(publishing_commands.pull)
app.command()(publishing_commands.rollback)
app.command()(publishing_commands.publications)
app.command()(privacy_commands.export)
app.command()(privacy_commands.erase)
app.command()(privacy_commands.retention)
app.add_typer(people_commands.people, name="people")
app.add_typer(people_commands.token, name="token")

#: No list is longer.
_EVERY_ROW = 2**31


def main() -> None:
    """Runs the command line; an error the program knows ends with its message and exit code 2."""
    try:
        app()
    except (KbError, BotError) as error:
        fail(str(error))
    except BrokenPipeError:  # the reader of our output went away
        sys.exit(0)
    except OSError as error:
        fail(f"{error.filename or 'The disk'}: {error.strerror}. Check that the folder exists and can be written.")


@app.command()
def index(
    path: Articles = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Index articles into a new snapshot and switch to it. Embeds only what changed."""
    import time
    from datetime import UTC, datetime

    from kb.build import BuildSettings, build
    from kb.place import in_use
    from web.progress import progress
    from web.sharing import place_to_publish

    settings = read_settings(articles=path, data=data)
    started, began = time.monotonic(), datetime.now(UTC)
    with place_to_publish(settings) as place, progress() as show:
        before = in_use(place)
        report = build(
            settings.articles,
            settings.data,
            BuildSettings(settings.model, settings.default_lang),
            created=began.isoformat(timespec="seconds"),
            progress=show,
            place=place,
        )
    publishing_commands.record_index(settings, before, began, report)
    seconds = round(time.monotonic() - started, 2)
    for entry in report.skipped:
        if not entry.harmless or as_json:
            typer.echo(str(entry), err=True)
    if as_json:
        print_json(
            {
                "snapshot": report.snapshot,
                "articles": report.articles,
                "skipped": len(report.skipped),
                "passages": report.passages,
                "embedded": report.embedded,
                "seconds": seconds,
            }
        )
    else:
        _print_report(report, seconds)


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve the help centre, the widget and the API."""
    import gc
    from dataclasses import replace

    gc.disable()  # all that a start makes stays: to look through it again and again takes a tenth of the start
    settings = read_settings(data=data)
    _check_port(host, port)
    opening = _open_ahead(settings)

    from bot.question_log import QuestionLog
    from web import drain, logs
    from web.app import create_app
    from web.desk import open_accounts, open_desk
    from web.metrics import LOG_DROPPED

    lines = logs.start(settings.log_format, settings.secrets)
    desk, engine = open_desk(settings, serving=True, opening=opening)
    accounts, base = open_accounts(engine, now=desk.now), f"http://{host}:{port}"
    _print_addresses(settings, desk.library.searcher.snapshot.manifest["counts"], base, accounts.setup_link())
    app = create_app(settings, replace(desk, events=QuestionLog(desk.events)), engine, accounts, soon=True)
    app.state.metrics.read(LOG_DROPPED, lambda: lines.dropped)
    gc.freeze()
    gc.enable()
    drain.run(app, host, port, settings.drain_seconds)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    data: Data = None,
    lang: Annotated[str | None, typer.Option(help="Your language, where the question does not tell.")] = None,
    as_json: Json = False,
) -> None:
    """Ask one question, as the API would answer it."""
    import gc

    gc.disable()
    settings = read_settings(data=data)
    opening = _open_ahead(settings)

    from bot.models import Question
    from web.desk import open_desk
    from web.schemas import ReplyOut

    desk, engine = open_desk(settings, opening=opening)
    reply = desk.ask(Question(question, lang=lang, channel="cli"))
    engine.dispose()
    gc.freeze()  # nor is it looked through when the program ends
    if as_json:
        print_json(ReplyOut.of(reply).model_dump())
        return
    if reply.corrected:
        typer.echo(f"Understood as: {reply.corrected}")
    if reply.answer:
        typer.echo(f"{reply.answer.title}\n\n{reply.answer.text}\n\n{reply.answer.path}")
    elif not reply.suggestions:
        typer.echo("I don't know this one yet. Your question goes to the people who write the articles.")
    if reply.between:
        typer.echo("Which of these do you mean?")
    for suggestion in reply.between or reply.suggestions:
        typer.echo(f"- {suggestion.title}  {suggestion.path}")
    typer.echo(f"({reply.decision}, confidence {reply.confidence:.2f})", err=True)


@app.command()
def learn(
    file: Annotated[
        Path,
        typer.Argument(help='JSONL of solved tickets: {"id", "query", "body"?, "relevant", "lang"?, "created"?}.'),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Learn from solved tickets which article answered which question. The same file twice changes nothing."""
    from datetime import UTC, datetime

    from bot.past_tickets import import_past_tickets
    from web.desk import open_learning
    from web.sharing import open_in_use

    settings = read_settings(data=data)
    articles = {entry.article.id for entry in open_in_use(settings).entries}
    store, engine = open_learning(settings)
    done = import_past_tickets(file, store, articles, datetime.now(UTC))
    engine.dispose()
    if done.unknown_articles:
        _print_unknown(done.unknown_articles)
    if as_json:
        print_json(
            {
                "rows": done.rows,
                "new": done.counts.new,
                "known": done.counts.known,
                "removed": done.counts.removed,
                "without_article": done.without_article,
                "skipped": done.skipped,
                "unknown_articles": [article for article, _ in done.unknown_articles],
            }
        )
        return
    typer.echo(f"{done.rows:,} rows: {done.counts.new:,} questions learned, {done.counts.known:,} known before")
    for count, words in (
        (done.counts.removed, "were removed by an author and stay so"),
        (done.without_article, "rows name no article"),
        (done.skipped, "rows are skipped, since they name an article that is not there"),
    ):
        if count:
            typer.echo(f"  {count:,} {words}")


@app.command()
def learned(
    data: Data = None,
    article: Annotated[str, typer.Option(metavar="ID", help="Only of this article.")] = "",
    source: Annotated[
        Literal["agent", "imported", "end_user"] | None, typer.Option(help="Only what they said.")
    ] = None,
    status: Annotated[Literal["active", "pending", "removed"] | None, typer.Option(help="Only these.")] = None,
    remove: Annotated[str, typer.Option(metavar="ID", help="Remove this one; it stays removed.")] = "",
    restore: Annotated[str, typer.Option(metavar="ID", help="Undo the removal of this one.")] = "",
    accept: Annotated[str, typer.Option(metavar="ID", help="Agree with this one, which end users said.")] = "",
    as_json: Json = False,
) -> None:
    """List what was learned, or remove, restore or accept one. A running server follows within two seconds."""
    from bot.learning import Listing
    from web.desk import open_learning
    from web.learned_schemas import LearnedListOut, LearnedOut

    given = {name: value for name, value in (("remove", remove), ("restore", restore), ("accept", accept)) if value}
    if len(given) > 1:
        fail(f"--{' and --'.join(given)} cannot be given together. Run the command once for each.")
    store, engine = open_learning(read_settings(data=data))
    changes = {"remove": store.remove, "restore": store.restore, "accept": store.accept}
    try:
        if given:
            found = Listing(1, tuple(changes[name](learned_id) for name, learned_id in given.items()))
        else:
            found = store.find(article=article, source=source, status=status, limit=_EVERY_ROW)
    finally:
        engine.dispose()
    if as_json:
        rows = [LearnedOut.of(row) for row in found.rows]
        print_json(LearnedListOut(total=found.total, learned=rows).model_dump(mode="json"))
        return
    for row in found.rows:
        typer.echo(f"{row.id}  {row.status:7}  {row.source:8}  {row.article}  {' '.join(row.text.split())}")
    if not found.rows:
        typer.echo("Nothing was learned that fits.", err=True)


def _print_unknown(articles: Sequence[tuple[str, int]]) -> None:
    """The first ten, each with the number of rows that name it."""
    names = ", ".join(f"{article} ({count})" for article, count in articles[:10])
    more = f" and {len(articles) - 10:,} more" if len(articles) > 10 else ""
    typer.echo(f"{len(articles):,} ids that no article has (rows): {names}{more}", err=True)


def _print_report(report: BuildReport, seconds: float) -> None:
    typer.echo(f"{report.files} files: {report.articles} articles, {len(report.skipped)} skipped")
    for reason, count in Counter(entry.reason for entry in report.skipped).most_common():
        typer.echo(f"  {count} × {reason}")
    if report.changed:
        typer.echo(f"{report.passages} passages, {report.embedded} embedded, {seconds} s")
    else:
        typer.echo(f"Nothing changed ({seconds} s)")
    typer.echo(f"Snapshot {report.snapshot}")


def _open_ahead(settings: Settings) -> Future[Snapshot] | None:
    """The current snapshot, opened while the rest of the program is loaded: hashes and encoder need no Python.

    None where the database says which it is, or searches its vectors.
    """
    if settings.snapshots != "folder" or settings.vectors != "faiss":
        return None
    from concurrent.futures import ThreadPoolExecutor

    from kb.snapshot import open_current

    pool = ThreadPoolExecutor(1)
    opening = pool.submit(open_current, settings.data)
    pool.shutdown(wait=False)
    return opening


def _print_addresses(settings: Settings, counts: dict[str, int], base: str, setup: str) -> None:
    from web.settings import settings_file

    file = settings_file()
    first = f"""
Nobody can sign in yet. This link makes you the administrator; it works once, for 24 hours:
  {settings.base_url or base}/setup/{setup}
"""
    typer.echo(
        f"""{settings.site_name or "Help centre"}: {counts["articles"]} articles

  Help centre   {base}/
  Ask           {base}/search
  Ticket form   {base}/ticket
  Widget demo   {base}/widget
  Inbox         {base}/inbox
  Authors       {base}/authors
  API           {base}/api

Settings from {file.resolve() if file.is_file() else f"the environment: there is no {file} here"}
{first if setup else ""}
Stop with Ctrl+C"""
    )
    sys.stdout.flush()


def _check_port(host: str, port: int) -> None:
    import errno
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                fail(f"Port {port} on {host} is in use. Stop the other program, or choose another: --port {port + 1}")
            fail(f"Cannot listen on {host}:{port}: {error.strerror}.")
